"""Two at once: two numbers without a gap, one answer, one state."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from parvis.cases import actions, rules
from parvis.cases.models import Case, Event, Message, Series
from parvis.cases.tests import make
from parvis.core.db import as_town
from parvis.core.errors import Refused
from parvis.municipalities.tests import make as towns
from parvis.municipalities.tests.make import NOW
from parvis.notifications import models as notifications
from parvis.residents.tests import make as people

ROUNDS = int(os.environ.get("RACE_RUNS", "20"))
pytestmark = pytest.mark.race


def both(*deeds):
    """Run the deeds in threads that begin together; what each answered."""
    gate = Barrier(len(deeds))

    def run(deed):
        gate.wait()
        try:
            return deed()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))


@pytest.mark.django_db(transaction=True)
def test_four_who_ask_at_once_get_four_numbers_without_a_gap():
    town = towns.municipality()

    def ask():
        with as_town(town.pk):
            return make.case(town, author=actions.Caller("Rita")).sequence

    for turn in range(ROUNDS):
        first = turn * 4 + 1
        assert sorted(both(ask, ask, ask, ask)) == [first, first + 1, first + 2, first + 3]


@pytest.mark.django_db(transaction=True)
def test_one_whose_transaction_fails_leaves_no_gap_to_the_others():
    town = towns.municipality()

    def ask(fail=False):
        try:
            with as_town(town.pk):
                sequence = make.case(town, author=actions.Caller("Rita")).sequence
                if fail:
                    raise ZeroDivisionError
                return sequence
        except ZeroDivisionError:
            return None

    for turn in range(ROUNDS):
        done = both(ask, lambda: ask(fail=True), ask)
        assert sorted(filter(None, done)) == [turn * 2 + 1, turn * 2 + 2]


@pytest.mark.django_db(transaction=True)
def test_without_the_series_the_same_number_is_given_twice():
    """The control: numbering by the highest one so far fails here, so the race is real."""
    town = towns.municipality()
    with as_town(town.pk):
        person = people.resident(town)
        pattern = make.case(town, author=person)
    gate = Barrier(2)

    def ask():
        with as_town(town.pk):
            last = Case.objects.of(town).order_by("-sequence").first().sequence
            gate.wait()
            try:
                with transaction.atomic():
                    Case.objects.create(
                        municipality=town, year=2026, sequence=last + 1, kind=pattern.kind,
                        resident=person, opened_at=NOW, state_at=NOW, changed_at=NOW,
                    )  # fmt: skip
            except IntegrityError:
                return 0
            return 1

    assert sorted(both(ask, ask)) == [0, 1]


@pytest.mark.django_db(transaction=True)
def test_a_form_sent_twice_at_once_opens_one_case():
    town = towns.municipality()
    for turn in range(ROUNDS):
        key = uuid4()

        def ask(key=key):
            with as_town(town.pk):
                return make.case(town, author=actions.Caller("Rita"), key=key).pk

        assert len(set(both(ask, ask))) == 1
        with as_town(town.pk):
            assert Series.objects.of(town).get().last == turn + 1


@pytest.mark.django_db(transaction=True)
def test_an_answer_pressed_twice_at_once_is_written_and_told_once():
    town = towns.municipality()
    for _turn in range(ROUNDS):
        with as_town(town.pk):
            case = make.case(town)
        key = uuid4()

        def answer(case=case, key=key):
            with as_town(town.pk):
                return make.answer(case, key=key).pk

        assert len(set(both(answer, answer))) == 1
        with as_town(town.pk):
            sent = notifications.Message.objects.of(town).filter(reference=f"case:{case.pk}")
            assert sent.filter(kind="cases.answered").count() == 1
            assert Message.objects.of(town).filter(case=case).count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_clerks_who_answer_at_once_and_one_is_told_so():
    town = towns.municipality()
    for _turn in range(ROUNDS):
        with as_town(town.pk):
            case = make.case(town)
            seen = case.messages.get().pk

        def answer(text, case=case, seen=seen):
            with as_town(town.pk):
                try:
                    make.answer(case, seen=seen, text=text, key=uuid4())
                except rules.Overtaken:
                    return 0
                return 1

        done = both(lambda a=answer: a("À 21 h."), lambda a=answer: a("À 20 h."))
        assert sorted(done) == [0, 1]


@pytest.mark.django_db(transaction=True)
def test_without_what_was_seen_both_answers_go_out():
    """The control of the test above."""
    town = towns.municipality()
    with as_town(town.pk):
        case = make.case(town)

    def answer(text):
        with as_town(town.pk):
            make.answer(case, text=text, key=uuid4())

    both(lambda: answer("À 21 h."), lambda: answer("À 20 h."))
    with as_town(town.pk):
        assert Event.objects.of(town).filter(case=case, kind="answered").count() == 2


@pytest.mark.django_db(transaction=True)
def test_who_withdraws_while_a_clerk_answers_and_one_of_them_comes_too_late():
    town = towns.municipality()
    for _turn in range(ROUNDS):
        with as_town(town.pk):
            case = make.case(town)

        def attempt(deed, case=case):
            with as_town(town.pk):
                try:
                    deed(case, by=None, now=NOW)
                except Refused:
                    return 0
                return 1

        done = both(
            lambda a=attempt: a(actions.withdraw),
            lambda a=attempt: a(make.answer),
        )
        assert sorted(done) == [0, 1]
