"""What a person takes with them, and what stays when they leave."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from parvis.cases import actions, rules
from parvis.cases.models import Attachment, Case, Message
from parvis.cases.tests import make
from parvis.core import files
from parvis.municipalities.tests.make import NOW
from parvis.notifications import models as notifications
from parvis.residents import erasure
from parvis.residents.tests import make as people


@pytest.fixture
def person(town):
    return people.resident(town)


@pytest.fixture
def stranger(town):
    return people.resident(town)


def test_a_person_takes_their_cases_and_threads_and_no_note_nor_anybody_elses(
    town, person, stranger
):
    case = make.case(town, author=person, uploads=[SimpleUploadedFile("a.txt", b"Bonjour")])
    make.note(case, text="Rappeler avant midi.")
    make.answer(case)
    make.case(town, author=stranger, subject="Bac brisé")
    found = erasure.rows_about(person)
    assert [row["numero"] for row in found["demandes"]] == ["2026-0001"]
    assert found["demandes"][0]["etat"] == "Répondue"
    assert [(row["de"], row["texte"]) for row in found["messages_des_demandes"]] == [
        ("La personne", make.BODY), ("La Ville", "Elle ferme à 21 h."),
    ]  # fmt: skip
    assert found["messages_des_demandes"][0]["fichiers"] == "a.txt"


def test_erasing_a_person_empties_their_cases_and_leaves_the_numbers(
    town, person, stranger, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        case = make.case(town, author=person, uploads=[SimpleUploadedFile("a.txt", b"Bonjour")])
        answered = make.case(town, author=person)
        make.answer(answered)
        other = make.case(town, author=stranger)
    kept = Attachment.objects.of(town).get()
    folder = files.place(town.pk, actions.STORE, kept.folder)
    assert folder.is_dir()
    with django_capture_on_commit_callbacks(execute=True):
        erasure.erase_resident(person, actor=person, now=NOW)
    rows = Case.objects.of(town).order_by("pk")
    assert [(row.number, row.state, row.subject) for row in rows] == [
        ("2026-0001", rules.WITHDRAWN, ""),
        ("2026-0002", rules.ANSWERED, ""),
        ("2026-0003", rules.RECEIVED, make.SUBJECT),
    ]
    said = Message.objects.of(town).filter(case__in=[case, answered])
    assert {one.text for one in said} == {""}
    assert other.messages.get().text == make.BODY
    assert not Attachment.objects.of(town).exists()
    assert not folder.exists()
    letters = notifications.Message.objects.of(town).filter(reference=f"case:{answered.pk}")
    assert letters and all(one.content == {"fr": {"title": ""}} for one in letters)
    assert rows[0].person_name == "Personne effacée"
    assert not Case.objects.of(town).found("patinoire").exclude(pk=other.pk).exists()
