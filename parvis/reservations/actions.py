"""Everything that a booking goes through: held, booked, changed, decided, cancelled, recalled."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from parvis.cases import rules as moves
from parvis.core.db import as_town
from parvis.core.errors import Refused
from parvis.core.jobs import each
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality
from parvis.reservations import approvals, asking, holds, letters, lineup, prices, rules
from parvis.reservations.calendars import close_feed as close_feed
from parvis.reservations.calendars import renew_feed as renew_feed
from parvis.reservations.decisions import approve as approve
from parvis.reservations.decisions import cancel_for_town as cancel_for_town
from parvis.reservations.decisions import refuse as refuse
from parvis.reservations.hours import Span
from parvis.reservations.models import Booking
from parvis.reservations.readings import Line, Offer, offers
from parvis.residents.models import Resident

logger = logging.getLogger("parvis.reservations")
State = Booking.State
HOLD = timedelta(minutes=10)
"""For how long a place is kept while a page is being filled."""
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without what is mistaken for something else when it is read aloud."""


@transaction.atomic
def book(
    *,
    resident: Resident,
    lines: Sequence[Line],
    span: Span,
    now: datetime,
    key: str = "",
    purpose: str = "",
    people: int | None = None,
    organisation_id: int | None = None,
    answers: Mapping[int, str] | None = None,
    accepted: bool = False,
    way: str = "",
    clerk: Resident | None = None,
) -> Booking:
    """Reserve all of it for the resident, or raise Refused, with the nearest free times if any.

    When two ask for the last one at the same instant, one has it and the other is refused. The
    same key again is the same booking: an answer that was lost may be asked for again.
    """
    lines = asking.merged_lines(lines)
    asked_for = asking.digest(
        lines, span, purpose=purpose, people=people, organisation=organisation_id,
        answers=dict(answers or {}), **({"way": way} if way else {}),
    )  # fmt: skip
    asked = prepare(resident.municipality, lines, now=now)
    if (before := made_with(resident, key, asked_for)) is not None:
        return before
    lineup.give_way(asked, span, draw=draw_up, now=now, asker=resident)
    booking = draw_up(
        asked, resident=resident, span=span, now=now, people=people, clerk=clerk,
        organisation_id=organisation_id,
    )  # fmt: skip
    booking.state = asking.state_after(asked, at_counter=clerk is not None)
    booking.purpose = " ".join(purpose.split())[:200]
    booking.way = asking.way_of(asked, way, resident=resident, at_counter=clerk is not None)
    booking.answers = asking.answered(asked, answers or {})
    booking.conditions = asking.conditions_of(asked, accepted=accepted or clerk is not None)
    booking.key, booking.key_digest = key[:64], asked_for
    booking.save()
    holds.take(asked, span, now=now, booking=booking)
    _say_made(booking, actor=clerk or resident, now=now)
    return booking


def prepare(
    town: Municipality, lines: Sequence[Line], *, now: datetime
) -> list[tuple[Offer, Line]]:
    """Lock what is asked for, free what was held too long, and read what decides about it."""
    locked = holds.lock(town, [line.resource_id for line in lines])
    holds.clear_expired(town, now=now, resource_ids=[one.pk for one in locked])
    found = offers(town, locked)
    return [(found[line.resource_id], line) for line in lines]


def made_with(resident: Resident, key: str, asked_for: str) -> Booking | None:
    """What the person already booked with this key, or raise Refused if it was something else."""
    if not key:
        return None
    before: Booking | None = (
        Booking.objects.of(resident.municipality_id).filter(resident=resident, key=key[:64]).first()
    )
    if before is not None and before.key_digest != asked_for:
        raise Refused(_("Cette page a déjà servi. Rechargez-la pour réserver autre chose."))
    return before


