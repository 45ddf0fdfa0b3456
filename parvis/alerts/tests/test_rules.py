"""What an alert may say and become, and who decides."""

from __future__ import annotations

from datetime import timedelta

import pytest

from parvis.alerts import rules
from parvis.core.errors import Refused
from parvis.municipalities.tests.make import NOW

WHOLE = {"title": "Faites bouillir l’eau", "short": "Ville", "text": "Une minute.", "steps": []}
HOUR = timedelta(hours=1)


def words(**changes):
    return {"fr": {**WHOLE, **changes}}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"en": {**WHOLE, "basis": "safety"}}, "français manque"),
        (words(title=""), "Il manque en français"),
        (words(title="…"), "titre"),
        (words(short=""), "texte court"),
        (words(text=" "), "texte"),
        (words(title="x" * 121), "titre dépasse 120"),
        (words(text="x" * 4001), "texte dépasse 4000"),
        (words(steps=["x"] * 9), "consignes"),
        (words(steps=["x" * 301]), "consignes"),
        (words(short="a" * 161), "prend 161 caractères"),
        # In UCS-2 by one character: the sign is named.
        (words(short="a" * 70 + "ê"), "«\u00a0ê\u00a0»"),
        ({**words(), "en": dict(WHOLE)}, "motif légal"),
        ({**words(), "en": {**WHOLE, "basis": "convenience"}}, "motif légal"),
        ({**words(), "en": {**WHOLE, "basis": "health", "text": ""}}, "Il manque en anglais"),
    ],
)
def test_words_that_cannot_leave(given, says):
    with pytest.raises(Refused, match=says):
        rules.check_words(given, complete=True)


def test_words_that_can_leave():
    rules.check_words(words(short="a" * 160), complete=True)
    rules.check_words(words(short="a" * 69 + "ê"), complete=True)
    rules.check_words({**words(), "en": {**WHOLE, "basis": "health"}}, complete=True)
    rules.check_words(words(title="", text="", short=""), complete=False)


@pytest.mark.parametrize(
    ("next_at", "expires_at", "says"),
    [
        (None, None, "jusqu’à quand"),
        (None, NOW, "déjà échue"),
        (None, NOW - HOUR, "déjà échue"),
        (None, NOW + timedelta(days=15), "14 jours"),
        (NOW, NOW + HOUR, "prochaine mise à jour"),
        (NOW + 2 * HOUR, NOW + HOUR, "prochaine mise à jour"),
    ],
)
def test_times_that_make_no_sense(next_at, expires_at, says):
    with pytest.raises(Refused, match=says):
        rules.check_dates(kind="alert", now=NOW, next_at=next_at, expires_at=expires_at)


def test_times_that_do():
    rules.check_dates(kind="alert", now=NOW, next_at=NOW + HOUR, expires_at=NOW + HOUR)
    rules.check_dates(kind="update", now=NOW, next_at=None, expires_at=NOW + rules.LONGEST)
    # The end of an alert needs no end of its own.
    rules.check_dates(kind="lift", now=NOW, next_at=None, expires_at=None)


@pytest.mark.parametrize(
    ("authority", "decider", "proposer", "reason", "says"),
    [
        (False, 1, 2, "", "désignée"),
        (False, 1, None, "Des vies sont en danger", "désignée"),
        (True, 1, 1, "", "deuxième personne"),
        (True, 1, 1, "court", "en une phrase"),
        (True, 1, 1, "…………………", "en une phrase"),
    ],
)
def test_who_may_not_decide(authority, decider, proposer, reason, says):
    with pytest.raises(Refused, match=says):
        rules.check_decider(
            is_authority=authority, decider_id=decider, proposer_id=proposer, alone_reason=reason
        )


def test_who_may_decide():
    for proposer, reason in (
        (2, ""),
        (1, "L’eau monte, personne ne répond"),
        (None, "Fuite de gaz"),
    ):
        rules.check_decider(
            is_authority=True, decider_id=1, proposer_id=proposer, alone_reason=reason
        )


@pytest.mark.parametrize(
    ("state", "kind", "says"),
    [
        ("in_force", "alert", "déjà partie"),
        ("lifted", "alert", "déjà partie"),
        ("draft", "update", "pas encore partie"),
        ("lifted", "update", "terminée"),
        ("cancelled", "lift", "terminée"),
        ("expired", "cancel", "terminée"),
    ],
)
def test_turns_that_an_alert_does_not_take(state, kind, says):
    with pytest.raises(Refused, match=says):
        rules.check_next(state, kind)


def test_turns_that_it_takes():
    rules.check_next("draft", "alert")
    for kind in ("update", "lift", "cancel"):
        rules.check_next("in_force", kind)


def test_the_gesture_comes_before_how():
    assert rules.gesture("Partez maintenant. Prenez vos papiers. Vite.") == (
        "Partez maintenant", "Prenez vos papiers. Vite.",
    )  # fmt: skip
    assert rules.gesture("Restez chez vous") == ("Restez chez vous", "")


def test_advice_is_no_refusal():
    hard = {**WHOLE, "title": "x" * 61, "text": "institutionnellement " * 30}
    assert len(rules.hints(hard)) == 3
    assert rules.hints(WHOLE) == []
