"""How places are taken and let go: the database refuses, here it is asked in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from parvis.core.db import violated_constraint
from parvis.core.errors import Refused
from parvis.municipalities.models import Municipality
from parvis.reservations import rules
from parvis.reservations.hours import Span
from parvis.reservations.models import Block, Booking, Resource, Taking
from parvis.reservations.readings import Line, Occupation, Offer, nearest_free, occupation
from parvis.residents.models import Resident

State = Booking.State
TAKEN = frozenset({"unit_taken_once", "never_more_than_the_town_has"})
"""Constraints that say: somebody else has it."""


def lock(town: Municipality, resource_ids: Iterable[int]) -> list[Resource]:
    """Lock what is asked for, always in the same order, or raise Refused.

    Two who ask at once come one after the other: the second sees what the first took, and is
    refused in words; without the lock PostgreSQL might end the pair as a deadlock.
    """
    wanted = sorted(set(resource_ids))
    found = list(
        Resource.objects.of(town)
        .filter(pk__in=wanted)
        .order_by("pk")
        .select_for_update(no_key=True, of=("self",))
    )
    if not found or len(found) != len(wanted):
        raise Refused(_("Ce que vous demandez n’existe pas, ou n’est plus offert."))
    for one in found:
        one.municipality = town
    return found


def clear_expired(
    town: Municipality | int, *, now: datetime, resource_ids: Iterable[int] | None = None
) -> int:
    """Let go of what was held while a page was being filled and no longer is; answer how many.

    On the write path it waits for who is at the same hold; by the job it leaves it to them.
    """
    over = Booking.objects.of(town).filter(state=State.HELD, held_until__lte=now)
    if resource_ids is not None:
        over = over.filter(
            pk__in=Taking.objects.of(town)
            .filter(resource__in=list(resource_ids), stands=True, held_until__lte=now)
            .values("booking_id")
        )
    ids = list(
        over.order_by("pk")
        .select_for_update(skip_locked=resource_ids is None)
        .values_list("pk", flat=True)
    )
    if ids:
        Booking.objects.of(town).filter(pk__in=ids).update(state=State.EXPIRED)
        release(town, booking__in=ids)
    return len(ids)


def release(town: Municipality | int, **whose: object) -> int:
    """Free the places of a booking or a block. Nothing needs a lock to be freed."""
    freed: int = Taking.objects.of(town).filter(stands=True, **whose).update(stands=False)
    return freed


def pick_unit(offered: Offer, line: Line, window: Span, taken: Occupation) -> int:
    """The unit that was asked for, or the first free one, or raise Taken."""
    units = [one.pk for one in offered.units if line.unit_id in (None, one.pk)]
    if not units:
        raise Refused(_("Ce que vous demandez n’existe pas, ou n’est plus offert."))
    for unit_id in units:
        if not any(one.overlaps(window) for one in taken.busy(unit_id)):
            return unit_id
    raise rules.Taken(_("Cette plage vient d’être prise."))


def take(
    asked: Sequence[tuple[Offer, Line]],
    span: Span,
    *,
    now: datetime,
    booking: Booking | None = None,
    block: Block | None = None,
) -> list[Taking]:
    """Take the places for a booking or a block, or raise Taken with what is still free.

    The resources must be locked. All of it or nothing.
    """
    town = asked[0][0].resource.municipality
    windows = [
        span.widened(offered.resource.terms.before, offered.resource.terms.after)
        if booking is not None
        else span
        for offered, _line in asked
    ]
    whole = Span(min(one.start for one in windows), max(one.end for one in windows))
    taken = occupation(town, [offered.resource.pk for offered, _ in asked], whole, now=now)
    cause: Exception
    try:
        rows = []
        for (offered, line), window in zip(asked, windows, strict=True):
            resource = offered.resource
            unit_id = pick_unit(offered, line, window, taken) if resource.is_space else None
            # What this line takes counts for the next line of the same request.
            if unit_id is None:
                check_left(offered, line, window, taken)
                taken.pieces[resource.pk].append((window, line.quantity))
            else:
                taken.units[unit_id].append(window)
            rows.append(
                Taking(
                    municipality=town,
                    booking=booking,
                    block=block,
                    resource=resource,
                    unit_id=unit_id,
                    quantity=line.quantity,
                    period=(span.start, span.end),
                    blocked=(window.start, window.end),
                    held_until=booking.held_until if booking is not None else None,
                )
            )
        with transaction.atomic():
            return Taking.objects.bulk_create(rows)
    except rules.Taken as refused:
        said, cause = str(refused), refused
    except IntegrityError as error:
        if violated_constraint(error) not in TAKEN:
            raise
        said, cause = _("Cette plage vient d’être prise."), error
    at_counter = booking is None or booking.by_id is not None
    near = nearest_free(town, asked, span, now=now, at_counter=at_counter)
    raise rules.Taken(said, near) from cause


def check_left(offered: Offer, line: Line, window: Span, taken: Occupation) -> None:
    """Raise Taken, with how many are left, unless so many pieces are in through the window."""
    left = taken.left(offered, window)
    if left >= line.quantity:
        return
    name = offered.resource.name
    if left:
        raise rules.Taken(
            _("Il en reste {left} à ce moment\u00a0: {name}.").format(left=left, name=name)
        )
    raise rules.Taken(_("Il n’en reste plus à ce moment\u00a0: {name}.").format(name=name))


def lock_booking(booking: Booking) -> Booking:
    fresh: Booking = (
        Booking.objects.of(booking.municipality_id)
        .select_related("municipality", "resident", "organisation")
        .select_for_update(of=("self",))
        .get(pk=booking.pk)
    )
    return fresh


def check_changeable(
    booking: Booking, *, token: int | None, now: datetime, clerk: Resident | None
) -> None:
    """Raise Refused unless the booking stands, as the page shows it, and may still be changed."""
    if booking.state not in {State.ASKED, State.CONFIRMED}:
        raise Refused(_("Cette réservation n’est plus en vigueur."))
    if token is not None and token != booking.token:
        raise Refused(_("Cette réservation a changé depuis. Rechargez la page."))
    if booking.presence:
        raise Refused(
            _(
                "Le guichet a déjà noté ce rendez-vous\u00a0: prenez-en un autre, ou demandez-lui "
                "de corriger sa note."
            )
        )
    if clerk is None:
        # What nobody answered yet may be taken back until it begins.
        waits = booking.state == State.ASKED
        notice = timedelta(0) if waits else booking.period.lower - booking.changes_until
        rules.check_cancel(booking.period.lower, notice, now=now)
    elif booking.period.upper <= now:
        raise Refused(_("Cette réservation est terminée."))


def end(booking: Booking, state: str, *, at: datetime | None = None) -> None:
    """Let go of the places of a booking whose row is locked."""
    booking.state, booking.ended_at = state, at
    booking.token += 1
    booking.save(update_fields=["state", "ended_at", "token", "kept", "note", "ended_by_town"])
    release(booking.municipality_id, booking=booking)
