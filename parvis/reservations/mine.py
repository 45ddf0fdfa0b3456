"""A person's reservations, as every page says them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from parvis.reservations import pages
from parvis.reservations.bookings import BookingQuerySet
from parvis.reservations.models import Booking, Taking, Wait
from parvis.reservations.wording import said_moment, said_period
from parvis.residents.models import Resident

State = Booking.State
SHOWN = (State.ASKED, State.CONFIRMED, State.REFUSED, State.CANCELLED)
STANDING = (State.ASKED, State.CONFIRMED)


def theirs(person: Resident) -> BookingQuerySet:
    """What the person asked for, with what it takes: whatever became of it, but no mere hold."""
    found: BookingQuerySet = (
        Booking.objects.of(person.municipality_id)
        .filter(resident_id=person.pk, state__in=SHOWN)
        .select_related("organisation", "municipality")
        .prefetch_related("takings__resource__address", "takings__unit")
    )
    return found


def next_of(person: Resident, now: datetime) -> dict[str, Any] | None:
    """The person's next reservation, if there is one; in one query, for the front page."""
    rows = list(
        Taking.objects.of(person.municipality_id)
        .filter(
            booking__resident_id=person.pk, booking__state__in=STANDING, period__endswith__gt=now
        )
        .select_related(
            "booking__organisation", "booking__municipality", "resource__address", "unit"
        )
        .order_by("period__startswith", "booking_id", "pk")[:20]
    )
    if not rows:
        return None
    first = rows[0].booking
    assert first is not None
    return said(first, now, [one for one in rows if one.booking_id == first.pk])


def may_change(booking: Booking, now: datetime) -> bool:
    """Whether its person may change or cancel it alone; what nobody answered, until it begins."""
    waits = booking.state == State.ASKED
    return now < booking.span.start and (waits or now <= booking.changes_until)


def said(booking: Booking, now: datetime, taken: list[Taking] | None = None) -> dict[str, Any]:
    """What every page says of a booking."""
    town = booking.municipality
    takings = list(booking.takings.all()) if taken is None else taken
    tone, icon = pages.STATES[State(booking.state)]
    places = {pages.where(one.resource): None for one in takings if pages.where(one.resource)}
    standing = booking.state in STANDING
    return {
        "booking": booking,
        "title": ", ".join({one.resource.name: None for one in takings}),
        "takings": takings,
        "where": list(places),
        "period": said_period(booking.span, zone=town.zone, now=now),
        "start": booking.span.start.astimezone(town.zone),
        "word": booking.get_state_display(),
        "tone": tone,
        "icon": icon,
        "is_over": booking.span.end <= now,
        "may_change": standing and may_change(booking, now),
        "standing": standing,
    }


def said_wait(wait: Wait, now: datetime) -> dict[str, Any]:
    """What every page says of a place in line; `until` when a place is offered and still kept."""
    zone, booking = wait.municipality.zone, wait.booking
    kept = (
        wait.state == Wait.State.OFFERED
        and booking is not None
        and booking.state == State.HELD
        and booking.held_until is not None
        and booking.held_until > now
    )
    until = booking.held_until if kept and booking is not None else None
    return {
        "wait": wait,
        "title": wait.resource.name,
        "period": said_period(wait.span, zone=zone, now=now),
        "start": wait.span.start.astimezone(zone),
        "until": said_moment(until, zone=zone, now=now) if until is not None else "",
        "waiting": wait.state == Wait.State.WAITING and wait.span.start > now,
        "word": wait.get_state_display(),
    }
