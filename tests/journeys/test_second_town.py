"""The second town sees nothing: no page, no letter, no push, no file, no session."""

from __future__ import annotations

import time

import pytest
from django.utils import timezone

from parvis.announcements import actions, parts
from parvis.announcements.tests import make as announcements
from parvis.core import files
from parvis.core.db import as_town
from parvis.municipalities.tests import make as towns
from parvis.notifications.models import Channel, Chunk, Message, Outcome, Subject
from parvis.notifications.tests import make as notices
from parvis.residents.tests import make
from tests.journeys.helpers import ask, clerk, sign_in

pytestmark = pytest.mark.browser

BOTH = "agathe@exemple.ca"
TITLE = "Fuite d’eau, avenue du Pont"
CHANGES = """() => {
  window.changed = 0;
  new MutationObserver(() => { window.changed += 1; })
    .observe(document.querySelector("main"), { childList: true, subtree: true });
}"""


def status_of(page, path: str) -> int:
    """What this browser, with its session, is answered."""
    return page.evaluate("async path => (await fetch(path)).status", path)


def follows_everything(town, portal):
    """A resident of this e-mail address, subscribed by every channel, with a device."""
    subjects = [notices.subject(town, "Eau"), notices.subject(town, "Loisirs")]
    subjects += Subject.objects.of(town).exclude(pk__in=[each.pk for each in subjects])
    person = make.resident(town, email=BOTH)
    for subject in subjects:
        for channel in Channel.values:
            notices.subscription(person, subject, channel)
    return person, notices.device(person, portal.push)


def test_what_one_town_publishes_never_shows_at_the_other(portal, open_browser):
    alma, isle = towns.municipality("alma"), towns.municipality("isle")
    with as_town(alma.pk):
        _here, here_device = follows_everything(alma, portal)
        author = clerk(alma).person
    with as_town(isle.pk):
        _there, there_device = follows_everything(isle, portal)
        clerk(isle, "lise@exemple.ca")
    pages = []
    for path in ("/", "/avis/", "/mes-avis/recus/"):
        pages.append(open_browser() if not pages else pages[0].context.new_page())
        if len(pages) == 1:
            sign_in(pages[0], portal, BOTH, town="isle")
        pages[-1].goto(portal.url(path, "isle"))
    # A stream opens once its page is shown, and may say «look again» then: that is no news.
    pages[0].wait_for_timeout(2000)
    for page in pages:
        page.evaluate(CHANGES)
    now = timezone.now()
    with as_town(alma.pk):
        draft = announcements.draft(
            alma,
            now=now,
            actor=author,
            title=TITLE,
            subject=Subject.objects.of(alma).get(name="Eau"),
        )
        parts.add_attachment(
            draft, upload=announcements.upload(b"a;b", "plan.csv"), title="", actor=author, now=now
        )
        parts.add_picture(
            draft, upload=announcements.upload(announcements.image()), alt="Une borne",
            actor=author, now=now,
        )  # fmt: skip
        row = actions.publish(draft, actor=author, now=now)
        plan, borne = row.attachments.get(), row.pictures.get()
        message = Message.objects.of(alma).get()
        paths = [
            row.get_absolute_url(),
            f"/avis/{row.pk}/",
            f"/api/v1/announcements/{row.pk}",
            files.url("avis", plan.folder, plan.name),
            files.picture_url("avis", borne.folder, borne.widths[0]),
        ]
    # It did go out at home.
    letter = portal.letter_to(BOTH)
    assert "Alma" in letter["From"]
    until = time.monotonic() + 10
    while not portal.push.messages(here_device.endpoint):
        assert time.monotonic() < until, portal.push.faults
        time.sleep(0.05)
    time.sleep(1.5)
    # And nowhere else.
    assert len(portal.mailbox.to(BOTH)) == 1
    assert portal.push.requests(there_device.endpoint) == 0
    for page in pages:
        assert page.get_by_text("Fuite").count() == 0
        assert page.evaluate("window.changed") == 0, page.url
        page.reload()
        assert page.get_by_text("Fuite").count() == 0
    with as_town(isle.pk):
        for model in (Message, Chunk, Outcome):
            assert not model.objects.of(isle).exists()
    # Each address that is good at home is nothing there, for a visitor, a resident and a clerk.
    desk = open_browser(width=1280)
    sign_in(desk, portal, "lise@exemple.ca", town="isle")
    for path in paths:
        assert ask(portal, path)[0] in (200, 302), path
        assert ask(portal, path, town="isle")[0] == 404, path
        for page in (pages[0], desk):
            assert status_of(page, path) == 404, path
    staff_paths = [
        f"/bureau/envois/{message.pk}/",
        f"/bureau/envois/{message.pk}/preuve.csv",
        f"/bureau/avis/{row.pk}/",
        f"/bureau/avis/{row.pk}/modifier/",
    ]
    home = open_browser(width=1280)
    sign_in(home, portal, "camille@exemple.ca")
    for path in staff_paths:
        assert status_of(home, path) == 200, path
        assert status_of(desk, path) == 404, path
    # The link of a letter leads nowhere rather than fail, and says nothing.
    pages[0].goto(portal.url(f"/mes-avis/recus/{message.pk}/", "isle"))
    assert (pages[0].url, pages[0].get_by_text("Fuite").count()) == (portal.url("/", "isle"), 0)
    # A session of one town is a visitor in the other.
    cookies = home.context.cookies(portal.url())
    cookie = "; ".join(f"{each['name']}={each['value']}" for each in cookies)
    assert "session=" in cookie
    assert "Camille" in ask(portal, "/", cookie=cookie)[1]
    status, text = ask(portal, "/", town="isle", cookie=cookie)
    assert (status, "Camille" in text) == (200, False)
    assert "Créer mon compte" in text
    for path in ("/moi/", "/bureau/", *staff_paths):
        assert ask(portal, path, town="isle", cookie=cookie)[0] == 302, path
