"""One valid resource, and one valid booking; tests name only what they are about."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from parvis.municipalities.models import Municipality
from parvis.municipalities.tests.make import NOW
from parvis.reservations import actions
from parvis.reservations.hours import Span
from parvis.reservations.models import Booking, Hours, Resource, Unit
from parvis.reservations.readings import Line
from parvis.residents.models import Resident

ZONE = ZoneInfo("America/Toronto")
_count = itertools.count(1)


def space(
    town: Municipality,
    name: str = "",
    *,
    units: int = 1,
    opens: time = time(8),
    closes: time = time(22),
    **facts: Any,
) -> Resource:
    """A room open every day from 8 to 22, lent by the hour to anyone. The town must be set."""
    facts.setdefault("state", "open")
    found = Resource.objects.create(
        municipality=town, kind="space", name=name or f"Salle {next(_count)}", created_at=NOW,
        revised_at=NOW, **facts,
    )  # fmt: skip
    for number in range(units):
        label = f"Terrain {number + 1}" if units > 1 else ""
        Unit.objects.create(municipality=town, resource=found, name=label, position=number)
    _open(found, opens, closes)
    return found


def equipment(town: Municipality, name: str = "", *, total: int = 10, **facts: Any) -> Resource:
    """So many tables, fetched and brought back from 8 to 22, for an hour up to three days."""
    facts.setdefault("state", "open")
    facts.setdefault("family", "furniture")
    facts.setdefault("longest", 3 * 1440)
    found = Resource.objects.create(
        municipality=town, kind="equipment", name=name or f"Tables {next(_count)}", total=total,
        created_at=NOW, revised_at=NOW, **facts,
    )  # fmt: skip
    _open(found, time(8), time(22))
    return found


def desk(
    town: Municipality,
    name: str = "",
    *,
    desks: int = 2,
    length: int = 30,
    opens: time = time(9),
    closes: time = time(16),
    **facts: Any,
) -> Resource:
    """A service that receives every day from 9 to 16, so many at a time, 30 minutes each."""
    facts = {"state": "open", "ways": ["here", "phone"], "step": length} | facts
    found = Resource.objects.create(
        municipality=town, kind="appointment", family="desk", shortest=length, longest=length,
        name=name or f"Permis {next(_count)}", created_at=NOW, revised_at=NOW, **facts,
    )  # fmt: skip
    for number in range(desks):
        Unit.objects.create(
            municipality=town, resource=found, name=f"Guichet {number + 1}", position=number
        )
    _open(found, opens, closes)
    return found


def _open(resource: Resource, opens: time, closes: time) -> None:
    Hours.objects.bulk_create(
        Hours(
            municipality_id=resource.municipality_id, resource=resource, weekday=day, opens=opens,
            closes=closes,
        )
        for day in range(7)
    )  # fmt: skip


def span(hour: int = 10, length: float = 2, *, days: int = 3) -> Span:
    """From an hour of the clock on the wall at Alma, so many days after NOW, for so many hours."""
    return span_on(NOW.date() + timedelta(days=days), hour, length)


def span_on(on: date, hour: int = 10, length: float = 2) -> Span:
    start = datetime.combine(on, time(hour), tzinfo=ZONE).astimezone(UTC)
    return Span(start, start + timedelta(hours=length))


def booking(
    resource: Resource,
    resident: Resident,
    when: Span | None = None,
    *,
    quantity: int = 1,
    now: datetime = NOW,
    **facts: Any,
) -> Booking:
    return actions.book(
        resident=resident, lines=[Line(resource.pk, quantity)], span=when or span(), now=now,
        **facts,
    )  # fmt: skip
