"""What residents choose: rows, audit lines, refusals."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from parvis.core.errors import Refused
from parvis.municipalities.models import AuditLine, PushKey
from parvis.municipalities.tests.make import NOW
from parvis.notifications import erasure, preferences, unsubscribe
from parvis.notifications.channels.webpush_crypto import encode
from parvis.notifications.models import Device, Preference, Subject, Subscription
from parvis.residents.models import Place
from parvis.residents.tests import make

ENDPOINT = "https://fcm.googleapis.com/fcm/send/abc"


def browser(endpoint: str = ENDPOINT) -> dict[str, str]:
    """What a real browser sends of itself."""
    point = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    raw = b"\x04" + point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")
    return {"endpoint": endpoint, "p256dh": encode(raw), "auth": encode(b"0123456789abcdef")}


def deeds(town) -> list[str]:
    lines = AuditLine.objects.of(town).order_by("id").values_list("deed", flat=True)
    return [deed for deed in lines if deed.startswith("notifications.")]


@pytest.fixture
def person(town):
    return make.resident(town)


@pytest.fixture
def place(person):
    return Place.objects.get(resident=person)


@pytest.fixture
def water(town):
    return Subject.objects.create(municipality=town, name="Égouts", icon="droplets")


@pytest.fixture
def urgent(town):
    return Subject.objects.create(municipality=town, name="Alarmes", is_emergency=True)


def choose(person, place, subject, **facts):
    facts = {"channel": "email", "wanted": True, "now": NOW} | facts
    return preferences.set_subscription(resident=person, place=place, subject=subject, **facts)


def test_a_fresh_account_is_subscribed_to_nothing(person):
    assert Subscription.objects.count() == 0


def test_the_same_choice_twice_is_one_choice(town, person, place, water):
    assert [choose(person, place, water), choose(person, place, water)] == [True, False]
    assert list(Subscription.objects.values_list("channel", "pace")) == [("email", "now")]
    assert choose(person, place, water, wanted=False) is True
    assert choose(person, place, water, wanted=False) is False
    assert Subscription.objects.count() == 0
    assert deeds(town) == ["notifications.subscribed", "notifications.unsubscribed"]


def test_a_new_choice_takes_the_pace_of_the_others(town, person, place, water):
    choose(person, place, water, pace="daily")
    other = Subject.objects.create(municipality=town, name="Sports")
    choose(person, place, other)
    choose(person, place, other, channel="push")
    paces = Subscription.objects.order_by("id").values_list("channel", "pace")
    assert list(paces) == [("email", "daily"), ("email", "daily"), ("push", "now")]
    preferences.set_pace(resident=person, channel="email", pace="weekly", now=NOW)
    assert list(paces.all()) == [("email", "weekly"), ("email", "weekly"), ("push", "now")]


@pytest.mark.parametrize("channel", ["telegram", "", "EMAIL"])
def test_an_unknown_channel_is_refused(person, place, water, channel):
    with pytest.raises(Refused):
        choose(person, place, water, channel=channel)


def test_emergencies_are_not_a_choice(person, place, urgent):
    with pytest.raises(Refused, match="toujours actives"):
        choose(person, place, urgent, wanted=False)


def test_nobody_chooses_for_someone_elses_place(town, person, water):
    stranger = Place.objects.get(resident=make.resident(town))
    with pytest.raises(Refused):
        choose(person, stranger, water)


def test_quiet_hours_take_two_different_hours(town, person):
    for starts, ends in [(time(21), None), (None, time(7)), (time(8), time(8))]:
        with pytest.raises(Refused):
            preferences.set_quiet_hours(
                resident=person, quiet_from=starts, quiet_until=ends, now=NOW
            )
    preferences.set_quiet_hours(resident=person, quiet_from=time(21), quiet_until=time(7), now=NOW)
    assert list(Preference.objects.values_list("quiet_from", "quiet_until")) == [
        (time(21), time(7))
    ]
    preferences.set_quiet_hours(resident=person, quiet_from=time(21), quiet_until=time(7), now=NOW)
    assert deeds(town) == ["notifications.quiet_hours_set"]


def test_a_pause_ends_in_the_future_and_within_a_year(town, person):
    for days in (0, -1, 400):
        with pytest.raises(Refused):
            preferences.pause(resident=person, until=NOW + timedelta(days=days), now=NOW)
    preferences.pause(resident=person, until=NOW + timedelta(days=7), now=NOW)
    preferences.resume(resident=person, now=NOW)
    preferences.resume(resident=person, now=NOW)
    assert Preference.objects.get().paused_until is None
    assert deeds(town) == ["notifications.paused", "notifications.resumed"]


def register(town, person, **facts):
    key = PushKey.objects.of(town).get().public
    return preferences.register_device(
        resident=person, key=key, label="Téléphone Android, Chrome", now=NOW,
        **(browser() | facts),
    )  # fmt: skip


def test_a_browser_registered_twice_is_one_device_and_follows_its_person(town, person):
    device = register(town, person)
    preferences.rename_device(resident=person, device_id=device.pk, label="  Cuisine ", now=NOW)
    register(town, person)
    assert Device.objects.get().label == "Cuisine"
    other = make.resident(town)
    register(town, other)
    assert Device.objects.get().resident == other
    with pytest.raises(Refused):
        preferences.remove_device(resident=person, device_id=device.pk, now=NOW)


def test_a_removed_device_comes_back_when_it_asks(town, person):
    device = register(town, person)
    preferences.remove_device(resident=person, device_id=device.pk, now=NOW)
    device.refresh_from_db()
    assert (device.removed_at, device.removed_why) == (NOW, "asked")
    register(town, person)
    device.refresh_from_db()
    assert (device.removed_at, device.removed_why) == (None, "")


@pytest.mark.parametrize(
    "facts",
    [
        {"endpoint": "http://fcm.googleapis.com/x"},
        {"endpoint": "https://127.0.0.1/x"},
        {"endpoint": "https://evil.example/x"},
        {"p256dh": "AAAA"},
        {"auth": "AAAA"},
    ],
)
def test_what_no_push_service_gives_is_refused(town, person, facts):
    with pytest.raises(Refused):
        register(town, person, **facts)
    assert Device.objects.count() == 0


def test_a_key_of_another_town_is_refused(town, other_town, person):
    from parvis.core.db import as_town

    with as_town(other_town.pk):
        theirs = PushKey.objects.of(other_town).get().public
    with pytest.raises(Refused, match="clé"):
        preferences.register_device(resident=person, key=theirs, label="", now=NOW, **browser())


def test_twenty_devices_are_enough(town, person):
    for number in range(preferences.MOST_DEVICES):
        register(town, person, endpoint=f"{ENDPOINT}{number}")
    with pytest.raises(Refused, match="vingt"):
        register(town, person, endpoint=f"{ENDPOINT}x")
    register(town, person, endpoint=f"{ENDPOINT}0")


def renew(town, old, **facts):
    key = PushKey.objects.of(town).get().public
    return preferences.renew_device(
        municipality=town, old_endpoint=old, key=key, now=NOW,
        **(browser(f"{ENDPOINT}-new") | facts),
    )  # fmt: skip


def test_a_changed_push_address_is_followed_by_whoever_knows_the_old_one(town, person):
    device = register(town, person)
    assert renew(town, "https://fcm.googleapis.com/other") is False
    assert renew(town, ENDPOINT) is True
    device.refresh_from_db()
    assert (device.endpoint, device.resident) == (f"{ENDPOINT}-new", person)


def test_a_device_that_was_taken_off_does_not_renew_itself(town, person):
    device = register(town, person)
    preferences.remove_device(resident=person, device_id=device.pk, now=NOW)
    assert renew(town, ENDPOINT) is False


def test_a_device_left_by_signing_out_does_not_renew_itself(town, person):
    register(town, person)
    erasure.settle_device(
        person, preferences.endpoint_hash(ENDPOINT), keep_emergencies=False, now=NOW
    )
    assert renew(town, ENDPOINT) is False


def test_nobodys_address_is_taken_over_by_renewing(town, person):
    register(town, person)
    register(town, make.resident(town), endpoint=f"{ENDPOINT}-new")
    with pytest.raises(Refused):
        renew(town, ENDPOINT)


def test_a_letters_link_ends_what_it_names_and_may_be_pressed_twice(town, person, place, water):
    sports = Subject.objects.create(municipality=town, name="Sports")
    for subject in (water, sports):
        choose(person, place, subject)
        choose(person, place, subject, channel="push")

    def press(subject_id, channel):
        return preferences.unsubscribe_from_letter(
            municipality=town, resident_id=person.pk, subject_id=subject_id, channel=channel,
            now=NOW,
        )  # fmt: skip

    assert press(water.pk, "email") == 1
    assert press(water.pk, "email") == 0
    assert press(None, "email") == 1
    assert press(None, "") == 2
    assert deeds(town)[-3:] == ["notifications.unsubscribed_from_letter"] * 3


def test_a_letters_link_never_ends_emergencies(town, person, urgent):
    with pytest.raises(Refused):
        preferences.unsubscribe_from_letter(
            municipality=town, resident_id=person.pk, subject_id=urgent.pk, channel="email",
            now=NOW,
        )  # fmt: skip


def test_a_link_is_read_back_by_its_own_town_only(town, other_town, person, water):
    token = unsubscribe.link(person, water, "email").rstrip("/").rsplit("/", 1)[1]
    asked = unsubscribe.read(token, town)
    assert asked == unsubscribe.Asked(person.pk, water.pk, "email")
    assert unsubscribe.read(token, other_town) is None
    assert unsubscribe.read(token[:-1], town) is None
    assert unsubscribe.link(person.pk, water.pk, "email", town=town.pk).count(":") == 2


@pytest.mark.parametrize(
    ("agent", "label"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
         "iPhone, Safari"),
        ("Mozilla/5.0 (Linux; Android 14; Pixel) Chrome/130.0 Mobile Safari/537.36",
         "Téléphone Android, Chrome"),
        ("Mozilla/5.0 (Windows NT 10.0; rv:130.0) Gecko/20100101 Firefox/130.0",
         "Ordinateur Windows, Firefox"),
        ("", "Appareil"),
    ],
)  # fmt: skip
def test_a_device_is_called_what_people_call_it(agent, label):
    assert preferences.device_label(agent) == label
