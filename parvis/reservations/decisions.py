"""What the town decides about a booking: yes, no, or no longer."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from parvis.cases import rules as moves
from parvis.core.errors import Refused
from parvis.municipalities.actions import record
from parvis.reservations import approvals, holds, letters
from parvis.reservations.models import Booking
from parvis.residents.models import Resident

State = Booking.State


@transaction.atomic
def approve(booking: Booking, *, clerk: Resident, now: datetime, note: str = "") -> Booking:
    """Accept what was asked for, or raise Refused. Twice is once, and one message."""
    return _decide(booking, State.CONFIRMED, clerk=clerk, now=now, note=note)


@transaction.atomic
def refuse(booking: Booking, *, clerk: Resident, now: datetime, note: str) -> Booking:
    """Say no, with the reason, or raise Refused. The places are free again."""
    if not note.strip():
        raise Refused(_("Écrivez pourquoi\u00a0: la personne recevra votre phrase."))
    return _decide(booking, State.REFUSED, clerk=clerk, now=now, note=note)


def _decide(booking: Booking, state: str, *, clerk: Resident, now: datetime, note: str) -> Booking:
    case = approvals.lock_request(booking)
    fresh = holds.lock_booking(booking)
    if fresh.state == state:
        return fresh
    if fresh.state != State.ASKED:
        raise Refused(_("Cette demande n’attend plus de réponse."))
    if state == State.CONFIRMED and fresh.period.lower <= now:
        raise Refused(_("Le moment demandé est passé\u00a0: refusez la demande."))
    fresh.state, fresh.note = state, " ".join(note.split())[:500]
    fresh.decided_at, fresh.decided_by_id = now, clerk.pk
    fresh.token += 1
    fresh.save(update_fields=["state", "note", "decided_at", "decided_by_id", "token"])
    kind = "reservations.approved" if state == State.CONFIRMED else "reservations.refused"
    if state == State.REFUSED:
        holds.release(fresh.municipality_id, booking=fresh)
    approvals.settle(case, to=moves.ANSWERED, by=clerk, now=now)
    record(kind, municipality=fresh.municipality_id, actor=clerk, booking=fresh.pk)
    letters.tell(fresh, kind, now=now, actor=clerk, note=fresh.note)
    letters.note_near(fresh, now=now)
    return fresh


@transaction.atomic
def cancel_for_town(booking: Booking, *, clerk: Resident, note: str, now: datetime) -> Booking:
    """Cancel a booking in the town's name and tell the person why, or raise Refused."""
    case = approvals.lock_request(booking)
    fresh = holds.lock_booking(booking)
    if fresh.state == State.CANCELLED:
        return fresh
    holds.check_changeable(fresh, token=None, now=now, clerk=clerk)
    note = " ".join(note.split())[:500]
    if not note:
        raise Refused(_("Écrivez pourquoi\u00a0: la personne recevra votre phrase."))
    fresh.note, fresh.ended_by_town = note, True
    holds.end(fresh, State.CANCELLED, at=now)
    approvals.settle(case, to=moves.CLOSED, by=clerk, now=now)
    record(
        "reservations.cancelled_by_town", municipality=fresh.municipality_id, actor=clerk,
        booking=fresh.pk,
    )  # fmt: skip
    letters.tell(fresh, "reservations.cancelled_by_town", now=now, actor=clerk, note=note)
    return fresh
