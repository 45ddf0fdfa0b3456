"""Envelopes for civil security: filled beforehand, taken once, never for two messages."""

from __future__ import annotations

import os
import threading
from datetime import timedelta

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from parvis.core.db import as_town
from parvis.municipalities.models import PushKey
from parvis.notifications import actions, dispatch, envelopes, preferences
from parvis.notifications.channels import webpush_crypto as crypto
from parvis.notifications.models import (
    Chunk,
    Device,
    Envelope,
    EnvelopeBlock,
    Outcome,
    Subject,
    Work,
)
from parvis.notifications.tests import make as notify
from parvis.residents.tests import make

ROUNDS = int(os.environ.get("RACE_RUNS", "20"))
CONTENT = {"fr": {"title": "Évacuez", "body": "Partez maintenant.", "url": "/avis/1/"}}


def receiver():
    private = ec.generate_private_key(ec.SECP256R1())
    scalar = private.private_numbers().private_value.to_bytes(32, "big")
    return private, crypto.decode(crypto.public_key(scalar)), os.urandom(16)


@given(words=st.binary(max_size=crypto.MAX_PLAINTEXT))
def test_what_an_envelope_seals_another_implementation_reads(words):
    private, p256dh, auth = receiver()
    body = crypto.seal(crypto.arm(p256dh, auth), words)
    assert http_ece.decrypt(body, private_key=private, auth_secret=auth) == words


def test_the_same_words_are_the_same_bytes_and_others_have_another_key():
    private, p256dh, auth = receiver()
    envelope = crypto.arm(p256dh, auth)
    first, again, other = (crypto.seal(envelope, words) for words in (b"A", b"A", b"B"))
    assert first == again
    # Another salt: another key and nonce, were an envelope to come back from an old copy.
    assert other[:16] != first[:16]
    assert http_ece.decrypt(other, private_key=private, auth_secret=auth) == b"B"
    assert crypto.arm(p256dh, auth)[:65] != envelope[:65]
    with pytest.raises(ValueError):
        crypto.seal(envelope, b"x" * (crypto.MAX_PLAINTEXT + 1))
    with pytest.raises(ValueError):
        crypto.seal(envelope[:-1], b"A")


def arm_all() -> None:
    armourer = envelopes.Armourer()
    while armourer.step():
        pass


def alert(town, *, urgent=True, **facts):
    with as_town(town.pk):
        subject = Subject.objects.of(town).filter(is_emergency=urgent).first()
        subject = subject or notify.subject(town, "Urgences", is_emergency=urgent)
        return actions.send_message(
            municipality=town, kind="announcements.published", content=CONTENT, subject=subject,
            lane=0 if urgent else 2, now=timezone.now(), channels=["push"], **facts,
        )  # fmt: skip


def another(town, message):
    with as_town(town.pk):
        return actions.send_message(
            municipality=town, kind="announcements.published", content=CONTENT,
            subject=message.subject, lane=0, now=timezone.now(), channels=["push"],
        )  # fmt: skip


def count(town, model):
    with as_town(town.pk):
        return model.objects.of(town).count()


def devices(town, service, number=3):
    with as_town(town.pk):
        person = make.resident(town)
        return [notify.device(person, service) for _ in range(number)]


def points(service):
    return [point for point, _digest in service.sealed]


def test_all_devices_are_armed_once_and_those_that_left_are_not(open_town, service, monkeypatch):
    monkeypatch.setattr(envelopes, "AT_ONCE", 2)
    monkeypatch.setattr(envelopes, "WINDOW", 3)
    made = devices(open_town, service, 7)
    arm_all()
    assert count(open_town, Envelope) == 7
    with as_town(open_town.pk):
        kept = dict(Envelope.objects.of(open_town).values_list("device_id", "pk"))
        Device.objects.filter(pk=made[0].pk).update(removed_at=timezone.now())
    arm_all()
    with as_town(open_town.pk):
        again = dict(Envelope.objects.of(open_town).values_list("device_id", "pk"))
    assert again == {device: pk for device, pk in kept.items() if device != made[0].pk}


def test_a_device_whose_keys_are_unusable_stops_nobody(open_town, service):
    with as_town(open_town.pk):
        notify.device(make.resident(open_town))  # Its keys are empty.
    devices(open_town, service, 2)
    arm_all()
    assert count(open_town, Envelope) == 2


def test_nothing_is_armed_while_an_alert_goes_out(open_town, service):
    devices(open_town, service)
    alert(open_town)
    arm_all()
    assert count(open_town, Envelope) == 0


