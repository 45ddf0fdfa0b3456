"""The portal as an app: installed, without network, and with a push that the worker shows."""

from __future__ import annotations

import json
import time
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from parvis.announcements.models import Announcement
from parvis.core.db import as_town
from parvis.municipalities.models import PushKey
from parvis.municipalities.tests.make import municipality
from parvis.notifications.models import Device, Message, Opening, Outcome, Subject, Subscription
from parvis.residents.tests import make

pytestmark = pytest.mark.browser

FEED = "/api/v1/announcements?limit=20"
IS_KEPT = "async path => Boolean(await (await caches.open('parvis-notices')).match(path))"
CONTROLLED = "navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller !== null)"
KEPT = """async () => {
  const found = [];
  for (const name of await caches.keys())
    for (const request of await (await caches.open(name)).keys()) {
      const url = new URL(request.url);
      const answer = await (await caches.open(name)).match(request);
      found.push([url.pathname, await answer.clone().text()]);
    }
  return found;
}"""


def published(town, title: str, **facts) -> Announcement:
    at = timezone.now() - timedelta(hours=1)
    return Announcement.objects.create(
        **{
            "municipality": town, "title": title, "summary": "Bouillez-la une minute.",
            "text": "Laissez couler le robinet.", "state": "published", "published_at": at,
            "created_at": at, "revised_at": at, "in_force_from": at, "slug": "avis",
        } | facts
    )  # fmt: skip


def sign_in(page: Page, portal, person) -> None:
    """Enter with a session made on the server; the journey of signing in is elsewhere."""
    from django.test import Client

    with as_town(person.municipality_id):
        client = make.sign_in(Client(), person)
    page.context.add_cookies(
        [{"name": "session", "value": client.cookies["session"].value, "url": portal.url()}]
    )


