"""The line in front of what is taken: whatever frees a place, the first in line is offered it.

Nothing tells the line that a place is free. Who is about to take one serves the line first, under
the lock of the resource, and so does the job of each minute: hence a cancellation, a refusal, an
expiry, a lifted block or a longer day all come to the same, and a stranger never passes in front.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from parvis.core.db import as_town
from parvis.core.errors import Refused
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality
from parvis.reservations import holds, letters, rules
from parvis.reservations.hours import Span
from parvis.reservations.models import Booking, Taking, Wait
from parvis.reservations.readings import Line, Offer, nearest_free, occupation, offers
from parvis.residents.models import Resident

Draw = Callable[..., Booking]
"""`actions.draw_up`: the booking that the rules allow, priced and not yet written."""
State = Wait.State
KEPT = (Booking.State.ASKED, Booking.State.CONFIRMED)


def give_way(
    asked: Sequence[tuple[Offer, Line]],
    span: Span,
    *,
    draw: Draw,
    now: datetime,
    asker: Resident,
    but: int | None = None,
) -> None:
    """Serve those who wait for what is asked, before it is taken; or raise Taken if it was full.

    The resources must be locked. Nothing needs a lock to be freed: what comes free after this look
    is for the line, not for whoever happened to be asking. `but`: a booking that is to move.
    """
    town = asked[0][0].resource.municipality
    found = {offered.resource.pk: offered for offered, _line in asked}
    rows = in_line(town, found, span)
    if not rows:
        return
    full = is_full(town, asked, span, now=now, but=but)
    serve(rows, found, draw=draw, now=now, span=span, asker=asker)
    if full:
        near = nearest_free(town, asked, span, now=now, but=but)
        raise rules.Taken(_("Cette plage vient d’être prise."), near)


def is_full(
    town: Municipality, asked: Sequence[tuple[Offer, Line]], span: Span, *, now: datetime,
    but: int | None = None,
) -> bool:  # fmt: skip
    """Whether something of it cannot be had in such an amount, as it stands."""
    wanted: Counter[int] = Counter()
    for _offered, line in asked:
        wanted[line.resource_id] += line.quantity
    windows = {
        one.resource.pk: span.widened(one.resource.terms.before, one.resource.terms.after)
        for one, _line in asked
    }
    whole = Span(
        min(one.start for one in windows.values()), max(one.end for one in windows.values())
    )
    taken = occupation(town, list(windows), whole, now=now, but=but)
    return any(
        taken.left(offered, windows[offered.resource.pk]) < wanted[offered.resource.pk]
        for offered, _line in asked
    )


def in_line(town: Municipality, found: Mapping[int, Offer], span: Span | None = None) -> list[Wait]:
    """Who waits for these, in order, their rows locked; with a span, for times that it crosses."""
    rows = Wait.objects.of(town).standing().filter(resource__in=list(found))
    if span is not None:
        if span.end <= span.start:  # Refused in words by the rules of the booking.
            return []
        around = [one.resource.terms.before + one.resource.terms.after for one in found.values()]
        rows = rows.filter(period__overlap=tuple(span.widened(max(around), max(around))))
    waits = list(
        rows.select_related("resident", "booking").in_order().select_for_update(of=("self",))
    )
    for wait in waits:
        wait.resident.municipality = town
    return waits


def serve(
    waits: Sequence[Wait],
    found: Mapping[int, Offer],
    *,
    draw: Draw,
    now: datetime,
    span: Span | None = None,
    asker: Resident | None = None,
) -> int:
    """Offer what is free to those who wait for it, in order; answer how many were offered.

    The resources must be locked. Who asks for exactly what they wait for comes in their own turn,
    and takes it themselves.
    """
    offered = 0
    for wait in waits:
        if wait.state == State.OFFERED:
            close_offer(wait, now=now)
        elif asker is not None and wait.resident_id == asker.pk and wait.span == span:
            break
        else:
            offered += offer_to(wait, found[wait.resource_id], draw=draw, now=now)
    return offered


def close_offer(wait: Wait, *, now: datetime) -> None:
    """End an offer that was taken or ran out; who let it run out is told, and leaves the line."""
    booking = wait.booking
    assert booking is not None
    if booking.state == Booking.State.HELD and booking.held_until and booking.held_until > now:
        return
    end(wait, State.BOOKED if booking.state in KEPT else State.LAPSED, now=now)
    if wait.state == State.LAPSED:
        record("reservations.offer_lapsed", municipality=wait.municipality_id, wait=wait.pk)
        letters.tell(booking, "reservations.offer_lapsed", now=now, url=wait.get_absolute_url())


def end(wait: Wait, state: str, *, now: datetime) -> None:
    """Close a place in line whose row is locked."""
    wait.state, wait.ended_at = state, now
    wait.save(update_fields=["state", "ended_at"])


def offer_to(wait: Wait, offered: Offer, *, draw: Draw, now: datetime) -> bool:
    """Keep the place for this person and tell them, if it is free and they may have it."""
    town, resource, span = wait.resident.municipality, offered.resource, wait.span
    window = span.widened(resource.terms.before, resource.terms.after)
    if occupation(town, [resource.pk], window, now=now).left(offered, window) < wait.quantity:
        return False
    own = Taking.objects.of(town).standing(now).filter(
        booking__resident=wait.resident_id, booking__state__in=KEPT, resource=resource,
        period=tuple(span),
    )  # fmt: skip
    if own.exists():
        # They found it free, and reserved it without waiting for us.
        end(wait, State.BOOKED, now=now)
        return False
    asked = [(offered, Line(resource.pk, wait.quantity))]
    try:
        booking = draw(
            asked, resident=wait.resident, span=span, now=now, people=wait.people, clerk=None,
            organisation_id=wait.organisation_id,
        )  # fmt: skip
        booking.state = Booking.State.HELD
        booking.held_until = rules.offered_until(
            span.start, timedelta(minutes=resource.offer_minutes), resource.terms, now=now
        )
        with transaction.atomic():
            booking.save()
            holds.take(asked, span, now=now, booking=booking)
    except Refused:
        # Not theirs to have today (a limit, a notice, a lapsed recognition): they keep their turn.
        return False
    wait.state, wait.booking = State.OFFERED, booking
    wait.save(update_fields=["state", "booking"])
    record("reservations.offered", municipality=town, wait=wait.pk, booking=booking.pk)
    letters.tell(booking, "reservations.offered", now=now, url=wait.get_absolute_url())
    return True


def waited_for(town_id: int, *, now: datetime) -> list[int]:
    """Close the wishes whose moment has come; answer the resources still waited for, in order."""
    standing = Wait.objects.of(town_id).standing()
    standing.filter(state=State.WAITING, period__startswith__lte=now).update(
        state=State.OVER, ended_at=now
    )
    ids: Iterable[int] = standing.order_by("resource_id").values_list("resource_id", flat=True)
    return list(dict.fromkeys(ids))


def serve_town(town_id: int, *, draw: Draw, now: datetime) -> int:
    """Serve every line of a town; answer how many were offered a place.

    One transaction for each resource: bookings are locked after their resource, never before.
    """
    with as_town(town_id):
        town = Municipality.objects.get(pk=town_id)
        ids = waited_for(town_id, now=now)
    offered = 0
    for pk in ids:
        with as_town(town_id):
            locked = holds.lock(town, [pk])
            holds.clear_expired(town, now=now, resource_ids=[pk])
            found = offers(town, locked)
            offered += serve(in_line(town, found), found, draw=draw, now=now)
    return offered
