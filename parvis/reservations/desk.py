"""What the desk notes of an appointment on its day."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from parvis.core.errors import Refused
from parvis.municipalities.actions import record
from parvis.reservations import appointments, holds
from parvis.reservations.models import Booking, Resource
from parvis.residents.models import Resident


@transaction.atomic
def note_presence(
    booking: Booking, *, presence: str, seen: str, clerk: Resident, now: datetime
) -> Booking:
    """Note that the person arrived, was served or did not come, or raise Refused. Twice is once.

    `seen` is what the page showed: of two clerks who press at once, the second one is told.
    """
    fresh = holds.lock_booking(booking)
    of_desk = fresh.takings.filter(resource__kind=Resource.Kind.APPOINTMENT).exists()
    if not of_desk or fresh.state != Booking.State.CONFIRMED:
        raise Refused(_("Ce rendez-vous n’est pas en vigueur."))
    if fresh.presence == presence:
        return fresh
    if fresh.presence != seen:
        raise Refused(_("Quelqu’un d’autre vient de le noter. Regardez, puis recommencez."))
    zone = fresh.municipality.zone
    appointments.check_presence(fresh.presence, presence, fresh.span, now=now, zone=zone)
    fresh.presence = presence
    fresh.presence_at, fresh.presence_by_id = (now, clerk.pk) if presence else (None, None)
    fresh.save(update_fields=["presence", "presence_at", "presence_by_id"])
    record(
        "reservations.presence_noted", municipality=fresh.municipality_id, actor=clerk,
        booking=fresh.pk, presence=presence,
    )  # fmt: skip
    return fresh
