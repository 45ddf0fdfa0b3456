"""A need in someone's own words."""

from __future__ import annotations

from datetime import date, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parvis.reservations.needs import Need, understood

WEDNESDAY = date(2026, 5, 20)


def need(**facts):
    facts["families"] = frozenset(facts.get("families", ()))
    return Need(**facts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "un local samedi après-midi pour 40 personnes",
            need(families=["room"], on=date(2026, 5, 23), part="apres-midi", people=40),
        ),
        ("Une salle demain soir", need(families=["room"], on=date(2026, 5, 21), part="soir")),
        ("12 tables et 80 chaises le 6 juin", need(families=["furniture"], on=date(2026, 6, 6))),
        ("gymnase de Naudville", need(families=["gym"], words=("naudville",))),
        (
            "terrain de tennis dimanche à 14 h 30",
            need(families=["court"], on=date(2026, 5, 24), at=time(14, 30)),
        ),
        ("une fête pour 25", need(families=["room"], people=25)),
        ("samedi 23 mai 2026", need(on=date(2026, 5, 23))),
        ("patinoire le 1er février", need(families=["rink"], on=date(2027, 2, 1))),
        ("le 2026-12-24 matin", need(on=date(2026, 12, 24), part="matin")),
        ("un chapiteau en fin de semaine", need(families=["tent"], on=date(2026, 5, 23))),
        ("ce soir", need(on=WEDNESDAY, part="soir")),
        ("mercredi", need(on=WEDNESDAY)),
        ("aujourd’hui", need(on=WEDNESDAY)),
        ("le 31 février", need()),
        ("", need()),
    ],
)  # fmt: skip
def test_words_are_understood_as_their_author_means_them(text, expected):
    assert understood(text, today=WEDNESDAY) == expected


@settings(deadline=None)
@given(st.text(max_size=250), st.dates(date(1990, 1, 1), date(2200, 1, 1)))
def test_no_text_breaks_it(text, today):
    found = understood(text, today=today)
    assert found.people is None or 0 < found.people <= 100_000
    assert len(found.words) <= 8
