"""What happens to a case, on the real database: rows, timeline, audit line, what is planned."""

from __future__ import annotations

import io
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction
from PIL import Image

from parvis.cases import actions, days, kinds, rules
from parvis.cases.models import Attachment, Case, Message, Series
from parvis.cases.tests import make
from parvis.cases.tests.make import deeds, state, timeline, told
from parvis.core.db import as_town
from parvis.core.errors import Refused
from parvis.municipalities.tests.make import NOW
from parvis.notifications import models as notifications
from parvis.residents.tests import make as people

LATER = NOW + timedelta(days=1)


# --- opening --------------------------------------------------------------------------------------


def test_a_question_gets_a_number_a_promise_and_an_acknowledgement(town):
    person = people.resident(town)
    case = make.case(town, author=person)
    assert case.number == "2026-0001"
    assert case.state == rules.RECEIVED
    # NOW is Wednesday 20 May 2026, 10 h 05 in Québec: five working days.
    assert case.due_at.astimezone(town.zone).isoformat() == "2026-05-27T16:30:00-04:00"
    assert case.messages.get().text == make.BODY
    assert timeline(case) == ["opened"]
    assert deeds(town) == ["cases.opened"]
    assert told(town) == [("cases.opened", 1)]
    said = notifications.Message.objects.of(town).get(kind="cases.opened")
    assert said.content["fr"]["title"] == "Demande 2026-0001 reçue"
    assert "mercredi 27\u00a0mai 2026" in said.content["fr"]["body"]
    # A telephone's screen shows title and body: they say nothing of what was asked.
    assert "patinoire" not in said.content["fr"]["title"] + said.content["fr"]["body"]
    assert make.BODY in said.content["fr"]["text"]


def test_numbers_follow_each_other_in_a_year_and_begin_again_in_the_next(town, other_town):
    numbers = [make.case(town).number for _turn in range(3)]
    with as_town(other_town.pk):
        numbers.append(make.case(other_town).number)
    # Still the last evening of the year where the town is.
    eve = NOW.replace(month=12, day=31, hour=23)
    numbers.append(make.case(town, now=eve + timedelta(hours=5)).number)
    numbers.append(make.case(town, now=eve + timedelta(hours=7)).number)
    assert numbers == [
        "2026-0001", "2026-0002", "2026-0003", "2026-0001", "2026-0004", "2027-0001"
    ]  # fmt: skip


def test_a_number_that_was_rolled_back_is_given_to_the_next(town):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        assert make.case(town).number == "2026-0001"
        _ = 1 / 0
    assert make.case(town).number == "2026-0001"


def test_a_form_that_is_sent_twice_opens_one_case(town):
    person, key = people.resident(town), uuid4()
    first = make.case(town, author=person, key=key)
    assert make.case(town, author=person, key=key).pk == first.pk
    assert make.case(town, author=person, key=uuid4()).pk != first.pk
    # Gone back to, and filled in otherwise: something new is asked.
    assert make.case(town, author=person, key=key, body="Et la piscine ?").pk != first.pk
    assert Message.objects.of(town).count() == 3
    assert Series.objects.of(town).get().last == 3


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"subject": " "}, "une ligne"),
        ({"subject": "x" * 121}, "120 caractères"),
        ({"body": ""}, "Écrivez votre message"),
        ({"uploads": [SimpleUploadedFile("a.txt", b"a")] * 6}, "au plus 5 fichiers"),
        ({"uploads": [SimpleUploadedFile("a.exe", b"MZ")]}, "type de fichier"),
        ({"author": actions.Caller("…")}, "nom de la personne"),
        ({"author": actions.Caller("Rita", phone="12")}, "dix chiffres"),
    ],
)
def test_what_is_no_request_is_refused_and_takes_no_number(town, facts, words):
    with pytest.raises(Refused, match=words):
        make.case(town, **facts)
    assert not Case.objects.of(town).exists()
    assert make.case(town).number == "2026-0001"


def test_nobody_fills_the_queue_alone(town):
    person, clerk = people.resident(town), people.staff(town).person
    for _turn in range(rules.MOST_A_DAY):
        make.case(town, author=person)
    with pytest.raises(Refused, match="appelez-nous"):
        make.case(town, author=person)
    # A clerk writes it down all the same; the next day the person may again.
    make.case(town, author=person, by=clerk, via="phone")
    make.case(town, author=person, now=LATER + timedelta(seconds=1))
    make.case(town)


def test_a_kind_that_nobody_registered_is_a_defect(town):
    with pytest.raises(ValueError, match=r"nothing\.here"):
        make.case(town, kind="nothing.here")


def test_someone_without_an_account_is_written_down_and_gets_letters(town):
    clerk = people.staff(town, roles={"cases": "act"})
    caller = actions.Caller("Rita Gagnon", email="Rita@exemple.ca", phone="418 555-0142")
    case = make.case(town, author=caller, by=clerk.person, via="phone")
    assert (case.caller_name, case.caller_email, case.caller_phone) == (
        "Rita Gagnon", "rita@exemple.ca", "+14185550142"
    )  # fmt: skip
    assert case.person_name == "Rita Gagnon"
    make.answer(case, by=clerk.person)
    letters = notifications.Chunk.objects.of(town).exclude(address="").order_by("pk")
    assert [one.address for one in letters] == ["rita@exemple.ca"] * 2
    assert "Elle ferme à 21 h." in letters[1].message.content["fr"]["text"]


def test_someone_without_account_nor_address_is_told_nothing(town):
    case = make.case(town, author=actions.Caller("Rita"), via="counter")
    make.answer(case)
    assert not notifications.Chunk.objects.of(town).exists()


