"""What becomes of a booking: cancelled, moved, held, recalled, read by another calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest

from parvis.core.errors import Refused
from parvis.core.secret import digest
from parvis.municipalities.models import AuditLine
from parvis.municipalities.tests.make import NOW
from parvis.notifications.models import Message
from parvis.reservations import actions, rules
from parvis.reservations.hours import Span
from parvis.reservations.models import CalendarFeed, Limit, Rate
from parvis.reservations.readings import Line
from parvis.reservations.tests import make
from parvis.reservations.tests.make import span
from parvis.residents.tests import make as residents

HOUR = timedelta(hours=1)


@pytest.fixture
def agathe(town):
    return residents.resident(town)


@pytest.fixture
def luc(town):
    return residents.resident(town, first_name="Luc")


def deeds(town):
    return list(
        AuditLine.objects.of(town)
        .filter(deed__startswith="reservations.")
        .order_by("id")
        .values_list("deed", flat=True)
    )


def kinds(town):
    return list(Message.objects.of(town).order_by("id").values_list("kind", flat=True))


def test_one_cancels_alone_by_the_rules_and_the_place_is_free(town, agathe, luc):
    room = make.space(town, cancel_notice=24 * 60)
    booking = make.booking(room, agathe)
    with pytest.raises(Refused, match="Appelez la Ville"):
        actions.cancel(booking, now=span().start - 23 * HOUR)
    actions.cancel(booking, now=span().start - 24 * HOUR)
    actions.cancel(booking, now=span().start - 24 * HOUR)
    assert deeds(town) == ["reservations.booked", "reservations.cancelled"]
    assert kinds(town) == ["reservations.booked", "reservations.cancelled"]
    make.booking(room, luc)


def test_a_late_cancellation_keeps_its_part_of_the_price(town, agathe):
    room = make.space(town, free_hours=48, kept_percent=50)
    Rate.objects.create(municipality=town, resource=room, unit="flat", amount=30)
    early, late = make.booking(room, agathe, span(10)), make.booking(room, agathe, span(14))
    assert actions.cancel(early, now=span(10).start - 48 * HOUR).kept == 0
    assert actions.cancel(late, now=span(14).start - 47 * HOUR).kept == Decimal("15.00")


def test_what_would_cost_already_is_not_made_free_by_moving_it(town, agathe):
    room = make.space(town, free_hours=48, kept_percent=50)
    Rate.objects.create(municipality=town, resource=room, unit="flat", amount=30)
    early, late = make.booking(room, agathe, span(10)), make.booking(room, agathe, span(14))
    in_time, too_late = span(10).start - 49 * HOUR, span(14).start - 47 * HOUR
    far = actions.change(early, span=span(10, days=20), token=1, now=in_time)
    assert actions.cancel(far, now=too_late).kept == 0
    far = actions.change(late, span=span(14, days=20), token=1, now=too_late)
    assert actions.cancel(far, now=too_late).kept == Decimal("15.00")


def test_the_town_cancels_with_its_reason_and_keeps_nothing(town, agathe, luc):
    room = make.space(town, free_hours=900, kept_percent=100)
    Rate.objects.create(municipality=town, resource=room, unit="flat", amount=30)
    clerk = residents.staff(town).person
    booking = make.booking(room, agathe)
    with pytest.raises(Refused, match="pourquoi"):
        actions.cancel_for_town(booking, clerk=clerk, note="", now=NOW)
    ended = actions.cancel_for_town(booking, clerk=clerk, note="Dégât d’eau.", now=NOW)
    assert (ended.kept, ended.ended_by_town) == (0, True)
    assert (
        "Dégât d’eau."
        in (
            Message.objects.of(town)
            .get(kind="reservations.cancelled_by_town")
            .content["fr"]["body"]
        )
    )
    make.booking(room, luc)


def test_a_booking_moves_whole_or_stays_as_it_was(town, agathe, luc):
    room = make.space(town)
    booking = make.booking(room, agathe, span(10))
    make.booking(room, luc, span(12))
    with pytest.raises(rules.Taken):
        actions.change(booking, span=span(11), token=booking.token, now=NOW)
    assert booking.takings.get().span == span(10)
    moved = actions.change(booking, span=span(8, 3), token=booking.token, now=NOW)
    moved.refresh_from_db()
    assert (moved.span, moved.takings.get().span) == (span(8, 3), span(8, 3))
    with pytest.raises(Refused, match="Rechargez"):
        actions.change(booking, span=span(16), token=booking.token, now=NOW)
    assert deeds(town)[2:] == ["reservations.changed"]


def test_a_booking_may_move_over_itself_and_counts_once_for_its_quota(town, agathe):
    room = make.space(town)
    Limit.objects.create(municipality=town, resource=room, most=1, per="day")
    booking = make.booking(room, agathe, span(10))
    assert actions.change(booking, span=span(11), token=1, now=NOW).token == 2


def test_a_hold_keeps_the_place_ten_minutes_and_then_lets_it_go(town, agathe, luc):
    room = make.space(town)
    held = actions.hold(resident=agathe, lines=[Line(room.pk)], span=span(), now=NOW)
    with pytest.raises(rules.Taken):
        make.booking(room, luc, now=NOW + timedelta(minutes=9))
    late = NOW + actions.HOLD
    # On the way of a writing, before any job ran.
    make.booking(room, luc, now=late)
    held.refresh_from_db()
    assert held.state == "expired"
    with pytest.raises(Refused, match="Choisissez de nouveau"):
        actions.confirm_hold(held, now=late)


def test_a_hold_becomes_a_booking_once(town, agathe):
    room = make.space(town, conditions="Rien sur les murs.")
    held = actions.hold(resident=agathe, lines=[Line(room.pk)], span=span(), now=NOW)
    with pytest.raises(Refused, match="conditions"):
        actions.confirm_hold(held, now=NOW)
    done = actions.confirm_hold(held, now=NOW, accepted=True, purpose="Fête")
    actions.confirm_hold(held, now=NOW, accepted=True)
    assert (done.state, done.takings.get().held_until) == ("confirmed", None)
    assert deeds(town) == ["reservations.held", "reservations.booked"]
    assert kinds(town) == ["reservations.booked"]


def test_a_new_hold_lets_the_former_go(town, agathe, luc):
    room = make.space(town)
    actions.hold(resident=agathe, lines=[Line(room.pk)], span=span(10), now=NOW)
    actions.hold(resident=agathe, lines=[Line(room.pk)], span=span(14), now=NOW)
    make.booking(room, luc, span(10))
    with pytest.raises(rules.Taken):
        make.booking(room, luc, span(14))


def test_the_day_before_one_is_told_once_how_to_get_in(town, agathe):
    room = make.space(town, instructions="Code de la porte\u00a0: 4711")
    booking = make.booking(room, agathe)
    assert "4711" not in str(Message.objects.of(town).get().content)
    assert actions.remind_due(town.pk, now=span().start - 25 * HOUR) == 0
    assert actions.remind_due(town.pk, now=span().start - 24 * HOUR) == 1
    assert actions.remind_due(town.pk, now=span().start - 23 * HOUR) == 0
    assert (
        "4711" in (Message.objects.of(town).get(kind="reservations.reminded").content["fr"]["body"])
    )
    booking.refresh_from_db()
    assert booking.reminded_at is not None


def test_who_books_within_a_day_is_told_at_once_and_not_again(town, agathe):
    room = make.space(town, instructions="Code de la porte\u00a0: 4711")
    make.booking(room, agathe, now=span().start - 3 * HOUR)
    assert "4711" in str(Message.objects.of(town).get().content)
    assert actions.remind_due(town.pk, now=span().start - 2 * HOUR) == 0


def test_a_private_calendar_has_one_address_at_a_time(town, agathe):
    first, second = (actions.renew_feed(agathe, now=NOW) for _n in range(2))
    assert first != second
    assert CalendarFeed.objects.of(town).get().digest == digest(second)
    actions.close_feed(agathe)
    actions.close_feed(agathe)
    assert deeds(town) == [
        "reservations.feed_renewed", "reservations.feed_renewed", "reservations.feed_closed"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("on", "hours"), [(date(2027, 3, 14), 23), (date(2026, 11, 1), 25)], ids=["spring", "autumn"]
)
def test_the_nights_when_the_clock_changes_last_and_cost_what_they_last(town, agathe, on, hours):
    room = make.space(
        town, opens=time(0), closes=time(0), longest=1500, shortest=60, days_ahead=400
    )
    Rate.objects.create(municipality=town, resource=room, unit="hour", amount=10)
    zone = make.ZONE
    start = datetime.combine(on, time(0), tzinfo=zone)
    end = datetime.combine(on + timedelta(days=1), time(0), tzinfo=zone)
    wish = Span(start.astimezone(UTC), end.astimezone(UTC))
    booking = make.booking(room, agathe, wish)
    assert booking.span.length == timedelta(hours=hours)
    assert booking.total == 10 * hours
    after = Span(wish.end, wish.end + HOUR)
    assert make.booking(room, agathe, after).takings.get().span == after