def test_an_alert_goes_out_in_its_envelopes_and_nothing_of_them_stays(open_town, service):
    made = devices(open_town, service)
    arm_all()
    ready = opened(open_town, made)
    message = alert(open_town)
    dispatch.drain(["push"])
    assert service.faults == []
    assert {point for point, _ in service.sealed} == {one[:65] for one in ready.values()}
    assert all(len(service.messages(each.endpoint)) == 1 for each in made)
    assert (count(open_town, Envelope), count(open_town, EnvelopeBlock)) == (0, 0)
    with as_town(open_town.pk):
        ends = Outcome.objects.of(open_town).filter(message_id=message.pk, is_final=True)
        assert {end.state for end in ends} == {"handed"} and len(ends) == 3


def opened(town, made):
    """Device → its envelope as it is ready."""
    safe = envelopes.Safe()
    with as_town(town.pk):
        return {
            one.device_id: safe.open(
                bytes(one.secret), device_id=one.device_id, p256dh=bytes(one.device.p256dh),
                auth=bytes(one.device.auth),
            )
            for one in Envelope.objects.of(town).select_related("device")
        }  # fmt: skip


def test_an_ordinary_notice_takes_no_envelope(open_town, service):
    made = devices(open_town, service)
    arm_all()
    with as_town(open_town.pk):
        subject = notify.subject(open_town)
        notify.subscription(made[0].resident, subject, "push")
        actions.send_message(
            municipality=open_town, kind="announcements.published", content=CONTENT,
            subject=subject, now=timezone.now(), channels=["push"],
        )  # fmt: skip
    dispatch.drain(["push"])
    assert len(service.sealed) == 3
    assert count(open_town, Envelope) == 3


def crash_after_taking(town, monkeypatch):
    """Take a chunk's envelopes, then die as the first of them is sealed."""
    from parvis.notifications.channels import push

    def die(*_args):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(push, "sealed", die)
        with pytest.raises(SystemExit):
            dispatch.deliver_one("push", [0])
    Work.objects.update(leased_until=timezone.now() - timedelta(minutes=1))


def test_a_crash_between_taking_and_sending_sends_in_the_same_envelopes(
    open_town, service, monkeypatch
):
    made = devices(open_town, service)
    arm_all()
    ready = opened(open_town, made)
    alert(open_town)
    crash_after_taking(open_town, monkeypatch)
    # Taken, and committed: nobody else finds them ready.
    assert (count(open_town, Envelope), count(open_town, EnvelopeBlock)) == (0, 1)
    arm_all()
    dispatch.drain(["push"])
    assert set(points(service)) == {one[:65] for one in ready.values()}
    assert len(service.sealed) == 3


def test_a_message_that_was_sent_before_the_crash_is_sent_again_byte_for_byte(open_town, service):
    devices(open_town, service)
    arm_all()
    alert(open_town)
    held = dispatch.claim("push", [0])
    holder = dispatch.Holder(held)
    parcel = holder.open()
    list(dispatch.channels.load("push").deliver(parcel, holder))  # Sent, and never written down.
    Work.objects.update(leased_until=timezone.now() - timedelta(minutes=1))
    dispatch.drain(["push"])
    assert len(service.sealed) == 6
    assert len(set(service.sealed)) == 3


def test_other_words_after_a_crash_are_sealed_from_new(open_town, service, monkeypatch):
    made = devices(open_town, service)
    arm_all()
    ready = opened(open_town, made)
    with as_town(open_town.pk):
        subject = notify.subject(open_town, "Urgences", is_emergency=True)
        actions.send_message(
            municipality=open_town, kind="announcements.published", subject=subject, lane=0,
            content={**CONTENT, "en": {"title": "Leave now", "url": "/avis/1/"}},
            now=timezone.now(), channels=["push"],
        )  # fmt: skip
    crash_after_taking(open_town, monkeypatch)
    with as_town(open_town.pk):
        person = made[0].resident
        person.language = "en"
        person.save(update_fields=["language"])
    dispatch.drain(["push"])
    assert len(service.sealed) == 3 and service.faults == []
    assert set(points(service)).isdisjoint(one[:65] for one in ready.values())


def test_another_attempt_and_another_revision_are_sealed_from_new(open_town, service):
    made = devices(open_town, service)
    arm_all()
    service.set_mode(made[0].endpoint, "error500", times=1)
    message = alert(open_town)
    dispatch.drain(["push"])
    another(open_town, message)
    with as_town(open_town.pk):
        Chunk.objects.of(open_town).update(not_before=timezone.now())
        Work.objects.update(not_before=timezone.now())
    dispatch.drain(["push"])
    # Three, one again, three of the revision: never the same sender's point twice.
    assert len(service.sealed) == 7
    assert len(set(points(service))) == 7