def draw_up(
    asked: Sequence[tuple[Offer, Line]],
    *,
    resident: Resident,
    span: Span,
    now: datetime,
    people: int | None,
    organisation_id: int | None,
    clerk: Resident | None,
    but: int | None = None,
) -> Booking:
    """A booking that the rules allow, priced and not yet written; or raise Refused."""
    at_counter = clerk is not None
    town = resident.municipality
    asking.check_alone(asked)
    asking.check_times(asked, span, now=now, at_counter=at_counter, but=but)
    asking.check_people(asked, people)
    organisation = asking.organisation_of(resident, organisation_id, at_counter=at_counter)
    home = asking.home_of(resident)
    if not at_counter:
        asking.check_who(asked, home=home, organisation=organisation, span=span)
        asking.check_limits(asked, span, resident=resident, home=home, now=now, but=but)
    on = span.start.astimezone(town.zone).date()
    of_class = asking.price_class(home=home, organisation=organisation, on=on)
    quote, kept = asking.quoted(asked, span, of_class)
    resources = [offered.resource for offered, _line in asked]
    notice = max(one.cancel_notice for one in resources)
    return Booking(
        municipality=town,
        resident=resident,
        organisation=organisation,
        period=DateTimeTZRange(span.start, span.end),
        people=people,
        price_class=of_class,
        quote=kept,
        total=quote.total,
        deposit=Decimal(kept["deposit"]),
        changes_until=rules.cancels_until(span.start, timedelta(minutes=notice)),
        free_hours=max(one.free_hours for one in resources),
        kept_percent=max(one.kept_percent for one in resources),
        code="".join(secrets.choice(ALPHABET) for _n in range(8)),
        created_at=now,
        by_id=clerk.pk if clerk is not None else None,
    )


def _say_made(booking: Booking, *, actor: Resident, now: datetime) -> None:
    """The audit line and the message of what was just booked, or asked for."""
    kind = "reservations.asked" if booking.state == State.ASKED else "reservations.booked"
    record(kind, municipality=booking.municipality_id, actor=actor, booking=booking.pk)
    number = ""
    if booking.state == State.ASKED:
        what = ", ".join(letters.things(booking))
        case = approvals.open_request(booking, what=what, now=now)
        number = _("Votre demande porte le numéro {number}.").format(number=case.number)
    letters.tell(booking, kind, now=now, actor=actor, note=number)
    letters.note_near(booking, now=now)


@transaction.atomic
def hold(
    *,
    resident: Resident,
    lines: Sequence[Line],
    span: Span,
    now: datetime,
    people: int | None = None,
    organisation_id: int | None = None,
) -> Booking:
    """Keep the places for ten minutes while the page is being filled, or raise Refused.

    One hold for each person: a new one lets the former go.
    """
    lines = asking.merged_lines(lines)
    town = resident.municipality
    asked = prepare(town, lines, now=now)
    lineup.give_way(asked, span, draw=draw_up, now=now, asker=resident)
    former = Booking.objects.of(town).filter(resident=resident, state=State.HELD, waits=None)
    for one in former.select_for_update(of=("self",)):
        holds.end(one, State.EXPIRED)
    booking = draw_up(
        asked, resident=resident, span=span, now=now, people=people, clerk=None,
        organisation_id=organisation_id,
    )  # fmt: skip
    booking.state, booking.held_until = State.HELD, now + HOLD
    booking.save()
    holds.take(asked, span, now=now, booking=booking)
    record("reservations.held", municipality=town, actor=resident, booking=booking.pk)
    return booking


