"""Who could be reached if an alert left now: the town's addresses against the contacts it knows.

An address is covered when at least one person who would receive an alert about it (a place or the
household of an account) has a contact that an emergency uses: a verified telephone, a device with
notifications, a verified e-mail address that has not been refused.
"""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from parvis.alerts.figures import address_label
from parvis.municipalities.models import Municipality
from parvis.notifications.audience import emergency_contacts
from parvis.residents.rules import csv_cell
from parvis.territory.drawing import town_map
from parvis.territory.models import Sector

STEPS = (25, 50, 75, 90)
"""Percentages at which the map changes shade: below the first is the palest."""

COVERED = """
WITH contacts AS ({contacts}), homes AS (
  SELECT p.address_id, p.resident_id FROM residents_place p
  WHERE p.municipality_id = %(town)s AND p.address_id IS NOT NULL
  UNION
  SELECT g.address_id, m.resident_id FROM residents_householdmember m
  JOIN residents_household g ON g.id = m.household_id
  WHERE m.municipality_id = %(town)s AND m.accepted_at IS NOT NULL
    AND m.resident_id IS NOT NULL AND g.address_id IS NOT NULL
), covered AS (
  SELECT h.address_id, count(DISTINCT h.resident_id) AS persons,
    bool_or(c.channel IN ('text', 'voice')) AS phone, bool_or(c.channel = 'push') AS push,
    bool_or(c.channel = 'email') AS email
  FROM homes h JOIN contacts c ON c.resident_id = h.resident_id GROUP BY h.address_id
)
"""


@dataclass(frozen=True)
class Share:
    """The addresses of one sector, or of the town; `sector_id` None: outside every sector.

    `dwellings_at_most`: dwellings that may be reached, each person counted in a dwelling of their
    own. An apartment building where one person has an account is one dwelling, not twenty-four.
    """

    sector_id: int | None
    name: str
    addresses: int
    covered: int
    phone: int
    push: int
    email: int
    dwellings: int
    dwellings_at_most: int

    @property
    def percent(self) -> float:
        return 100 * self.covered / self.addresses if self.addresses else 0.0

    @property
    def without(self) -> int:
        return self.addresses - self.covered

    @property
    def dwellings_percent(self) -> float:
        return 100 * self.dwellings_at_most / self.dwellings if self.dwellings else 0.0

    @property
    def level(self) -> int:
        """Shade on the map, 0 to 4; exact, so that 89.96 % is not drawn as 90."""
        return sum(100 * self.covered >= step * self.addresses for step in STEPS)


@dataclass(frozen=True)
class Uncovered:
    """An address where nobody can be reached; `known`: someone there has an account however."""

    pk: int
    label: str
    sector: str
    dwellings: int
    known: bool


def _read(municipality: Municipality, now: datetime, sql: str, **more: Any) -> list[Any]:
    """The rows of a reading that begins with `COVERED`."""
    contacts, parameters = emergency_contacts(municipality, now=now)
    with transaction.atomic(), connection.cursor() as cursor:
        # As for planning: right after an import PostgreSQL believes tables empty and would look
        # rows up one by one; and these are whole tables anyway.
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(COVERED.format(contacts=contacts) + sql, parameters | more)
        rows: list[Any] = cursor.fetchall()
        cursor.execute("SET LOCAL enable_nestloop = on")
    return rows


def shares(municipality: Municipality, sectors: list[Sector], *, now: datetime) -> list[Share]:
    """Coverage of each sector in the order given, then of what lies outside them, if any does."""
    found = {
        row[0]: row[1:]
        for row in _read(
            municipality,
            now,
            "SELECT a.sector_id, count(*), count(c.address_id), count(*) FILTER (WHERE c.phone), "
            "count(*) FILTER (WHERE c.push), count(*) FILTER (WHERE c.email), "
            "coalesce(sum(a.dwellings), 0)::bigint, "
            "coalesce(sum(least(a.dwellings, coalesce(c.persons, 0))), 0)::bigint "
            "FROM territory_address a LEFT JOIN covered c ON c.address_id = a.id "
            "WHERE a.municipality_id = %(town)s GROUP BY a.sector_id",
        )
    }
    none = (0,) * 7
    lines = [Share(one.pk, one.name, *found.get(one.pk, none)) for one in sectors]
    if None in found:
        lines.append(Share(None, _("Hors secteur"), *found[None]))
    return lines


def whole(lines: list[Share]) -> Share:
    """The town as one line."""
    figures = ("addresses", "covered", "phone", "push", "email", "dwellings", "dwellings_at_most")
    return Share(
        None, _("Toute la ville"), *(sum(getattr(one, name) for one in lines) for name in figures)
    )


