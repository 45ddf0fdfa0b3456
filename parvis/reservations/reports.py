"""How much each resource was used: hours open, taken, kept by the town; bookings and money."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from parvis.core.money import ZERO
from parvis.municipalities.models import Municipality
from parvis.reservations import hours
from parvis.reservations.hours import Span
from parvis.reservations.models import Booking, Resource, Taking
from parvis.reservations.readings import offers

HOUR = timedelta(hours=1)


@dataclass
class Use:
    """One resource over some days. Of equipment, hours are counted piece by piece."""

    resource: Resource
    open: timedelta = timedelta(0)
    booked: timedelta = timedelta(0)
    blocked: timedelta = timedelta(0)
    bookings: int = 0
    total: Decimal = ZERO
    seen: set[int] = field(default_factory=set)

    @property
    def rate(self) -> float:
        """Share of the open time that was booked, in percent; time outside opening not counted."""
        return round(100 * (self.booked / self.open), 1) if self.open else 0.0


def occupancy(town: Municipality, first_on: date, last_on: date, *, now: datetime) -> list[Use]:
    """Every resource that was ever offered, by name, over these local days."""
    rows = offers(town, Resource.objects.of(town).exclude(state=Resource.State.DRAFT))
    window = Span(
        hours.local_day(first_on, town.zone).start, hours.local_day(last_on, town.zone).end
    )
    opened = {pk: one.opened(first_on, last_on, town.zone) for pk, one in rows.items()}
    found = {pk: Use(resource=one.resource) for pk, one in rows.items()}
    for pk, use in found.items():
        places = len(rows[pk].units) if use.resource.is_space else use.resource.total or 0
        use.open = sum((one.length for one in opened[pk]), timedelta(0)) * places
    takings = (
        Taking.objects.of(town)
        .standing(now)
        .filter(resource__in=list(found), period__overlap=tuple(window))
        .select_related("booking")
    )
    for one in takings:
        use = found[one.resource_id]
        used = hours.within(opened[one.resource_id], one.span)
        if not use.resource.is_space:
            used = [one.span]
        length = sum((part.length for part in hours.within(used, window)), timedelta(0))
        if one.booking is None:
            use.blocked += length * one.quantity
            continue
        use.booked += length * one.quantity
        if one.booking_id not in use.seen:
            use.seen.add(one.booking_id)
            use.bookings += 1
            use.total += amount_of(one.booking, one.resource_id)
    return sorted(found.values(), key=lambda one: (one.resource.kind, one.resource.name))


def amount_of(booking: Booking, resource_id: int) -> Decimal:
    """What the lines of this resource cost in the booking, before taxes."""
    return sum(
        (
            Decimal(line["amount"])
            for line in booking.quote.get("lines", ())
            if line["resource"] == resource_id
        ),
        ZERO,
    )


def hours_of(length: timedelta) -> float:
    """A length in hours, as a table shows it."""
    return round(length / HOUR, 2)


def by_day(takings: list[Taking], town: Municipality) -> dict[date, list[Taking]]:
    """Takings by the local days that they touch."""
    found: dict[date, list[Taking]] = defaultdict(list)
    for one in takings:
        on = one.period.lower.astimezone(town.zone).date()
        last = (one.period.upper - timedelta(microseconds=1)).astimezone(town.zone).date()
        while on <= last:
            found[on].append(one)
            on += timedelta(days=1)
    return found
