"""How an address is spelled, so that every way of writing it is the same address."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from itertools import takewhile

from parvis.territory.geometry import (
    check_polygons as check_polygons,
)
from parvis.territory.geometry import (
    contains as contains,
)
from parvis.territory.geometry import (
    simplify as simplify,
)
from parvis.territory.geometry import (
    svg_path as svg_path,
)

ABBREVIATIONS = {
    "boul": "boulevard", "blvd": "boulevard", "bd": "boulevard", "bvd": "boulevard",
    "av": "avenue", "ave": "avenue", "ch": "chemin", "chem": "chemin", "rte": "route",
    "rg": "rang", "rge": "rang", "mtee": "montee", "terr": "terrasse", "tsse": "terrasse",
    "crois": "croissant", "imp": "impasse", "prom": "promenade", "aut": "autoroute",
    "sq": "square", "mgr": "monseigneur", "st": "saint", "ste": "sainte", "sts": "saints",
    "stes": "saintes", "dr": "docteur", "gen": "general", "cap": "capitaine",
}  # fmt: skip
LEADING = {"r": "rue", "pl": "place", "all": "allee", "cr": "croissant", "c": "cote"}
"""Abbreviations only at the beginning of a street: elsewhere they may be a name or an initial."""
TYPES = frozenset(
    [
        "allee",
        "autoroute",
        "avenue",
        "boulevard",
        "carre",
        "chemin",
        "cote",
        "cour",
        "croissant",
        "impasse",
        "montee",
        "passage",
        "place",
        "promenade",
        "rang",
        "route",
        "rue",
        "ruelle",
        "sentier",
        "square",
        "terrasse",
    ]
)
LINKS = frozenset({"de", "du", "des", "la", "le", "les", "l", "d", "a", "au", "aux"})
CARDINALS = {"n": "nord", "s": "sud", "e": "est", "o": "ouest", "w": "ouest"}
ORDINALS = {
    word: f"{rank}e"
    for rank, words in enumerate(
        (
            "premier premiere", "deuxieme second seconde", "troisieme", "quatrieme", "cinquieme",
            "sixieme", "septieme", "huitieme", "neuvieme", "dixieme", "onzieme", "douzieme",
            "treizieme", "quatorzieme", "quinzieme", "seizieme",
        ),
        start=1,
    )
    for word in words.split()
}  # fmt: skip
UNIT_WORDS = frozenset(
    [
        "app",
        "appt",
        "apt",
        "appartement",
        "bureau",
        "bur",
        "local",
        "logement",
        "log",
        "porte",
        "suite",
        "ste",
        "unite",
        "unit",
        "#",
    ]
) - {"ste"}
ORDINAL = re.compile(r"(\d+)(?:e|er|re|ere|eme|ieme|nd|nde|st|th|rd)")
NUMBER = re.compile(r"\d{1,6}[a-z]?")
POSTAL_CODE = re.compile(r"\b([a-z]\d[a-z])\s*(\d[a-z]\d)?\b")


def fold(text: str) -> str:
    """The text without accents, ligatures or capitals: «Cœur-d’Été» is «coeur-d'ete»."""
    text = unicodedata.normalize("NFKD", text.replace("½", " 1/2"))
    text = "".join(c for c in text if not unicodedata.combining(c)).lower()
    return text.replace("œ", "oe").replace("æ", "ae").replace("’", "'").replace("⁄", "/")


def split(text: str) -> list[str]:
    """Words of a folded text; «#» stands alone, a fraction stays whole."""
    return re.findall(r"\d+/\d+|#|[a-z0-9]+", fold(text))


def _ordinal(word: str) -> str:
    found = ORDINAL.fullmatch(word)
    if found:
        return f"{int(found[1])}e"
    return ORDINALS.get(word, word)


def street_words(street: str) -> list[str]:
    """Words of a street as they are kept: abbreviations written out, link words dropped."""
    words = split(street.replace("#", " "))
    if len(words) > 1 and words[0] in LEADING:
        words[0] = LEADING[words[0]]
    spelled = []
    for place, word in enumerate(words):
        last = place == len(words) - 1
        if last and len(words) > 1 and word == "st":
            spelled.append("street")
        elif (
            last
            and word in CARDINALS
            and (len(words) > 2 or (len(words) == 2 and spelled and spelled[0] not in TYPES))
        ):
            spelled.append(CARDINALS[word])
        elif last or word not in LINKS:
            spelled.append(_ordinal(ABBREVIATIONS.get(word, word)))
    return spelled


def street_key(street: str) -> str:
    """One spelling for a street; «1re Rue» and «Rue 1re» are the same."""
    return " ".join(sorted(set(street_words(street))))[:160].strip()


def number_key(number: str) -> str:
    """One spelling for a civic number: «0415 A» is «415a», «415 à 419» is «415-419»."""
    text = re.sub(r"\s*(?:-|–|—|\bau?\b(?=\s*\d))\s*(?=\d)", "-", fold(number))
    text = re.sub(r"\s+(?=\d+/\d)", "_", text.strip())
    text = re.sub(r"-+(?!\d)|[^a-z0-9/_-]", "", text)
    return re.sub(r"\b0+(?=\d)", "", text)


def unit_key(unit: str) -> str:
    """One spelling for a unit: «app. 3», «#3» and «3» are the same."""
    return "".join(word for word in split(unit) if word not in UNIT_WORDS) or "".join(
        word for word in split(unit) if word != "#"
    )


