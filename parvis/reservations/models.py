"""The tables of the room, where Django looks for them: by noun, in three files."""

from __future__ import annotations

from parvis.reservations.bookings import (
    Block,
    Booking,
    CalendarFeed,
    Payment,
    Taking,
)
from parvis.reservations.organisations import Organisation, OrganisationMember
from parvis.reservations.resources import (
    Closure,
    Hours,
    Limit,
    Question,
    Rate,
    Resource,
    Unit,
)
from parvis.reservations.waits import Wait

__all__ = [
    "Block", "Booking", "CalendarFeed", "Closure", "Hours", "Limit", "Organisation",
    "OrganisationMember", "Payment", "Question", "Rate", "Resource", "Taking", "Unit", "Wait",
]  # fmt: skip
