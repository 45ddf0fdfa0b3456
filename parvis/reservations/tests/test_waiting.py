"""The waiting list: a freed place is kept for the first in line who may have it, then the next."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from parvis.core.errors import Refused
from parvis.municipalities.models import AuditLine
from parvis.municipalities.tests.make import NOW
from parvis.notifications.models import Message
from parvis.reservations import actions, blocks, decisions, erasure, lineup, rules, waiting
from parvis.reservations.models import Booking, Limit, Question, Taking, Wait
from parvis.reservations.readings import Line
from parvis.reservations.tests import make
from parvis.reservations.tests.make import span
from parvis.residents.tests import make as residents

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
State = Wait.State


@pytest.fixture
def crowd(town):
    return [residents.resident(town) for _n in range(4)]


def join(room, who, when=None, *, now=NOW, quantity=1, **facts):
    return waiting.join(
        resident=who, line=Line(room.pk, quantity), span=when or span(), now=now, **facts
    )


def minute(town, now):
    return lineup.serve_town(town.pk, draw=actions.draw_up, now=now)


def states(town):
    return list(Wait.objects.of(town).in_order().values_list("state", flat=True))


def kinds(person):
    rows = Message.objects.of(person.municipality_id).filter(reference__startswith="booking:")
    pks = [f"booking:{pk}" for pk in person.bookings.values_list("pk", flat=True)]
    return list(rows.filter(reference__in=pks).order_by("pk").values_list("kind", flat=True))


def test_one_waits_only_for_what_is_taken_and_that_one_could_have(town, crowd):
    luc, agathe, *_ = crowd
    room = make.space(town)
    with pytest.raises(Refused, match="C’est libre"):
        join(room, agathe)
    make.booking(room, luc)
    with pytest.raises(Refused, match="fermé"):
        join(room, agathe, span(23, 2))
    with pytest.raises(Refused, match="au plus"):
        join(room, agathe, span(9, 10))
    with pytest.raises(Refused, match="passé"):
        join(room, agathe, span(days=-3))
    with pytest.raises(Refused, match="n’existe pas"):
        join(room, agathe, quantity=1, organisation_id=None) and waiting.join(
            resident=agathe, line=Line(10**9), span=span(), now=NOW
        )
    first = Wait.objects.of(town).get()
    assert join(room, agathe, now=NOW + HOUR) == first
    room.offer_minutes = 0
    room.save()
    with pytest.raises(Refused, match="pas de liste d’attente"):
        join(room, crowd[2])
    assert states(town) == [State.WAITING]


def test_nobody_is_in_more_lines_than_ten(town, crowd):
    room = make.space(town)
    for day in range(waiting.MOST + 1):
        make.booking(room, crowd[0], span(days=3 + day))
    for day in range(waiting.MOST):
        join(room, crowd[1], span(days=3 + day))
    with pytest.raises(Refused, match="10 places à la fois"):
        join(room, crowd[1], span(days=3 + waiting.MOST))


def freed_by_cancelling(room, first, clerk):
    actions.cancel(first, now=NOW)


def freed_by_moving(room, first, clerk):
    actions.change(first, span=span(15), token=first.token, now=NOW)


def freed_by_the_town(room, first, clerk):
    decisions.cancel_for_town(first, clerk=clerk, note="Bris", now=NOW)


def freed_by_a_second_place(room, first, clerk):
    from parvis.reservations.models import Unit

    Unit.objects.create(municipality=room.municipality, resource=room, name="B", position=1)


def freed_by_leaving_town(room, first, clerk):
    erasure.forget(first.resident, now=NOW)


@pytest.mark.parametrize(
    "free",
    [
        freed_by_cancelling,
        freed_by_moving,
        freed_by_the_town,
        freed_by_a_second_place,
        freed_by_leaving_town,
    ],
)
def test_whatever_frees_a_place_it_is_kept_for_the_first_in_line(town, crowd, free):
    luc, agathe, sarah, clerk = crowd
    room = make.space(town)
    taken = make.booking(room, luc)
    join(room, agathe)
    join(room, sarah, now=NOW + MINUTE)
    assert minute(town, NOW + 2 * MINUTE) == 0
    free(room, taken, clerk)
    now = NOW + 3 * MINUTE
    assert minute(town, now) == 1
    assert minute(town, now) == 0
    first, second = Wait.objects.of(town).in_order()
    assert (first.resident, first.state, second.state) == (agathe, "offered", "waiting")
    assert first.booking.state == Booking.State.HELD
    assert first.booking.held_until == now + 240 * MINUTE
    assert kinds(agathe) == ["reservations.offered"]
    told = Message.objects.of(town).get(kind="reservations.offered")
    assert told.content["fr"]["url"] == first.get_absolute_url()
    made = waiting.accept(first, now=now + HOUR, purpose="Fête")
    assert made.state == Booking.State.CONFIRMED
    assert waiting.accept(Wait.objects.of(town).get(pk=first.pk), now=now + HOUR) == made
    assert states(town) == ["booked", "waiting"]
    assert Taking.objects.of(town).standing(now + HOUR).filter(booking=made).count() == 1
    assert (
        list(
            AuditLine.objects.of(town).filter(deed__contains="wait").values_list("deed", flat=True)
        )
        == ["reservations.wait_joined"] * 2
    )


def test_a_refusal_and_a_lifted_block_free_places_too(town, crowd):
    luc, agathe, sarah, clerk = crowd
    room = make.space(town, mode="approval")
    asked = make.booking(room, luc)
    block = blocks.block(
        town, lines=[Line(room.pk)], span=span(14), reason="Entretien", clerk=clerk, now=NOW
    )
    morning, noon = join(room, agathe), join(room, sarah, span(14))
    assert minute(town, NOW) == 0
    decisions.refuse(asked, clerk=clerk, note="Complet", now=NOW)
    blocks.lift(block, clerk=clerk, now=NOW)
    assert minute(town, NOW) == 2
    for one in (morning, noon):
        made = waiting.accept(Wait.objects.of(town).get(pk=one.pk), now=NOW)
        assert made.state == Booking.State.ASKED


def test_a_stranger_takes_nothing_that_somebody_waits_for(town, crowd):
    luc, agathe, stranger, _ = crowd
    room = make.space(town)
    taken = make.booking(room, luc)
    join(room, agathe)
    actions.cancel(taken, now=NOW)
    # The job has not come by: who books serves the line first.
    with pytest.raises(rules.Taken, match="prise"):
        make.booking(room, stranger)
    with pytest.raises(rules.Taken):
        make.booking(room, stranger, span(11))
    with pytest.raises(rules.Taken):
        actions.hold(resident=stranger, lines=[Line(room.pk)], span=span(), now=NOW)
    other = make.booking(room, stranger, span(15))
    with pytest.raises(rules.Taken):
        actions.change(other, span=span(), token=other.token, now=NOW)
    assert minute(town, NOW) == 1
    with pytest.raises(rules.Taken):
        make.booking(room, stranger)


def test_who_waits_and_finds_it_free_reserves_it_at_once(town, crowd):
    luc, agathe, sarah, _ = crowd
    room = make.space(town)
    taken = make.booking(room, luc)
    join(room, agathe)
    actions.cancel(taken, now=NOW)
    with pytest.raises(rules.Taken):
        make.booking(room, sarah)
    make.booking(room, agathe)
    later = join(room, sarah)
    actions.cancel(agathe.bookings.get(), now=NOW)
    make_again = make.booking(room, agathe)
    assert minute(town, NOW) == 0
    actions.cancel(make_again, now=NOW)
    assert minute(town, NOW) == 1
    assert later.resident == sarah
    assert states(town)[0] in {"booked", "offered"}


def test_an_offer_that_runs_out_goes_to_the_next_and_is_told(town, crowd):
    luc, agathe, sarah, _ = crowd
    room = make.space(town, offer_minutes=30)
    taken = make.booking(room, luc)
    first, second = join(room, agathe), join(room, sarah, now=NOW + MINUTE)
    actions.cancel(taken, now=NOW + 2 * MINUTE)
    minute(town, NOW + 2 * MINUTE)
    over = NOW + 32 * MINUTE
    assert minute(town, over - MINUTE) == 0
    first.refresh_from_db()
    with pytest.raises(Refused, match="le temps|Le temps"):
        waiting.accept(first, now=over)
    assert minute(town, over) == 1
    assert states(town) == ["lapsed", "offered"]
    assert kinds(agathe) == ["reservations.offered", "reservations.offer_lapsed"]
    second.refresh_from_db()
    assert waiting.accept(second, now=over).resident == sarah
    with pytest.raises(Refused):
        waiting.accept(first, now=over)


def test_who_leaves_hands_the_place_to_the_next_at_once(town, crowd):
    luc, agathe, sarah, stranger = crowd
    room = make.space(town)
    taken = make.booking(room, luc)
    first, second = join(room, agathe), join(room, sarah, now=NOW + MINUTE)
    third = join(room, stranger, now=NOW + 2 * MINUTE)
    assert [waiting.place_in_line(one) for one in (first, second, third)] == [1, 2, 3]
    waiting.leave(third, now=NOW)
    actions.cancel(taken, now=NOW)
    minute(town, NOW)
    # A page opened before the offer came: the row in hand is an old one.
    waiting.leave(first, now=NOW)
    waiting.leave(first, now=NOW)
    assert states(town) == ["left", "offered", "left"]
    made = waiting.accept(Wait.objects.of(town).get(pk=second.pk), now=NOW)
    waiting.leave(second, now=NOW)
    made.refresh_from_db()
    assert made.state == Booking.State.CONFIRMED


def test_who_may_not_have_it_today_is_passed_over_and_keeps_their_turn(town, crowd):
    luc, agathe, sarah, _ = crowd
    room = make.space(town)
    taken = make.booking(room, luc)
    join(room, agathe)
    join(room, sarah, now=NOW + MINUTE)
    Limit.objects.create(municipality=town, resource=room, most=1, per="day")
    make.booking(room, agathe, span(15))
    actions.cancel(taken, now=NOW)
    assert minute(town, NOW) == 1
    assert states(town) == ["waiting", "offered"]


def test_tables_wait_for_as_many_as_were_asked(town, crowd):
    luc, agathe, sarah, other = crowd
    tables = make.equipment(town, total=10)
    six, four = make.booking(tables, luc, quantity=6), make.booking(tables, other, quantity=4)
    join(tables, agathe, quantity=8)
    join(tables, sarah, quantity=3, now=NOW + MINUTE)
    actions.cancel(four, now=NOW)
    assert minute(town, NOW) == 1
    assert states(town) == ["waiting", "offered"]
    actions.cancel(six, now=NOW)
    assert minute(town, NOW) == 0
    waiting.leave(Wait.objects.of(town).get(resident=sarah), now=NOW)
    assert states(town) == ["offered", "left"]


def test_what_is_asked_must_be_answered_to_take_an_offer(town, crowd):
    luc, agathe, *_ = crowd
    room = make.space(town, conditions="Ramassez.")
    question = Question.objects.create(municipality=town, resource=room, label="Combien ?")
    taken = make.booking(room, luc, accepted=True, answers={question.pk: "deux"})
    wait = join(room, agathe)
    with pytest.raises(Refused, match="Aucune place"):
        waiting.accept(wait, now=NOW)
    actions.cancel(taken, now=NOW)
    minute(town, NOW)
    wait.refresh_from_db()
    with pytest.raises(Refused, match="Répondez"):
        waiting.accept(wait, now=NOW, accepted=True)
    with pytest.raises(Refused, match="conditions"):
        waiting.accept(wait, now=NOW, answers={question.pk: "deux"})
    made = waiting.accept(wait, now=NOW, accepted=True, answers={question.pk: "deux"})
    assert made.conditions == "Ramassez."


def test_an_offer_never_outlasts_the_notice_and_a_moment_gone_closes_the_line(town, crowd):
    luc, agathe, *_ = crowd
    room = make.space(town, offer_minutes=1440, notice=60)
    when = span(10, days=1)
    taken = make.booking(room, luc, when)
    wait = join(room, agathe, when)
    now = when.start - 2 * HOUR
    actions.cancel(taken, now=now)
    assert minute(town, now) == 1
    wait.refresh_from_db()
    assert wait.booking.held_until == when.start - HOUR
    assert minute(town, when.start) == 0
    other = make.booking(room, luc, span(10, days=2))
    join(room, agathe, span(10, days=2))
    assert minute(town, other.period.lower) == 0
    assert states(town) == ["lapsed", "over"]


def test_a_mere_hold_does_not_let_an_offer_go(town, crowd):
    luc, agathe, *_ = crowd
    room = make.space(town)
    taken = make.booking(room, luc)
    wait = join(room, agathe)
    actions.cancel(taken, now=NOW)
    minute(town, NOW)
    held = actions.hold(resident=agathe, lines=[Line(room.pk)], span=span(15), now=NOW)
    actions.hold(resident=agathe, lines=[Line(room.pk)], span=span(18), now=NOW)
    held.refresh_from_db()
    assert held.state == Booking.State.EXPIRED
    wait.refresh_from_db()
    assert wait.booking.state == Booking.State.HELD
    assert waiting.accept(wait, now=NOW).state == Booking.State.CONFIRMED


def test_one_reads_and_forgets_ones_places_in_line(town, crowd):
    luc, agathe, *_ = crowd
    room = make.space(town, "Salle du Pont")
    taken = make.booking(room, luc)
    join(room, agathe, people=12)
    (said,) = erasure.waits_of(agathe)
    assert (said["quoi"], said["etat"], said["personnes"]) == ("1 × Salle du Pont", "waiting", 12)
    erasure.forget(agathe, now=NOW)
    (said,) = erasure.waits_of(agathe)
    assert (said["etat"], said["personnes"]) == ("left", None)
    actions.cancel(taken, now=NOW)
    assert minute(town, NOW) == 0


def test_the_job_of_each_minute_serves_the_line(town, crowd):
    luc, agathe, *_ = crowd
    room = make.space(town)
    taken = make.booking(room, luc)
    wait = join(room, agathe)
    actions.cancel(taken, now=NOW)
    assert actions.keep_time(NOW) >= 1
    wait.refresh_from_db()
    assert wait.state == State.OFFERED
    assert isinstance(wait.span.start.date(), date)
