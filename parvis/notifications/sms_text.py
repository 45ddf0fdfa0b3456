"""What a text message carries: alphabets, segments, cost, and the words that the rules ask for.

GSM 03.38 holds 160 characters; one character beyond its alphabet makes it UCS-2, and 70. Texts
longer than that travel in segments of 153 or 67, each paid for. No clock, no network.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("^{}\\[~]|€\f")
"""Written as an escape and a letter: two places each."""

TYPOGRAPHY = {
    "’": "'", "‘": "'", "‛": "'", "′": "'", "“": '"', "”": '"', "„": '"', "″": '"',
    "…": "...", "–": "-", "—": "-", "‑": "-", "‐": "-", "−": "-", "•": "-", "·": "-",
    "×": "x", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2007": " ", "\t": " ",
    "\u00ad": "", "\u200b": "", "\ufeff": "", "œ": "oe", "Œ": "OE", "ﬁ": "fi", "ﬂ": "fl",
    "°": "o", "™": "(TM)", "½": "1/2", "¼": "1/4", "¾": "3/4",
}  # fmt: skip
"""Characters of good typography → the same said in the alphabet of a text message."""

MOST_SEGMENTS = 3
"""A longer routine text leads to its page instead."""
WEB_OTP = "@{host} #{code}"
"""Last line by which a browser offers the code to the page of this host, and no other."""


class Alphabet(Enum):
    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


SINGLE = {Alphabet.GSM_7: 160, Alphabet.UCS_2: 70}
SEVERAL = {Alphabet.GSM_7: 153, Alphabet.UCS_2: 67}
"""Places in a message alone, and in each segment of a longer one."""


@dataclass(frozen=True, slots=True)
class Measure:
    """How long a text is: places in its alphabet, segments paid for, places left in the last."""

    alphabet: Alphabet
    units: int
    segments: int
    left: int

    def cost(self, price: Decimal) -> Decimal:
        """What one copy costs, at this price for a segment."""
        return self.segments * price


def widths(text: str) -> tuple[Alphabet, list[int]]:
    """The alphabet that the text needs, and the places that each of its characters takes."""
    if all(letter in BASIC or letter in EXTENDED for letter in text):
        return Alphabet.GSM_7, [1 if letter in BASIC else 2 for letter in text]
    return Alphabet.UCS_2, [1 if ord(letter) < 0x10000 else 2 for letter in text]


def measure(text: str) -> Measure:
    """How the text is cut. A pair of places is never parted by the end of a segment."""
    alphabet, each = widths(text)
    single, several = SINGLE[alphabet], SEVERAL[alphabet]
    units = sum(each)
    if units <= single:
        return Measure(alphabet, units, 1 if units else 0, single - units)
    segments, used = 1, 0
    for width in each:
        if used + width > several:
            segments, used = segments + 1, 0
        used += width
    return Measure(alphabet, units, segments, several - used)


def plain(text: str) -> str:
    """The text without what only typography needs: one kind of space, straight quotes, dots."""
    text = unicodedata.normalize("NFC", text)
    # «Québec usage»: the quotes carry their spaces with them; ; ? ! take none.
    text = re.sub(r"«[\u00a0\u202f\u2009 ]*", '"', text)
    text = re.sub(r"[\u00a0\u202f\u2009 ]*»", '"', text)
    text = re.sub(r"[\u00a0\u202f\u2009](?=[;?!])", "", text)
    text = re.sub(r"[\u00a0\u202f ]?°(?=[CF]\b)", " ", text)
    return "".join(TYPOGRAPHY.get(letter, letter) for letter in text)


def bare(letter: str) -> str:
    """A letter as the alphabet of a text message holds it: é stays, ê becomes e."""
    if letter in BASIC or letter in EXTENDED:
        return letter
    base = unicodedata.normalize("NFD", letter)[0]
    return base if base in BASIC else letter


def carried(text: str) -> str:
    """The text as it is sent: in GSM-7 whenever its letters allow, else whole, in UCS-2.

    An accent is dropped only where GSM-7 lacks the letter. Other scripts and pictures keep every
    accent: they cost UCS-2 anyway.
    """
    text = plain(text)
    in_gsm = "".join(bare(letter) for letter in text)
    return in_gsm if widths(in_gsm)[0] is Alphabet.GSM_7 else text


def shortened(text: str, units: int) -> str:
    """The text within so many places of its alphabet, cut after a word, with three dots."""
    if sum(widths(text)[1]) <= units:
        return text
    if units <= 3:
        return ""
    kept, used = 0, 0
    for width in widths(text)[1]:
        if used + width > units - 3:
            break
        kept, used = kept + 1, used + width
    cut = text[:kept]
    if kept < len(text) and not text[kept].isspace() and " " in cut.strip():
        cut = cut.rsplit(" ", 1)[0]
    return cut.rstrip(" ,;:.-") + "..."


# What the rules ask for: who writes (Canada's anti-spam law, s. 6, and the carriers' code), how to
# end it, how to answer. French as the Charter has it; English where the person reads English.
STOP = {"fr": "ARRET pour cesser.", "en": "STOP to end."}
ASKS = {
    "fr": "Répondez 1 = vu, 2 = besoin d’aide.",
    "en": "Reply 1 = seen, 2 = need help.",
}
COLON = {"fr": "\u00a0: ", "en": ": "}
CODE = {
    "fr": (
        "{sender}\u00a0: votre code est {code}. Il vaut {minutes} minutes. Ne le donnez à personne."
    ),
    "en": "{sender}: your code is {code}. It is good for {minutes} minutes. Give it to nobody.",
}


def compose(
    words: Mapping[str, str],
    *,
    sender: str,
    language: str,
    link: str = "",
    may_stop: bool = True,
    asks: bool = False,
    most_segments: int = MOST_SEGMENTS,
) -> str:
    """One text: who writes, what, where to read more, how to answer, how to end it.

    `text_message` among the words is taken as its author wrote it; else the title, and of the body
    what still fits. Sender, link and ways to answer are never cut.
    """
    language = language if language in STOP else "fr"
    head = carried(f"{sender}{COLON[language]}")
    tail = " ".join(
        part
        for part in (
            link, carried(ASKS[language]) if asks else "", STOP[language] if may_stop else "",
        )
        if part
    )  # fmt: skip
    written = carried(words.get("text_message", ""))
    title, body = carried(words.get("title", "")), carried(words.get("body", ""))
    said = written or _sentence(title)
    if not written and body:
        said = f"{said} {_sentence(body)}"
    said = " ".join(said.split())
    frame = f"{head}{tail}"
    one, several = (160, 153) if widths(f"{frame}{said}")[0] is Alphabet.GSM_7 else (70, 67)
    room = (one if most_segments == 1 else several * most_segments) - 2
    for places in range(room, 0, -1):
        # A pair that a segment's end would part costs a place: then a little less is said.
        kept = shortened(said, places - sum(widths(frame)[1]) - 1)
        text = f"{head}{kept} {tail}".strip()
        if measure(text).segments <= most_segments:
            return text
    return f"{head}{tail}".strip()


def _sentence(text: str) -> str:
    text = text.strip()
    return text if not text or text[-1] in ".!?:;" else f"{text}."


def code_text(*, sender: str, code: str, minutes: int, language: str, host: str) -> str:
    """The text that brings a code; its last line lets the telephone offer it to our page alone."""
    said = CODE[language if language in CODE else "fr"]
    first = carried(said.format(sender=sender, code=code, minutes=minutes))
    return f"{first}\n\n{WEB_OTP.format(host=host, code=code)}"


class Answer(Enum):
    """What someone answered to a text, or on the keys."""

    SEEN = "seen"
    HELP = "help"
    STOP = "stop"
    START = "start"
    ABOUT = "about"
    OTHER = "other"


KEYWORDS: dict[str, Answer] = {
    **dict.fromkeys(("1", "vu", "lu", "ok", "recu", "seen", "received"), Answer.SEEN),
    **dict.fromkeys(
        ("2", "besoin d'aide", "besoin daide", "j'ai besoin d'aide", "need help", "sos"),
        Answer.HELP,
    ),
    **dict.fromkeys(
        (
            "arret", "arreter", "arretez", "stop", "stopall", "stop all", "unsubscribe", "cancel",
            "end", "quit", "revoke", "optout", "desabonner", "desabonnement", "cesser",
        ),
        Answer.STOP,
    ),
    **dict.fromkeys(("start", "unstop", "reprendre", "recommencer", "reprise"), Answer.START),
    **dict.fromkeys(("aide", "help", "info"), Answer.ABOUT),
}  # fmt: skip
"""The carriers' own words and their French, without accents or capitals."""


def read_answer(text: str) -> Answer:
    """What a reply asks. Words that are not a keyword are kept for a person to read."""
    bared = unicodedata.normalize("NFD", plain(text))
    bared = "".join(letter for letter in bared if not unicodedata.combining(letter)).lower()
    bared = " ".join(re.sub(r"[.!,;:\"()]+", " ", bared).split())
    return KEYWORDS.get(bared, Answer.OTHER)
