"""Texts through a provider that may be late, busy, broken or mute: one end for each recipient."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from parvis.core.db import as_town
from parvis.notifications import actions, dispatch
from parvis.notifications.audience import count_audience
from parvis.notifications.channels import Parcel, text
from parvis.notifications.models import Chunk, ClosedNumber, Line, Outcome, Work
from parvis.notifications.tests import make as notify
from parvis.notifications.tests.phone_service import PhoneService
from parvis.notifications.tests.texting import (
    CONTENT,
    at_once,
    followers,
    phone,
    send,
    states,
)
from parvis.residents.models import Phone
from parvis.residents.tests import make


def test_a_text_is_handed_over_once_with_sender_link_and_the_way_to_stop(planned, texts):
    message, (one,) = planned()
    assert dispatch.drain(["text"]) == 1
    (sent,) = texts.to(one.number)
    assert states(message) == {one.pk: ["handed"]}
    assert sent["From"] == texts.provider.routine
    assert sent["Body"].startswith("Ville d'Alma : L'eau peut etre brune. http")
    assert sent["Body"].endswith("ARRET pour cesser.")
    assert f"/mes-avis/recus/{message.pk}/?par=text" in sent["Body"]
    assert dispatch.drain(["text"]) == 0


def test_an_emergency_leaves_from_its_own_number_and_asks_for_an_answer(planned, texts):
    _message, (one,) = planned(emergency=True)
    dispatch.drain(["text"])
    (sent,) = texts.to(one.number)
    assert sent["From"] == texts.provider.emergency
    assert "1 = vu" in sent["Body"] and "ARRET" not in sent["Body"]


@pytest.mark.django_db
def test_only_verified_and_open_numbers_of_those_who_want_texts_are_meant(town, texts):
    eau, (kept, unverified, closed) = followers(town, 3)
    Phone.objects.filter(pk=unverified.pk).update(verified_at=None)
    ClosedNumber.objects.create(
        municipality=town, phone=closed, resident=closed.resident, channel="text",
        reason="landline", since=notify.NOW,
    )  # fmt: skip
    by_mail = make.resident(town)
    notify.subscription(by_mail, eau, "email")
    phone(by_mail)
    message = send(town, eau)
    assert Chunk.objects.of(town).get(message=message).recipients == [kept.pk]


@pytest.mark.django_db
def test_who_stopped_texts_still_has_the_emergencies_and_a_dead_number_has_none(town, texts):
    urgence = notify.subject(town, "Urgences", is_emergency=True)
    _subject, (stopped, dead) = followers(town, 2, subject=urgence)
    for one, reason in ((stopped, "asked"), (dead, "unknown_number")):
        ClosedNumber.objects.create(
            municipality=town, phone=one, resident=one.resident, channel="text", reason=reason,
            since=notify.NOW,
        )  # fmt: skip
    message = send(town, urgence)
    assert Chunk.objects.of(town).get(message=message).recipients == [stopped.pk]


@pytest.mark.django_db
def test_without_a_provider_texts_exist_nowhere(town, settings):
    settings.TELEPHONY = ()
    eau, _phones = followers(town)
    found = count_audience(municipality=town, subject=eau, now=notify.NOW)
    assert "text" not in found.by_channel
    message = actions.send_message(
        municipality=town, kind="x", content=CONTENT, subject=eau, now=timezone.now()
    )
    assert "text" not in message.channels


@pytest.mark.django_db
def test_a_provider_of_another_town_serves_not_this_one(town, settings):
    with PhoneService(towns=("isle",)) as theirs:
        settings.TELEPHONY = (theirs.provider,)
        eau, _phones = followers(town)
        found = count_audience(municipality=town, subject=eau, now=notify.NOW)
        assert "text" not in found.by_channel


@pytest.mark.parametrize(
    ("code", "reason", "closes"),
    [
        (21211, "unknown_number", True), (21614, "landline", True),
        (21610, "unsubscribed", True), (21408, "not_carried", False),
        (21617, "phone_refused", False),
    ],
)  # fmt: skip
def test_a_refusal_about_the_recipient_is_final_and_closes_a_number_at_fault(
    planned, texts, open_town, code, reason, closes
):
    message, (bad, good) = planned(2)
    texts.behave(bad.number, f"refuse:{code}")
    dispatch.drain(["text"])
    assert states(message) == {bad.pk: ["failed"], good.pk: ["handed"]}
    with as_town(open_town.pk):
        assert Outcome.objects.of(open_town).get(contact_id=bad.pk).reason == reason
        found = list(ClosedNumber.objects.of(open_town).values_list("phone_id", "reason"))
    assert found == ([(bad.pk, reason)] if closes else [])


@pytest.mark.parametrize("how", ["status:500", "status:503", "refuse:20003", "busy:30", "close"])
def test_what_may_pass_is_tried_again_and_arrives_once(planned, texts, open_town, how):
    message, (one,) = planned()
    texts.behave(one.number, how)
    dispatch.drain(["text"])
    assert states(message) == {one.pk: ["retry"]}
    at_once(open_town)
    dispatch.drain(["text"])
    assert states(message) == {one.pk: ["retry", "handed"]}
    assert len(texts.to(one.number)) == 1


def test_a_busy_provider_is_left_alone_for_as_long_as_it_asks(planned, texts, open_town):
    _message, (one,) = planned()
    texts.behave(one.number, "busy:120")
    began = timezone.now()
    dispatch.drain(["text"])
    row = Line.objects.get()
    assert timedelta(seconds=119) < row.resting_until - began < timedelta(seconds=125)
    waiting = Work.objects.get(state="waiting")
    assert waiting.not_before - began > timedelta(seconds=119)


@pytest.mark.parametrize("how", ["lost", "junk", "late:1.5"])
@pytest.mark.parametrize("emergency", [False, True], ids=["routine", "emergency"])
def test_an_answer_lost_after_the_provider_took_it_brings_no_second_text(
    planned, texts, open_town, how, emergency
):
    message, (one,) = planned(emergency=emergency)
    texts.behave(one.number, how)
    dispatch.drain(["text"])
    time.sleep(0.7)  # The late one is taken after we hung up.
    at_once(open_town)
    dispatch.drain(["text"])
    assert len(texts.to(one.number)) == 1
    assert states(message)[one.pk][-1] == "handed"


def test_where_nobody_can_say_whether_it_left_a_routine_text_is_uncertain_and_never_repeated(
    planned, texts, open_town
):
    message, (one,) = planned()
    texts.behave(one.number, "lost")
    texts.lists = False
    dispatch.drain(["text"])
    at_once(open_town)
    dispatch.drain(["text"])
    assert states(message) == {one.pk: ["retry", "unsure"]}
    assert len(texts.to(one.number)) == 1


def test_where_nobody_can_say_an_emergency_is_sent_again(planned, texts, open_town):
    message, (one,) = planned(emergency=True)
    texts.behave(one.number, "lost")
    texts.lists = False
    dispatch.drain(["text"])
    at_once(open_town)
    dispatch.drain(["text"])
    assert states(message) == {one.pk: ["retry", "handed"]}
    assert len(texts.to(one.number)) == 2


def test_after_a_crash_in_the_middle_of_a_group_nobody_is_texted_twice(planned, texts, open_town):
    """The process died when the provider had two of four, before anything was written down."""
    message, phones = planned(4, emergency=True)
    with as_town(open_town.pk):
        chunk = Chunk.objects.of(open_town).select_related("message").get()
        chunk.intent = chunk.recipients
        chunk.save(update_fields=["intent"])
        body = text.body_of(parcel_of(open_town, chunk), "fr")
    Work.objects.update(
        state="leased", lease=uuid.uuid4(), leased_until=timezone.now(), claims=1
    )  # As the crash leaves it, its lease run out.
    for one in phones[:2]:
        texts.keep({"To": one.number, "Body": body})
    dispatch.drain(["text"])
    assert sorted(one["To"] for one in texts.taken) == sorted(one.number for one in phones)
    assert states(message) == {one.pk: ["handed"] for one in phones}


def test_a_routine_text_in_doubt_after_a_crash_is_not_repeated(planned, texts, open_town):
    message, (one, other) = planned(2)
    with as_town(open_town.pk):
        Chunk.objects.of(open_town).update(intent=[one.pk])
    dispatch.drain(["text"])
    assert states(message) == {one.pk: ["unsure"], other.pk: ["handed"]}
    assert texts.to(one.number) == []


def parcel_of(town, chunk) -> Parcel:
    return Parcel(
        municipality=town, message=chunk.message, chunk=chunk, recipients=chunk.recipients,
        now=timezone.now(), lease_seconds=60, urgent=chunk.message.lane == 0,
    )  # fmt: skip


# --- several providers ------------------------------------------------------------------------


@pytest.fixture
def second(settings, texts):
    with PhoneService("secours", weight=0) as service:
        settings.TELEPHONY = (texts.provider, service.provider)
        yield service


@pytest.mark.parametrize("how", ["status:500", "busy:600", "refuse:20003"])
def test_a_provider_that_fails_hands_its_traffic_to_the_other_at_once(
    planned, texts, second, open_town, how
):
    texts.always = how
    message, phones = planned(30)
    dispatch.drain(["text"])
    assert states(message) == {one.pk: ["handed"] for one in phones}
    assert len(second.taken) == 30
    # The first group found out; the second asked the one that answers.
    assert len(texts.asked) == 20
    assert Line.objects.get(name="principal/routine").resting_until > timezone.now()


def test_a_provider_that_nobody_reaches_is_passed_over(planned, texts, second, settings):
    texts.__exit__()
    message, phones = planned(2)
    dispatch.drain(["text"])
    assert states(message) == {one.pk: ["handed"] for one in phones}


def test_a_slow_provider_delays_nobody_elses_texts(planned, texts, second, open_town):
    """Two answer late and are not asked again; everybody has theirs in a few seconds."""
    texts.delay = 0.7  # Beyond half of the time-out.
    message, phones = planned(60)
    began = time.monotonic()
    dispatch.drain(["text"])
    assert time.monotonic() - began < 10
    assert states(message) == {one.pk: ["handed"] for one in phones}
    assert len(texts.taken) == 20 and len(second.taken) == 40


class Keeping:
    """Holds a lease that ends when it is told to; remembers whom it was told of."""

    def __init__(self, held=lambda: True):
        self.meant: list[list[int]] = []
        self.held = held

    def intend(self, contact_ids):
        self.meant.append(list(contact_ids))
        return self.held()

    def settle(self, results):
        return self.held()

    def spare(self, contact_ids):
        return set()


def test_a_slow_provider_that_stands_by_does_not_make_groups_of_one(planned, settings, texts):
    with PhoneService("secours", weight=0, per_second=1.0) as slow:
        settings.TELEPHONY = (texts.provider, slow.provider)
        message, phones = planned(30)
        keeper = Keeping()
        with as_town(message.municipality_id):
            chunk = Chunk.objects.of(message.municipality_id).select_related("message").get()
        results = list(text.deliver(parcel_of(message.municipality, chunk), keeper))
    assert {one.state for one in results} == {"handed"} and len(results) == 30
    assert {len(group) for group in keeper.meant} == {20, 10}


@pytest.mark.parametrize("lost", [False, True], ids=["held", "lost"])
def test_each_round_renews_the_lease_and_none_begins_once_it_is_lost(
    planned, texts, second, open_town, lost
):
    texts.always = "status:500"
    _message, phones = planned(3)
    held = dispatch.claim("text", range(4))
    holder = dispatch.Holder(held)
    parcel = holder.open()
    # While the first provider is asked, the lease runs down; or another takes the chunk up.
    left = {"leased_until": timezone.now()} | ({"lease": uuid.uuid4()} if lost else {})
    keeper = Keeping()
    keeper.settle = holder.settle

    def intend(contact_ids):
        keeper.meant.append(list(contact_ids))
        if len(texts.asked) == 3:
            Work.objects.filter(pk=held.work_id).update(**left)
        return holder.intend(contact_ids)

    keeper.intend = intend
    results = list(text.deliver(parcel, keeper))
    assert keeper.meant == [[one.pk for one in phones]] * 3
    assert len(second.taken) == len(results) == (0 if lost else 3)
    assert lost or Work.objects.get().leased_until > timezone.now() + timedelta(seconds=50)


def test_weights_share_the_traffic_and_a_repeat_begins_where_the_first_attempt_did():
    from parvis.notifications.providers import Provider, order

    facts = {"account": "AC", "token": "t", "routine": "+14185550100"}
    pair = [Provider("a", weight=75, **facts), Provider("b", weight=25, **facts)]
    first = [order(pair, str(seed))[0].name for seed in range(2000)]
    assert 0.70 < first.count("a") / 2000 < 0.80
    assert order(pair, "7") == order(list(reversed(pair)), "7")
    spare = Provider("c", weight=0, **facts)
    assert all(order([*pair, spare], str(seed))[-1] is spare for seed in range(50))


# --- pace and day -----------------------------------------------------------------------------


def test_the_pace_of_a_line_is_kept_over_all_dispatchers(planned, texts, settings):
    with PhoneService(per_second=10.0) as service:
        settings.TELEPHONY = (service.provider,)
        _message, _phones = planned(25)
        began = time.monotonic()
        dispatch.drain(["text"])
        # Ten, then ten more a second later, then five.
        assert 1.9 < time.monotonic() - began < 6
        assert len(service.taken) == 25


def test_beyond_its_daily_limit_a_line_sends_nothing_and_the_rest_waits(planned, texts, settings):
    with PhoneService(per_day=3) as service:
        settings.TELEPHONY = (service.provider,)
        message, _phones = planned(5)
        dispatch.drain(["text"])
        assert len(service.taken) == 3
        assert Work.objects.filter(state="waiting").count() == 1
        assert Work.objects.get(state="waiting").message_id == message.pk
