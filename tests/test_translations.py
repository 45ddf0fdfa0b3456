"""English says all that French says: same blanks, same tags, English typography, compiled."""

import re
from pathlib import Path

import polib
import pytest
from django.utils import translation

PO = Path(__file__).parent.parent / "locale" / "en" / "LC_MESSAGES" / "django.po"
# Blanks that the code fills (%(n)s, {n}, %%n) and tags. «nº» is written with a tag, “No.” is not.
FILLED = re.compile(r"%\(\w+\)[a-z]|%%\w*|\{[^{}]*\}|</?[a-z]+[^>]*>")
NUMERO = "n<sup>o</sup>"
FRENCH_TYPOGRAPHY = re.compile("[ \u00a0\u202f][:;?!]|[«»\u202f]")
FRENCH = ("Se connecter", "Connexion", "Accueil", "Aller au contenu", "Propulsé par", "courriel")


@pytest.fixture(scope="module")
def entries():
    return [entry for entry in polib.pofile(str(PO)) if not entry.obsolete]


def pairs(entry):
    """Each French text with its English; a plural has two."""
    if entry.msgid_plural:
        return [
            (entry.msgid, entry.msgstr_plural[0]),
            (entry.msgid_plural, entry.msgstr_plural[1]),
        ]
    return [(entry.msgid, entry.msgstr)]


def filled(text):
    return sorted(FILLED.findall(text.replace(NUMERO, "")))


def test_every_text_has_its_english(entries):
    assert len(entries) > 1000
    assert [entry.msgid for entry in entries if not entry.translated() or entry.fuzzy] == []


def test_english_has_the_same_blanks_and_tags(entries):
    assert filled("<b>%(n)s</b> sur {all}\u00a0: 5 %%") == ["%%", "%(n)s", "</b>", "<b>", "{all}"]
    both = [pair for entry in entries for pair in pairs(entry)]
    assert [pair for pair in both if filled(pair[0]) != filled(pair[1])] == []


def test_english_keeps_no_french_typography(entries):
    assert FRENCH_TYPOGRAPHY.search("Où\u202f?") and FRENCH_TYPOGRAPHY.search("Note :")
    english = [text for entry in entries for _french, text in pairs(entry)]
    assert [text for text in english if FRENCH_TYPOGRAPHY.search(text)] == []


def test_what_is_compiled_is_what_is_written(entries):
    """Stale or absent: `make setup`."""
    with translation.override("en"):
        stale = [
            entry.msgid
            for entry in entries
            if not entry.msgid_plural
            and (
                translation.pgettext(entry.msgctxt, entry.msgid)
                if entry.msgctxt
                else translation.gettext(entry.msgid)
            )
            != entry.msgstr
        ]
        stale += [
            entry.msgid
            for entry in entries
            if entry.msgid_plural
            and [translation.ngettext(entry.msgid, entry.msgid_plural, n) for n in (1, 2)]
            != [entry.msgstr_plural[0], entry.msgstr_plural[1]]
        ]
    assert stale == []


def test_a_page_in_english_has_no_french_left(client, town):
    town.recognised_29_1, town.languages = True, {"en": "all"}
    town.save()
    client.defaults["HTTP_HOST"] = f"{town.slug}.localhost"
    french = client.get("/compte/login/").content.decode()
    assert [word for word in FRENCH if word not in french] == []
    client.cookies["langue"] = "en"
    page = client.get("/compte/login/")
    assert page["Content-Language"] == "en"
    english = page.content.decode()
    assert [word for word in FRENCH if word in english] == []
    assert "Sign in" in english and "Skip to content" in english
