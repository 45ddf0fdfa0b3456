"""One channel after the other: planned by each person's order, ended by any confirmation."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from parvis.core.db import as_town
from parvis.core.errors import Refused
from parvis.notifications import actions, dispatch, orders, proof, replies
from parvis.notifications.audience import count_audience
from parvis.notifications.models import Chunk, ClosedNumber, Device, Preference, Work
from parvis.notifications.tests import make as notify
from parvis.notifications.tests.texting import CONTENT, at_once, phone, states
from parvis.residents.tests import make

STEP = 5


def urgent(town):
    return notify.subject(town, "Urgences", is_emergency=True)


def send(town, subject, *, step_minutes: int | None = STEP, **facts):
    return actions.send_message(
        municipality=town, kind="alerts.sent", content=CONTENT, subject=subject,
        step_minutes=step_minutes, now=facts.pop("now", notify.NOW), **facts,
    )  # fmt: skip


def steps_of(message, contact_id: int, channel: str) -> list[float]:
    """Minutes after which this contact's turn comes, as planned."""
    chunks = Chunk.objects.of(message.municipality_id).filter(
        message=message, channel=channel, recipients__contains=[contact_id]
    )
    return [(one.not_before - message.created_at) / timedelta(minutes=1) for one in chunks]


def prefer(person, order):
    orders.set_emergency_order(resident=person, order=order, now=notify.NOW)


@pytest.fixture
def everyone(town, texts):
    """Somebody with a telephone, a device and a good e-mail address."""

    def made(order="unsaid", *, device=True):
        person = make.resident(town)
        if order != "unsaid":
            prefer(person, order)
        return person, phone(person), notify.device(person) if device else None

    return made


def mail_of(person) -> int:
    from allauth.account.models import EmailAddress

    found = EmailAddress.objects.get(user=person, primary=True, verified=True)
    return int(found.pk)


@pytest.mark.django_db
def test_without_a_choice_what_is_free_leaves_first_and_the_text_after_a_step(town, everyone):
    person, one, device = everyone()
    message = send(town, urgent(town))
    assert steps_of(message, device.pk, "push") == [0]
    assert steps_of(message, mail_of(person), "email") == [0]
    assert steps_of(message, one.pk, "text") == [STEP]
    assert steps_of(message, one.pk, "voice") == []
    assert message.targeted == 1


@pytest.mark.django_db
def test_who_has_nothing_free_waits_for_nothing(town, everyone):
    from allauth.account.models import EmailAddress

    person, one, _device = everyone(device=False)
    EmailAddress.objects.filter(user=person).update(verified=False)
    removed = notify.device(person)
    Device.objects.filter(pk=removed.pk).update(removed_at=notify.NOW)
    assert steps_of(send(town, urgent(town)), one.pk, "text") == [0]


@pytest.mark.django_db
def test_the_persons_own_order_is_followed_and_a_call_comes_although_texts_arrive(town, everyone):
    person, one, device = everyone(["push", "text", "voice", "email"])
    message = send(town, urgent(town))
    assert steps_of(message, device.pk, "push") == [0]
    assert steps_of(message, one.pk, "text") == [STEP]
    assert steps_of(message, one.pk, "voice") == [2 * STEP]
    assert steps_of(message, mail_of(person), "email") == [3 * STEP]
    assert steps_of(message, person.pk, "inapp") == [0]


@pytest.mark.django_db
def test_a_channel_that_the_person_lacks_is_no_step(town, everyone):
    person, one, _none = everyone(["push", "voice", "text", "email"], device=False)
    ClosedNumber.objects.create(
        municipality=town, phone=one, resident=person, channel="voice", reason="unknown_number",
        since=notify.NOW,
    )  # fmt: skip
    message = send(town, urgent(town))
    assert steps_of(message, one.pk, "text") == [0]
    assert steps_of(message, mail_of(person), "email") == [STEP]
    assert steps_of(message, one.pk, "voice") == []


@pytest.mark.django_db
def test_two_telephones_are_one_step_and_a_channel_left_unnamed_comes_last(town, everyone):
    person, one, device = everyone(["text", "push"])
    other = phone(person)
    message = send(town, urgent(town))
    assert steps_of(message, one.pk, "text") == steps_of(message, other.pk, "text") == [0]
    assert steps_of(message, device.pk, "push") == [STEP]
    assert steps_of(message, mail_of(person), "email") == [2 * STEP]


@pytest.mark.django_db
def test_all_at_once_is_all_at_once(town, everyone):
    person, one, device = everyone([])
    message = send(town, urgent(town))
    assert steps_of(message, one.pk, "text") == steps_of(message, device.pk, "push") == [0]
    assert steps_of(message, mail_of(person), "email") == [0]


