"""The door-to-door round of an alert: the addresses never reached, street by street, as one walks.

An address belongs to the round while nobody there was handed anything or answered, and stays in it
once it has been visited, so that a tick never vanishes from under a finger.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from parvis.alerts import audience
from parvis.alerts.coverage import AS_ONE_WALKS
from parvis.alerts.figures import AREA, PERSONS, UNREACHED, address_label, area_facts
from parvis.alerts.models import Alert, Revision, Visit
from parvis.core import live
from parvis.core.errors import Refused
from parvis.municipalities.actions import record
from parvis.municipalities.models import StaffMember
from parvis.territory.drawing import town_map
from parvis.territory.models import Address

DONE = (Visit.Found.WARNED, Visit.Found.EMPTY)
"""Nobody needs to come back."""

ROUND = f"""{PERSONS}{AREA}
, visited AS (
  SELECT DISTINCT ON (v.address_id) v.address_id, v.found, v.by_id, v.at FROM alerts_visit v
  WHERE v.municipality_id = %(town)s AND v.alert_id = %(alert)s
  ORDER BY v.address_id, v.id DESC
), doors AS (
  SELECT area.id {UNREACHED}
  UNION SELECT address_id FROM visited
)
"""


@dataclass(frozen=True)
class StreetOfRound:
    """One street: doors, those that need nobody any more, and those where a notice was left."""

    key: str
    name: str
    doors: int
    done: int
    noticed: int

    @property
    def left(self) -> int:
        return self.doors - self.done

    @property
    def percent(self) -> float:
        return 100 * self.done / self.doors if self.doors else 0.0


@dataclass(frozen=True)
class Door:
    """One address of the round and the newest visit there, if any."""

    pk: int
    label: str
    street: str
    sector: str
    dwellings: int
    known: bool
    """Someone there has an account, and no message got through."""
    found: str
    by_id: int | None
    at: datetime | None

    @property
    def is_done(self) -> bool:
        return self.found in DONE

    @property
    def found_label(self) -> str:
        return str(Visit.Found(self.found).label) if self.found else ""


@dataclass(frozen=True)
class Progress:
    doors: int = 0
    done: int = 0
    noticed: int = 0
    streets: list[StreetOfRound] = field(default_factory=list)

    @property
    def left(self) -> int:
        return self.doors - self.done

    @property
    def percent(self) -> float:
        return 100 * self.done / self.doors if self.doors else 0.0


def _rows(alert: Alert, revision: Revision, sql: str, **more: Any) -> list[Any]:
    facts = {**area_facts(alert, revision), "done": list(DONE), **more}
    with transaction.atomic(), connection.cursor() as cursor:
        # As for planning: right after an import PostgreSQL would look rows up one by one.
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(ROUND + sql, facts)
        rows: list[Any] = cursor.fetchall()
        cursor.execute("SET LOCAL enable_nestloop = on")
    return rows


def progress(alert: Alert, revision: Revision) -> Progress:
    """The streets of the round and how far it is."""
    streets = [
        StreetOfRound(*row)
        for row in _rows(
            alert,
            revision,
            "SELECT a.street_key, min(a.street), count(*), "
            "count(*) FILTER (WHERE v.found = ANY(%(done)s)), "
            "count(*) FILTER (WHERE v.found = 'notice') "
            "FROM doors d JOIN territory_address a ON a.id = d.id "
            "LEFT JOIN visited v ON v.address_id = d.id "
            "GROUP BY a.street_key ORDER BY a.street_key",
        )
    ]
    return Progress(
        sum(one.doors for one in streets),
        sum(one.done for one in streets),
        sum(one.noticed for one in streets),
        streets,
    )


def doors(
    alert: Alert, revision: Revision, *, street: str | None = None,
    most: int | None = None, skip: int = 0,
) -> list[Door]:  # fmt: skip
    """The doors of one street (by its key) or of all, odd numbers going up and even ones back."""
    rows = _rows(
        alert,
        revision,
        "SELECT a.id, a.number, a.street, a.unit, coalesce(s.name, ''), a.dwellings, "
        "EXISTS (SELECT 1 FROM homes h WHERE h.address_id = a.id), coalesce(v.found, ''), "
        "v.by_id, v.at FROM doors d JOIN territory_address a ON a.id = d.id "
        "LEFT JOIN territory_sector s ON s.id = a.sector_id "
        "LEFT JOIN visited v ON v.address_id = d.id "
        "WHERE %(street)s::text IS NULL OR a.street_key = %(street)s "
        f"ORDER BY {AS_ONE_WALKS.replace('%', '%%')} LIMIT %(most)s OFFSET %(skip)s",
        street=street, most=most, skip=skip,
    )  # fmt: skip
    return [
        Door(pk, address_label(number, street, unit), street, sector, *rest)
        for pk, number, street, unit, sector, *rest in rows
    ]


def round_map(alert: Alert, revision: Revision) -> dict[str, Any] | None:
    """The sectors of the alert with a dot for each door that still waits; None without a sector.

    `placeless`: doors that have no position, hence no dot.
    """
    rows = _rows(
        alert,
        revision,
        "SELECT a.longitude, a.latitude FROM doors d JOIN territory_address a ON a.id = d.id "
        "LEFT JOIN visited v ON v.address_id = d.id "
        "WHERE v.found IS NULL OR NOT v.found = ANY(%(done)s)",
    )
    dots = [(one, two) for one, two in rows if one is not None and two is not None]
    drawn = town_map(
        alert.municipality, () if revision.everywhere else revision.sector_ids,
        drawn=revision.area, dots=dots,
    )  # fmt: skip
    if drawn is None:
        return None
    return drawn | {"placeless": len(rows) - len(dots)}


def topic(alert_id: int) -> str:
    return f"alert-round:{alert_id}"


@transaction.atomic
def visit(
    alert: Alert, address: Address, *, found: str, member: StaffMember, now: datetime
) -> Visit:
    """Write down what was found at a door, or raise Refused.

    Said twice by the same person it is written once. Two who come to one door leave two rows: both
    went, and the newest says how it is.
    """
    if found not in Visit.Found.values:
        raise Refused(_("Choisissez ce que vous avez trouvé à cette porte."))
    sent = Revision.objects.of(alert.municipality_id).sent().filter(alert=alert)
    if not any(audience.concerns(one, address) for one in sent):
        raise Refused(_("Cette adresse n’est pas dans la zone de l’alerte."))
    last: Visit | None = (
        Visit.objects.of(alert.municipality_id)
        .filter(alert=alert, address=address)
        .order_by("-pk")
        .first()
    )
    if last is not None and (last.found, last.by_id) == (found, member.person_id):
        return last
    made: Visit = Visit.objects.create(
        municipality_id=alert.municipality_id, alert=alert, address=address, found=found,
        by_id=member.person_id, at=now,
    )  # fmt: skip
    record(
        "alerts.door_visited", municipality=alert.municipality_id, actor=member.person,
        alert=alert.pk, address=address.pk, found=found,
    )  # fmt: skip
    live.publish(alert.municipality_id, topic(alert.pk))
    return made
