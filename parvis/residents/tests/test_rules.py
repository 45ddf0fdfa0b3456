"""What may be offered and kept, without a database."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parvis.core.errors import Refused
from parvis.residents import rules
from parvis.residents.erasure import table

NOW = datetime(2026, 5, 20, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("chosen", "recognised", "offered", "language"),
    [
        ("", False, {}, "fr"),
        ("en", False, {"en": "all"}, "fr"),
        ("en", True, {"en": "safety"}, "fr"),
        ("en", True, {"en": "all"}, "en"),
        ("zz", True, {"en": "all"}, "fr"),
    ],
)
def test_the_interface_is_french_unless_the_law_lets_it_be_english(
    chosen, recognised, offered, language
):
    found = rules.interface_language(chosen, recognised=recognised, offered=offered)
    assert found == language


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("418 555-0142", "+14185550142"),
        ("(418) 555.0142", "+14185550142"),
        ("1 418 555 0142", "+14185550142"),
        ("+1 418 555-0142", "+14185550142"),
        ("+33 6 12 34 56 78", "+33612345678"),
    ],
)
def test_a_number_is_read_however_it_is_written(typed, number):
    assert rules.phone_number(typed) == number


@pytest.mark.parametrize(
    "typed", ["", "911", "555-0142", "118 555-0142", "allô", "+33 6", "4" * 30]
)
def test_what_is_not_a_number_is_refused(typed):
    with pytest.raises(Refused):
        rules.phone_number(typed)


@given(st.from_regex(r"[2-9]\d{2}[2-9]\d{6}", fullmatch=True))
def test_a_number_shown_reads_back_as_itself(digits):
    assert rules.phone_number(rules.shown_phone(f"+1{digits}")) == f"+1{digits}"


FRENCH = st.text("AZazÀàÂâÉéÈèÊêËëÎîÏïÔôÙùÛûÜüÇçŒœæ’'- 09", max_size=40)


@given(FRENCH)
def test_folding_twice_changes_nothing(text):
    once = rules.folded(text)
    assert rules.folded(once) == once
    assert once.isascii()


def test_a_search_ignores_accents_capitals_and_apostrophes():
    assert rules.search_words("  Côté-L’Écuyer  ŒUVRE\0 ") == ["cote-l'ecuyer", "oeuvre"]
    assert len(rules.search_words("a b c d e f g h")) == 6


@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_a_table_reads_back_and_runs_no_formula(values):
    values = [value.replace("\0", "") for value in values]
    read = list(csv.DictReader(io.StringIO(table([{"v": v} for v in values])[1:], newline="")))
    assert len(read) == len(values)
    for value, row in zip(values, read, strict=True):
        assert row["v"][:1] not in {"=", "@", "\t"}
        assert row["v"].removeprefix("'") == value.removeprefix("'")


def test_an_invitation_serves_once_and_for_fourteen_days():
    later = NOW + timedelta(days=1)
    rules.check_invitation(expires_at=later, taken=False, now=NOW)
    for facts in (
        {"expires_at": later, "taken": True},
        {"expires_at": NOW, "taken": False},
        {"expires_at": None, "taken": False},
    ):
        with pytest.raises(Refused):
            rules.check_invitation(**facts, now=NOW)
