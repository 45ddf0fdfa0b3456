"""What a person does with the waiting list: get in line, take what is offered, leave."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils.translation import gettext as _

from parvis.core.errors import Refused
from parvis.municipalities.actions import record
from parvis.reservations import actions, holds, lineup
from parvis.reservations.hours import Span
from parvis.reservations.models import Booking, Wait
from parvis.reservations.readings import Line
from parvis.residents.models import Resident

MOST = 10
"""Places in line that one person has at once."""
State = Wait.State


@transaction.atomic
def join(
    *,
    resident: Resident,
    line: Line,
    span: Span,
    now: datetime,
    people: int | None = None,
    organisation_id: int | None = None,
) -> Wait:
    """Get in line for what others have, or raise Refused. Twice is once, at the first place."""
    town = resident.municipality
    asked = actions.prepare(town, [line], now=now)
    offered, _line = asked[0]
    resource = offered.resource
    found = {resource.pk: offered}
    lineup.serve(
        lineup.in_line(town, found, span), found, draw=actions.draw_up, now=now, span=span,
        asker=resident,
    )  # fmt: skip
    mine = Wait.objects.of(town).standing().filter(resident=resident)
    before: Wait | None = mine.filter(
        resource=resource, period=DateTimeTZRange(span.start, span.end)
    ).first()
    if before is not None:
        return before
    if not resource.offer_minutes:
        raise Refused(_("Il n’y a pas de liste d’attente ici\u00a0: choisissez un autre moment."))
    # Whoever could not have it anyway would wait for nothing.
    actions.draw_up(
        asked, resident=resident, span=span, now=now, people=people, clerk=None,
        organisation_id=organisation_id,
    )  # fmt: skip
    if not lineup.is_full(town, asked, span, now=now):
        raise Refused(_("C’est libre à ce moment\u00a0: réservez sans attendre."))
    if mine.count() >= MOST:
        raise Refused(
            _("On attend {n} places à la fois au plus. Quittez d’abord une liste.").format(n=MOST)
        )
    wait = Wait.objects.create(
        municipality=town, resident=resident, resource=resource, quantity=line.quantity,
        people=people, organisation_id=organisation_id, created_at=now,
        period=DateTimeTZRange(span.start, span.end),
    )  # fmt: skip
    record("reservations.wait_joined", municipality=town, actor=resident, wait=wait.pk)
    return wait


@transaction.atomic
def accept(
    wait: Wait,
    *,
    now: datetime,
    purpose: str = "",
    people: int | None = None,
    answers: Mapping[int, str] | None = None,
    accepted: bool = False,
) -> Booking:
    """Reserve the place that is offered, or raise Refused once it is no longer. Twice is once."""
    if wait.booking is None:
        raise Refused(_("Aucune place ne vous est offerte pour le moment\u00a0: attendez l’avis."))
    made = actions.confirm_hold(
        wait.booking, now=now, purpose=purpose, people=people, answers=answers, accepted=accepted
    )
    Wait.objects.of(wait.municipality_id).filter(pk=wait.pk, state=State.OFFERED).update(
        state=State.BOOKED, ended_at=now
    )
    return made


@transaction.atomic
def leave(wait: Wait, *, now: datetime) -> None:
    """Leave the line, and what was offered to the next one. Twice is once."""
    town = wait.municipality
    offered = actions.prepare(town, [Line(wait.resource_id, wait.quantity)], now=now)[0][0]
    fresh = (
        Wait.objects.of(town).standing().filter(pk=wait.pk).select_for_update(of=("self",)).first()
    )
    if fresh is None:
        return
    if fresh.booking_id is not None:
        booking = holds.lock_booking(fresh.booking)
        if booking.state in lineup.KEPT:
            return
        if booking.state == Booking.State.HELD:
            holds.end(booking, Booking.State.EXPIRED)
    lineup.end(fresh, State.LEFT, now=now)
    record("reservations.wait_left", municipality=town, actor=wait.resident, wait=wait.pk)
    found = {wait.resource_id: offered}
    lineup.serve(lineup.in_line(town, found), found, draw=actions.draw_up, now=now)


def place_in_line(wait: Wait) -> int:
    """1 for the first of those who wait for the same thing at times that cross."""
    ahead = (
        Wait.objects.of(wait.municipality_id)
        .filter(state=State.WAITING, resource=wait.resource_id, period__overlap=tuple(wait.span))
        .in_order()
        .values_list("pk", flat=True)
    )
    return list(ahead).index(wait.pk) + 1 if wait.state == State.WAITING else 0
