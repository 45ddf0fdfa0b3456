"""What a resident sees and does: writing, following, replying, taking back."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from parvis.cases import actions, rules
from parvis.cases.models import Attachment, Case, Message
from parvis.cases.tests import make
from parvis.cases.tests.make import state
from parvis.core import files
from parvis.core.db import as_town
from parvis.residents.tests import make as people


@pytest.fixture
def person(town):
    return people.resident(town)


@pytest.fixture
def agathe(client, person):
    return people.sign_in(client, person)


@pytest.fixture
def clerk(town):
    return people.staff(town, roles={"cases": "act"})


def words(**changed):
    return {
        "kind": "cases.question", "subject": make.SUBJECT, "body": make.BODY,
        "key": str(uuid4()),
    } | changed  # fmt: skip


def page_of(case):
    return f"/mes-demandes/{case.pk}/"


def test_a_resident_writes_to_the_town_and_follows_what_becomes_of_it(agathe, town):
    text = agathe.get("/mes-demandes/ecrire/").content.decode()
    assert "5 jours ouvrables" in text
    joined = [SimpleUploadedFile("a.txt", b"Bonjour"), SimpleUploadedFile("b.txt", b"Oui")]
    answer = agathe.post("/mes-demandes/ecrire/", words(uploads=joined), follow=True)
    case = Case.objects.of(town).get()
    assert answer.redirect_chain == [(page_of(case), 302)]
    shown = answer.content.decode()
    assert case.number in shown
    assert make.SUBJECT in shown and "a.txt" in shown and "b.txt" in shown
    assert "Jour 1 de 5" in shown
    assert make.SUBJECT in agathe.get("/mes-demandes/").content.decode()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"kind": ""}, "obligatoire"),
        ({"kind": "reservations.approval"}, "choix valide"),
        ({"subject": ""}, "obligatoire"),
        ({"body": "…"}, "Écrivez votre message"),
        ({"uploads": [SimpleUploadedFile("a.exe", b"MZ")]}, "type de fichier"),
    ],
)
def test_what_is_missing_is_said_and_nothing_typed_is_lost(agathe, town, changed, said):
    answer = agathe.post("/mes-demandes/ecrire/", words(**changed))
    text = answer.content.decode()
    assert answer.status_code == 422
    assert said in text
    if "body" not in changed:
        assert "À quelle heure ferme la patinoire" in text
    assert not Case.objects.of(town).exists()


def test_the_button_pressed_twice_sends_once(agathe, town):
    sent = words()
    for _press in range(2):
        assert agathe.post("/mes-demandes/ecrire/", sent).status_code == 302
    assert Case.objects.of(town).count() == 1
    case = Case.objects.of(town).get()
    reply = {"text": "Merci", "key": str(uuid4())}
    for _press in range(2):
        assert agathe.post(page_of(case), reply).status_code == 302
    assert Message.objects.of(town).count() == 2


def test_a_resident_sees_the_thread_without_the_notes(agathe, town, person, clerk):
    case = make.case(town, author=person, now=timezone.now())
    make.note(case, by=clerk.person, text="Ne pas montrer.")
    make.answer(case, by=clerk.person, to=rules.WAITING, text="Quelle patinoire ?")
    text = agathe.get(page_of(case)).content.decode()
    assert "Quelle patinoire" in text and "Camille T." in text
    assert "Ne pas montrer" not in text and "Note interne" not in text
    assert "En attente de vous" in text and "horloge est arrêtée" in text
    assert "Confiée" not in text


def test_a_reply_reopens_and_after_thirty_days_the_page_says_what_to_do(agathe, town, person):
    case = make.case(town, author=person, now=timezone.now())
    make.answer(case, now=timezone.now())
    assert "Rouvrir et envoyer" in agathe.get(page_of(case)).content.decode()
    agathe.post(page_of(case), {"text": "Et le dimanche ?", "key": str(uuid4())})
    assert state(case) == rules.REOPENED
    old = make.case(town, author=person, now=timezone.now() - timedelta(days=60))
    make.answer(old, now=timezone.now() - timedelta(days=31))
    text = agathe.get(page_of(old)).content.decode()
    assert "Rouvrir et envoyer" not in text and "Écrivez-en une nouvelle" in text
    answer = agathe.post(page_of(old), {"text": "Encore", "key": str(uuid4())})
    assert answer.status_code == 422
    assert "Encore" not in [one.text for one in old.messages.all()]


def test_a_resident_takes_back_what_is_open_and_nothing_else(agathe, town, person):
    case, answered = make.case(town, author=person), make.case(town, author=person)
    make.answer(answered)
    assert "Oui, la retirer" in agathe.get(page_of(case)).content.decode()
    assert "Oui, la retirer" not in agathe.get(page_of(answered)).content.decode()
    agathe.post(f"{page_of(case)}retirer/")
    answer = agathe.post(f"{page_of(answered)}retirer/", follow=True)
    assert (state(case), state(answered)) == (rules.WITHDRAWN, rules.ANSWERED)
    assert "rien à retirer" in answer.content.decode()
    assert agathe.get(f"{page_of(case)}retirer/").status_code == 405


def test_anybody_elses_case_does_not_exist(agathe, town, other_town, clerk):
    theirs = make.case(town)
    phoned = make.case(town, author=actions.Caller("Rita"), by=clerk.person)
    with as_town(other_town.pk):
        abroad = make.case(other_town)
    for case in (theirs, phoned, abroad):
        assert agathe.get(page_of(case)).status_code == 404
        assert agathe.post(page_of(case), {"text": "x", "key": str(uuid4())}).status_code == 404
        assert agathe.post(f"{page_of(case)}retirer/").status_code == 404
    assert "Aucune demande" in agathe.get("/mes-demandes/").content.decode()


def test_a_file_is_opened_by_its_person_and_the_rooms_staff_alone(agathe, town, person, clerk):
    case = make.case(town, author=person, uploads=[SimpleUploadedFile("a.txt", b"Bonjour")])
    make.note(case, by=clerk.person, uploads=[SimpleUploadedFile("interne.txt", b"Non")])
    mine, inner = (
        files.url(actions.STORE, one.folder, one.name)
        for one in Attachment.objects.of(town).order_by("pk")
    )
    stranger = people.sign_in(Client(), people.resident(town))
    visitor = people.visitor(Client(), town)
    reader = people.sign_in(Client(), people.staff(town, roles={"cases": "see"}).person)
    officer = people.sign_in(Client(), clerk.person, second_factor=True)
    other = people.staff(town, roles={"residents": "act"}).person
    elsewhere = people.sign_in(Client(), other, second_factor=True)
    assert [one.get(mine).status_code for one in (agathe, officer)] == [200, 200]
    assert [one.get(inner).status_code for one in (agathe, officer)] == [404, 200]
    for one in (stranger, visitor, reader, elsewhere):
        assert [one.get(url).status_code for url in (mine, inner)] == [404, 404]
    assert agathe.get(mine).headers["Cache-Control"] == "private, no-store"


def test_a_live_page_fetches_its_parts_alone(agathe, town, person):
    case = make.case(town, author=person)
    for part, there, absent in (("fil", make.BODY[:20], "<form"), ("suivi", "timeline", "<form")):
        text = agathe.get(f"{page_of(case)}?part={part}", headers={"HX-Request": "true"})
        assert there in text.content.decode() and absent not in text.content.decode()
    assert "<html" in agathe.get(f"{page_of(case)}?part=fil").content.decode()
    assert (
        "<html" not in agathe.get("/mes-demandes/", headers={"HX-Request": "true"}).content.decode()
    )


def test_the_list_costs_the_same_for_one_and_for_three(
    agathe, town, person, django_assert_num_queries
):
    make.case(town, author=person)
    agathe.get("/mes-demandes/")
    with django_assert_num_queries(13):
        agathe.get("/mes-demandes/")
    for _turn in range(2):
        make.case(town, author=person)
    with django_assert_num_queries(13):
        agathe.get("/mes-demandes/")
