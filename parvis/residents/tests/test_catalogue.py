"""Our French for the account library's sentences."""

import re
from pathlib import Path

import polib
import pytest

PO = Path(__file__).parents[1] / "locale" / "fr" / "LC_MESSAGES" / "django.po"
PLACE = re.compile(r"%\(\w+\)[a-z]|\{\w*\}")


def places(text):
    return set(PLACE.findall(text))


def wrong(entry):
    wanted = places(entry.msgid) | places(entry.msgid_plural)
    said = [entry.msgstr, *entry.msgstr_plural.values()]
    return [text for text in said if text and places(text) != wanted]


@pytest.mark.parametrize("suffix", ["po", "mo"])
def test_every_sentence_leaves_a_place_for_what_the_library_puts_there(suffix):
    read = polib.pofile if suffix == "po" else polib.mofile
    entries = [entry for entry in read(str(PO.with_suffix(f".{suffix}"))) if not entry.obsolete]
    assert sum(bool(places(entry.msgid)) for entry in entries) > 15
    assert [(entry.msgid, wrong(entry)) for entry in entries if wrong(entry)] == []


def test_a_translated_place_is_found():
    entry = polib.POEntry(msgid="You have confirmed %(email)s.", msgstr="Confirmé : %(courriel)s.")
    assert wrong(entry) == ["Confirmé : %(courriel)s."]


def test_what_is_compiled_is_what_is_written():
    written = {entry.msgid: entry.msgstr for entry in polib.pofile(str(PO)).translated_entries()}
    compiled = {entry.msgid: entry.msgstr for entry in polib.mofile(str(PO.with_suffix(".mo")))}
    assert compiled == written
