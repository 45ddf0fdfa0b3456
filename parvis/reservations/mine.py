"""A person's reservations, as every page says them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from parvis.reservations import appointments, pages
from parvis.reservations.bookings import BookingQuerySet
from parvis.reservations.models import Booking, Resource, Taking, Wait
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


def places(booking: Booking, taken: Iterable[Taking]) -> list[str]:
    """Where one goes; nowhere when the town calls."""
    if booking.way and booking.way != Resource.Way.HERE:
        return []
    return list({pages.where(one.resource): None for one in taken if pages.where(one.resource)})


def meeting(booking: Booking, taken: Iterable[Taking]) -> list[tuple[str, str]]:
    """How an appointment takes place and what to have at hand; nothing of other bookings.

    The address of a video call is told once the appointment is sure, and only while it stands.
    """
    found = [one.resource for one in taken if one.resource.is_appointment]
    if not booking.way or not found:
        return []
    return appointments.said(
        booking.way, places=places(booking, taken), bring=found[0].bring,
        meeting=found[0].meeting if booking.state == State.CONFIRMED else "",
    )  # fmt: skip


def said(booking: Booking, now: datetime, taken: list[Taking] | None = None) -> dict[str, Any]:
    """What every page says of a booking."""
    town = booking.municipality
    takings = list(booking.takings.all()) if taken is None else taken
    tone, icon = pages.STATES[State(booking.state)]
    standing = booking.state in STANDING
    return {
        "booking": booking,
        "title": ", ".join({one.resource.name: None for one in takings}),
        "takings": takings,
        "where": places(booking, takings),
        "meeting": meeting(booking, takings),
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
