"""What a text message takes, corner by corner (3GPP TS 23.038)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parvis.alerts.short_text import measure, plain
from parvis.notifications.sms_text import BASIC as ALPHABET
from parvis.notifications.sms_text import EXTENDED as EXTENSION

WORDS = st.text(alphabet=sorted(ALPHABET | EXTENSION), max_size=400)


@pytest.mark.parametrize(
    ("text", "used", "messages", "odd"),
    [
        ("", 0, 0, ""),
        ("a", 1, 1, ""),
        ("a" * 160, 160, 1, ""),
        ("a" * 161, 161, 2, ""),
        ("a" * 306, 306, 2, ""),
        ("a" * 307, 307, 3, ""),
        ("éèàùÉ" * 32, 160, 1, ""),
        ("€" * 80, 160, 1, ""),
        ("€" * 80 + "a", 161, 2, ""),
        ("a" * 159 + "€", 161, 2, ""),
        # A sign of two places is not cut: 152 and an escape leave a place empty.
        ("a" * 152 + "€" + "a" * 151, 305, 2, ""),
        ("a" * 152 + "€" + "a" * 152, 306, 3, ""),
        # One character too many in kind: the whole text is in UCS-2.
        ("ê", 1, 1, "ê"),
        ("a" * 69 + "ê", 70, 1, "ê"),
        ("a" * 70 + "ê", 71, 2, "ê"),
        ("a" * 133 + "ê", 134, 2, "ê"),
        ("a" * 134 + "ê", 135, 3, "ê"),
        ("’", 1, 1, "’"),
        ("ç", 1, 1, "ç"),
        ("œ", 1, 1, "œ"),
        ("\u00a0", 1, 1, "\u00a0"),
        # Outside the first plane: two units of UTF-16, never cut between two parts.
        ("🔥", 2, 1, "🔥"),
        ("🔥" * 35, 70, 1, "🔥"),
        ("🔥" * 36, 72, 2, "🔥"),
        ("a" * 66 + "🔥" + "a" * 66, 134, 3, "🔥"),
    ],
)
def test_a_text_takes_what_carriers_count(text, used, messages, odd):
    found = measure(text)
    assert (found.used, found.messages, found.odd) == (used, messages, odd)
    assert found.fits == (messages <= 1)


def test_the_alphabet_has_128_places_with_its_escape():
    assert len(ALPHABET) == 127
    assert len(EXTENSION) == 10
    assert not ALPHABET & EXTENSION


@given(WORDS)
def test_a_text_of_the_alphabet_never_takes_more_messages_than_its_places_need(text):
    found = measure(text)
    assert found.odd == ""
    if found.used <= 160:
        assert found.messages == (1 if text else 0)
    else:
        # An escape that does not fit leaves one place empty in a part.
        assert -(-found.used // 153) <= found.messages <= -(-found.used // 152)


@given(WORDS, st.characters(exclude_characters="".join(ALPHABET | EXTENSION)))
def test_one_strange_character_is_named_and_costs_the_most(text, odd):
    found = measure(text + odd)
    assert found.odd == odd
    assert found.most == 70


def test_typographic_signs_are_written_as_telephones_write_them():
    assert plain("L’eau\u00a0: «vite»\u202f!") == 'L\'eau : "vite"!'
    assert measure(plain("Faites bouillir l’eau\u00a0: une minute…")).odd == ""
