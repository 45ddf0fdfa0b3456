"""What is kept of a person by notifications is given, and forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest

from parvis.notifications import actions
from parvis.notifications.letters import send_letter
from parvis.notifications.models import Chunk, Device, Message, Opening, Preference, Subscription
from parvis.notifications.preferences import endpoint_hash
from parvis.notifications.tests import make as notify
from parvis.residents import signals
from parvis.residents.models import Resident
from parvis.residents.tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(town):
    person = make.resident(town, email="agathe@exemple.ca")
    notify.subscription(person, notify.subject(town))
    notify.device(person, label="Téléphone")
    Preference.objects.create(municipality=town, resident=person)
    Opening.objects.create(
        municipality=town, message_id=1, resident_id=person.pk, channel="email", at=notify.NOW
    )
    send_letter(
        municipality=town, to="agathe@exemple.ca", subject="Bonjour Agathe", text="123456",
        html="", now=notify.NOW,
    )  # fmt: skip
    return person


def test_the_export_gives_every_table_and_no_key_of_a_device(person):
    answered = dict(
        found for _r, found in signals.export.send(sender=Resident, resident=person) if found
    )
    assert answered["abonnements"][0]["subject"] == "Eau"
    assert answered["appareils"][0]["label"] == "Téléphone"
    assert "endpoint" not in str(answered["appareils"]) and "p256dh" not in str(
        answered["appareils"]
    )
    assert answered["ouvertures"][0]["message_id"] == 1
    assert set(answered) >= {"preferences", "messages_recus"}


def test_erasure_leaves_nothing_that_names_or_reaches_the_person(town, person):
    other = make.resident(town)
    notify.device(other)
    for _ in range(2):
        signals.erase.send(sender=Resident, resident=person, now=notify.NOW)
    for model in (Subscription, Preference, Device):
        assert not model.objects.of(town).filter(resident=person).exists()
    assert Device.objects.of(town).get().resident == other
    assert not Opening.objects.of(town).exists()
    assert not Chunk.objects.of(town).filter(address__contains="agathe").exists()
    assert "Agathe" not in str(list(Message.objects.of(town).values("content")))


def test_where_a_letter_went_is_forgotten_after_thirty_days(town):
    for days in (31, 2):
        send_letter(
            municipality=town, to="rosaire@exemple.ca", subject="Agathe vous invite", text="…",
            html="", now=notify.NOW - timedelta(days=days),
        )  # fmt: skip
    actions.sweep_work(int(notify.NOW.timestamp()))
    assert [chunk.address for chunk in Chunk.objects.of(town).order_by("id")] == [
        "",
        "rosaire@exemple.ca",
    ]
    old, new = Message.objects.of(town).order_by("id")
    assert old.content == {"fr": {}}
    assert new.content["fr"]["title"] == "Agathe vous invite"


@pytest.mark.parametrize("keep", [True, False])
def test_a_device_keeps_emergencies_or_nothing_after_sign_out(town, person, keep):
    device = Device.objects.of(town).get()
    device.endpoint_hash = endpoint_hash(device.endpoint)
    device.save()
    signals.signed_out.send(
        sender=Resident, resident=person, endpoint=device.endpoint, keep_emergencies=keep,
        now=notify.NOW,
    )  # fmt: skip
    device.refresh_from_db()
    if keep:
        assert (device.resident_id, device.emergencies_only, device.removed_at) == (
            None,
            True,
            None,
        )
    else:
        assert (device.resident_id, device.removed_why) == (person.pk, "signed_out")
