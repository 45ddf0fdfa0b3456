"""A booking that waits for an answer is a case, and both end together."""

from __future__ import annotations

import pytest

from parvis.cases import actions as cases
from parvis.cases import rules as moves
from parvis.cases.models import Case
from parvis.core.errors import Refused
from parvis.municipalities.tests.make import NOW
from parvis.notifications.models import Message
from parvis.reservations import actions, rules
from parvis.reservations.models import Booking
from parvis.reservations.tests import make
from parvis.reservations.tests.make import span
from parvis.residents.erasure import erase_resident
from parvis.residents.tests import make as residents


@pytest.fixture
def agathe(town):
    return residents.resident(town)


@pytest.fixture
def clerk(town):
    return residents.staff(town).person


@pytest.fixture
def asked(town, agathe):
    room = make.space(town, "Salle Tremblay", mode="approval", cancel_notice=30 * 1440)
    return make.booking(room, agathe, purpose="Souper de quartier", people=40)


def case_of(booking):
    return Case.objects.of(booking.municipality).get(reference=f"booking:{booking.pk}")


def test_a_request_is_a_case_with_its_number_and_one_message(town, asked, agathe):
    case = case_of(asked)
    assert (case.resident, case.kind, case.subject) == (
        agathe, "reservations.approval", "Salle Tremblay"
    )  # fmt: skip
    assert "Souper de quartier" in case.messages.get().text
    told = Message.objects.of(town).get()
    assert told.kind == "reservations.asked"
    assert case.number in told.content["fr"]["body"]
    assert case.url == asked.get_absolute_url()
    assert case.staff_url == f"/bureau/reservations/{asked.pk}/"


def test_a_clerk_goes_from_the_request_to_where_it_is_decided(client, town, asked):
    member = residents.staff(town, roles={"cases": "act", "reservations": "act"})
    browser = residents.sign_in(client, member.person, second_factor=True)
    case = case_of(asked)
    shown = browser.get(f"/bureau/demandes/{case.pk}/").content.decode()
    assert f'href="{case.staff_url}"' in shown
    assert browser.get(case.staff_url).status_code == 200


def test_what_is_confirmed_at_once_opens_no_case(town, agathe):
    make.booking(make.space(town), agathe)
    assert not Case.objects.of(town).exists()


@pytest.mark.parametrize(
    ("decide", "state"),
    [
        (lambda one, clerk: actions.approve(one, clerk=clerk, now=NOW), moves.ANSWERED),
        (lambda one, clerk: actions.refuse(one, clerk=clerk, now=NOW, note="Non"), moves.ANSWERED),
        (
            lambda one, clerk: actions.cancel_for_town(one, clerk=clerk, now=NOW, note="Gel"),
            moves.CLOSED,
        ),
        (lambda one, _clerk: actions.cancel(one, now=NOW), moves.WITHDRAWN),
    ],
    ids=["approved", "refused", "cancelled by the town", "cancelled"],
)
def test_the_case_ends_as_its_booking(town, asked, clerk, decide, state):
    decide(asked, clerk)
    assert case_of(asked).state == state
    # One message for the deed; the case adds none of its own.
    assert Message.objects.of(town).count() == 2


def test_a_case_that_its_person_withdraws_frees_the_place(town, asked, agathe):
    cases.withdraw(case_of(asked), by=agathe, now=NOW)
    assert Booking.objects.get(pk=asked.pk).state == "cancelled"
    luc = residents.resident(town)
    make.booking(asked.takings.first().resource, luc)


def test_what_began_without_an_answer_is_withdrawn_by_its_case_all_the_same(asked, agathe):
    late = span().start
    with pytest.raises(Refused):
        actions.cancel(asked, now=late)
    cases.withdraw(case_of(asked), by=agathe, now=late)
    assert Booking.objects.get(pk=asked.pk).state == "cancelled"


def test_a_person_whose_request_was_never_answered_may_be_erased(town, asked, agathe):
    erase_resident(agathe, actor=agathe, now=span().end)
    asked.refresh_from_db()
    assert (asked.state, asked.purpose) == ("cancelled", "")
    # The letter about it says nothing any more, and none is sent to who is gone.
    assert [one.content for one in Message.objects.of(town)] == [{"fr": {"title": ""}}]


@pytest.mark.parametrize("to", [moves.ANSWERED, moves.CLOSED])
def test_the_case_is_not_ended_over_a_booking_that_still_waits(asked, clerk, to):
    with pytest.raises(Refused, match="acceptez-la ou refusez-la"):
        cases.move(case_of(asked), to=to, by=clerk, now=NOW)
    cases.move(case_of(asked), to=moves.WORKING, by=clerk, now=NOW)
    actions.approve(asked, clerk=clerk, now=NOW)
    assert case_of(asked).state == moves.ANSWERED


def test_what_was_accepted_is_not_withdrawn_by_its_case(asked, agathe, clerk):
    actions.approve(asked, clerk=clerk, now=NOW)
    cases.move(case_of(asked), to=moves.REOPENED, by=clerk, now=NOW)
    with pytest.raises(Refused, match="annulez la réservation"):
        cases.withdraw(case_of(asked), by=agathe, now=NOW)
    assert Booking.objects.get(pk=asked.pk).state == "confirmed"


def test_a_case_of_another_kind_moves_no_booking(town, asked, agathe):
    other = cases.open_case(
        municipality=town, kind="cases.question", subject="Une question", body="Bonjour, voici.",
        author=agathe, by=agathe, now=NOW,
    )  # fmt: skip
    cases.withdraw(other, by=agathe, now=NOW)
    assert Booking.objects.get(pk=asked.pk).state == "asked"


def test_what_is_moved_asks_again(town, asked, clerk):
    actions.approve(asked, clerk=clerk, now=NOW)
    asked.refresh_from_db()
    with pytest.raises(rules.Refused):
        actions.change(asked, span=span(14), token=asked.token, now=NOW)
    moved = actions.change(asked, span=span(14), token=asked.token, now=NOW, clerk=clerk)
    assert moved.state == "confirmed"


def test_a_request_that_is_moved_keeps_its_case(town, asked):
    moved = actions.change(asked, span=span(14), token=asked.token, now=NOW)
    assert moved.state == "asked"
    assert Case.objects.of(town).count() == 1
    assert "14\u00a0h" in case_of(asked).messages.order_by("pk").last().text
