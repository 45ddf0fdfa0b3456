"""In which language a digest speaks: the notices as they were written, the letter as the portal."""

from __future__ import annotations

import pytest
from django.utils import timezone, translation

from parvis.core.db import as_town
from parvis.notifications import actions, digests, dispatch
from parvis.notifications.models import Work
from parvis.notifications.tests import make as notify
from parvis.residents.tests import make

FRENCH = {"title": "L’eau peut être brune", "body": "Laissez-la couler.", "url": "/avis/1/"}
ENGLISH = {"title": "Brown water", "body": "Let it run.", "url": "/avis/1/?langue=en"}


@pytest.mark.parametrize(
    ("recognised", "offered", "subject"),
    [
        (True, {"en": "all"}, "Your notices today"),
        (False, {"en": "safety"}, "Vos avis du jour"),
    ],
)
def test_a_digest_tells_each_reader_in_their_language_what_was_written_in_it(
    open_town, mailbox, recognised, offered, subject
):
    open_town.recognised_29_1, open_town.languages = recognised, offered
    open_town.save()
    now = timezone.now().astimezone(open_town.zone)
    morning, evening = now.replace(hour=9), now.replace(hour=17, minute=1)
    with as_town(open_town.pk):
        eau = notify.subject(open_town)
        for language in ("fr", "en"):
            reader = make.resident(open_town, email=f"{language}@exemple.ca", language=language)
            notify.subscription(reader, eau, pace="daily")
        for content in ({"fr": FRENCH, "en": ENGLISH}, {"fr": {**FRENCH, "title": "Égouts"}}):
            actions.send_message(
                municipality=open_town, kind="announcements.published", content=content,
                subject=eau, now=morning,
            )  # fmt: skip
        # Whoever's language is set where the digest is planned changes nothing.
        with translation.override("en"):
            digests.plan(open_town, pace="daily", now=evening)
    Work.objects.update(not_before=timezone.now())
    dispatch.drain(["email"])
    (french,), (english,) = mailbox.to("fr@exemple.ca"), mailbox.to("en@exemple.ca")
    text = french.get_body(("plain",)).get_content()
    assert french["Subject"] == "Vos avis du jour"
    assert "L’eau peut être brune" in text and "Brown" not in text and "Égouts" in text
    text = english.get_body(("plain",)).get_content()
    assert english["Subject"] == subject
    assert "Brown water" in text and "brune" not in text
    assert "/avis/1/?langue=en" in text
    # Written in French only: French is what there is.
    assert "Égouts" in text
    # A voice that reads aloud is told where the language changes.
    html = english.get_body(("html",)).get_content()
    letter = "en" if subject.startswith("Your") else "fr"
    assert f'<html lang="{letter}-CA">' in html
    assert html.count(f'lang="{"fr" if letter == "en" else "en"}-CA"') == 1
