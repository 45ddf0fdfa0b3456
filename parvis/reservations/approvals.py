"""A booking that waits for an answer is a case: in the staff's queue, and among one's requests.

Whoever needs both rows locks the case first, as the case's own pages do.
"""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from parvis.cases import actions as cases
from parvis.cases import kinds
from parvis.cases import rules as moves
from parvis.cases.models import Case, Message
from parvis.core.errors import Refused
from parvis.reservations.models import Booking
from parvis.reservations.wording import said_period
from parvis.residents.models import Resident

PREFIX = "booking:"


def page_of(case: Case) -> str:
    """Where the person sees the booking itself."""
    pk = booking_id(case)
    return reverse("reservations:booking", args=[pk]) if pk is not None else ""


def desk_of(case: Case) -> str:
    """Where the staff decides on it."""
    pk = booking_id(case)
    return reverse("reservations_staff:booking", args=[pk]) if pk is not None else ""


KIND = kinds.register(
    kinds.Kind(
        "reservations.approval",
        gettext_lazy("Une réservation à approuver"),
        "calendar-check",
        3,
        url=page_of,
        staff_url=desk_of,
    )
)


def booking_id(case: Case) -> int | None:
    """The booking that a case is about."""
    number = case.reference.removeprefix(PREFIX)
    return int(number) if case.reference.startswith(PREFIX) and number.isdecimal() else None


def open_request(booking: Booking, *, what: str, now: datetime) -> Case:
    """Open the case of a booking that waits for an answer; the room itself tells the person."""
    town = booking.municipality
    told = [said_period(booking.span, zone=town.zone, now=now) + "."]
    told[0] = told[0][:1].upper() + told[0][1:]
    if booking.organisation is not None:
        told.append(_("Au nom de\u00a0: {name}.").format(name=booking.organisation.name))
    if booking.purpose:
        told.append(_("Activité\u00a0: {purpose}.").format(purpose=booking.purpose))
    if booking.people:
        told.append(_("Personnes attendues\u00a0: {n}.").format(n=booking.people))
    told += [f"{said['question']} {said['answer']}" for said in booking.answers]
    return cases.open_case(
        municipality=town,
        kind=KIND.key,
        subject=what[: moves.SUBJECT_MAX],
        body="\n".join([what, *told]),
        author=booking.resident,
        by=booking.resident,
        now=now,
        reference=f"{PREFIX}{booking.pk}",
        tell=False,
    )


def lock_request(booking: Booking) -> Case | None:
    """The open case of a booking, locked before the booking is."""
    found: Case | None = (
        Case.objects.of(booking.municipality_id)
        .filter(reference=f"{PREFIX}{booking.pk}", state__in=sorted(moves.OPEN))
        .order_by("-pk")
        .first()
    )
    return cases.locked(found) if found is not None else None


def settle(case: Case | None, *, to: str, by: Resident | None, now: datetime) -> None:
    """Move the case as its booking went; the room itself tells the person."""
    if case is None or case.state not in moves.OPEN:
        return
    if to == moves.WITHDRAWN:
        cases.withdraw(case, by=by, now=now)
    else:
        cases.move(case, to=to, by=by, now=now, tell=False)


def check_decided(case: Case, pk: int) -> None:
    """Raise Refused if a case would be answered or closed while its booking still waits."""
    if case.state in moves.OPEN:
        return
    if Booking.objects.of(case.municipality_id).filter(pk=pk, state=Booking.State.ASKED).exists():
        raise Refused(
            _(
                "La réservation attend encore\u00a0: acceptez-la ou refusez-la dans "
                "«\u00a0Réservations\u00a0». La demande suivra."
            )
        )


def say_moved(
    case: Case, booking: Booking, *, by: Resident, at_counter: bool, now: datetime
) -> None:
    """Write the new hours into the case: as its person, or as a clerk's note."""
    when = said_period(booking.span, zone=booking.municipality.zone, now=now)
    cases.add_message(
        case,
        text=_("Nouvelles heures demandées\u00a0: {when}.").format(when=when),
        side=Message.Side.NOTE if at_counter else Message.Side.RESIDENT,
        by=by,
        now=now,
    )
