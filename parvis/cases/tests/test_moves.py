"""Where a case goes, who has it, until when, and how it is found, on the real database."""

from __future__ import annotations

from datetime import date
from itertools import product

import pytest
from django.db import DatabaseError, connection, transaction

from parvis.cases import actions, kinds, rules, signals
from parvis.cases.models import Case, ClosedDay
from parvis.cases.tests import make
from parvis.cases.tests.make import deeds, timeline, told
from parvis.core.errors import Refused
from parvis.municipalities.tests.make import NOW
from parvis.residents.tests import make as people

# --- moves ----------------------------------------------------------------------------------------


def case_in(town, wanted):
    """A case in this state, brought there by moves that exist."""
    case = make.case(town)
    for step in {
        rules.RECEIVED: [], rules.REOPENED: [rules.ANSWERED, rules.REOPENED]
    }.get(wanted, [wanted]):  # fmt: skip
        deed = actions.withdraw if step == rules.WITHDRAWN else actions.move
        case = deed(case, by=None, now=NOW, **({} if step == rules.WITHDRAWN else {"to": step}))
    assert case.state == wanted
    return case


def test_the_database_knows_the_same_moves_as_the_rules(town):
    for before, after in product(rules.STATES, rules.STATES):
        case = case_in(town, before)
        allowed = True
        try:
            with transaction.atomic():
                Case.objects.of(town).filter(pk=case.pk).update(state=after)
        except DatabaseError:
            allowed = False
        assert allowed == (before == after or after in rules.NEXT[before]), (before, after)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM cases_case WHERE id = %s",
        "UPDATE cases_case SET sequence = 99 WHERE id = %s",
        "UPDATE cases_case SET kind = 'cases.comment' WHERE id = %s",
        "DELETE FROM cases_message WHERE case_id = %s",
        "UPDATE cases_message SET text = 'Autre chose' WHERE case_id = %s",
        "UPDATE cases_message SET side = 'note' WHERE case_id = %s",
        "UPDATE cases_event SET kind = 'noted' WHERE case_id = %s",
        "DELETE FROM cases_event WHERE case_id = %s",
        "DELETE FROM cases_series WHERE last > 0 OR last = %s",
        "UPDATE cases_series SET last = last + 2 WHERE last < %s + 10",
    ],
)
def test_what_is_kept_can_neither_be_changed_nor_removed(town, statement):
    case = make.case(town)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [case.pk])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE cases_message SET text = '' WHERE case_id = %s", [case.pk])
        assert cursor.rowcount == 1


def test_a_move_is_told_and_one_that_someone_else_made_is_not_repeated(town):
    clerk = people.staff(town).person
    case = make.case(town)
    actions.move(case, to=rules.CLOSED, by=clerk, now=NOW, seen=rules.RECEIVED)
    with pytest.raises(rules.Overtaken, match="Quelqu’un d’autre"):
        actions.move(case, to=rules.WORKING, by=clerk, now=NOW, seen=rules.RECEIVED)
    with pytest.raises(Refused, match="C’est déjà fait"):
        actions.move(case, to=rules.CLOSED, by=clerk, now=NOW)
    assert told(town)[1:] == [("cases.moved", 1)]
    assert timeline(case) == ["opened", "received>closed"]


def test_rooms_above_learn_of_every_move(town):
    heard = []

    def listen(*, case, from_state, **_rest):
        heard.append((from_state, case.state))

    signals.moved.connect(listen)
    try:
        case = make.case(town)
        actions.withdraw(case, by=case.resident, now=NOW)
        actions.withdraw(case, by=case.resident, now=NOW)
    finally:
        signals.moved.disconnect(listen)
    assert heard == [("received", "withdrawn")]


def test_what_is_answered_is_not_withdrawn_any_more(town):
    case = make.case(town)
    make.answer(case)
    with pytest.raises(Refused, match="rien à retirer"):
        actions.withdraw(case, by=case.resident, now=NOW)