@transaction.atomic
def confirm_hold(
    booking: Booking,
    *,
    now: datetime,
    purpose: str = "",
    people: int | None = None,
    answers: Mapping[int, str] | None = None,
    accepted: bool = False,
    way: str = "",
) -> Booking:
    """Make a booking of what was held, or raise Refused. Twice is once."""
    fresh, asked = locked(booking, now=now)
    if fresh.state in {State.ASKED, State.CONFIRMED}:
        return fresh
    if fresh.state != State.HELD:
        raise Refused(_("Le temps de garder la place est passé. Choisissez de nouveau."))
    asking.check_people(asked, people)
    fresh.state = asking.state_after(asked, at_counter=False)
    fresh.purpose, fresh.people = " ".join(purpose.split())[:200], people
    fresh.way = asking.way_of(asked, way, resident=fresh.resident, at_counter=False)
    fresh.answers = asking.answered(asked, answers or {})
    fresh.conditions = asking.conditions_of(asked, accepted=accepted)
    fresh.held_until = None
    fresh.save()
    fresh.takings.filter(stands=True).update(held_until=None)
    _say_made(fresh, actor=fresh.resident, now=now)
    return fresh


def locked(booking: Booking, *, now: datetime) -> tuple[Booking, list[tuple[Offer, Line]]]:
    """The booking as it stands, with its resources locked in order before itself."""
    town = booking.municipality
    lines = lines_of(booking)
    asked = prepare(town, lines, now=now) if lines else []
    fresh = holds.lock_booking(booking)
    return fresh, asked


def lines_of(booking: Booking) -> list[Line]:
    """What a booking takes, or took."""
    return [
        Line(one.resource_id, one.quantity, one.unit_id) for one in booking.takings.order_by("pk")
    ]