@pytest.mark.django_db
def test_what_cannot_wait_goes_to_everyone_by_everything_at_once(town, everyone):
    _person, one, device = everyone(["push", "voice", "text", "email"])
    message = send(town, urgent(town), step_minutes=None)
    assert steps_of(message, one.pk, "text") == steps_of(message, device.pk, "push") == [0]


@pytest.mark.django_db
def test_routine_messages_know_no_steps(town, everyone):
    person, _one, device = everyone(["text", "push"])
    eau = notify.subject(town)
    notify.subscription(person, eau, "push")
    message = send(town, eau)
    assert message.step_minutes is None
    assert steps_of(message, device.pk, "push") == [0]


@pytest.mark.django_db
def test_quiet_hours_and_pauses_hold_no_step(town, everyone):
    person, _one, device = everyone()
    Preference.objects.update_or_create(
        resident=person,
        defaults={
            "municipality": town, "quiet_from": "00:00", "quiet_until": "23:00",
            "paused_until": notify.NOW + timedelta(days=9),
        },
    )  # fmt: skip
    assert steps_of(send(town, urgent(town)), device.pk, "push") == [0]


@pytest.mark.django_db
def test_a_device_that_stayed_for_emergencies_belongs_to_nobody_and_leaves_first(town, texts):
    device = notify.device(None, town=town, emergencies_only=True)
    assert steps_of(send(town, urgent(town)), device.pk, "push") == [0]


@pytest.mark.django_db
def test_what_is_counted_beforehand_is_what_is_planned(town, everyone):
    for order in ("unsaid", [], ["voice", "text", "push", "email"], ["text"]):
        everyone(order)
    subject = urgent(town)
    found = count_audience(municipality=town, subject=subject, now=notify.NOW, step_minutes=STEP)
    message = send(town, subject)
    planned = {
        name: sum(
            len(one.recipients)
            for one in Chunk.objects.of(town).filter(message=message, channel=name)
        )
        for name in found.by_channel
    }
    assert planned == found.by_channel
    assert found.by_channel["voice"] == 1
    assert found.persons == message.targeted == 4


@pytest.mark.django_db
@pytest.mark.parametrize("order", [["push", "push"], ["inapp"], ["pigeon"], ["text", ""]])
def test_an_order_names_channels_that_exist_once_each(town, order):
    person = make.resident(town)
    with pytest.raises(Refused, match="rang différent"):
        prefer(person, order)
    assert not Preference.objects.of(town).filter(emergency_order__isnull=False).exists()


# --- a confirmation ends the steps --------------------------------------------------------------


@pytest.fixture
def stepping(open_town, texts):
    """A message under way to somebody whose text leaves first and whose call comes next."""

    def begun(count: int = 1):
        with as_town(open_town.pk):
            phones = []
            for _ in range(count):
                person = make.resident(open_town)
                prefer(person, ["text", "voice", "push", "email"])
                phones.append(phone(person))
            message = send(open_town, urgent(open_town), now=timezone.now())
        return message, phones

    return begun


def opened(message, one, channel="push"):
    with as_town(message.municipality_id):
        actions.mark_opened(
            municipality=message.municipality, message_id=message.pk,
            resident_id=one.resident_id, channel=channel, now=timezone.now(),
        )  # fmt: skip


def answered(message, one, words="1"):
    with as_town(message.municipality_id):
        replies.take_text(
            municipality=message.municipality, number=one.number, words=words, identity="SM1",
            now=timezone.now(),
        )  # fmt: skip


def test_the_next_step_waits_for_its_minutes_and_then_comes(stepping, texts, open_town):
    message, (one,) = stepping()
    dispatch.drain(["text", "voice"])
    assert ["Body" in sent for sent in texts.to(one.number)] == [True]
    at_once(open_town)
    dispatch.drain(["voice"])
    assert ["Body" in sent for sent in texts.to(one.number)] == [True, False]
    assert states(message)[one.pk] == ["handed", "calling"]


@pytest.mark.parametrize("confirm", [opened, answered], ids=["opened", "by text"])
def test_who_confirmed_by_any_channel_gets_no_further_step(stepping, texts, open_town, confirm):
    message, (one, silent) = stepping(2)
    dispatch.drain(["text"])
    confirm(message, one)
    at_once(open_town)
    dispatch.drain(["voice"])
    assert len(texts.to(one.number)) == 1
    assert len(texts.to(silent.number)) == 2
    assert states(message)[one.pk] == ["handed", "spared"]
    with as_town(open_town.pk):
        rows = {row.channel: row for row in proof.figures(message).channels}
        assert (rows["voice"].spared, rows["voice"].failed) == (1, 0)
        for row in rows.values():
            ends = row.handed + row.failed + row.uncertain + row.spared + row.waiting
            assert ends == row.targeted
        assert message.targeted == 2