# --- who has it -----------------------------------------------------------------------------------


def test_a_case_is_given_to_who_may_act_in_it(town):
    member = people.staff(town, roles={"cases": "act"})
    case = make.case(town)
    case = actions.assign(case, to=member, by=member.person, now=NOW)
    assert (case.state, case.assignee) == (rules.WORKING, member)
    actions.assign(case, to=member, by=member.person, now=NOW)
    case = actions.assign(case, to=None, by=member.person, now=NOW)
    assert (case.state, case.assignee) == (rules.WORKING, None)
    assert timeline(case) == ["opened", "assigned", "received>working", "released"]
    assert deeds(town) == ["cases.opened", "cases.assigned", "cases.moved", "cases.released"]


def test_a_case_is_not_given_to_who_may_not(town):
    case = make.case(town)
    gone = people.staff(town)
    gone.left_at = NOW
    gone.save()
    for member in (
        people.staff(town, roles={"cases": "see"}),
        people.staff(town, roles={"announcements": "act"}),
        gone,
    ):
        with pytest.raises(Refused, match="ne traite pas"):
            actions.assign(case, to=member, by=None, now=NOW)
    actions.assign(case, to=people.staff(town), by=None, now=NOW)


def test_a_closed_case_is_given_to_nobody(town):
    case = make.case(town)
    make.answer(case)
    with pytest.raises(Refused, match="rouvrez"):
        actions.assign(case, to=people.staff(town), by=None, now=NOW)


# --- promises -------------------------------------------------------------------------------------


def test_a_promise_is_moved_to_another_working_day_and_told(town):
    ClosedDay.objects.create(municipality=town, day=date(2026, 6, 2), label="Déménagement")
    case = make.case(town)
    for day, words in (
        (date(2026, 5, 19), "à venir"),
        (date(2026, 5, 30), "ouvrable"),
        (date(2026, 6, 2), "ouvrable"),
    ):
        with pytest.raises(Refused, match=words):
            actions.postpone(case, due_on=day, by=None, now=NOW)
    case = actions.postpone(case, due_on=date(2026, 6, 3), by=None, now=NOW)
    assert case.due_at.astimezone(town.zone).date() == date(2026, 6, 3)
    actions.postpone(case, due_on=date(2026, 6, 3), by=None, now=NOW)
    assert told(town)[1:] == [("cases.postponed", 1)]
    assert timeline(case) == ["opened", "postponed"]


def test_the_towns_own_closed_days_count_in_the_promise(town):
    ClosedDay.objects.create(municipality=town, day=date(2026, 5, 22), label="Fête locale")
    assert make.case(town).due_at.astimezone(town.zone).date() == date(2026, 5, 28)


# --- looking --------------------------------------------------------------------------------------


def test_a_case_is_found_by_number_words_thread_and_name(town):
    rita = people.resident(town, first_name="Rita", last_name="Gagné")
    first = make.case(town, author=rita)
    second = make.case(
        town, author=actions.Caller("Éloïse Roy"), subject="Égout bouché", body="Odeur."
    )
    make.reply(second, text="L’odeur revient près du pavillon.")
    rows = Case.objects.of(town)
    for query, expected in {
        "2026-0001": [first], "no 2026-2": [second], "2026-0009": [],
        "patinoires": [first], "egout": [second], "pavil": [second], "gagne rita": [first],
        "eloise": [second], "xyzzy": [], " ": [], "'); --": [], "égout & ! |": [second],
    }.items():  # fmt: skip
        assert list(rows.found(query)) == expected, query


def test_the_queue_puts_the_nearest_promise_first(town):
    kinds.register(kinds.Kind("tests.open_ended", "Essai", "inbox", None))
    slow = make.case(town, kind="cases.complaint")
    open_ended = make.case(town, kind="tests.open_ended")
    quick = make.case(town)
    answered = make.case(town)
    make.answer(answered)
    assert list(Case.objects.of(town).open().queued()) == [quick, slow, open_ended]
