"""Moves, numbers and texts, without a database."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parvis.cases import kinds, rules
from parvis.core.errors import Refused
from parvis.municipalities.tests.make import NOW


@pytest.mark.parametrize(("state", "to"), list(product(rules.STATES, rules.STATES)))
def test_a_move_is_in_the_table_or_refused_in_a_sentence(state, to):
    if to in rules.NEXT[state]:
        rules.check_move(state, to)
        return
    with pytest.raises(Refused) as refusal:
        rules.check_move(state, to)
    assert str(refusal.value).endswith(".")


def test_every_state_is_reached_and_only_what_is_withdrawn_is_final():
    reached = {to for moves in rules.NEXT.values() for to in moves} | {rules.RECEIVED}
    assert reached == set(rules.STATES) == set(rules.NEXT)
    assert {state for state, moves in rules.NEXT.items() if not moves} == {rules.WITHDRAWN}


def test_the_staff_never_withdraws_what_a_person_asked():
    assert all(rules.WITHDRAWN not in rules.moves(state) for state in rules.STATES)
    assert rules.moves(rules.RECEIVED) == ["working", "waiting", "answered", "closed"]


@pytest.mark.parametrize(
    ("state", "after"),
    [
        ("received", "received"), ("working", "working"), ("waiting", "working"),
        ("answered", "reopened"), ("closed", "reopened"), ("reopened", "reopened"),
    ],
)  # fmt: skip
def test_a_message_of_the_person_gives_the_case_back_to_the_town(state, after):
    assert rules.after_reply(state) == after
    assert state == after or after in rules.NEXT[state]


def test_it_is_reopened_for_thirty_days_and_not_a_second_longer():
    last = NOW + timedelta(days=rules.REOPEN_DAYS)
    for state in (rules.ANSWERED, rules.CLOSED):
        rules.check_reopen(state, NOW, last)
        with pytest.raises(Refused, match="plus de 30 jours"):
            rules.check_reopen(state, NOW, last + timedelta(seconds=1))
    with pytest.raises(Refused, match="encore ouverte"):
        rules.check_reopen(rules.WORKING, NOW, NOW)


@given(st.integers(2000, 2999), st.integers(1, 10**7))
def test_a_number_is_read_as_it_is_said(year, sequence):
    written = rules.number(year, sequence)
    for typed in (written, f" {written} ", f"no {written}", written.replace("-", " ")):
        assert rules.read_number(typed) == (year, sequence)


@pytest.mark.parametrize(
    "typed", ["", "147", "26-1", "2026-", "2026-0147 patinoire", "418 555-0142"]
)
def test_what_is_no_number_is_searched_as_words(typed):
    assert rules.read_number(typed) is None


@given(st.text())
def test_a_text_is_tidied_once(text):
    once = rules.tidy(text)
    assert rules.tidy(once) == once
    assert "\r" not in once and "\u202e" not in once


@pytest.mark.parametrize("text", ["", " ", "…", "\u202e", "x" * (rules.TEXT_MAX + 1)])
def test_a_message_says_something_and_is_no_book(text):
    with pytest.raises(Refused):
        rules.check_text(rules.tidy(text))
    rules.check_text("x" * rules.TEXT_MAX)


def test_who_has_not_read_the_newest_message_does_not_answer():
    rules.check_seen(None, 9)
    rules.check_seen(9, 9)
    with pytest.raises(rules.Overtaken):
        rules.check_seen(8, 9)


def test_a_kind_is_registered_once_and_one_that_is_gone_is_still_called_something():
    known = kinds.QUESTION
    assert kinds.register(known) is known
    with pytest.raises(ValueError, match=r"cases\.question"):
        kinds.register(kinds.Kind("cases.question", "Autre", "inbox", 1))
    assert str(kinds.find("gone.kind").label) == "Demande"
    assert [kind.key for kind in kinds.written()] == [
        "cases.question", "cases.comment", "cases.complaint"
    ]  # fmt: skip
