"""How much of a text message a short text takes (3GPP TS 23.038): pure.

One message carries 160 characters of the GSM alphabet. A few of them take two places; a single
character outside the alphabet turns the whole message to UCS-2, which carries 70.
"""

from __future__ import annotations

from dataclasses import dataclass

ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")
"""Written with an escape before them: two places each."""
ONE, EACH = 160, 153
"""Places in a message alone, and in each part of a longer one."""
ONE_WIDE, EACH_WIDE = 70, 67


@dataclass(frozen=True)
class Length:
    """What a text takes: places used, places in one message, messages, and why it is wide."""

    used: int
    most: int
    messages: int
    odd: str
    """The first character that the alphabet lacks; empty when every telephone shows it in GSM-7."""

    @property
    def fits(self) -> bool:
        return self.messages <= 1


PLAIN = str.maketrans({"’": "'", "\u00a0": " ", "\u202f": "", "«": '"', "»": '"', "…": "..."})


def plain(text: str) -> str:
    """The text as telephones write it: typographic signs would turn it to UCS-2."""
    return text.translate(PLAIN)


def places(character: str) -> int:
    """Places of one character of the alphabet."""
    return 2 if character in EXTENSION else 1


def measure(text: str) -> Length:
    """Count the text as carriers do."""
    odd = next((one for one in text if one not in ALPHABET and one not in EXTENSION), "")
    if odd:
        # UTF-16 units: a pictogram outside the first plane takes two.
        units = [2 if ord(one) > 0xFFFF else 1 for one in text]
        return _length(units, ONE_WIDE, EACH_WIDE, odd)
    return _length([places(one) for one in text], ONE, EACH, "")


def _length(units: list[int], one: int, each: int, odd: str) -> Length:
    used = sum(units)
    if used <= one:
        return Length(used, one, min(1, len(units)), odd)
    parts, room = 1, each
    for unit in units:
        # A character of two places is never cut between two parts.
        if unit > room:
            parts, room = parts + 1, each
        room -= unit
    return Length(used, one, parts, odd)