def test_an_envelope_for_keys_that_changed_is_not_used(open_town, service):
    made = devices(open_town, service, 1)
    arm_all()
    ready = opened(open_town, made)
    endpoint, p256dh, auth = service.new_subscription()
    with as_town(open_town.pk):
        Device.objects.filter(pk=made[0].pk).update(
            endpoint=endpoint, p256dh=crypto.decode(p256dh), auth=crypto.decode(auth)
        )
    alert(open_town)
    dispatch.drain(["push"])
    assert service.faults == [] and len(service.messages(endpoint)) == 1
    assert points(service) != [ready[made[0].pk][:65]]


def test_a_browser_that_registers_again_is_armed_again(open_town, service, settings):
    settings.PUSH_HOSTS = [service.origin.removeprefix("https://")]
    (device,) = devices(open_town, service, 1)
    arm_all()
    with as_town(open_town.pk):
        key = PushKey.objects.of(open_town).get().public
    endpoint, p256dh, auth = service.new_subscription(sender_key=key)
    with as_town(open_town.pk):
        Device.objects.filter(pk=device.pk).update(
            endpoint_hash=preferences.endpoint_hash(device.endpoint)
        )
        assert preferences.renew_device(
            municipality=open_town, old_endpoint=device.endpoint, endpoint=endpoint, p256dh=p256dh,
            auth=auth, key=key, now=timezone.now(),
        )  # fmt: skip
    assert count(open_town, Envelope) == 0
    arm_all()
    assert opened(open_town, [device])[device.pk] is not None


def test_who_lost_the_lease_sends_nothing(open_town, service):
    devices(open_town, service)
    arm_all()
    alert(open_town)
    holder = dispatch.Holder(dispatch.claim("push", [0]))
    parcel = holder.open()
    Work.objects.update(leased_until=timezone.now() - timedelta(minutes=1))
    assert dispatch.claim("push", [0]) is not None
    assert list(dispatch.channels.load("push").deliver(parcel, holder)) == []
    assert (service.sealed, count(open_town, Envelope)) == ([], 3)


def test_without_the_setting_nothing_is_prepared(open_town, service, settings):
    settings.PUSH_ARMED = False
    devices(open_town, service)
    arm_all()
    assert count(open_town, Envelope) == 0
    alert(open_town)
    dispatch.drain(["push"])
    assert len(service.sealed) == 3


def taken_at_once(town):
    """What two dispatchers take, each for an alert of its own, at the same moment."""
    first = alert(town)
    another(town, first)
    holders = [dispatch.Holder(dispatch.claim("push", [0])) for _ in range(2)]
    parcels = [holder.open() for holder in holders]
    barrier, found = threading.Barrier(2), []

    def take(holder, parcel):
        barrier.wait(10)
        found.append(envelopes.take(holder, parcel, dict.fromkeys(parcel.recipients, b"x" * 32)))
        connection.close()

    threads = [
        threading.Thread(target=take, args=pair) for pair in zip(holders, parcels, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


def test_each_envelope_is_kept_with_the_words_of_its_own_device(open_town, service):
    devices(open_town, service, 4)
    arm_all()
    alert(open_town)
    holder = dispatch.Holder(dispatch.claim("push", [0]))
    parcel = holder.open()
    french, english = b"f" * 32, b"e" * 32
    pks = parcel.recipients
    wanted = {pk: english if number % 2 else french for number, pk in enumerate(pks)}
    taken = envelopes.take(holder, parcel, wanted)
    assert taken.keys() == wanted.keys()
    assert envelopes.take(holder, parcel, wanted) == taken
    swapped = {pk: french for pk in pks}
    assert envelopes.take(holder, parcel, swapped) == {
        pk: kept for pk, kept in taken.items() if wanted[pk] == french
    }


@pytest.mark.race
def test_two_alerts_at_once_never_share_an_envelope(open_town, service):
    devices(open_town, service, 4)
    for _ in range(ROUNDS):
        with as_town(open_town.pk):
            Work.objects.all().delete()
            EnvelopeBlock.objects.of(open_town).delete()
        arm_all()
        one, two = taken_at_once(open_town)
        assert len(one) + len(two) == 4
        assert one.keys().isdisjoint(two)


def test_the_race_would_be_seen(open_town, service, monkeypatch):
    """The control: were envelopes read and not taken, both would have them."""
    devices(open_town, service, 4)
    arm_all()
    taking = "DELETE FROM notifications_envelope e USING found WHERE e.id = found.id"
    returned = "RETURNING e.device_id, e.secret"
    reading = "SELECT e.device_id, e.secret FROM notifications_envelope e JOIN found USING (id)"
    assert taking in envelopes._TAKE
    assert returned in envelopes._TAKE
    read = envelopes._TAKE.replace(taking, reading).replace(returned, "")
    monkeypatch.setattr(envelopes, "_TAKE", read.replace("FOR UPDATE SKIP LOCKED", ""))
    one, two = taken_at_once(open_town)
    assert one.keys() == two.keys() != set()