@transaction.atomic
def change(
    booking: Booking,
    *,
    span: Span,
    token: int,
    now: datetime,
    lines: Sequence[Line] | None = None,
    people: int | None = None,
    clerk: Resident | None = None,
) -> Booking:
    """Move a booking to other times, or to other things, or raise Refused: then it stays as it was.

    What waits for an approval waits for it again. The price is worked out anew.
    """
    town = booking.municipality
    before = lines_of(booking)
    # Any of the like places will do, unless the person asks for a certain one.
    wanted = asking.merged_lines(
        lines or [Line(one.resource_id, one.quantity, None) for one in before]
    )
    both = [*before, *wanted]
    locked_rows = holds.lock(town, [line.resource_id for line in both])
    holds.clear_expired(town, now=now, resource_ids=[one.pk for one in locked_rows])
    case = approvals.lock_request(booking)
    fresh = holds.lock_booking(booking)
    holds.check_changeable(fresh, token=token, now=now, clerk=clerk)
    found = offers(town, locked_rows)
    asked = [(found[line.resource_id], line) for line in wanted]
    lineup.give_way(asked, span, draw=draw_up, now=now, asker=fresh.resident, but=fresh.pk)
    drawn = draw_up(
        asked, resident=fresh.resident, span=span, now=now, clerk=clerk, but=fresh.pk,
        people=people if people is not None else fresh.people,
        organisation_id=fresh.organisation_id,
    )  # fmt: skip
    fresh.takings.all().delete()
    holds.take(asked, span, now=now, booking=fresh)
    fresh.state = asking.state_after(asked, at_counter=clerk is not None)
    moved = [
        "period", "people", "price_class", "quote", "total", "deposit", "changes_until",
        "free_hours", "kept_percent",
    ]  # fmt: skip
    free_until = prices.free_until(fresh.period.lower, fresh.free_hours)
    for name in moved:
        setattr(fresh, name, getattr(drawn, name))
    if clerk is None and now > free_until:
        # What would cost already is not made free by moving it further away.
        fresh.free_hours = -(-(fresh.period.lower - free_until) // timedelta(hours=1))
    fresh.token += 1
    fresh.reminded_at = None
    fresh.save(update_fields=[*moved, "state", "token", "reminded_at"])
    actor = clerk or fresh.resident
    record("reservations.changed", municipality=town, actor=actor, booking=fresh.pk)
    if fresh.state == State.ASKED and case is None:
        what = ", ".join(letters.things(fresh))
        approvals.open_request(fresh, what=what, now=now)
    elif fresh.state == State.ASKED and case is not None:
        approvals.say_moved(case, fresh, by=actor, at_counter=clerk is not None, now=now)
    elif fresh.state == State.CONFIRMED:
        approvals.settle(case, to=moves.ANSWERED, by=actor, now=now)
    letters.tell(fresh, "reservations.changed", now=now, actor=actor)
    letters.note_near(fresh, now=now)
    return fresh


@transaction.atomic
def cancel(booking: Booking, *, now: datetime, token: int | None = None) -> Booking:
    """Cancel one's own booking by its rules, or raise Refused. Twice is once."""
    case = approvals.lock_request(booking)
    fresh = holds.lock_booking(booking)
    if fresh.state == State.CANCELLED:
        return fresh
    if fresh.state == State.HELD:
        holds.end(fresh, State.CANCELLED, at=now)
        return fresh
    holds.check_changeable(fresh, token=token, now=now, clerk=None)
    if fresh.state == State.CONFIRMED:
        fresh.kept = prices.kept_if_cancelled(
            fresh.total, start=fresh.period.lower, free_hours=fresh.free_hours,
            percent=fresh.kept_percent, now=now,
        )  # fmt: skip
    holds.end(fresh, State.CANCELLED, at=now)
    approvals.settle(case, to=moves.WITHDRAWN, by=fresh.resident, now=now)
    record(
        "reservations.cancelled", municipality=fresh.municipality_id, actor=fresh.resident,
        booking=fresh.pk,
    )  # fmt: skip
    letters.tell(fresh, "reservations.cancelled", now=now, actor=fresh.resident)
    return fresh


@transaction.atomic
def withdraw_request(town: Municipality, pk: int, *, by: Resident | None, now: datetime) -> None:
    """Free the place of a booking whose case is withdrawn, or raise Refused if it was accepted.

    Whatever its hour: nobody had answered. Without `by` the person is leaving, and is told nothing.
    """
    found = Booking.objects.of(town).filter(pk=pk).first()
    if found is None:
        return
    booking = holds.lock_booking(found)
    if booking.state == State.CONFIRMED and by is not None:
        raise Refused(_("Cette réservation est acceptée\u00a0: annulez la réservation elle-même."))
    if booking.state != State.ASKED:
        return
    holds.end(booking, State.CANCELLED, at=now)
    record("reservations.cancelled", municipality=town, actor=by, booking=pk)
    if by is not None:
        letters.tell(booking, "reservations.cancelled", now=now, actor=by)


def remind_due(town_id: int, *, now: datetime) -> int:
    """Recall what begins within a day, with how to get in; once each."""
    due = (
        Booking.objects.of(town_id)
        .filter(
            state=State.CONFIRMED,
            reminded_at__isnull=True,
            period__startswith__gt=now,
            period__startswith__lte=now + letters.DAY_BEFORE,
        )
        .select_related("municipality", "resident")
        .order_by("pk")
        .select_for_update(skip_locked=True, of=("self",))
    )
    count = 0
    for booking in due[:500]:
        letters.tell(booking, "reservations.reminded", now=now)
        Booking.objects.of(town_id).filter(pk=booking.pk).update(reminded_at=now)
        record("reservations.reminded", municipality=town_id, booking=booking.pk)
        count += 1
    return count


def keep_time(now: datetime) -> int:
    """In every town: let expired holds go, send what is to be recalled; how many were done."""
    done = 0
    for town_id in Municipality.objects.order_by("pk").values_list("pk", flat=True):
        try:
            with translation.override("fr"), as_town(town_id):
                done += holds.clear_expired(town_id, now=now)
                done += remind_due(town_id, now=now)
            with translation.override("fr"):
                done += lineup.serve_town(town_id, draw=draw_up, now=now)
        except Exception:
            # One town that cannot be treated must not hold up those behind it.
            logger.exception("reservations of town %s", town_id)
    return done


@each("* * * * *")
def keep_reservations_in_time(*, at: int) -> None:
    """Expire and recall what is due. Harmless twice, or by two workers at once."""
    keep_time(timezone.now())
