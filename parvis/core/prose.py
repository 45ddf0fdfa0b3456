"""Text that people wrote: cleaned of what nobody sees, and how easy it is to read. Pure."""

from __future__ import annotations

import re
import unicodedata

from django.utils.translation import gettext_lazy as _

# Marks that turn the direction of what follows, and characters that nobody sees or types.
_UNSEEN = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)


def tidy(text: str) -> str:
    """The text without control characters and direction marks, in composed form, ends trimmed."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNSEEN.sub("", unicodedata.normalize("NFC", text)).strip()


def tidy_line(text: str) -> str:
    """The same on one line, without runs of spaces."""
    return re.sub(r"[ \t\n]+", " ", tidy(text)).strip()


def has_words(text: str) -> bool:
    """At least one letter or digit: spaces, marks and pictograms alone say nothing."""
    return any(unicodedata.category(char)[0] in "LN" for char in text)


def sentences(text: str) -> list[str]:
    return [part for part in re.split(r"(?<=[.!?…])\s+|\n+", text) if has_words(part)]


def syllables(word: str) -> int:
    """Syllables of a French word, as spoken: groups of vowels, without a mute final e."""
    plain = unicodedata.normalize("NFKD", word.lower().replace("œ", "oe"))
    plain = re.sub(r"[^a-z]", "", plain)
    groups = len(re.findall(r"[aeiouy]+", plain))
    if groups > 1 and re.search(r"[^aeiouy](e|es|ent)$", plain):
        groups -= 1
    return max(1, groups)


def ease(text: str) -> float | None:
    """Kandel and Moles's score (1958), Flesch for French: 100 very easy, 0 very hard."""
    found = sentences(text)
    words = re.findall(r"[^\W\d_]+", text)
    if len(words) < 20:
        return None
    spoken = sum(syllables(word) for word in words)
    return max(
        0.0, min(100.0, 207 - 1.015 * len(words) / max(1, len(found)) - 73.6 * spoken / len(words))
    )


def reading_hints(text: str) -> list[str]:
    """What would make the text easier to read; empty when nothing stands out."""
    hints = []
    score = ease(text)
    if score is not None and score < 50:
        hints.append(str(_("Le texte est difficile à lire\u00a0: prenez des mots plus courants.")))
    long = [one for one in sentences(text) if len(re.findall(r"\w+", one)) > 25]
    if long:
        start = " ".join(long[0].split()[:6])
        hints.append(
            str(
                _("Coupez les phrases de plus de 25 mots, par exemple «\u00a0{start}…\u00a0».")
            ).format(start=start)
        )
    shouted = re.findall(r"\b[A-ZÀ-Þ]{5,}\b", text)
    if len(shouted) > 2:
        hints.append(str(_("Évitez les mots tout en capitales\u00a0: ils se lisent mal.")))
    return hints


def grade(score: float | None) -> str:
    """The score in words: what schooling the text asks for."""
    if score is None:
        return ""
    for least, words in (
        (80, _("très facile, 5e année du primaire")),
        (65, _("facile, 6e année du primaire")),
        (50, _("courant, début du secondaire")),
        (35, _("difficile, fin du secondaire")),
    ):
        if score >= least:
            return str(words)
    return str(_("très difficile, études supérieures"))
