"""When the town keeps something for itself, or closes: who is concerned, and is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parvis.core.errors import Refused
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality
from parvis.reservations import decisions, holds, hours, slots
from parvis.reservations.hours import Span
from parvis.reservations.models import Block, Booking, Closure, Resource, Taking, Unit
from parvis.reservations.readings import Line, Offer, occupation, offers
from parvis.residents.models import Resident

LONGEST_BLOCK = timedelta(days=400)
State = Booking.State


def concerned_by_block(
    asked: Sequence[tuple[Offer, Line]], span: Span, *, now: datetime
) -> list[Booking]:
    """The bookings in the way: of these units; of equipment, the newest, until it fits."""
    town = asked[0][0].resource.municipality
    found: dict[int, Booking] = {}
    if span.end <= span.start:
        return []
    for offered, line in asked:
        rows = list(
            Taking.objects.of(town)
            .standing(now)
            .filter(resource=offered.resource, booking__isnull=False, period__endswith__gt=now)
            .overlapping(*span)
            .select_related("booking__resident")
            .order_by("-booking__created_at", "-booking_id")
        )
        if offered.resource.is_space:
            units = [line.unit_id] if line.unit_id else [one.pk for one in offered.units]
            found.update({one.booking_id: one.booking for one in rows if one.unit_id in units})
            continue
        taken = occupation(town, [offered.resource.pk], span, now=now)
        out = taken.out(offered.resource.pk)
        total = offered.resource.total or 0
        for one in rows:
            if slots.quantity_left(total, out, span) >= line.quantity:
                break
            found[one.booking_id] = one.booking
            blocked = Span(one.blocked.lower, one.blocked.upper)
            out.remove((blocked, one.quantity))
    return sorted(found.values(), key=lambda one: (one.period.lower, one.pk))


def concerned_by_closure(
    town: Municipality, resource: Resource | None, first_on: date, last_on: date, *, now: datetime
) -> list[Booking]:
    """Bookings to come that use a space on these days, or fetch or bring back equipment then."""
    if last_on < first_on:
        return []
    start = hours.local_day(first_on, town.zone).start
    end = hours.local_day(last_on, town.zone).end
    rows = (
        Taking.objects.of(town)
        .standing(now)
        .filter(booking__isnull=False, period__overlap=(start, end), period__endswith__gt=now)
        .select_related("booking__resident", "resource")
    )
    if resource is not None:
        rows = rows.filter(resource=resource)
    found = {
        one.booking_id: one.booking
        for one in rows
        if one.resource.is_space
        or start <= one.period.lower < end
        or start < one.period.upper <= end
    }
    return sorted(found.values(), key=lambda one: (one.period.lower, one.pk))


def check_concerned(concerned: Sequence[Booking], *, seen: Iterable[int] | None) -> None:
    """Raise Refused unless the clerk saw everyone who will be told, and no one else came since."""
    if not concerned and not seen:
        return
    if seen is None or {one.pk for one in concerned} != set(seen):
        raise Refused(
            ngettext(
                "{n}\u00a0réservation est concernée\u00a0: regardez-la avant de continuer.",
                "{n}\u00a0réservations sont concernées\u00a0: regardez-les avant de continuer.",
                len(concerned),
            ).format(n=len(concerned))
        )


@transaction.atomic
def block(
    town: Municipality,
    *,
    lines: Sequence[Line],
    span: Span,
    reason: str,
    clerk: Resident,
    now: datetime,
    seen: Iterable[int] | None = None,
    note: str = "",
) -> Block:
    """Keep it for the town, cancelling what stands in the way, or raise Refused.

    `seen`: the bookings that the clerk saw. If another came meanwhile, nothing is done.
    """
    reason = _tidy(reason)
    if span.end <= span.start:
        raise Refused(_("La fin doit suivre le début."))
    if span.end <= now:
        raise Refused(_("Ce moment est passé\u00a0: choisissez un moment à venir."))
    if span.length > LONGEST_BLOCK:
        raise Refused(_("Un blocage dure 400 jours au plus\u00a0: fermez plutôt la ressource."))
    locked = holds.lock(town, [line.resource_id for line in lines])
    holds.clear_expired(town, now=now, resource_ids=[one.pk for one in locked])
    found = offers(town, locked)
    asked = [(found[line.resource_id], line) for line in lines]
    for offered, line in asked:
        total = offered.resource.total or 0
        if not offered.resource.is_space and not 1 <= line.quantity <= total:
            raise Refused(_("Choisissez une quantité de 1 à {most}.").format(most=total))
    concerned = concerned_by_block(asked, span, now=now)
    check_concerned(concerned, seen=seen)
    _cancel_all(concerned, clerk=clerk, now=now, note=note or reason)
    # Where the use is over, the time to put things in order is the town's own.
    Taking.objects.of(town).standing(now).filter(
        resource__in=[one.pk for one in locked], booking__isnull=False, period__endswith__lte=now
    ).overlapping(*span).update(blocked=F("period"))
    made = Block.objects.create(
        municipality=town, reason=reason, period=DateTimeTZRange(span.start, span.end),
        created_at=now, by_id=clerk.pk,
    )  # fmt: skip
    # Without a unit, every like place of the space.
    whole = [
        (offered, Line(line.resource_id, line.quantity, unit_id))
        for offered, line in asked
        for unit_id in _units(offered, line)
    ]
    holds.take(whole, span, now=now, block=made)
    record(
        "reservations.blocked", municipality=town, actor=clerk, block=made.pk,
        cancelled=[one.pk for one in concerned],
    )  # fmt: skip
    return made


def _units(offered: Offer, line: Line) -> list[int | None]:
    if not offered.resource.is_space or line.unit_id is not None:
        return [line.unit_id]
    return [one.pk for one in offered.units]


def _tidy(reason: str) -> str:
    reason = " ".join(reason.split())[:120]
    if not reason:
        raise Refused(_("Écrivez la raison\u00a0: les gens la verront."))
    return reason


def _cancel_all(concerned: Sequence[Booking], *, clerk: Resident, now: datetime, note: str) -> None:
    for booking in concerned:
        if booking.state == State.HELD:
            holds.end(holds.lock_booking(booking), State.EXPIRED)
        else:
            decisions.cancel_for_town(booking, clerk=clerk, note=note, now=now)


@transaction.atomic
def lift(made: Block, *, clerk: Resident, now: datetime) -> None:
    """Give back to residents what was kept. Twice is once."""
    lifted = (
        Block.objects.of(made.municipality_id)
        .filter(pk=made.pk, lifted_at__isnull=True)
        .update(lifted_at=now)
    )
    if lifted:
        holds.release(made.municipality_id, block=made)
        record(
            "reservations.unblocked", municipality=made.municipality_id, actor=clerk, block=made.pk
        )


@transaction.atomic
def close_days(
    town: Municipality,
    *,
    resource: Resource | None,
    first_on: date,
    last_on: date,
    reason: str,
    clerk: Resident,
    now: datetime,
    seen: Iterable[int] | None = None,
    note: str = "",
) -> Closure:
    """Close a resource, or everything, on these days, cancelling what was booked; or raise Refused.

    Whoever books at the same instant comes before, and is among the concerned, or after, and is
    refused: the resources are locked.
    """
    reason = _tidy(reason)
    if last_on < first_on:
        raise Refused(_("Le dernier jour doit suivre le premier."))
    if last_on < now.astimezone(town.zone).date():
        raise Refused(_("Ces jours sont passés\u00a0: choisissez des jours à venir."))
    every = Resource.objects.of(town)
    ids = [resource.pk] if resource is not None else list(every.values_list("pk", flat=True))
    if ids:
        holds.lock(town, ids)
        holds.clear_expired(town, now=now, resource_ids=ids)
    concerned = concerned_by_closure(town, resource, first_on, last_on, now=now)
    check_concerned(concerned, seen=seen)
    _cancel_all(concerned, clerk=clerk, now=now, note=note or reason)
    made = Closure.objects.create(
        municipality=town, resource=resource, first_on=first_on, last_on=last_on, reason=reason,
        created_at=now, created_by_id=clerk.pk,
    )  # fmt: skip
    record(
        "reservations.closed", municipality=town, actor=clerk, closure=made.pk,
        cancelled=[one.pk for one in concerned],
    )  # fmt: skip
    return made


@transaction.atomic
def open_again(closure: Closure, *, clerk: Resident) -> None:
    """Take a closure back."""
    town = closure.municipality_id
    gone, _rows = Closure.objects.of(town).filter(pk=closure.pk).delete()
    if gone:
        record("reservations.reopened", municipality=town, actor=clerk, closure=closure.pk)


def standing_blocks(town: Municipality, *, now: datetime, **where: Any) -> list[Block]:
    """Blocks that are not over nor lifted, the next one first."""
    return list(
        Block.objects.of(town)
        .filter(lifted_at__isnull=True, period__endswith__gt=now, **where)
        .prefetch_related("takings__resource", "takings__unit")
        .order_by("period__startswith", "pk")
        .distinct()
    )


def unit_names(made: Block) -> list[str]:
    """What a block keeps, in words."""
    named: dict[str, list[str]] = {}
    for one in made.takings.all():
        of_it = named.setdefault(one.resource.name, [])
        if isinstance(one.unit, Unit) and one.unit.name:
            of_it.append(one.unit.name)
        elif one.unit is None:
            of_it.append(str(one.quantity))
    return [f"{name} ({', '.join(parts)})" if parts else name for name, parts in named.items()]
