"""In which language an announcement's messages speak: the first one, and those that follow it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import translation

from parvis.announcements import actions, drafts
from parvis.announcements.tests import make
from parvis.municipalities.tests.make import NOW
from parvis.notifications.models import Message

HOUR = timedelta(hours=1)
ENGLISH = {"title": "Boil your water", "text": "One **minute** at a rolling boil."}


def spoken(town, language="en", *, words=ENGLISH, **content):
    """A published announcement that also has a text in this language."""
    row = make.draft(town, title="Faites bouillir l’eau", text="Une minute.", **content)
    drafts.translate(row, language=language, basis="health", actor=None, now=NOW, **words)
    return actions.publish(row, actor=None, now=NOW)


def told(town):
    """What the last message says, language by language."""
    return Message.objects.of(town).order_by("-pk").first().content


def revise(row, **changes):
    changes.setdefault("notify_change", True)
    return actions.revise_published(row, actor=None, token=row.token, now=NOW + HOUR, **changes)


def change(row, town):
    revise(
        row, text="Deux minutes.",
        translations={"en": {**ENGLISH, "basis": "health", "text": "Two minutes."}},
    )  # fmt: skip


def lift(row, town):
    actions.lift(row, actor=None, now=NOW + HOUR, notify_lift=True)


def remind(row, town):
    drafts.plan_reminder(row, actor=None, now=NOW, minutes_before=60)
    assert actions.keep_time(NOW + 47 * HOUR) == 1


FOLLOWING = [
    (change, "Mise à jour\u00a0: ", "Update: ", "Two minutes."),
    (lift, "Levé\u00a0: ", "Lifted: ", "This notice is no longer in force."),
    (remind, "Rappel\u00a0: ", "Reminder: ", "One minute at a rolling boil."),
]


@pytest.mark.parametrize(("deed", "french", "english", "body"), FOLLOWING)
def test_what_follows_a_publication_speaks_the_languages_that_it_was_published_in(
    town, deed, french, english, body
):
    row = spoken(town, concerns_at=NOW + 48 * HOUR)
    # The clerk reads English pages, in a town that may offer them: French stays French.
    with translation.override("en"):
        deed(row, town)
    content = told(town)
    assert sorted(content) == ["en", "fr"]
    assert content["fr"]["title"] == f"{french}Faites bouillir l’eau"
    assert content["en"]["title"] == f"{english}Boil your water"
    assert content["en"]["body"] == body
    assert content["en"]["url"] == f"{content['fr']['url']}?langue=en"


@pytest.mark.parametrize("deed", [lift, remind])
@pytest.mark.parametrize("other", ["", "es"])
def test_without_words_in_a_language_that_we_speak_french_goes_alone(town, deed, other):
    content = {"concerns_at": NOW + 48 * HOUR}
    if other:
        # The town's text alone may be in Spanish; of ours, nothing is.
        row = spoken(town, other, words={"title": "Hierva", "text": "Hierva el agua."}, **content)
        assert sorted(told(town)) == ["es", "fr"]
    else:
        row = make.published(town, **content)
    deed(row, town)
    assert list(told(town)) == ["fr"]


def test_the_clerks_note_leads_in_french_and_follows_as_it_stands_in_english(town):
    row = spoken(town)
    actions.lift(row, actor=None, now=NOW + HOUR, note="L’eau est <potable>", notify_lift=True)
    french, english = told(town)["fr"], told(town)["en"]
    assert french["body"] == "Cet avis n’est plus en vigueur. L’eau est <potable>"
    assert english["body"] == "This notice is no longer in force. L’eau est <potable>"
    assert '<p lang="fr">L’eau est &lt;potable&gt;</p>' in english["html"]
    assert english["html"].index("no longer") < english["html"].index("rolling boil")


def test_a_translation_that_french_left_behind_says_so_until_it_follows(town):
    late = "The French text has changed since this translation."
    row = revise(spoken(town), text="Deux minutes.", note="Deux minutes, pas une")
    french, english = told(town)["fr"], told(town)["en"]
    assert french["body"] == "Deux minutes, pas une. Deux minutes."
    assert english["body"] == f"{late} One minute at a rolling boil. Deux minutes, pas une"
    assert f"<p>{late}</p>" in english["html"]
    row = revise(row, concerns_at=NOW + 48 * HOUR)
    assert late in told(town)["en"]["body"]
    words = {**ENGLISH, "basis": "health", "text": "Two minutes."}
    row = revise(row, translations={"en": words})
    assert told(town)["en"]["body"] == "Two minutes."
    remind(row, town)
    assert told(town)["en"]["body"] == "Two minutes."