def until(page: Page, script: str, arg: object = None, *, seconds: float = 20) -> Any:
    """What the script answers, asked again until it is something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = page.evaluate(script, arg)
        if found:
            return found
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {script}")


def installed(page: Page, portal, path: str = "/") -> None:
    page.goto(portal.url(path))
    until(page, CONTROLLED)
    until(page, IS_KEPT, FEED)


def test_without_network_the_last_public_notices_can_be_read(portal, browser):
    town = municipality("alma")
    with as_town(town.pk):
        brown = published(town, "L’eau peut être brune jusqu’à vendredi")
        published(town, "Brouillon secret", state="draft", published_at=None)
        person = make.resident(town, first_name="Agathe")
    # Losing the network is an error on the console, which `open_browser` does not forgive.
    page = browser.new_page(locale="fr-CA")
    sign_in(page, portal, person)
    installed(page, portal)
    assert page.get_by_role("heading", name="Bonjour, Agathe").is_visible()
    until(page, IS_KEPT, brown.get_absolute_url())
    page.context.set_offline(True)
    page.goto(portal.url("/mes-avis/"))
    assert page.get_by_role("heading", name="Vous êtes hors ligne").is_visible()
    notice = page.get_by_role("link", name="L’eau peut être brune jusqu’à vendredi")
    notice.wait_for()
    assert page.get_by_text("Brouillon secret").count() == 0
    notice.click()
    # The list has a heading of the same words: the text is the announcement's own.
    page.get_by_text("Laissez couler le robinet").wait_for()
    page.context.set_offline(False)
    page.goto(portal.url("/mes-avis/"))
    assert page.get_by_role("heading", name="Mes avis", exact=True).is_visible()
    page.context.close()


def test_nothing_that_needs_signing_in_is_kept(portal, open_browser):
    town = municipality("alma")
    with as_town(town.pk):
        published(town, "Avis public")
        person = make.resident(town, first_name="Zénobie")
    page = open_browser()
    sign_in(page, portal, person)
    installed(page, portal)
    for path in ("/mes-avis/", "/mes-avis/recus/", "/moi/"):
        page.goto(portal.url(path))
    kept = page.evaluate(KEPT)
    assert {path for path, _text in kept} >= {"/hors-ligne/", "/api/v1/announcements"}
    assert not [path for path, text in kept if "Zénobie" in text or "exemple.ca" in text]
    assert not [path for path, _text in kept if path.startswith(("/mes-avis", "/moi", "/bureau"))]


def deliver(page: Page, portal, payload: str) -> None:
    """Hand a push to the service worker, as the browser does once it has decrypted it."""
    tools = page.context.new_cdp_session(page)
    found: list[str] = []
    tools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: found.extend(each["registrationId"] for each in event["registrations"]),
    )
    tools.send("ServiceWorker.enable")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    assert found, "no registration was announced"
    tools.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": portal.url("").rstrip("/"), "registrationId": found[0], "data": payload},
    )


SHOWN = """async (title) => {
  const worker = await navigator.serviceWorker.ready;
  const all = await worker.getNotifications();
  const one = all.find((each) => each.title === title);
  return one && { count: all.length, body: one.body, lang: one.lang, data: one.data,
    stays: one.requireInteraction };
}"""


def shown(page: Page, title: str) -> dict:
    """The notification of this title, once it is shown, and how many there are."""
    return until(page, SHOWN, title)


def push(title: str, *, tag: str, **facts) -> str:
    notification = {"title": title, "body": "Bouillez-la.", "tag": tag, "lang": "fr-CA"} | facts
    return json.dumps(
        {"web_push": 8030, "notification": notification, "identity": str(uuid.uuid4())}
    )


def test_a_push_is_shown_and_one_of_the_same_subject_replaces_it(portal, open_browser):
    municipality("alma")
    page = open_browser(permissions=["notifications"])
    page.goto(portal.url())
    until(page, CONTROLLED)
    deliver(page, portal, push("L’eau est brune", tag="eau", navigate=portal.url("/avis/1/")))
    first = shown(page, "L’eau est brune")
    assert (first["body"], first["lang"], first["count"]) == ("Bouillez-la.", "fr-CA", 1)
    assert first["data"]["navigate"] == portal.url("/avis/1/")
    deliver(page, portal, push("L’eau est claire", tag="eau", requireInteraction=True))
    replaced = shown(page, "L’eau est claire")
    assert (replaced["stays"], replaced["count"]) == (True, 1)
    deliver(page, portal, "pas du JSON")
    assert shown(page, "Ville d’Alma")["count"] == 2


FAKE_PUSH = """
// A closed network has no push service: the browser's part is played here, the rest is real.
const point = new Uint8Array(%s), auth = new Uint8Array(16).fill(7);
let subscription = null;
PushManager.prototype.subscribe = async ({ applicationServerKey }) => subscription = {
  endpoint: "%s", options: { applicationServerKey: applicationServerKey.buffer },
  getKey: (name) => (name === "auth" ? auth : point).buffer, unsubscribe: async () => true,
};
PushManager.prototype.getSubscription = async () => subscription;
"""


def test_a_browser_is_registered_by_one_press_and_recognised(portal, open_browser):
    from cryptography.hazmat.primitives.asymmetric import ec

    town = municipality("alma")
    with as_town(town.pk):
        person = make.resident(town)
        key = PushKey.objects.of(town).get()
    numbers = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    point = [4, *numbers.x.to_bytes(32, "big"), *numbers.y.to_bytes(32, "big")]
    endpoint = "https://fcm.googleapis.com/fcm/send/essai"
    page = open_browser(permissions=["notifications"])
    page.add_init_script(FAKE_PUSH % (point, endpoint))
    sign_in(page, portal, person)
    page.goto(portal.url("/mes-avis/"))
    page.get_by_role("button", name="Activer sur cet appareil").click()
    page.get_by_text("Cet appareil.").wait_for()
    assert page.get_by_role("button", name="Activer sur cet appareil").is_hidden()
    with as_town(town.pk):
        device = Device.objects.of(town).get()
        assert (device.resident_id, device.endpoint, device.key_id) == (
            person.pk, endpoint, key.pk,
        )  # fmt: skip
    page.get_by_role("button", name="Retirer").click()
    page.get_by_text("Aucun appareil ne reçoit encore").wait_for()
    with as_town(town.pk):
        assert Device.objects.of(town).get().removed_why == "asked"


def test_a_touch_saves_a_choice_without_leaving_the_page(portal, open_browser):
    town = municipality("alma")
    with as_town(town.pk):
        water = Subject.objects.create(municipality=town, name="Égouts")
        person = make.resident(town)
    page = open_browser()
    sign_in(page, portal, person)
    page.goto(portal.url("/mes-avis/"))
    row = page.locator(f"#sujet-{water.pk}")
    box = row.get_by_role("checkbox", name="Courriel")
    box.focus()
    page.keyboard.press("Space")
    page.get_by_text("Égouts : enregistré").wait_for(state="attached")
    # The row was replaced by the server's: the keyboard must still be where it was.
    assert page.evaluate("document.activeElement.value").endswith(f"-{water.pk}-email")
    with as_town(town.pk):
        assert list(Subscription.objects.of(town).values_list("channel", flat=True)) == ["email"]
    page.reload()
    assert box.is_checked()


def test_what_arrives_shows_in_the_inbox_within_two_seconds(portal, open_browser):
    from parvis.notifications import actions

    town = municipality("alma")
    with as_town(town.pk):
        water = Subject.objects.create(municipality=town, name="Égouts")
        person = make.resident(town)
        Subscription.objects.create(
            municipality=town, resident=person, place=person.places.get(), subject=water,
            channel="inapp", created_at=timezone.now(),
        )  # fmt: skip
    page = open_browser()
    sign_in(page, portal, person)
    page.goto(portal.url("/mes-avis/recus/"))
    page.get_by_text("Rien reçu pour l’instant").wait_for()
    page.wait_for_timeout(500)
    with as_town(town.pk):
        message = actions.send_message(
            municipality=town, kind="announcements.published", subject=water, now=timezone.now(),
            content={"fr": {"title": "L’eau est claire", "body": "", "url": "/aide/"}},
        )  # fmt: skip
    link = page.get_by_role("link", name="L’eau est claire")
    link.wait_for(timeout=2000)
    link.click()
    page.wait_for_url("**/aide/")
    with as_town(town.pk):
        assert Message.objects.of(town).filter(pk=message.pk).exists()
        assert Outcome.objects.of(town).filter(message_id=message.pk).count() == 1
        assert [each.channel for each in Opening.objects.of(town)] == ["inapp"]