def address_key(number: str, street: str, unit: str = "") -> str:
    """What makes an address itself; two ways of writing one address give one key."""
    key = f"{number_key(number)} {street_key(street)}".strip()
    mark = unit_key(unit)
    return f"{key} #{mark}"[:240] if mark else key[:240]


def number_span(number: str) -> tuple[int | None, int | None]:
    """First and last civic number: «415» is 415 to 415, «415-419» is 415 to 419."""
    found = re.match(r"(\d{1,6})(?!\d)[a-z]?(?:_\d+/\d+)?(?:-(\d{1,6})(?!\d))?", number_key(number))
    if not found:
        return None, None
    low = int(found[1])
    high = int(found[2]) if found[2] else low
    return (low, high) if high >= low else (low, low)


def covers(low: int | None, high: int | None, number: int) -> bool:
    """Whether «415-419» holds this number: its ends, or between them on the same side."""
    if low is None or high is None or not low <= number <= high:
        return False
    return number in (low, high) or (low - high) % 2 == 1 or (number - low) % 2 == 0


def number_ranges(prefix: int) -> list[tuple[int, int]]:
    """Numbers that begin with these digits, up to six: 41 is 41, 410 to 419, 4100 to 4199…"""
    ranges = [(prefix, prefix)]
    if prefix > 0:
        step = 10
        while prefix * step <= 999_999:
            ranges.append((prefix * step, prefix * step + step - 1))
            step *= 10
    return ranges


@dataclass(frozen=True)
class Reading:
    """One way to understand what was typed."""

    number: str
    words: tuple[str, ...]
    unit: str
    open: str
    """What was being typed last, «number» or «word»: it may go on."""


def search_tokens(text: str) -> list[str]:
    """What was typed, word by word, abbreviations and ordinals written out, units unmarked."""
    text = POSTAL_CODE.sub(lambda found: " " if found[2] else found[0], fold(text)[:200])
    return [_ordinal(ABBREVIATIONS.get(word, word)) for word in split(text) if word != "#"]


def readings(text: str, ignored: frozenset[str] = frozenset()) -> list[Reading]:
    """Ways to understand what was typed, the likeliest first. `ignored`: the town's own name."""
    text = fold(text)[:200]
    text = POSTAL_CODE.sub(lambda found: " " if found[2] else found[0], text)
    found = _readings(text, ignored)
    # «500-508»: its first number stands for all.
    first_of_span = re.sub(r"(\d+)\s?[-–]\s?\d+", r"\1", text)
    return found if first_of_span == text else found + _readings(first_of_span, ignored)


def _readings(text: str, ignored: frozenset[str]) -> list[Reading]:
    raw = [word for word in split(text) if word not in ignored][:12]
    unit, words = "", []
    marks = iter(raw)
    for word in marks:
        # «app 3»: the mark takes the next word, but «Bureau» alone may be a street's name.
        if word in UNIT_WORDS:
            following = next(marks, "")
            if following and (word == "#" or following[0].isdigit() or len(following) == 1):
                unit = following
            else:
                words += [part for part in (word, following) if part and part != "#"]
        else:
            words.append(word)
    numbers = [place for place, word in enumerate(words) if NUMBER.fullmatch(word)][:4]
    # «4e» is more often a street than a number with its letter.
    numbers.sort(key=lambda place: (ORDINAL.fullmatch(words[place]) is not None, place))
    pairs: list[tuple[int | None, int | None]] = [(place, None) for place in numbers]
    if not unit:  # «415, rue des Bouleaux, 3» and «3-415, rue des Bouleaux»
        pairs += [(one, other) for one in reversed(numbers) for other in numbers if one != other]
    found = []
    for place, aside in [*pairs, (None, None)]:
        rest = [word for at, word in enumerate(words) if at not in (place, aside)]
        rest = [
            word for at, word in enumerate(rest)
            if word not in LINKS or (len(word) == 1 and at == len(rest) - 1 and len(rest) > 1)
        ]  # fmt: skip
        if not rest and (place is None or aside is not None):
            continue
        found.append(
            Reading(
                number=number_key(words[place]) if place is not None else "",
                words=tuple(rest),
                unit=unit_key(unit if aside is None else words[aside]),
                open="number" if place is not None and place == len(words) - 1 else "word",
            )
        )
    return found + [replace(one, unit="") for one in found[:1] if one.unit]


def alternatives(word: str) -> list[str]:
    """Words of a street that this word may stand for, whole or as a beginning («:*»)."""
    found = [f"{word}:*"] if len(word) > 1 or not word.isdigit() else [word]
    for table in (ABBREVIATIONS, LEADING, CARDINALS):
        if word in table:
            found.append(table[word])
    ordinal = _ordinal(word)
    if ordinal != word:
        found.append(ordinal)
    elif len(word) >= 3:
        found += [rank for name, rank in ORDINALS.items() if name.startswith(word)]
    if word.isdigit():
        found.append(f"{int(word)}e")
    return list(dict.fromkeys(found))


def whole(word: str) -> str:
    """The word as it stands in a street's key, were it typed to the end."""
    return _ordinal(ABBREVIATIONS.get(word, word))


def digits(number: str) -> int | None:
    """The figures at the beginning of a civic number."""
    figures = "".join(takewhile(str.isdigit, number))
    return int(figures) if figures and len(figures) <= 6 else None
