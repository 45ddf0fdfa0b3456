"""What the Bureau's templates say of a booking: its period, what it takes, who asked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone

from parvis.core import typography
from parvis.reservations.hours import Span
from parvis.reservations.models import Booking, Taking
from parvis.reservations.wording import said_period, said_short

register = template.Library()
TONES = {
    Booking.State.ASKED: "avis",
    Booking.State.CONFIRMED: "succes",
    Booking.State.HELD: "info",
}


@register.filter
def period(row: Any) -> str:
    """When: of a booking, a taking, a block, or a span."""
    span = row if isinstance(row, Span) else Span(row.period.lower, row.period.upper)
    said = said_period(span, zone=timezone.get_current_timezone(), now=timezone.now())
    return said[:1].upper() + said[1:]


@register.filter
def clocks(row: Any) -> str:
    """From which hour to which, the day being known: «10 h – 12 h»."""
    zone = timezone.get_current_timezone()
    start, end = row if isinstance(row, Span) else Span(row.period.lower, row.period.upper)
    return "\u00a0– ".join(typography.moment(at.astimezone(zone)) for at in (start, end))


@register.filter
def what(taking: Taking) -> str:
    """«Terrain 2», «12 Tables pliantes», «Gymnase»."""
    if taking.unit is None:
        return f"{taking.quantity}\u00a0× {taking.resource.name}"
    if taking.unit.name:
        return f"{taking.resource.name}, {taking.unit.name}"
    return taking.resource.name


@register.filter
def things(booking: Booking) -> str:
    """All that a booking takes."""
    return ", ".join(what(one) for one in booking.takings.all())


@register.filter
def short_moment(at: datetime) -> str:
    """A near day and hour: «mar. 24, 10 h 30»."""
    return said_short(at, timezone.get_current_timezone())


@register.filter
def whose(taking: Taking) -> str:
    """Who has it: the organisation, the person, or the town's reason."""
    if taking.booking is None:
        return taking.block.reason if taking.block else ""
    if taking.booking.organisation is not None:
        return taking.booking.organisation.name
    return taking.booking.resident.name


@register.filter
def tone(booking: Booking) -> str:
    return TONES.get(Booking.State(booking.state), "")


@register.filter
def of_key(found: dict[Any, Any], key: Any) -> Any:
    """What a table holds for this key."""
    return found.get(key, "")
