"""What someone looks for, read from their own words.

«Un local samedi après-midi pour 40 personnes» is a room, a day, hours and a size.
What is not understood stays as words to look for in names; nothing is refused here. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta

from parvis.residents.rules import folded

LONGEST = 200
MOST_PEOPLE = 100_000
MORNING, AFTERNOON, EVENING = "matin", "apres-midi", "soir"
PARTS: Mapping[str, tuple[time, time]] = {
    MORNING: (time(6), time(12)),
    AFTERNOON: (time(12), time(18)),
    EVENING: (time(17), time(0)),
}
"""Part of a day → its hours; the evening ends at midnight."""

FAMILIES: Mapping[str, str] = {
    "room": "salle local locaux reunion atelier assemblee fete anniversaire reception",
    "gym": "gymnase gym badminton basketball basket volleyball volley",
    "court": "terrain court tennis pickleball soccer baseball balle petanque",
    "rink": "patinoire glace hockey arena patinage curling",
    "shelter": "pavillon abri chalet pique-nique gazebo kiosque",
    "kitchen": "cuisine",
    "furniture": "table chaise banc",
    "tent": "chapiteau tente marquise",
    "sound": "son micro projecteur ecran haut-parleur sono image",
    "desk": "rendez-vous rdv permis inspecteur inspectrice inspection guichet urbanisme",
    "sport": "ballon raquette filet",
}
_BY_WORD = {word: name for name, words in FAMILIES.items() for word in words.split()}

_DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_MONTHS = (
    "janvier", "fevrier", "mars", "avril", "mai", "juin", "juillet", "aout", "septembre",
    "octobre", "novembre", "decembre",
)  # fmt: skip
_PART_WORDS = {
    "matin": MORNING, "matinee": MORNING, "avant-midi": MORNING,
    "apres-midi": AFTERNOON, "apres midi": AFTERNOON,
    "soir": EVENING, "soiree": EVENING,
}  # fmt: skip
_SILENT = frozenset(
    re.findall(
        r"\S+",
        "un une des le la les l d de du pour a au aux en et ou dans sur avec je j veux "
        "voudrais besoin cherche chercher reserver reservation louer location emprunter pret "
        "preter gens invites libre disponible ce cette prochain prochaine me il faut mon ma "
        "mes notre qui que",
    )
)


@dataclass(frozen=True)
class Need:
    """What was understood; what is empty was not said."""

    families: frozenset[str] = frozenset()
    on: date | None = None
    part: str = ""
    at: time | None = None
    people: int | None = None
    words: tuple[str, ...] = field(default=())
    """Left over: looked for in names."""


def understood(text: str, *, today: date) -> Need:
    """Read a need in French; days without a year are the next ones to come."""
    rest = f" {folded(text[:LONGEST])} ".replace("’", "'")
    rest = re.sub(r"[^\w':\-/ ]", " ", rest)
    on, rest = _day(rest, today)
    part, rest = _part(rest)
    at, rest = _hour(rest)
    people, rest = _people(rest)
    families, left = set(), []
    for word in re.findall(r"[\w-]+", rest.replace("'", " ")):
        if family := _family(word):
            families.add(family)
        elif word not in _SILENT and not word.isdecimal():
            left.append(word)
    return Need(
        families=frozenset(families),
        on=on,
        part=part,
        at=at,
        people=people,
        words=tuple(left[:8]),
    )


def _family(word: str) -> str:
    for form in (word, word.removesuffix("s"), word.removesuffix("x")):
        if form in _BY_WORD:
            return _BY_WORD[form]
    return ""


def _count(digits: str) -> int | None:
    number = int(digits[:9])
    return number if 0 < number <= MOST_PEOPLE else None


def _people(rest: str) -> tuple[int | None, str]:
    found = re.search(r"\b(\d{1,6}) *(?:personnes?|gens|invites?|participants?|places?)\b", rest)
    found = found or re.search(
        r"\bpour (\d{1,6})\b(?! *(?:h|heures?|jours?|tables?|chaises?)\b)", rest
    )
    if found is None:
        return None, rest
    return _count(found[1]), rest.replace(found[0], " ", 1)


def _part(rest: str) -> tuple[str, str]:
    for word in sorted(_PART_WORDS, key=len, reverse=True):
        found = re.search(rf"\b{word}\b", rest)
        if found:
            return _PART_WORDS[word], rest.replace(found[0], " ", 1)
    return "", rest


def _hour(rest: str) -> tuple[time | None, str]:
    found = re.search(r"\b(?:a |des |vers )?(\d{1,2}) ?(?:h|:|heures?\b) ?(\d{2})?\b", rest)
    if found is None or int(found[1]) > 23 or int(found[2] or 0) > 59:
        return None, rest
    return time(int(found[1]), int(found[2] or 0)), rest.replace(found[0], " ", 1)


def _day(rest: str, today: date) -> tuple[date | None, str]:
    """The first day named: tomorrow, a day of the week, «le 23 mai», 2026-05-23."""
    if found := re.search(r"\b(\d{4})-(\d{2})-(\d{2})\b", rest):
        return _calendar(int(found[1]), int(found[2]), int(found[3])), _cut(rest, found)
    months = "|".join(_MONTHS)
    if found := re.search(rf"\b(\d{{1,2}})(?:er)? ({months})(?: (\d{{4}}))?\b", rest):
        month = _MONTHS.index(found[2]) + 1
        on = _calendar(int(found[3] or today.year), month, int(found[1]))
        if on and not found[3] and on < today:
            on = _calendar(today.year + 1, month, int(found[1]))
        # «samedi 23 mai»: the day of the week says nothing more.
        return on, re.sub(rf"\b(?:{'|'.join(_DAYS)})\b", " ", _cut(rest, found))
    for words, days in (("apres-demain", 2), ("demain", 1), ("aujourd'hui", 0), ("ce soir", 0)):
        if found := re.search(rf"\b{words}\b", rest):
            cut = " soir " if words == "ce soir" else " "
            return today + timedelta(days=days), rest.replace(found[0], cut, 1)
    if found := re.search(r"\bfins? de semaine\b|\bweek-?end\b", rest):
        return _next(today, 5), _cut(rest, found)
    if found := re.search(rf"\b({'|'.join(_DAYS)})s?\b", rest):
        return _next(today, _DAYS.index(found[1])), _cut(rest, found)
    return None, rest


def _cut(rest: str, found: re.Match[str]) -> str:
    return rest[: found.start()] + " " + rest[found.end() :]


def _next(today: date, weekday: int) -> date:
    return today + timedelta(days=(weekday - today.weekday()) % 7)


def _calendar(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