def test_a_case_of_nobody_is_refused_by_the_database(town):
    case = make.case(town)
    with pytest.raises(DatabaseError, match="case_is_someones"), transaction.atomic():
        Case.objects.of(town).filter(pk=case.pk).update(resident=None)


def test_a_kind_that_promises_nothing_has_no_deadline(town):
    kinds.register(kinds.Kind("tests.open_ended", "Essai", "inbox", None))
    case = make.case(town, kind="tests.open_ended")
    assert case.due_at is None and case.working_days is None
    make.answer(case, to=rules.WAITING)
    make.reply(case)
    assert state(case) == rules.WORKING


def test_files_are_kept_by_their_content_and_one_that_is_refused_keeps_nothing(town, settings):
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(picture, "PNG")
    case = make.case(
        town,
        uploads=[
            SimpleUploadedFile("Trou près du 33.png", picture.getvalue()),
            SimpleUploadedFile("notes.txt", b"Bonjour"),
        ],
    )
    found = Attachment.objects.of(town).filter(message__case=case)
    assert [(one.name, one.kind) for one in found] == [
        ("Trou-près-du-33.png", "png"), ("notes.txt", "txt")
    ]  # fmt: skip
    with pytest.raises(Refused):
        make.reply(case, uploads=[SimpleUploadedFile("page.txt", b"<html>")])
    assert Message.objects.of(town).count() == 1


# --- the thread -----------------------------------------------------------------------------------


def test_an_answer_closes_the_question_and_tells_the_person(town):
    clerk = people.staff(town, roles={"cases": "act"}).person
    case = make.case(town)
    message = make.answer(case, by=clerk, now=LATER)
    fresh = Case.objects.of(town).get(pk=case.pk)
    assert (fresh.state, fresh.answered_at, fresh.state_at) == (rules.ANSWERED, LATER, LATER)
    assert timeline(case) == ["opened", "answered", "received>answered"]
    assert deeds(town) == ["cases.opened", "cases.answered", "cases.moved"]
    assert told(town)[1:] == [("cases.answered", 1)]
    said = notifications.Message.objects.of(town).get(kind="cases.answered")
    assert message.text not in said.content["fr"]["body"]
    assert message.text in said.content["fr"]["text"]
    # A second answer adds to the first, and leaves the state.
    make.answer(case, by=clerk, now=LATER + timedelta(hours=1), text="Et le dimanche, 18 h.")
    assert Case.objects.of(town).get(pk=case.pk).answered_at == LATER


def test_an_answer_sent_twice_is_written_and_told_once(town):
    case, key = make.case(town), uuid4()
    first = make.answer(case, key=key)
    assert make.answer(case, key=key).pk == first.pk
    assert told(town) == [("cases.opened", 1), ("cases.answered", 1)]
    assert make.answer(case, key=uuid4()).pk != first.pk
    # Gone back to, and filled in otherwise: nothing that was typed is dropped.
    assert make.answer(case, key=key, text="Autre chose").text == "Autre chose"


def test_who_has_not_read_the_newest_message_is_refused(town):
    case = make.case(town)
    seen = case.messages.get().pk
    make.note(case)
    # A note says nothing to the person: it overtakes nobody.
    make.answer(case, seen=seen)
    with pytest.raises(rules.Overtaken, match="votre texte est encore là"):
        make.answer(case, seen=seen, text="Elle ferme à 20 h.")
    assert told(town)[1:] == [("cases.answered", 1)]


def test_a_question_to_the_person_stops_the_clock_until_they_answer(town):
    member = people.staff(town, roles={"cases": "act"})
    case = make.case(town)
    actions.assign(case, to=member, by=member.person, now=NOW)
    due = case.due_at
    make.answer(case, by=member.person, to=rules.WAITING, text="Quelle patinoire\u202f?")
    assert state(case) == rules.WAITING
    assert told(town)[1:] == [("cases.asked", 1)]
    late = due + timedelta(days=1)
    assert not Case.objects.of(town).late(late).exists()
    # From Wednesday 20 to Tuesday 26 May: four working days.
    make.reply(case, now=NOW + timedelta(days=6))
    fresh = Case.objects.of(town).get(pk=case.pk)
    assert fresh.state == rules.WORKING
    assert days.working_days_between(
        due.astimezone(town.zone).date(), fresh.due_at.astimezone(town.zone).date()
    ) == 4  # fmt: skip
    assert Case.objects.of(town).late(fresh.due_at + timedelta(seconds=1)).get() == fresh
    assert told(town)[2:] == [("cases.replied", 1)]


def test_a_reply_reopens_what_was_answered_with_a_new_promise(town):
    case = make.case(town)
    make.answer(case, now=LATER)
    make.reply(case, now=LATER + timedelta(days=2))
    fresh = Case.objects.of(town).get(pk=case.pk)
    assert fresh.state == rules.REOPENED
    assert fresh.due_at > case.due_at
    assert timeline(case)[-2:] == ["replied", "answered>reopened"]


def test_after_thirty_days_a_reply_is_refused_and_nothing_is_written(town):
    case = make.case(town)
    make.answer(case)
    with pytest.raises(Refused, match="écrivez-en une nouvelle"):
        make.reply(case, now=NOW + timedelta(days=31))
    assert Message.objects.of(town).count() == 2
    make.reply(case, now=NOW + timedelta(days=29))


def test_a_note_stays_inside_and_moves_nothing(town):
    case = make.case(town)
    make.note(case)
    assert state(case) == rules.RECEIVED
    assert told(town) == [("cases.opened", 1)]
    assert timeline(case) == ["opened", "noted"]


def test_nothing_is_written_in_what_was_withdrawn_but_notes(town):
    case = make.case(town)
    actions.withdraw(case, by=case.resident, now=NOW)
    for write in (make.answer, make.reply):
        with pytest.raises(Refused, match="retirée"):
            write(case)
    make.note(case)
