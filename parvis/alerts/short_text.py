"""How much of a text message a short text takes (3GPP TS 23.038): pure.

One message carries 160 characters of the GSM alphabet. A few of them take two places; a single
character outside the alphabet turns the whole message to UCS-2, which carries 70.
"""

from __future__ import annotations

from dataclasses import dataclass

from parvis.notifications import sms_text


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


def measure(text: str) -> Length:
    """Count the text as carriers do."""
    found = sms_text.measure(text)
    wide = found.alphabet is sms_text.Alphabet.UCS_2
    odd = next((one for one in text if sms_text.widths(one)[0] is found.alphabet), "")
    most = sms_text.SINGLE[found.alphabet]
    return Length(found.units, most, found.segments, odd if wide else "")
