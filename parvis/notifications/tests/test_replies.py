"""What people answer to texts: signed, written down once, obeyed, answered."""

from __future__ import annotations

import itertools

import pytest
from django.utils import timezone

from parvis.core.db import as_town
from parvis.municipalities.models import AuditLine
from parvis.notifications import dispatch, replies, sms_text
from parvis.notifications.models import Chunk, ClosedNumber, Reply
from parvis.notifications.tests import make as notify
from parvis.notifications.tests.texting import followers, phone, send, states
from parvis.residents.models import Phone
from parvis.residents.tests import make

URL = "http://alma.localhost/mes-avis/telephone/principal/recu/"


def said(response) -> str:
    text = response.content.decode()
    assert response.headers["Content-Type"].startswith("text/xml")
    return text.partition("<Message>")[2].partition("</Message>")[0]


@pytest.fixture
def person(open_town, texts):
    with as_town(open_town.pk):
        return phone(make.resident(open_town), "+14185550142")


def rows(town):
    with as_town(town.pk):
        return list(Reply.objects.of(town).order_by("pk").values_list("answer", "message_id"))


@pytest.fixture
def alarmed(open_town, texts):
    """Someone who was just sent an emergency by text."""
    with as_town(open_town.pk):
        urgence = notify.subject(open_town, "Urgences", is_emergency=True)
        _subject, (one,) = followers(open_town, subject=urgence)
        message = send(open_town, urgence)
    dispatch.drain(["text"])
    assert states(message) == {one.pk: ["handed"]}
    return message, one


@pytest.mark.parametrize(
    ("words", "answer", "back"),
    [("1", "seen", "merci"), ("2", "help", "911"), ("Je suis au 3e étage", "other", "2 = besoin")],
)
def test_an_answer_is_kept_with_the_message_that_asked(
    alarmed, texts, client, open_town, words, answer, back
):
    message, one = alarmed
    answered = texts.bring(client, URL, one.number, words)
    assert back in said(answered)
    assert rows(open_town) == [(answer, message.pk)]
    with as_town(open_town.pk):
        row = Reply.objects.of(open_town).get()
        assert row.words == ("" if answer == "seen" else words)
        line = AuditLine.objects.of(open_town).get(deed="notifications.replied")
        assert words not in str(line.facts) or words == "1" or words == "2"


def test_the_same_answer_brought_twice_is_one_and_is_answered_once(
    alarmed, texts, client, open_town
):
    _message, one = alarmed
    assert said(texts.bring(client, URL, one.number, "2", "SM7"))
    assert said(texts.bring(client, URL, one.number, "2", "SM7")) == ""
    assert len(rows(open_town)) == 1
    texts.bring(client, URL, one.number, "2", "SM8")
    assert len(rows(open_town)) == 2


def test_an_answer_to_nothing_that_asked_is_about_no_message(person, texts, client, open_town):
    answered = texts.bring(client, URL, person.number, "1")
    assert "n'est pas lu" in said(answered)
    assert rows(open_town) == [("seen", None)]


@pytest.mark.parametrize("before", ["the outcome", "a lost answer is settled"])
def test_a_need_for_help_is_kept_with_its_message_though_nothing_says_yet_that_it_was_handed(
    open_town, texts, client, before
):
    with as_town(open_town.pk):
        urgence = notify.subject(open_town, "Urgences", is_emergency=True)
        _subject, (one,) = followers(open_town, subject=urgence)
        message = send(open_town, urgence)
    if before != "the outcome":
        texts.behave(one.number, "lost")
        texts.lists = False
        dispatch.drain(["text"])
    assert "handed" not in states(message).get(one.pk, [])
    assert "est noté" in said(texts.bring(client, URL, one.number, "2"))
    assert rows(open_town) == [("help", message.pk)]


def test_a_need_for_help_that_no_message_asked_about_is_not_said_to_be_noted(
    person, texts, client, open_town
):
    told = said(texts.bring(client, URL, person.number, "2"))
    assert "n'est pas lu en ce moment" in told and "911" in told and "noté" not in told


