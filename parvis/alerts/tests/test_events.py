"""The templates: whole in both languages, short enough for a telephone, easy to read."""

from __future__ import annotations

import pytest

from parvis.alerts import events, rules
from parvis.alerts.short_text import measure
from parvis.core import prose

LONG_NAME = "Municipalité de L’Isle-aux-Coudres"


@pytest.mark.parametrize("kind", [rules.ALERT, rules.LIFT])
@pytest.mark.parametrize("key", sorted(events.EVENTS))
def test_a_template_could_leave_as_it_is(key, kind):
    words = events.first_words(key, kind, LONG_NAME)
    assert set(words) == {"fr", "en"}
    rules.check_words(words, complete=True)
    for said in words.values():
        assert measure(said["short"]).odd == ""
        assert LONG_NAME.replace("’", "'") in said["short"]
    assert words["en"]["basis"] in rules.BASES
    assert "basis" not in words["fr"]


@pytest.mark.parametrize("key", sorted(events.EVENTS))
def test_a_template_is_easy_to_read(key):
    said = events.first_words(key, rules.ALERT, LONG_NAME)["fr"]
    whole = " ".join([said["text"], *said["steps"]])
    score = prose.ease(whole)
    assert score is None or score >= 50, score
    assert max(len(one.split()) for one in prose.sentences(whole)) <= 25


def test_an_event_says_what_cap_says():
    categories = {
        "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport",
        "Infra", "CBRNE", "Other",
    }  # fmt: skip
    for event in events.EVENTS.values():
        assert event.category in categories
        assert event.severity in rules.SEVERITIES
        assert event.urgency in rules.URGENCIES
        assert event.certainty in rules.CERTAINTIES
