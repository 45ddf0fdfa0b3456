"""What a clerk sees and does: the queue, an answer, a note, who has it, a promise, a caller."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from parvis.cases import actions, rules
from parvis.cases.models import Case, ClosedDay, Message
from parvis.cases.tests import make
from parvis.cases.tests.make import state, told
from parvis.residents.tests import make as people

QUEUE = "/bureau/demandes/"


@pytest.fixture
def clerk(town):
    return people.staff(town, roles={"cases": "act", "residents": "see"}, first_name="Olivier")


@pytest.fixture
def desk(client, clerk):
    return people.sign_in(client, clerk.person, second_factor=True)


@pytest.fixture
def reader(town):
    member = people.staff(town, roles={"cases": "see"})
    return people.sign_in(Client(), member.person, second_factor=True)


def url(case, deed=""):
    return f"{QUEUE}{case.pk}/{deed}"


def newest(case):
    return case.messages.exclude(side="note").order_by("pk").last().pk


def answer_of(case, **changed):
    return {
        "text": "Elle ferme à 21 h.", "to": "answered", "seen": newest(case), "key": str(uuid4())
    } | changed  # fmt: skip


def text_of(client, path):
    found = client.get(path)
    assert found.status_code == 200
    return found.content.decode()


def test_the_queue_shows_whose_turn_it_is(desk, town, clerk):
    now = timezone.now()
    mine = make.case(town, now=now, subject="Ma demande")
    actions.assign(mine, to=clerk, by=clerk.person, now=now)
    make.case(town, now=now, subject="Sans personne")
    make.case(town, now=now - timedelta(days=60), subject="Oubliée")
    waiting = make.case(town, now=now, subject="En pause")
    make.answer(waiting, now=now, to=rules.WAITING)
    make.answer(make.case(town, now=now, subject="Finie"), now=now)
    titles = {"Ma demande", "Sans personne", "Oubliée", "En pause", "Finie"}
    for word, expected in {
        "": {"Ma demande", "Sans personne", "Oubliée"}, "moi": {"Ma demande"},
        "assigner": {"Sans personne", "Oubliée"}, "retard": {"Oubliée"},
        "attente": {"En pause"}, "reglees": {"Finie"},
        "inconnu": {"Ma demande", "Sans personne", "Oubliée"},
    }.items():  # fmt: skip
        text = text_of(desk, f"{QUEUE}?file={word}")
        assert {title for title in titles if title in text} == expected, word
    assert "En retard, " in text_of(desk, QUEUE)
    text = text_of(desk, "/bureau/")
    assert "Ma demande" in text and "Sans personne" in text and "En pause" not in text


def test_the_queue_is_searched_by_number_word_and_name_whatever_the_filter(desk, town):
    rita = people.resident(town, first_name="Rita", last_name="Gagné")
    case = make.case(town, author=rita, now=timezone.now())
    make.answer(case, now=timezone.now())
    for query in (case.number, "patinoire", "rita"):
        assert make.SUBJECT in text_of(desk, f"{QUEUE}?file=moi&q={query}")
        assert make.SUBJECT in text_of(desk, f"/bureau/recherche/?q={query}")
    assert "Aucune demande trouvée" in text_of(desk, f"{QUEUE}?q=xyzzy")
    assert make.SUBJECT not in text_of(desk, f"{QUEUE}?genre=cases.complaint&q=rita")


def test_the_queue_costs_the_same_for_one_and_for_three(desk, town, django_assert_num_queries):
    make.case(town)
    desk.get(QUEUE)
    with django_assert_num_queries(18):
        desk.get(QUEUE)
    for _turn in range(2):
        make.case(town)
    with django_assert_num_queries(18):
        desk.get(QUEUE)


def test_an_answer_leaves_once_however_often_the_button_is_pressed(desk, town):
    case = make.case(town)
    sent = answer_of(case)
    for _press in range(2):
        answer = desk.post(url(case, "repondre/"), sent)
        assert answer.status_code == 302
    assert state(case) == rules.ANSWERED
    assert told(town) == [("cases.opened", 1), ("cases.answered", 1)]


def test_two_clerks_at_once_and_the_second_loses_no_word(desk, town):
    case = make.case(town)
    sent = answer_of(case, text="Mon long texte.", to="waiting")
    make.answer(case, text="Réponse de Camille.", to=rules.WAITING)
    answer = desk.post(url(case, "repondre/"), sent)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "Un nouveau message est arrivé" in text
    assert "Mon long texte." in text and "Réponse de Camille." in text
    assert f'name="seen" value="{newest(case)}"' in text
    assert sent["key"] in text
    # It has been read: the same text leaves with the next press.
    assert desk.post(url(case, "repondre/"), sent | {"seen": newest(case)}).status_code == 302
    assert Message.objects.of(town).filter(text="Mon long texte.").count() == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"text": ""}, "obligatoire"),
        ({"text": "…"}, "Écrivez votre message"),
        ({"to": "withdrawn"}, "choix valide"),
        ({"to": "closed"}, "choix valide"),
    ],
)
def test_an_answer_that_says_nothing_is_refused(desk, town, changed, said):
    case = make.case(town)
    answer = desk.post(url(case, "repondre/"), answer_of(case, **changed))
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert told(town) == [("cases.opened", 1)]


def test_an_answer_may_ask_or_go_on(desk, town):
    case = make.case(town)
    desk.post(url(case, "repondre/"), answer_of(case, to="working", text="Je vérifie."))
    assert state(case) == rules.WORKING
    desk.post(url(case, "repondre/"), answer_of(case, to="waiting", text="Laquelle ?"))
    assert state(case) == rules.WAITING
    assert [kind for kind, _n in told(town)] == ["cases.opened", "cases.answered", "cases.asked"]


def test_a_note_is_kept_for_the_staff(desk, town):
    case = make.case(town)
    sent = {"note-text": "Rappeler lundi.", "note-key": str(uuid4())}
    assert desk.post(url(case, "note/"), sent).status_code == 302
    assert "Rappeler lundi." in text_of(desk, url(case))
    assert told(town) == [("cases.opened", 1)]
    empty = {"note-text": "", "note-key": str(uuid4())}
    assert desk.post(url(case, "note/"), empty).status_code == 422


def test_a_case_is_taken_given_and_put_back(desk, town, clerk):
    case = make.case(town)
    desk.post(url(case, "confier/"), {"member": clerk.pk})
    fresh = Case.objects.of(town).get(pk=case.pk)
    assert (fresh.assignee, fresh.state) == (clerk, rules.WORKING)
    stranger = people.staff(town, roles={"announcements": "act"})
    assert desk.post(url(case, "confier/"), {"member": stranger.pk}).status_code == 422
    desk.post(url(case, "confier/"), {"member": ""})
    assert Case.objects.of(town).get(pk=case.pk).assignee is None


def test_only_moves_that_exist_are_offered_and_made(desk, town):
    case = make.case(town)
    text = text_of(desk, url(case))
    assert 'value="closed"' in text and 'value="reopened"' not in text
    answer = desk.post(url(case, "etat/"), {"vers": "closed", "vu": "received"}, follow=True)
    assert "La personne en est avisée" in answer.content.decode()
    for sent, said in (
        ({"vers": "working", "vu": "received"}, "Quelqu’un d’autre"),
        ({"vers": "working", "vu": "closed"}, "rouvrez"),
        ({"vers": "withdrawn"}, "n’existe pas"),
        ({}, "n’existe pas"),
    ):
        answer = desk.post(url(case, "etat/"), sent, follow=True)
        assert said in answer.content.decode(), sent
    assert state(case) == rules.CLOSED
    assert "Rouvrez-la pour répondre" in text_of(desk, url(case))


def test_a_person_who_calls_takes_their_request_back(desk, town):
    case = make.case(town)
    desk.post(url(case, "retirer/"))
    assert state(case) == rules.WITHDRAWN
    assert told(town)[-1] == ("cases.moved", 1)


def test_another_date_is_promised(desk, town):
    case = make.case(town, now=timezone.now())
    due = timezone.localdate() + timedelta(days=40)
    due -= timedelta(days=due.weekday())
    if not actions.days.is_working_day(due):
        due += timedelta(days=1)
    assert desk.post(url(case, "promesse/"), {"due_on": due.isoformat()}).status_code == 302
    assert timezone.localtime(Case.objects.of(town).get(pk=case.pk).due_at).date() == due
    saturday = due + timedelta(days=5 - due.weekday())
    answer = desk.post(url(case, "promesse/"), {"due_on": saturday.isoformat()})
    assert answer.status_code == 422
    assert "jour ouvrable" in answer.content.decode()


def test_a_case_is_written_down_for_someone_who_calls(desk, town, clerk):
    sent = {
        "kind": "cases.question", "subject": "Camp de jour", "body": "Quand ?", "via": "phone",
        "caller_name": "Rita Gagnon", "caller_phone": "418 555-0142", "key": str(uuid4()),
    }  # fmt: skip
    assert desk.post(f"{QUEUE}nouvelle/", sent | {"caller_name": ""}).status_code == 422
    assert desk.post(f"{QUEUE}nouvelle/", sent | {"caller_phone": "12"}).status_code == 422
    answer = desk.post(f"{QUEUE}nouvelle/", sent, follow=True)
    case = Case.objects.of(town).get()
    text = answer.content.decode()
    assert (case.caller_name, case.via, case.opened_by_id) == (
        "Rita Gagnon", "phone", clerk.person_id,
    )  # fmt: skip
    assert "418\u00a0555-0142" in text and "rappelez la personne" in text
    assert "noté par Olivier T." in text


def test_a_case_is_written_down_for_someone_with_an_account(desk, town, other_town):
    rita = people.resident(town, first_name="Rita")
    path = f"{QUEUE}nouvelle/?personne={rita.pk}"
    assert "Rita Tremblay" in text_of(desk, path)
    assert f"personne={rita.pk}" in text_of(desk, f"/bureau/citoyens/{rita.pk}/")
    sent = {
        "kind": "cases.question", "subject": "Camp", "body": "Quand ?", "via": "counter",
        "key": str(uuid4()),
    }  # fmt: skip
    assert desk.post(path, sent).status_code == 302
    assert Case.objects.of(town).get().resident == rita
    assert desk.get(f"{QUEUE}nouvelle/?personne=999999").status_code == 404


def test_closed_days_are_listed_added_once_and_taken_back(desk, town):
    day = timezone.localdate() + timedelta(days=30)
    while not actions.days.is_working_day(day):
        day += timedelta(days=1)
    path = f"{QUEUE}jours-fermes/"
    sent = {"day": day.isoformat(), "label": "Formation"}
    assert desk.post(path, sent).status_code == 302
    assert "Formation" in text_of(desk, path) and "Noël" in text_of(desk, path)
    weekend = day + timedelta(days=5 - day.weekday())
    past = timezone.localdate() - timedelta(days=3)
    for changed, said in (
        ({}, "déjà dans la liste"),
        ({"day": weekend.isoformat()}, "déjà fermés"),
        ({"day": past.isoformat()}, "à venir"),
    ):
        answer = desk.post(path, sent | changed)
        assert answer.status_code == 422 and said in answer.content.decode()
    desk.post(f"{path}{ClosedDay.objects.of(town).get().pk}/retirer/")
    assert not ClosedDay.objects.of(town).exists()


def test_who_may_only_see_is_offered_nothing_to_do(reader, town):
    case = make.case(town)
    text = text_of(reader, url(case))
    for absent in ("Envoyer la réponse", "Garder la note", "Confier", "Promettre", 'name="vers"'):
        assert absent not in text, absent
    for deed in ("repondre/", "note/", "confier/", "etat/", "retirer/", "promesse/"):
        assert reader.post(url(case, deed)).status_code == 403
    assert "Nouvelle demande" not in text_of(reader, QUEUE)


def test_what_one_person_is_told_is_not_among_the_towns_sends(client, town):
    make.answer(make.case(town))
    member = people.staff(town, roles={"announcements": "see"})
    people.sign_in(client, member.person, second_factor=True)
    assert "a répondu à votre demande" not in text_of(client, "/bureau/envois/")
