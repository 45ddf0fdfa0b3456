"""The proof of an alert: whom it was meant for, what was handed over, who answered, who is left.

A person counts once for the whole alert, however many messages and channels. «Handed over» means
that a server took a message by e-mail, push or another channel outside the portal; «confirmed»
that the person answered.
"""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from parvis.alerts.models import Alert, Answer, Revision
from parvis.notifications import proof

# What each figure is counted from; one reading of each table, whatever the number of persons.
PERSONS = """
WITH said AS (
  SELECT message_id FROM alerts_revision
  WHERE municipality_id = %(town)s AND alert_id = %(alert)s AND state = 'sent'
), persons AS (
  SELECT DISTINCT unnest(c.recipients) AS id FROM notifications_chunk c JOIN said USING (message_id)
  WHERE c.channel = 'inapp' AND c.attempt = 0
), returned AS (
  SELECT message_id, channel, contact_id FROM notifications_outcome JOIN said USING (message_id)
  WHERE municipality_id = %(town)s AND state = 'bounced'
), handed AS (
  SELECT o.resident_id AS id, min(o.at) AS at FROM notifications_outcome o
  JOIN said USING (message_id)
  LEFT JOIN returned r USING (message_id, channel, contact_id)
  WHERE o.municipality_id = %(town)s AND o.is_final AND o.state = 'handed'
    AND o.channel <> 'inapp' AND o.resident_id IS NOT NULL AND r.message_id IS NULL
  GROUP BY o.resident_id
), answered AS (
  SELECT resident_id AS id, first_at AS at, kind FROM alerts_answer
  WHERE municipality_id = %(town)s AND alert_id = %(alert)s AND resident_id IS NOT NULL
)
"""
AREA = """
, area AS (
  SELECT a.id, a.sector_id, a.dwellings FROM territory_address a
  WHERE a.municipality_id = %(town)s AND (%(everywhere)s OR a.sector_id = ANY(%(sectors)s)
    OR a.id = ANY(%(addresses)s))
), homes AS (
  SELECT area.id AS address_id, area.sector_id, p.resident_id FROM residents_place p
  JOIN area ON area.id = p.address_id WHERE p.municipality_id = %(town)s
  UNION
  SELECT area.id, area.sector_id, m.resident_id FROM residents_householdmember m
  JOIN residents_household g ON g.id = m.household_id JOIN area ON area.id = g.address_id
  WHERE m.municipality_id = %(town)s AND m.accepted_at IS NOT NULL AND m.resident_id IS NOT NULL
), joined AS (SELECT id FROM handed UNION SELECT id FROM answered)
"""


@dataclass(frozen=True)
class Reach:
    """Persons: meant, handed over, who answered, who asks for help and is not yet helped."""

    targeted: int
    handed: int
    confirmed: int
    help: int
    help_open: int
    joined: int
    """Handed over, or answered: who confirmed in the portal may have been handed nothing else."""

    @property
    def not_reached(self) -> int:
        return max(0, self.targeted - self.joined)

    @property
    def handed_percent(self) -> float:
        return 100 * self.handed / self.targeted if self.targeted else 0.0

    @property
    def confirmed_percent(self) -> float:
        return 100 * self.confirmed / self.targeted if self.targeted else 0.0


@dataclass(frozen=True)
class SectorFigures:
    name: str
    persons: int
    handed: int
    confirmed: int

    @property
    def handed_percent(self) -> float:
        return 100 * self.handed / self.persons if self.persons else 0.0

    @property
    def confirmed_percent(self) -> float:
        return 100 * self.confirmed / self.persons if self.persons else 0.0


@dataclass(frozen=True)
class Unreached:
    """An address of the area where nobody was handed anything or answered."""

    pk: int
    label: str
    sector: str
    dwellings: int
    known: bool
    """Someone there has an account, and no message got through."""


@dataclass
class Curve:
    """Handed over and confirmed over time, as paths in a box of 480 by 100."""

    handed: str = ""
    confirmed: str = ""
    area: str = ""
    marks: list[datetime] = field(default_factory=list)


def _facts(alert: Alert, revision: Revision | None = None) -> dict[str, Any]:
    facts: dict[str, Any] = {"town": alert.municipality_id, "alert": alert.pk}
    if revision is not None:
        facts |= {
            "everywhere": revision.everywhere,
            "sectors": revision.sector_ids,
            "addresses": [*revision.address_ids, *revision.area_address_ids],
        }
    return facts


def area_facts(alert: Alert, revision: Revision) -> dict[str, Any]:
    """Parameters of a reading that begins with `PERSONS` and `AREA`."""
    return _facts(alert, revision)