def test_arret_ends_routine_texts_at_once_even_those_planned_and_not_the_emergencies(
    open_town, texts, client
):
    with as_town(open_town.pk):
        eau, (one, other) = followers(open_town, 2)
        message = send(open_town, eau)
    answered = texts.bring(client, URL, one.number, "Arrêt")
    assert "Les alertes de sécurité civile continuent" in said(answered)
    dispatch.drain(["text"])
    assert states(message) == {one.pk: ["gone"], other.pk: ["handed"]}
    with as_town(open_town.pk):
        urgence = notify.subject(open_town, "Urgences", is_emergency=True)
        emergency = send(open_town, urgence)
    dispatch.drain(["text"])
    assert states(emergency) == {one.pk: ["handed"], other.pk: ["handed"]}


def test_reprendre_brings_them_back_but_not_to_a_landline(open_town, texts, client):
    with as_town(open_town.pk):
        eau, (one, landline) = followers(open_town, 2)
        ClosedNumber.objects.create(
            municipality=open_town, phone=landline, resident=landline.resident, channel="text",
            reason="landline", since=notify.NOW,
        )  # fmt: skip
    texts.bring(client, URL, one.number, "STOP", "SM1")
    for number, (words, sid) in zip(
        (one.number, landline.number), (("UNSTOP", "SM2"), ("START", "SM3")), strict=True
    ):
        assert "reprennent" in said(texts.bring(client, URL, number, words, sid))
    with as_town(open_town.pk):
        message = send(open_town, eau)
        assert Chunk.objects.of(open_town).get(message=message).recipients == [one.pk]


def test_aide_tells_who_writes_where_to_choose_and_how_to_end(person, texts, client):
    told = said(texts.bring(client, URL, person.number, "AIDE"))
    assert "/mes-avis/" in told and "ARRET" in told and "911" in told


def test_an_english_reader_is_answered_in_english(person, texts, client, open_town):
    with as_town(open_town.pk):
        person.resident.language = "en"
        person.resident.save()
    assert "Civil security alerts continue" in said(texts.bring(client, URL, person.number, "STOP"))


def test_a_number_shared_by_two_accounts_answers_for_both(person, texts, client, open_town):
    with as_town(open_town.pk):
        phone(make.resident(open_town), person.number)
    texts.bring(client, URL, person.number, "STOP")
    assert rows(open_town) == [("stop", None)] * 2
    with as_town(open_town.pk):
        assert ClosedNumber.objects.of(open_town).count() == 2


def test_where_the_provider_answers_by_itself_we_obey_and_say_nothing(
    person, texts, client, open_town
):
    answered = texts.bring(client, URL, person.number, "STOP", fields={"OptOutType": "STOP"})
    assert said(answered) == ""
    with as_town(open_town.pk):
        assert ClosedNumber.objects.of(open_town).get().reason == "asked"


def test_a_forged_answer_an_unknown_or_an_unverified_number_change_nothing(
    person, texts, client, open_town
):
    forged = texts.bring(client, URL, person.number, "STOP", token="x")
    assert forged.status_code == 403
    assert said(texts.bring(client, URL, "+14185550999", "STOP")) == ""
    with as_town(open_town.pk):
        Phone.objects.of(open_town).update(verified_at=None)
    assert said(texts.bring(client, URL, person.number, "STOP")) == ""
    assert rows(open_town) == []
    with as_town(open_town.pk):
        assert not ClosedNumber.objects.of(open_town).exists()


@pytest.mark.parametrize("language", ["fr", "en"])
def test_what_is_said_back_fits_two_segments(open_town, language):
    for answer, about in itertools.product(sms_text.Answer, (1, None)):
        taken = replies.Taken(answer, language, True, about=about)
        text = replies.answer_to(taken, open_town)
        assert sms_text.measure(text).segments <= 2, text


@pytest.mark.django_db
def test_answers_and_closures_leave_with_the_person(town, texts):
    from parvis.residents import erasure

    one = phone(make.resident(town), "+14185550142")
    now = timezone.now()
    replies.take_text(municipality=town, number=one.number, words="STOP", identity="SM1", now=now)
    rows = erasure.rows_about(one.resident)
    assert rows["reponses_aux_textos"][0]["answer"] == "stop"
    assert rows["numeros_fermes"][0]["reason"] == "asked"
    erasure.erase_resident(one.resident, actor=one.resident, now=now)
    assert not Reply.objects.of(town).exists() and not ClosedNumber.objects.of(town).exists()