def test_another_answer_than_seen_or_help_confirms_nothing(stepping, texts, open_town):
    message, (one,) = stepping()
    dispatch.drain(["text"])
    answered(message, one, "qui êtes-vous")
    at_once(open_town)
    dispatch.drain(["voice"])
    assert len(texts.to(one.number)) == 2


def test_a_confirmation_of_the_first_message_is_none_of_the_second(stepping, texts, open_town):
    message, (one,) = stepping()
    dispatch.drain(["text"])
    opened(message, one)
    with as_town(open_town.pk):
        second = send(open_town, message.subject, now=timezone.now(), after=[message])
    dispatch.drain(["text"])
    at_once(open_town)
    dispatch.drain(["voice"])
    assert ["Body" in sent for sent in texts.to(one.number)] == [True, True, False]
    assert states(second)[one.pk] == ["handed", "calling"]


def test_a_stopped_message_begins_no_step(stepping, texts, open_town):
    message, (one,) = stepping()
    dispatch.drain(["text"])
    with as_town(open_town.pk):
        actions.stop_message(message, actor=None, now=timezone.now())
    dispatch.drain(["voice"])
    assert len(texts.to(one.number)) == 1
    assert states(message)[one.pk] == ["handed", "expired"]
    assert not Work.objects.filter(message_id=message.pk, channel="voice", state="waiting").exists()


def test_what_goes_out_all_at_once_ignores_confirmations(open_town, texts):
    with as_town(open_town.pk):
        one = phone(make.resident(open_town))
        message = send(open_town, urgent(open_town), now=timezone.now(), step_minutes=None)
    opened(message, one)
    dispatch.drain(["text"])
    assert len(texts.to(one.number)) == 1


# --- at the same instant ------------------------------------------------------------------------


def race(message, phones, monkeypatch) -> tuple[dict[int, float], dict[int, float]]:
    """Confirm each person while the step is handed over; when each was committed, and begun."""
    begun: dict[int, float] = {}
    confirmed: dict[int, float] = {}
    gate = threading.Barrier(2)
    real = dispatch.Holder.spare

    def watched(self, contact_ids):
        at = time.monotonic()
        begun.update(dict.fromkeys(contact_ids, at))
        return real(self, contact_ids)

    monkeypatch.setattr(dispatch.Holder, "spare", watched)

    def confirm() -> None:
        try:
            gate.wait()
            for one in reversed(phones):
                opened(message, one)
                confirmed[one.pk] = time.monotonic()
        finally:
            connection.close()

    def deliver() -> None:
        try:
            gate.wait()
            dispatch.drain(["voice"])
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda deed: deed(), (confirm, deliver)))
    return begun, confirmed


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", range(20))
def test_whose_confirmation_stood_when_the_step_began_is_not_called(
    stepping, texts, open_town, monkeypatch, turn
):
    monkeypatch.setattr("parvis.notifications.rules.GROUP", 2)
    message, phones = stepping(6)
    dispatch.drain(["text"])
    texts.taken.clear()
    at_once(open_town)
    begun, confirmed = race(message, phones, monkeypatch)
    found = states(message)
    for one in phones:
        called = bool(texts.to(one.number))
        # Each ends in one way, and only one.
        assert found[one.pk] == ["handed", "calling" if called else "spared"]
        if one.pk not in begun or confirmed[one.pk] < begun[one.pk]:
            assert not called


def late(stepping, texts, open_town, monkeypatch, *, guarded: bool) -> int:
    """Calls to somebody who confirms when the chunk is open and their group is not begun."""
    message, (one,) = stepping()
    dispatch.drain(["text"])
    texts.taken.clear()
    at_once(open_town)
    real = dispatch.Holder.spare

    def after_confirming(self, contact_ids):
        opened(message, one)
        return real(self, contact_ids) if guarded else set()

    monkeypatch.setattr(dispatch.Holder, "spare", after_confirming)
    dispatch.drain(["voice"])
    return len(texts.to(one.number))


def test_who_confirms_while_the_chunk_is_under_way_is_not_called(
    stepping, texts, open_town, monkeypatch
):
    assert late(stepping, texts, open_town, monkeypatch, guarded=True) == 0


def test_without_the_question_at_each_group_they_would_be_called(
    stepping, texts, open_town, monkeypatch
):
    """The control: asked only as the chunk is opened, the confirmation comes too late."""
    assert late(stepping, texts, open_town, monkeypatch, guarded=False) == 1
