"""Calls: taken, left on a machine, confirmed on the keys, made again; one end for each number."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from parvis.core.db import as_town
from parvis.notifications import actions, calls, dispatch, proof
from parvis.notifications.audience import count_audience
from parvis.notifications.models import Chunk, ClosedNumber, Outcome, Reply, Work
from parvis.notifications.tests import make as notify
from parvis.notifications.tests.texting import CONTENT, at_once, followers, phone, states
from parvis.residents.tests import make

NOTICE = {"fr": {"title": "L’eau peut être brune", "body": "Elle reste bonne à boire."}}


def call_everyone(town, subject, **facts):
    return actions.send_message(
        municipality=town, kind="announcements.published", content=NOTICE, subject=subject,
        channels=["voice"], now=facts.pop("now", timezone.now()), **facts,
    )  # fmt: skip


@pytest.fixture
def ringing(open_town, texts):
    """One call under way: the message, the telephone, and the call as the provider has it."""

    def ring(*, emergency: bool = False, language: str = "fr"):
        with as_town(open_town.pk):
            subject = notify.subject(
                open_town, "Urgences" if emergency else "Eau", is_emergency=emergency
            )
            person = make.resident(open_town, language=language)
            if not emergency:
                notify.subscription(person, subject, "voice")
            one = phone(person)
            message = call_everyone(open_town, subject)
        dispatch.drain(["voice"])
        return message, one, texts.to(one.number)[-1]

    return ring


def test_a_call_that_someone_takes_says_who_calls_and_is_handed_over_once(
    ringing, texts, client, open_town
):
    message, one, call = ringing()
    assert states(message) == {one.pk: ["calling"]}
    assert (call["From"], call["MachineDetection"]) == (texts.provider.voice, "DetectMessageEnd")
    said = texts.answer_call(client, call).content.decode()
    assert "Message de Ville d’Alma." in said and 'language="fr-CA"' in said
    assert "Elle reste bonne à boire." in said and "faites le 9" in said
    assert "faites le 1" not in said
    for _ in range(2):
        assert texts.hang_up_call(client, call, "completed", "human").status_code == 204
    assert states(message) == {one.pk: ["calling", "handed", "reached"]}
    assert dispatch.drain(["voice"]) == 0


@pytest.mark.parametrize(("key", "answer", "said"), [("1", "seen", "noté"), ("2", "help", "9 1 1")])
def test_keys_confirm_an_emergency_or_ask_for_help(
    ringing, texts, client, open_town, key, answer, said
):
    message, one, call = ringing(emergency=True)
    heard = texts.answer_call(client, call)
    assert "faites le 1" in heard.content.decode()
    for _ in range(2):
        assert said in texts.press(client, heard, call, key).content.decode()
    with as_town(open_town.pk):
        row = Reply.objects.of(open_town).get()
        assert (row.answer, row.message_id, row.channel) == (answer, message.pk, "voice")
        assert proof.replies_counted(message) == {answer: 1}


def test_nine_and_silence_repeat_three_times_at_most(ringing, texts, client, open_town):
    _message, _one, call = ringing(emergency=True)
    heard = texts.answer_call(client, call)
    for key in ("9", ""):
        heard = texts.press(client, heard, call, key)
        assert "bonne à boire" in heard.content.decode()
    last = texts.press(client, heard, call, "9").content.decode()
    assert "Au revoir" in last and "<Gather" not in last
    with as_town(open_town.pk):
        assert not Reply.objects.of(open_town).exists()


def test_a_message_left_on_a_machine_is_not_an_answer(ringing, texts, client, open_town):
    message, one, call = ringing(emergency=True)
    said = texts.answer_call(client, call, "machine_end_beep").content.decode()
    assert "bonne à boire" in said and "<Gather" not in said
    texts.hang_up_call(client, call, "completed", "machine_end_beep")
    with as_town(open_town.pk):
        report = Outcome.objects.of(open_town).get(state="reached")
        assert report.reason == "voicemail"
        (row,) = proof.figures(message).channels
        assert (row.handed, row.arrived, row.voicemail) == (1, 0, 1)


@pytest.mark.parametrize("status", ["busy", "no-answer"])
def test_a_call_that_nobody_takes_is_made_again_by_the_table_then_given_up(
    ringing, texts, client, open_town, status
):
    message, one, call = ringing(emergency=True)
    for made, minutes in enumerate((1, 3, 5), start=1):
        before = timezone.now()
        for _ in range(2):
            texts.hang_up_call(client, call, status)
        waiting = Work.objects.get(state="waiting")
        pause = waiting.not_before - before
        assert timedelta(minutes=minutes) <= pause < timedelta(minutes=minutes, seconds=20)
        at_once(open_town)
        dispatch.drain(["voice"])
        assert len(texts.to(one.number)) == made + 1
        call = texts.to(one.number)[-1]
    texts.hang_up_call(client, call, status)
    assert states(message)[one.pk] == ["calling", "retry"] * 3 + ["calling", "failed"]
    assert not Work.objects.filter(state="waiting").exists()


def test_a_call_of_which_nothing_is_reported_is_in_doubt_and_not_made_again(ringing, open_town):
    message, one, _call = ringing()
    soon = timezone.now() + timedelta(minutes=10)
    assert calls.settle_silent(open_town.pk, now=soon) == 0
    late = timezone.now() + timedelta(minutes=16)
    assert calls.settle_silent(open_town.pk, now=late) == 1
    assert calls.settle_silent(open_town.pk, now=late) == 0
    assert states(message) == {one.pk: ["calling", "unsure"]}


def test_a_call_that_waits_to_be_made_again_is_not_in_doubt(ringing, texts, client, open_town):
    message, one, call = ringing()
    texts.hang_up_call(client, call, "busy")
    late = timezone.now() + timedelta(minutes=16)
    assert calls.settle_silent(open_town.pk, now=late) == 0
    assert states(message) == {one.pk: ["calling", "retry"]}


def test_a_report_that_overtakes_our_own_line_about_the_call_leaves_no_doubt(open_town, texts):
    with as_town(open_town.pk):
        eau, (one,) = followers(open_town)
        notify.subscription(one.resident, eau, "voice")
        message = call_everyone(open_town, eau)
        call = calls.Call(open_town.pk, message.pk, one.pk, 0)
        assert calls.end(call, status="busy", answered_by="", now=timezone.now())
        Outcome.objects.create(
            municipality=open_town, message_id=message.pk, chunk_id=1, channel="voice",
            resident_id=one.resident_id, contact_id=one.pk, state="calling", is_final=False,
            at=timezone.now(),
        )  # fmt: skip
    late = timezone.now() + timedelta(minutes=16)
    assert calls.settle_silent(open_town.pk, now=late) == 0


def test_a_crash_after_the_provider_took_the_call_does_not_ring_twice(ringing, texts, open_town):
    message, one, _call = ringing()
    # As the crash leaves it: the outcome is written, the chunk is not closed.
    Work.objects.update(state="leased", leased_until=timezone.now(), closed_at=None)
    dispatch.drain(["voice"])
    assert len(texts.to(one.number)) == 1
    assert states(message) == {one.pk: ["calling"]}


def test_forged_requests_about_a_call_are_refused(ringing, texts, client, open_town):
    message, one, call = ringing(emergency=True)
    assert texts.hang_up_call(client, call, "completed", "human", token="x").status_code == 403
    forged = {**call, "StatusCallback": call["StatusCallback"].replace("/appel/", "/appel/9")}
    assert texts.hang_up_call(client, forged, "completed").status_code == 403
    assert states(message) == {one.pk: ["calling"]}


def test_an_english_reader_is_called_in_english(ringing, texts, client):
    _message, _one, call = ringing(emergency=True, language="en")
    # Nothing was written in English: the words stay French, and so does the voice.
    said = texts.answer_call(client, call).content.decode()
    assert 'language="fr-CA"' in said
    assert calls.WORDS["en"].keys() == calls.WORDS["fr"].keys()


@pytest.mark.django_db
def test_english_words_are_said_by_an_english_voice(town, texts):
    person = make.resident(town, language="en")
    one = phone(person)
    message = actions.send_message(
        municipality=town, kind="x", now=timezone.now(), channels=["voice"],
        resident_ids=[person.pk],
        content={**NOTICE, "en": {"title": "Brown water", "voice_script": "The water is brown."}},
    )  # fmt: skip
    said = calls.answered(calls.Call(town.pk, message.pk, one.pk, 0), "principal", by="human")
    assert 'language="en-CA"' in said and "The water is brown." in said
    assert "Message from" in said and "Brown water" not in said


@pytest.mark.django_db
def test_in_an_emergency_who_has_the_text_is_not_called_and_a_landline_is(town, texts):
    urgence = notify.subject(town, "Urgences", is_emergency=True)
    _subject, (mobile, landline) = followers(town, 2, subject=urgence)
    ClosedNumber.objects.create(
        municipality=town, phone=landline, resident=landline.resident, channel="text",
        reason="landline", since=notify.NOW,
    )  # fmt: skip
    message = actions.send_message(
        municipality=town, kind="x", content=CONTENT, subject=urgence, now=timezone.now()
    )
    chunks = Chunk.objects.of(town).filter(message=message)
    assert chunks.get(channel="text").recipients == [mobile.pk]
    assert chunks.get(channel="voice").recipients == [landline.pk]
    alone = call_everyone(town, urgence)
    assert Chunk.objects.of(town).get(message=alone).recipients == [mobile.pk, landline.pk]


@pytest.mark.parametrize("known", ["at hand-over", "in a report"])
@pytest.mark.parametrize("emergency", [True, False], ids=["emergency", "routine"])
def test_a_number_that_an_emergency_text_cannot_reach_is_called_once_and_after_a_routine_one_not(
    open_town, texts, client, known, emergency
):
    with as_town(open_town.pk):
        subject = notify.subject(open_town, "Urgences", is_emergency=emergency)
        _subject, (landline, mobile) = followers(open_town, 2, subject=subject)
        message = actions.send_message(
            municipality=open_town, kind="x", content=CONTENT, subject=subject, now=timezone.now()
        )
    if known == "at hand-over":
        texts.behave(landline.number, "refuse:21614")
        dispatch.drain(["text"])
    else:
        dispatch.drain(["text"])
        (sent,) = texts.to(landline.number)
        for _ in range(2):
            texts.report(client, sent, "undelivered", "30006")
    texts.taken.clear()
    dispatch.drain(["voice"])
    called = [one["To"] for one in texts.taken]
    assert called == ([landline.number] if emergency else [])
    with as_town(open_town.pk):
        (row,) = [one for one in proof.figures(message).channels if one.channel == "text"]
        assert row.targeted == 2 and row.failed == 1
        voice = Chunk.objects.of(open_town).filter(message=message, channel="voice")
        assert [one.recipients for one in voice] == ([[landline.pk]] if emergency else [])


@pytest.mark.parametrize("also", [False, True], ids=["routine alone", "both senders"])
def test_who_is_blocked_at_the_routine_sender_has_the_emergency_as_a_text_or_else_a_call(
    open_town, texts, also
):
    with as_town(open_town.pk):
        eau, (one,) = followers(open_town)
        actions.send_message(
            municipality=open_town, kind="x", content=CONTENT, subject=eau, channels=["text"],
            now=timezone.now(),
        )  # fmt: skip
    texts.behave(one.number, "refuse:21610", *(["refuse:21610"] if also else []))
    dispatch.drain(["text"])
    with as_town(open_town.pk):
        assert ClosedNumber.objects.of(open_town).get().reason == "unsubscribed"
        urgence = notify.subject(open_town, "Urgences", is_emergency=True)
        actions.send_message(
            municipality=open_town, kind="x", content=CONTENT, subject=urgence, now=timezone.now()
        )
    dispatch.drain(["text", "voice"])
    (sent,) = texts.to(one.number)
    assert ("Body" in sent, "Url" in sent) == (not also, also)


@pytest.mark.django_db
def test_where_no_sender_carries_emergency_texts_everyone_is_called(town, texts, settings):
    settings.TELEPHONY = (replace(texts.provider, emergency=""),)
    urgence = notify.subject(town, "Urgences", is_emergency=True)
    _subject, (mobile,) = followers(town, subject=urgence)
    message = actions.send_message(
        municipality=town, kind="x", content=CONTENT, subject=urgence, now=timezone.now()
    )
    voice = Chunk.objects.of(town).get(message=message, channel="voice")
    assert voice.recipients == [mobile.pk]


@pytest.mark.django_db
def test_without_a_sender_for_calls_they_exist_nowhere(town, texts, settings):
    settings.TELEPHONY = (replace(texts.provider, voice=""),)
    eau, _phones = followers(town)
    assert "voice" not in count_audience(municipality=town, subject=eau, now=notify.NOW).by_channel


def test_a_code_is_read_aloud_and_verifies_a_landline(open_town, texts, client):
    from parvis.residents import phones
    from parvis.residents.models import PhoneCode

    with as_town(open_town.pk):
        one = phone(make.resident(open_town), verified=False)
        ClosedNumber.objects.create(
            municipality=open_town, phone=one, resident=one.resident, channel="text",
            reason="landline", since=notify.NOW,
        )  # fmt: skip
        assert phones.ways_to(one) == ["voice"]
        phones.send_code(one, way="voice", actor=one.resident, now=timezone.now())
    dispatch.drain(["voice"])
    (call,) = texts.to(one.number)
    assert "Url" not in call
    code = call["Twiml"].partition("Votre code est\u00a0: ")[2][:16].replace(", ", "")
    texts.hang_up_call(client, call, "busy")
    assert not Work.objects.filter(state="waiting").exists()
    with as_town(open_town.pk):
        why_not = phones.try_code(one, code=code, actor=one.resident, now=timezone.now())
        assert why_not == "" and PhoneCode.objects.of(open_town).get().ended_why == "used"
        one.refresh_from_db()
        assert one.verified_how == "voice"
        assert ClosedNumber.objects.of(open_town).get().reopened_at is None