def coverage_map(
    municipality: Municipality, sectors: list[Sector], lines: list[Share]
) -> dict[str, Any] | None:
    """Context of `alerts/staff/_coverage_map.html`; None when the town has no sector.

    Each sector takes a shade, and its percentage under its name where both fit: nothing is said by
    colour alone.
    """
    drawn = town_map(municipality, sectors=sectors, tone="info")
    if drawn is None:
        return None
    by_sector = {one.sector_id: one for one in lines}
    by_name = {one.name: one for one in lines if one.sector_id is not None}
    for shape in drawn["shapes"]:
        shape["level"] = by_sector[shape["id"]].level
    for label in drawn["labels"]:
        label["percent"] = int(by_name[label["name"]].percent)
    return drawn | {"sentence": sentence([one for one in lines if one.addresses])}


def sentence(lines: list[Share]) -> str:
    """What the map says, in words: the least and the best covered."""
    inside = [one for one in lines if one.sector_id is not None]
    if not inside:
        return _("Aucune adresse n’est dans un secteur.")
    least = min(inside, key=lambda one: one.percent)
    best = max(inside, key=lambda one: one.percent)
    if least is best:
        return _("%(name)s\u00a0: %(percent)s\u00a0%% des adresses joignables.") % {
            "name": least.name, "percent": int(least.percent),
        }  # fmt: skip
    return _(
        "Le moins couvert\u00a0: %(least)s, %(low)s\u00a0%% des adresses. "
        "Le mieux couvert\u00a0: %(best)s, %(high)s\u00a0%%."
    ) % {
        "least": least.name, "low": int(least.percent),
        "best": best.name, "high": int(best.percent),
    }  # fmt: skip


def legend() -> list[dict[str, Any]]:
    """The shades and what each says, the palest first."""
    edges = (0, *STEPS, 100)
    return [
        {"level": level, "low": low, "high": high}
        for level, (low, high) in enumerate(zip(edges, edges[1:], strict=False))
    ]


NOBODY = """
FROM territory_address a LEFT JOIN territory_sector s ON s.id = a.sector_id
WHERE a.municipality_id = %(town)s
  AND NOT EXISTS (SELECT 1 FROM covered c WHERE c.address_id = a.id)
  AND (NOT %(chosen)s OR a.sector_id IS NOT DISTINCT FROM %(sector)s)
"""
# One side of the street going up, the other coming back: as one walks.
AS_ONE_WALKS = (
    "a.street_key, a.low IS NULL, a.low % 2 DESC, "
    "CASE WHEN a.low % 2 = 1 THEN a.low ELSE -a.low END, a.key, a.id"
)


def uncovered(
    municipality: Municipality, *, now: datetime, sector_id: int | None = None,
    chosen: bool = False, most: int | None = None, skip: int = 0,
) -> list[Uncovered]:  # fmt: skip
    """Addresses without a contact, street by street, odd numbers going up and even ones back.

    `chosen`: only those of `sector_id`, None being outside every sector.
    """
    rows = _read(
        municipality,
        now,
        "SELECT a.id, a.number, a.street, a.unit, coalesce(s.name, ''), a.dwellings, "
        "EXISTS (SELECT 1 FROM homes h JOIN residents_resident r ON r.id = h.resident_id "
        f"AND r.is_active WHERE h.address_id = a.id) {NOBODY} "
        f"ORDER BY {AS_ONE_WALKS.replace('%', '%%')} LIMIT %(most)s OFFSET %(skip)s",
        chosen=chosen, sector=sector_id, most=most, skip=skip,
    )  # fmt: skip
    return [
        Uncovered(pk, address_label(number, street, unit), sector, dwellings, known)
        for pk, number, street, unit, sector, dwellings, known in rows
    ]


COLUMNS = ("adresse", "secteur", "logements", "un compte y est inscrit")


def uncovered_csv(
    municipality: Municipality, *, now: datetime, sector_id: int | None = None,
    chosen: bool = False,
) -> tuple[bytes, str]:  # fmt: skip
    """The list as a file (UTF-8 with its mark, semicolons), and the SHA-256 of its bytes."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow(COLUMNS)
    for one in uncovered(municipality, now=now, sector_id=sector_id, chosen=chosen):
        writer.writerow(
            (
                csv_cell(one.label), csv_cell(one.sector), one.dwellings,
                "oui" if one.known else "non",
            )
        )  # fmt: skip
    content = out.getvalue().encode("utf-8-sig")
    return content, hashlib.sha256(content).hexdigest()
