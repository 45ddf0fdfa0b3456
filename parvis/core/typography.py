"""How text, numbers, hours and days are written in Québec's French, and in Canada's English.

Words on pages only: a no-break space turns a 160-character texto into one of 70.
"""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal

NBSP = "\u00a0"
THIN = "\u202f"

MONTHS_FR = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
    "octobre", "novembre", "décembre",
)  # fmt: skip
MONTHS_EN = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
DAYS_FR = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
DAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_UNITS = (
    "h|min|s|km|m|cm|L|kg|ans?|jours?|minutes?|heures?|mois|semaines?|Mo|ko|logements?|"
    "personnes?|réponses?"
)
_SPACING = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"'", "’"),
        (r" (?=[;?!])", THIN),
        (r" (?=[:»$%])", NBSP),
        (r"(?<=«) ", NBSP),
        (r"(?<=[0-9]) (?=[0-9]{3}(?![0-9]))", NBSP),
        (rf"(?<=[0-9]) (?=(?:{_UNITS})(?!\w))", NBSP),
        (rf"(?<=[0-9]{NBSP}h) (?=[0-9][0-9])", NBSP),
        (rf"(?<=[0-9]) (?=(?:{'|'.join(MONTHS_FR)})(?!\w))", NBSP),
        (r"(?<=\b1er) (?=(?:" + "|".join(MONTHS_FR) + r")(?!\w))", NBSP),
        (r" (?=[×=] )", NBSP),
    )
)


def french(text: str) -> str:
    """Put the no-break spaces and the apostrophes of Québec's usage; twice is the same as once."""
    for pattern, replacement in _SPACING:
        text = pattern.sub(replacement, text)
    return text


# Quoted values may hold «>», hence the alternatives.
_TAG = re.compile(r"""(<!--.*?-->|<(?:"[^"]*"|'[^']*'|[^'">])*>)""", re.DOTALL)
_VERBATIM = re.compile(r"<(/?)(?:script|style|code|textarea|samp|pre|kbd)\b", re.IGNORECASE)


def french_html(markup: str) -> str:
    """The same for trusted markup: between the tags only, and not where text is verbatim."""
    depth = 0
    parts = []
    for part in _TAG.split(markup):
        if not _TAG.fullmatch(part):
            parts.append(part if depth else french(re.sub(r"&#(?:39|x27);", "’", part)))
            continue
        if verbatim := _VERBATIM.match(part):
            depth = max(0, depth - 1) if verbatim[1] else depth + 1
        parts.append(part)
    return "".join(parts)


def number(value: int | float | Decimal, *, english: bool = False) -> str:
    """1 284 and 3,5 in French; 1,284 and 3.5 in English."""
    if isinstance(value, float):
        value = Decimal(str(value))
    written = f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
    if english:
        return written
    return written.translate({ord(","): NBSP, ord("."): ","})


def money(amount: Decimal, *, english: bool = False) -> str:
    """1 284,50 $ in French; $1,284.50 in English. To the cent, always."""
    written = number(amount.quantize(Decimal("0.01")), english=english)
    return f"${written}" if english else f"{written}{NBSP}$"


def moment(at: datetime, *, english: bool = False) -> str:
    """The hour: 14 h 05, 7 h; in English 2:05 p.m., 7 a.m."""
    minutes = f"{at.minute:02}" if at.minute else ""
    if english:
        half = "a.m." if at.hour < 12 else "p.m."
        return f"{(at.hour - 1) % 12 + 1}{minutes and ':' + minutes}{NBSP}{half}"
    return f"{at.hour}{NBSP}h{minutes and NBSP + minutes}"


def short_day(on: date, *, year: bool, english: bool = False) -> str:
    """18 mai, or 1er mai 2026; in English May 18, or May 1, 2026."""
    if english:
        return f"{MONTHS_EN[on.month - 1]}{NBSP}{on.day}" + (f", {on.year}" if year else "")
    first = "1er" if on.day == 1 else str(on.day)
    return f"{first}{NBSP}{MONTHS_FR[on.month - 1]}" + (f" {on.year}" if year else "")


def day(on: date, *, english: bool = False) -> str:
    """The whole day: mercredi 20 mai 2026."""
    if english:
        return f"{DAYS_EN[on.weekday()]}, {short_day(on, year=True, english=True)}"
    return f"{DAYS_FR[on.weekday()]} {short_day(on, year=True)}"


def when(at: date, *, today: date, english: bool = False) -> str:
    """The day as one would say it today, with its hour if it has one: hier à 9 h 10, le 18 mai."""
    on = at.date() if isinstance(at, datetime) else at
    near = {
        timedelta(0): ("aujourd’hui", "today"),
        timedelta(-1): ("hier", "yesterday"),
        timedelta(1): ("demain", "tomorrow"),
    }.get(on - today)
    if near:
        said = near[english]
    else:
        said = short_day(on, year=on.year != today.year, english=english)
        said = said if english else f"le {said}"
    if not isinstance(at, datetime):
        return said
    return f"{said} {'at' if english else 'à'} {moment(at, english=english)}"