def reach(alert: Alert) -> Reach:
    """Count the persons of an alert."""
    answers = Answer.objects.of(alert.municipality_id).filter(alert=alert)
    with connection.cursor() as cursor:
        cursor.execute(
            f"{PERSONS} SELECT (SELECT count(*) FROM persons), (SELECT count(*) FROM handed), "
            "(SELECT count(*) FROM persons "
            "JOIN (SELECT id FROM handed UNION SELECT id FROM answered) j USING (id))",
            _facts(alert),
        )
        targeted, handed, joined = cursor.fetchone()
    asking = answers.filter(help_at__isnull=False)
    return Reach(
        targeted=targeted,
        handed=handed,
        joined=joined,
        confirmed=answers.count(),
        help=asking.count(),
        help_open=asking.filter(kind=Answer.Kind.HELP, taken_at__isnull=True).count(),
    )


def by_sector(alert: Alert, revision: Revision) -> list[SectorFigures]:
    """Persons meant, handed over and confirmed in each sector of the area."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{PERSONS}{AREA} SELECT s.name, count(DISTINCT p.id), count(DISTINCT d.id), "
            "count(DISTINCT w.id) FROM homes h JOIN persons p ON p.id = h.resident_id "
            "JOIN territory_sector s ON s.id = h.sector_id "
            "LEFT JOIN handed d ON d.id = p.id LEFT JOIN answered w ON w.id = p.id "
            "GROUP BY s.id, s.name ORDER BY s.name",
            _facts(alert, revision),
        )
        return [SectorFigures(*row) for row in cursor.fetchall()]


UNREACHED = """
FROM area JOIN territory_address a ON a.id = area.id
LEFT JOIN territory_sector s ON s.id = area.sector_id
WHERE NOT EXISTS (SELECT 1 FROM homes h JOIN joined j ON j.id = h.resident_id
                  WHERE h.address_id = area.id)
"""


def unreached_count(alert: Alert, revision: Revision) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"{PERSONS}{AREA} SELECT count(*) {UNREACHED}", _facts(alert, revision))
        return int(cursor.fetchone()[0])


def unreached(
    alert: Alert, revision: Revision, *, most: int | None = None, skip: int = 0
) -> list[Unreached]:
    """Addresses for the door-to-door round, street by street."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{PERSONS}{AREA} SELECT a.id, a.number, a.street, a.unit, coalesce(s.name, ''), "
            "a.dwellings, EXISTS (SELECT 1 FROM homes h WHERE h.address_id = a.id) "
            f"{UNREACHED} ORDER BY a.street_key, a.low NULLS LAST, a.key, a.id "
            "LIMIT %(most)s OFFSET %(skip)s",
            {**_facts(alert, revision), "most": most, "skip": skip},
        )
        rows = cursor.fetchall()
    return [
        Unreached(pk, address_label(number, street, unit), sector, dwellings, known)
        for pk, number, street, unit, sector, dwellings, known in rows
    ]


def address_label(number: str, street: str, unit: str) -> str:
    more = f", app. {unit}" if unit else ""
    return f"{number}, {street}{more}" if number else f"{street}{more}"


COLUMNS = ("adresse", "secteur", "logements", "un compte y est inscrit")


def unreached_csv(alert: Alert, revision: Revision) -> tuple[bytes, str]:
    """The list as a file, and the SHA-256 that tells whether somebody changed it."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow(COLUMNS)
    for one in unreached(alert, revision):
        writer.writerow((one.label, one.sector, one.dwellings, "oui" if one.known else "non"))
    content = out.getvalue().encode("utf-8-sig")
    return content, hashlib.sha256(content).hexdigest()


STEPS = 120
"""The curve of a million weighs as that of ten."""


def curve(alert: Alert, now: datetime) -> Curve | None:
    """How it went over time; None before anything was handed over."""
    total = reach(alert).targeted
    if not total or alert.begun_at is None:
        return None
    begun = alert.begun_at
    end = max(alert.ended_at or now, begun + timedelta(minutes=10))
    span = (end - begun).total_seconds()
    with connection.cursor() as cursor:
        cursor.execute(
            f"{PERSONS} SELECT kind, least(%(steps)s, greatest(0, round(extract(epoch FROM "
            "at - %(begun)s) / %(span)s * %(steps)s)))::int AS step, count(*) "
            "FROM (SELECT 'h' AS kind, at FROM handed UNION ALL SELECT 'c', at FROM answered) q "
            "GROUP BY 1, 2 ORDER BY 1, 2",
            {**_facts(alert), "begun": begun, "span": span, "steps": STEPS},
        )
        rows = cursor.fetchall()
    if not rows:
        return None
    paths = {}
    for kind in ("h", "c"):
        height, points = 0.0, ["M0 0"]
        for what, step, count in rows:
            if what == kind:
                points.append(f"L{480 * step / STEPS:g} {height:.1f}")
                height = min(100.0, height + 100 * count / total)
                points.append(f"L{480 * step / STEPS:g} {height:.1f}")
        points.append(f"L480 {height:.1f}")
        paths[kind] = "".join(points)
    return Curve(
        handed=paths["h"],
        confirmed=paths["c"],
        area=f"{paths['c']}V0H0z",
        marks=[begun + timedelta(seconds=span * part / 4) for part in range(5)],
    )


def of_message(revision: Revision) -> proof.Figures | None:
    """What the dispatchers wrote down of this revision, by channel."""
    return proof.figures(revision.message) if revision.message is not None else None
