"""«Mes avis», «Avis reçus» and the one-click unsubscription, as a browser sees them."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from parvis.core.db import as_town
from parvis.municipalities.models import PushKey
from parvis.municipalities.tests.make import NOW
from parvis.notifications import inbox, preferences, unsubscribe
from parvis.notifications.models import (
    Chunk,
    Device,
    Message,
    Opening,
    Outcome,
    Preference,
    Subject,
    Subscription,
)  # fmt: skip
from parvis.notifications.tests.test_preferences import browser
from parvis.residents.models import Place
from parvis.residents.tests import make

HX = {"HX-Request": "true"}


@pytest.fixture
def person(town):
    return make.resident(town)


@pytest.fixture
def place(person):
    return Place.objects.get(resident=person)


@pytest.fixture
def page(client, person):
    return make.sign_in(client, person)


@pytest.fixture
def water(town):
    return Subject.objects.create(municipality=town, name="Égouts", detail="Rinçage")


@pytest.fixture
def urgent(town):
    return Subject.objects.create(municipality=town, name="Alarmes", is_emergency=True)


def received(person, *, title="L’eau peut être brune", subject=None, **facts) -> Message:
    """A message that the portal holds for this person."""
    town = person.municipality
    message = Message.objects.create(
        municipality=town, kind="announcements.published", lane=facts.pop("lane", 2),
        subject=subject, content={"fr": {"title": title, "body": "Texte", "url": "/avis/12/"}},
        created_at=NOW, deadline_at=NOW, **facts,
    )  # fmt: skip
    chunk = Chunk.objects.create(
        municipality=town, message=message, channel="inapp", recipients=[person.pk], not_before=NOW
    )
    Outcome.objects.create(
        municipality=town, message_id=message.pk, chunk_id=chunk.pk, resident_id=person.pk,
        channel="inapp", contact_id=person.pk, state="handed", is_final=True, at=NOW,
    )  # fmt: skip
    return message


def test_the_page_shows_every_subject_and_keeps_emergencies_locked(page, water, urgent):
    text = page.get("/mes-avis/").content.decode()
    assert "Égouts" in text and "Rinçage" in text and "Toujours actives" in text
    assert f"-{water.pk}-email" in text
    assert f"-{urgent.pk}-email" not in text


def test_without_scripts_the_form_saves_everything(page, person, place, water):
    way = f"{place.pk}-{water.pk}-"
    Subscription.objects.create(
        municipality=person.municipality, resident=person, place=place, subject=water,
        channel="push", created_at=NOW,
    )  # fmt: skip
    answer = page.post(
        "/mes-avis/",
        {"place": place.pk, "way": [way + "email"], "pace": "daily", "quiet": "on",
         "quiet_from": "21:00", "quiet_until": "07:00"},
    )  # fmt: skip
    assert answer.status_code == 302
    assert list(Subscription.objects.values_list("channel", "pace")) == [("email", "daily")]
    assert Preference.objects.get().quiet_from.hour == 21
    assert "enregistrés" in page.get(answer.url).content.decode()


def test_what_the_form_cannot_mean_is_refused_and_nothing_changes(page, place, water):
    answer = page.post(
        "/mes-avis/",
        {"place": place.pk, "way": [f"{place.pk}-{water.pk}-email"], "pace": "now",
         "quiet": "on", "quiet_from": "07:00", "quiet_until": "07:00"},
    )  # fmt: skip
    assert answer.status_code == 422
    assert "deux heures différentes" in answer.content.decode()


def test_one_touch_saves_that_box_alone(page, place, water, town):
    sports = Subject.objects.create(municipality=town, name="Sports")
    way = f"{place.pk}-{water.pk}-email"
    answer = page.post(
        "/mes-avis/choix/",
        {"place": place.pk, "way": [way, f"{place.pk}-{sports.pk}-email"], "changed": way},
        headers=HX,
    )
    assert answer.status_code == 200 and "<html" not in answer.content.decode()
    assert list(Subscription.objects.values_list("subject_id", flat=True)) == [water.pk]
    page.post("/mes-avis/choix/", {"changed": way}, headers=HX)
    assert Subscription.objects.count() == 0


def test_a_refused_touch_answers_the_row_with_422(page, place, urgent):
    way = f"{place.pk}-{urgent.pk}-email"
    answer = page.post("/mes-avis/choix/", {"changed": way}, headers=HX)
    assert answer.status_code == 422
    assert "toujours actives" in answer.content.decode()


@pytest.mark.parametrize("changed", ["", "x", "1-2-fax", "9-9-email", f"{10**30}-1-email"])
def test_a_box_that_does_not_exist_is_404(page, changed):
    assert page.post("/mes-avis/choix/", {"changed": changed}, headers=HX).status_code == 404


def test_someone_elses_place_is_404(page, town, water):
    stranger = Place.objects.get(resident=make.resident(town))
    assert page.get(f"/mes-avis/?lieu={stranger.pk}").status_code == 404
    way = f"{stranger.pk}-{water.pk}-email"
    assert page.post("/mes-avis/choix/", {"way": way, "changed": way}).status_code == 404


def test_a_pause_is_set_shown_and_ended(page, person):
    assert page.post("/mes-avis/pause/", {"until": "2020-01-01"}, headers=HX).status_code == 422
    assert page.post("/mes-avis/pause/", {"until": "2020-01-01"}).status_code == 422
    from django.utils import timezone

    soon = timezone.localdate() + timezone.timedelta(days=7)
    assert page.post("/mes-avis/pause/", {"until": soon.isoformat()}).status_code == 302
    assert "En pause jusqu’au" in page.get("/mes-avis/").content.decode()
    page.post("/mes-avis/reprise/")
    assert "En pause jusqu’au" not in page.get("/mes-avis/").content.decode()


def test_the_number_of_queries_does_not_grow_with_subjects(page, town, person, place):
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert page.get("/mes-avis/").status_code == 200
        return len(queries)

    page.get("/mes-avis/")
    before = count()
    for number in range(3):
        Subject.objects.create(municipality=town, name=f"Sujet {number}")
    assert count() == before


def register(page, town, **facts):
    key = PushKey.objects.of(town).get().public
    return page.post(
        "/mes-avis/appareils/", json.dumps(browser() | {"key": key} | facts),
        content_type="application/json", headers={**HX, "User-Agent": "iPhone Safari"},
    )  # fmt: skip


def test_a_browser_registers_is_renamed_and_taken_off(page, town):
    answer = register(page, town)
    assert answer.status_code == 200 and "iPhone, Safari" in answer.content.decode()
    device = Device.objects.get()
    hostile = "<script>alert(1)</script>"
    answer = page.post(f"/mes-avis/appareils/{device.pk}/nom/", {"label": hostile}, headers=HX)
    assert answer.status_code == 200 and hostile not in answer.content.decode()
    answer = page.post(f"/mes-avis/appareils/{device.pk}/nom/", {"label": ""}, headers=HX)
    assert answer.status_code == 422
    assert page.post(f"/mes-avis/appareils/{device.pk}/retrait/").status_code == 302
    assert "iPhone, Safari" not in page.get("/mes-avis/").content.decode()


@pytest.mark.parametrize("body", ["", "[]", "{", '{"endpoint": "https://evil.example/"}'])
def test_nonsense_does_not_register(page, body):
    answer = page.post("/mes-avis/appareils/", body, content_type="application/json")
    assert answer.status_code == 422 and Device.objects.count() == 0


def test_registering_needs_the_forms_token(person):
    guarded = make.sign_in(Client(enforce_csrf_checks=True), person)
    answer = guarded.post("/mes-avis/appareils/", "{}", content_type="application/json")
    assert answer.status_code == 403


def test_the_service_worker_renews_an_address_without_a_session(page, town, client):
    register(page, town)
    old = Device.objects.get().endpoint
    worker = Client(enforce_csrf_checks=True, headers={"host": "alma.localhost"})
    key = worker.get("/mes-avis/cle/").json()["key"]
    body = browser("https://fcm.googleapis.com/fcm/send/new") | {"key": key}

    def renew(old_endpoint: str) -> int:
        return worker.post(
            "/mes-avis/appareils/suite/", json.dumps(body | {"old_endpoint": old_endpoint}),
            content_type="application/json",
        ).status_code  # fmt: skip

    assert renew("https://fcm.googleapis.com/unknown") == 404
    assert renew(old) == 204
    assert Device.objects.get().endpoint.endswith("/new")


def test_the_inbox_lists_what_came_and_notes_what_was_opened(page, person, water):
    message = received(person, subject=water)
    stranger = make.resident(person.municipality)
    received(stranger, title="Pas pour vous")
    text = page.get("/mes-avis/recus/").content.decode()
    assert "L’eau peut être brune" in text and "Nouveau" in text and "Pas pour vous" not in text
    assert inbox.unread_count(person) == 1
    answer = page.get(f"/mes-avis/recus/{message.pk}/?par=push")
    assert answer.url == "/avis/12/"
    page.get(f"/mes-avis/recus/{message.pk}/?par=push")
    assert list(Opening.objects.values_list("channel", flat=True)) == ["push"]
    assert inbox.unread_count(person) == 0
    assert "Nouveau" not in page.get("/mes-avis/recus/", headers=HX).content.decode()


def test_a_long_inbox_goes_on(page, person):
    for number in range(23):
        received(person, title=f"Avis numéro {number}.")
    first = page.get("/mes-avis/recus/")
    assert "Avis numéro 22." in first.content.decode()
    assert "Avis numéro 2." not in first.content.decode()
    rest = page.get(f"/mes-avis/recus/?avant={first.context['more']}").content.decode()
    assert "Avis numéro 2." in rest and "Avis numéro 22." not in rest


def test_the_inbox_speaks_to_its_reader_in_what_the_message_has(page, person, water):
    message = received(person, subject=water, title="Faites bouillir l’eau")
    message.content["en"] = {"title": "Boil your water", "url": "/avis/12/?langue=en"}
    message.save(update_fields=["content"])
    where = f"/mes-avis/recus/{message.pk}/"
    assert "Faites bouillir" in page.get("/mes-avis/recus/").content.decode()
    assert page.get(where).url == "/avis/12/"
    person.language = "en"
    person.save(update_fields=["language"])
    shown = page.get("/mes-avis/recus/").content.decode()
    assert 'lang="en"><a href="' in shown and "Boil your water" in shown
    # The town has English for safety alone: around the message, the page stays French.
    assert '<html lang="fr' in shown
    assert page.get(where).url == "/avis/12/?langue=en"


def test_nobody_notes_the_opening_of_what_others_received(page, person, water):
    stranger = make.resident(person.municipality)
    message = received(stranger, subject=water)
    assert page.get(f"/mes-avis/recus/{message.pk}/").url == "/avis/12/"
    private = received(stranger)
    assert page.get(f"/mes-avis/recus/{private.pk}/").url == "/"
    assert Opening.objects.count() == 0


def test_a_visitor_reaches_the_public_page_of_a_notification(client, town, person, water):
    visitor = make.visitor(client, town)
    about = received(person, subject=water)
    assert visitor.get(f"/mes-avis/recus/{about.pk}/?par=email").url == "/avis/12/"
    private = received(person)
    assert "/compte/login/" in visitor.get(f"/mes-avis/recus/{private.pk}/").url


@pytest.mark.parametrize("url", ["//evil.example/", "javascript:alert(1)", "", "/\\evil.example"])
def test_a_notification_never_leads_off_the_portal(person, url):
    message = received(person)
    message.content["fr"]["url"] = url
    assert inbox.url_of(message) == "/"


def test_the_worker_says_that_a_notification_was_pressed(page, person, water):
    message = received(person, subject=water)
    body = json.dumps({"identity": str(message.identity)})
    url = "/mes-avis/ouvert/"
    assert page.post(url, body, content_type="application/json").status_code == 204
    assert list(Opening.objects.values_list("channel", flat=True)) == ["push"]
    assert page.post(url, "{}", content_type="application/json").status_code == 422


@pytest.fixture
def letter(person, place, water):
    preferences.set_subscription(
        resident=person, place=place, subject=water, channel="email", wanted=True, now=NOW
    )
    return unsubscribe.link(person, water, "email")


def mail_program(town) -> Client:
    """What presses the link for a reader: no cookie, no token, no session."""
    return Client(enforce_csrf_checks=True, headers={"host": f"{town.slug}.localhost"})


def test_a_mail_program_unsubscribes_in_one_click(town, letter):
    before = mail_program(town).get(letter)
    assert before.status_code == 200 and Subscription.objects.count() == 1
    answer = mail_program(town).post(letter, {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200 and Subscription.objects.count() == 0
    assert answer.cookies == {}
    assert mail_program(town).post(letter).status_code == 200


def test_a_forged_link_and_one_of_another_town_do_nothing(town, other_town, letter, person):
    assert mail_program(town).post(letter[:-2] + "/").status_code == 404
    with as_town(other_town.pk):
        assert mail_program(other_town).post(letter).status_code == 404
    assert Subscription.objects.count() == 1


def test_emergencies_cannot_be_left_by_a_letters_link(town, person, urgent):
    link = unsubscribe.link(person, urgent, "email")
    for answer in (mail_program(town).get(link), mail_program(town).post(link)):
        assert answer.status_code == 422
        assert "urgences restent actives" in answer.content.decode()


def test_a_trial_goes_to_ones_own_devices(page, person):
    assert page.post("/mes-avis/essai/").status_code == 302
    message = Message.objects.get()
    assert (message.kind, message.channels, message.targeted) == (
        "notifications.tried", ["push"], 0,
    )  # fmt: skip
