"""What an announcement may be and become, without a database."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parvis.announcements import rules
from parvis.announcements.markdown import excerpt, plain, to_html
from parvis.core import prose
from parvis.core.errors import Refused

NOON = datetime(2026, 5, 20, 16, 0, tzinfo=UTC)
STATES = sorted(rules.NEXT)


@given(path=st.lists(st.sampled_from(STATES), max_size=12))
def test_whatever_is_asked_a_published_announcement_never_becomes_a_draft_again(path):
    state, seen = rules.DRAFT, [rules.DRAFT]
    for wanted in path:
        try:
            rules.check_turn(state, wanted)
        except Refused:
            continue
        state = wanted
        seen.append(state)
    public = [one in rules.PUBLIC for one in seen]
    assert public == sorted(public)
    assert seen.count(rules.PUBLISHED) <= 1


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("to", STATES)
def test_each_turn_is_allowed_or_refused_in_a_sentence(state, to):
    if to in rules.NEXT[state]:
        rules.check_turn(state, to)
    else:
        with pytest.raises(Refused, match=r"\.$"):
            rules.check_turn(state, to)


@pytest.mark.parametrize(
    ("at", "expected"),
    [(-1, False), (0, True), (59, True), (60, False), (61, False)],
)
def test_in_force_from_its_first_instant_to_before_its_last(at, expected):
    assert expected is rules.is_in_force(
        state=rules.PUBLISHED, takes_force=True, in_force_from=NOON,
        in_force_until=NOON + timedelta(minutes=60), expires_at=None,
        now=NOON + timedelta(minutes=at),
    )  # fmt: skip


@pytest.mark.parametrize("state", sorted(set(STATES) - {rules.PUBLISHED}))
def test_only_what_is_published_is_in_force(state):
    assert not rules.is_in_force(
        state=state, takes_force=True, in_force_from=NOON, in_force_until=None, expires_at=None,
        now=NOON,
    )  # fmt: skip


@pytest.mark.parametrize(
    "dates",
    [
        {"in_force_from": NOON, "in_force_until": NOON},
        {"in_force_from": NOON, "in_force_until": NOON - timedelta(days=1)},
        {"publish_at": NOON, "expires_at": NOON},
        {"in_force_until": NOON, "expires_at": NOON - timedelta(days=1)},
    ],
)
def test_what_ends_before_it_began_is_refused(dates):
    known = {"in_force_from": None, "in_force_until": None, "expires_at": None}
    with pytest.raises(Refused):
        rules.check_dates(**(known | dates))


@pytest.mark.parametrize(
    ("language", "basis", "recognised", "offered", "stands"),
    [
        ("en", "safety", False, {}, True),
        ("en", "health", False, {}, True),
        ("ar", "justice", False, {}, True),
        ("en", "recognised", True, {"en": "all"}, True),
        ("en", "recognised", False, {"en": "all"}, False),
        ("en", "recognised", True, {"en": "safety"}, False),
        ("es", "recognised", True, {"en": "all"}, False),
        ("en", "", True, {"en": "all"}, False),
        ("en", "because", True, {"en": "all"}, False),
        ("fr", "safety", False, {}, False),
    ],
)
def test_another_language_stands_only_on_a_legal_basis(
    language, basis, recognised, offered, stands
):
    if stands:
        rules.check_basis(language, basis, offered=offered, recognised=recognised)
        return
    with pytest.raises(Refused):
        rules.check_basis(language, basis, offered=offered, recognised=recognised)


@given(minutes=st.integers(1, 60 * 24 * 60))
def test_a_reminder_so_long_before_comes_before_its_date(minutes):
    due = rules.reminder_due(concerns_at=NOON, minutes_before=minutes, at=None)
    assert NOON - due == timedelta(minutes=minutes)
    assert rules.may_remind(state=rules.PUBLISHED, due_at=due, concerns_at=NOON, now=due)
    assert not rules.may_remind(state=rules.PUBLISHED, due_at=due, concerns_at=NOON, now=NOON)


@pytest.mark.parametrize(
    "asked",
    [
        {"concerns_at": None, "minutes_before": 60, "at": None},
        {"concerns_at": NOON, "minutes_before": None, "at": None},
        {"concerns_at": NOON, "minutes_before": 0, "at": None},
        {"concerns_at": NOON, "minutes_before": 60 * 24 * 61, "at": None},
        {"concerns_at": NOON, "minutes_before": None, "at": NOON + timedelta(seconds=1)},
    ],
)
def test_a_reminder_without_a_date_or_after_it_is_refused(asked):
    with pytest.raises(Refused):
        rules.reminder_due(**asked)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("L’œuf à Noël", "loeuf-a-noel"),
        ("Boulevard des Cascades\u00a0: une seule voie", "boulevard-des-cascades-une-seule-voie"),
        ("😀", "avis"),
        ("---", "avis"),
        ("مياه", "avis"),
    ],
)
def test_the_words_of_an_address(title, expected):
    assert rules.slug(title) == expected


@given(title=st.text(max_size=400))
def test_any_title_gives_an_address_of_plain_words(title):
    made = rules.slug(title)
    assert 1 <= len(made) <= 60
    assert set(made) <= set(string.ascii_lowercase + string.digits + "-")
    assert not made.startswith("-")
    assert not made.endswith("-")


@given(text=st.text(max_size=300))
def test_tidying_twice_is_tidying_once_and_leaves_no_hidden_mark(text):
    once = prose.tidy(text)
    assert prose.tidy(once) == once
    assert not set(once) & set("\u202e\u202d\u2066\u200b\ufeff\x00\r")
    assert "\n" not in prose.tidy_line(text)


@given(words=st.dictionaries(st.text(max_size=9), st.text(max_size=30), max_size=4))
def test_the_hash_depends_on_the_words_and_not_on_their_order(words):
    back = dict(reversed(list(words.items())))
    assert rules.text_hash(words) == rules.text_hash(back)
    assert rules.text_hash(words) != rules.text_hash(words | {"text": "\u0001autre"})


EASY = "Le chat dort. Il fait beau. Le pont est fermé ce soir. Prenez la rue du parc. Merci à tous."
HARD = (
    "Nonobstant les dispositions réglementaires susmentionnées, l’interruption temporaire de "
    "l’approvisionnement en eau potable nécessitera vraisemblablement une réorganisation "
    "conséquente des infrastructures municipales intermédiaires avoisinantes concernées."
)


def test_short_words_and_sentences_read_more_easily():
    assert prose.ease(EASY) > 80 > 30 > prose.ease(HARD)
    assert prose.reading_hints(EASY) == []
    assert len(prose.reading_hints(HARD)) == 1
    assert "capitales" in prose.reading_hints("ATTENTION DANGER DEMAIN MATIN")[0]
    long = " ".join(["mot"] * 26) + "."
    assert "25 mots" in prose.reading_hints(long)[0]


@given(text=st.text(max_size=500))
def test_the_score_of_any_text_stays_between_0_and_100(text):
    score = prose.ease(text)
    assert score is None or 0 <= score <= 100
    prose.reading_hints(text)


@given(word=st.text(string.ascii_letters + "éèêàùœç", min_size=1, max_size=30))
def test_a_word_has_at_least_a_syllable_and_no_more_than_letters(word):
    assert 1 <= prose.syllables(word) <= 2 * len(word)


ALLOWED = {
    "p", "br", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "strong", "em", "a", "blockquote",
    "hr", "table", "thead", "tbody", "tr", "th", "td", "code", "pre", "s", "div",
}  # fmt: skip


class Seen(HTMLParser):
    """The tags and attributes of a fragment."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def levels(self) -> list[int]:
        return [int(tag[1]) for tag, _attrs in self.tags if tag[0] == "h" and tag[1:].isdigit()]


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](https://espion.example/p.png)",
    "[x](javascript:alert(1))",
    "[x](data:text/html,<script>)",
    "[x](//espion.example)",
    "<a href='javascript:alert(1)'>x</a>",
    "<svg onload=alert(1)>",
    "<div class='banner' style='position:fixed'>",
    "`<b>`",
    "[a]: javascript:alert(1)\n\n[a]",
    '<https://x.example/" onmouseover=alert(1)>',
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_markdown_does_no_harm(text):
    for tag, attrs in Seen(to_html(text)).tags:
        assert tag in ALLOWED
        assert not [name for name in attrs if name.startswith("on") or name == "style"]
        if "href" in attrs:
            assert not attrs["href"].lower().startswith(("javascript", "data"))
            assert attrs["rel"] == "nofollow noopener noreferrer"


@settings(max_examples=200)
@given(text=st.text(alphabet="<>&\"'[]()!#*_`~|-+=:/.\n abjsh1\u202e", max_size=120))
def test_any_markdown_gives_only_allowed_tags(text):
    for tag, attrs in Seen(to_html(text)).tags:
        assert tag in ALLOWED
        assert set(attrs) <= {
            "href", "title", "rel", "start", "scope", "class", "role", "tabindex", "aria-label",
        }  # fmt: skip


@given(levels=st.lists(st.integers(1, 6), max_size=8), first=st.sampled_from([2, 3, 4]))
def test_headings_begin_under_the_page_and_skip_no_level_going_down(levels, first):
    text = "\n\n".join(f"{'#' * level} Titre" for level in levels)
    made = Seen(to_html(text, first_heading=first)).levels()
    assert len(made) == len(levels)
    if made:
        assert made[0] == first
    assert all(level >= first for level in made)
    assert all(after - before <= 1 for before, after in pairwise(made))


def test_the_words_alone():
    text = "# Eau\n\nElle est **brune**. [Appelez](tel:+1418) & voyez <b>.\n\n- un\n- deux"
    assert plain(text).split("\n") == ["Eau", "Elle est brune. Appelez & voyez <b>.", "un", "deux"]
    assert excerpt("mot " * 200, 20) == "mot mot mot mot mot…"


def test_french_typography_is_put_in_the_text():
    assert "Pourquoi\u202f?" in to_html("Pourquoi ?")
    assert "Why ?" in to_html("Why ?", language="en")
