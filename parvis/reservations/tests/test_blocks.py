"""The town keeps something, or closes: whoever is concerned is seen first, and told."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from parvis.core.errors import Refused
from parvis.municipalities.models import AuditLine
from parvis.municipalities.tests.make import NOW
from parvis.notifications.models import Message
from parvis.reservations import actions, blocks, rules
from parvis.reservations.hours import Span
from parvis.reservations.models import Block, Booking, Closure, Taking
from parvis.reservations.readings import Line, offer
from parvis.reservations.tests import make
from parvis.reservations.tests.make import span
from parvis.residents.tests import make as residents

SATURDAY = date(2026, 5, 23)
MONDAY = date(2026, 5, 25)


@pytest.fixture
def agathe(town):
    return residents.resident(town)


@pytest.fixture
def clerk(town):
    return residents.staff(town).person


def block(town, clerk, lines, when=None, **facts):
    facts.setdefault("reason", "Entretien de la glace")
    return blocks.block(town, lines=lines, span=when or span(), clerk=clerk, now=NOW, **facts)


def close(town, clerk, resource=None, first_on=SATURDAY, last_on=SATURDAY, **facts):
    return blocks.close_days(
        town, resource=resource, first_on=first_on, last_on=last_on, reason="Congé férié",
        clerk=clerk, now=NOW, **facts,
    )  # fmt: skip


def test_a_block_keeps_every_like_court_and_giving_it_back_frees_them(town, agathe, clerk):
    courts = make.space(town, units=2)
    made = block(town, clerk, [Line(courts.pk)])
    assert made.takings.count() == 2
    with pytest.raises(rules.Taken):
        make.booking(courts, agathe)
    blocks.lift(made, clerk=clerk, now=NOW)
    blocks.lift(made, clerk=clerk, now=NOW)
    make.booking(courts, agathe)
    assert AuditLine.objects.of(town).filter(deed="reservations.unblocked").count() == 1


def test_a_block_of_one_court_leaves_the_other(town, agathe, clerk):
    courts = make.space(town, units=2)
    block(town, clerk, [Line(courts.pk, unit_id=courts.units.first().pk)])
    assert make.booking(courts, agathe).takings.get().unit == courts.units.last()


def test_nobody_is_cancelled_before_the_clerk_has_seen_who(town, agathe, clerk):
    room = make.space(town)
    before, after = make.booking(room, agathe, span(8)), make.booking(room, agathe, span(12))
    booked = make.booking(room, agathe, span(10))
    for seen in (None, [], [before.pk], [booked.pk, after.pk]):
        with pytest.raises(Refused, match="concernée"):
            block(town, clerk, [Line(room.pk)], seen=seen)
    assert not Block.objects.of(town).exists()
    block(town, clerk, [Line(room.pk)], seen=[booked.pk], note="La glace doit refroidir.")
    states = [Booking.objects.get(pk=one.pk).state for one in (before, booked, after)]
    assert states == ["confirmed", "cancelled", "confirmed"]
    told = Message.objects.of(town).filter(kind="reservations.cancelled_by_town")
    assert told.get().reference == f"booking:{booked.pk}"
    assert "La glace doit refroidir." in told.get().content["fr"]["body"]


def test_equipment_is_kept_beside_what_is_lent_and_only_the_newest_gives_way(town, agathe, clerk):
    tables = make.equipment(town, total=10)
    older = make.booking(tables, agathe, quantity=4)
    newer = make.booking(tables, agathe, quantity=4)
    block(town, clerk, [Line(tables.pk, 2)])
    with pytest.raises(Refused, match="concernée"):
        block(town, clerk, [Line(tables.pk, 3)])
    block(town, clerk, [Line(tables.pk, 3)], seen=[newer.pk])
    assert Booking.objects.get(pk=older.pk).state == "confirmed"
    with pytest.raises(Refused, match="1 à 10"):
        block(town, clerk, [Line(tables.pk, 11)])


def test_a_block_in_the_past_or_without_reason_is_refused(town, clerk):
    room = make.space(town)
    for facts in (
        {"when": span(10, days=-3)}, {"reason": " "}, {"when": span(10, -1)},
        {"when": span(10, 24 * 500)},
    ):  # fmt: skip
        with pytest.raises(Refused):
            block(town, clerk, [Line(room.pk)], **facts)


def test_a_hold_gives_way_without_a_word(town, agathe, clerk):
    room = make.space(town)
    held = actions.hold(resident=agathe, lines=[Line(room.pk)], span=span(), now=NOW)
    block(town, clerk, [Line(room.pk)], seen=[held.pk])
    assert Booking.objects.get(pk=held.pk).state == "expired"
    assert not Message.objects.of(town).exists()


def test_closed_days_cancel_what_uses_them_and_spare_loans_that_only_pass_through(
    town, agathe, clerk
):
    room, tables = make.space(town), make.equipment(town, longest=5 * 1440)
    booked = make.booking(room, agathe, span(10))
    monday = make.booking(room, agathe, span(10, days=5))
    passing = make.booking(tables, agathe, span(10, 4 * 24, days=2))
    fetched = make.booking(tables, agathe, span(10, 24, days=3))
    with pytest.raises(Refused, match="2\u00a0réservations sont concernées"):
        close(town, clerk)
    close(town, clerk, seen=[booked.pk, fetched.pk])
    states = {one.pk: one.state for one in Booking.objects.of(town).all()}
    assert states == {
        booked.pk: "cancelled", monday.pk: "confirmed", passing.pk: "confirmed",
        fetched.pk: "cancelled",
    }  # fmt: skip
    with pytest.raises(rules.Taken, match="Congé férié"):
        make.booking(room, agathe)
    blocks.open_again(Closure.objects.of(town).get(), clerk=clerk)
    make.booking(room, agathe)


def test_one_resource_may_close_alone(town, agathe, clerk):
    one, other = make.space(town), make.space(town)
    close(town, clerk, one, SATURDAY, MONDAY)
    with pytest.raises(rules.Taken):
        make.booking(one, agathe)
    make.booking(other, agathe)
    with pytest.raises(Refused):
        close(town, clerk, one, MONDAY, SATURDAY)
    with pytest.raises(Refused, match="passés"):
        close(town, clerk, one, date(2026, 5, 1), date(2026, 5, 2))


def test_a_refused_block_leaves_no_trace(town, agathe, clerk):
    room = make.space(town)
    make.booking(room, agathe)
    lines = AuditLine.objects.of(town).count()
    with pytest.raises(Refused):
        block(town, clerk, [Line(room.pk)])
    assert AuditLine.objects.of(town).count() == lines
    assert Taking.objects.of(town).filter(block__isnull=False).count() == 0


def test_what_is_over_but_for_putting_things_in_order_does_not_stand_in_the_way(
    town, agathe, clerk
):
    room = make.space(town, after=60)
    over = make.booking(room, agathe, span(8, days=0), now=NOW - timedelta(days=2))
    now = span(10, days=0).start
    blocks.block(
        town, lines=[Line(room.pk)], span=span(10, days=0), reason="Bris", clerk=clerk, now=now
    )
    over.refresh_from_db()
    assert (over.state, over.takings.get().span) == ("confirmed", span(8, days=0))


def test_nobody_is_concerned_by_what_ends_before_it_begins(town, agathe):
    room = make.space(town)
    make.booking(room, agathe)
    inverted = Span(span().end, span().start)
    assert blocks.concerned_by_block([(offer(room), Line(room.pk))], inverted, now=NOW) == []
    assert blocks.concerned_by_closure(town, room, MONDAY, SATURDAY, now=NOW) == []
