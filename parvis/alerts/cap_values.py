"""Words of CAP that hold more than one value: instants, points, circles, references. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal

MOST_POINTS = 2_000
"""Whether a line crosses itself takes time by the square of its points."""
MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]|24):([0-5]\d):([0-5]\d)([-+])(\d\d):([0-5]\d)", re.ASCII
)
POINT = re.compile(r"([-+]?\d{1,3}(?:\.\d{1,15})?),([-+]?\d{1,3}(?:\.\d{1,15})?)", re.ASCII)
RADIUS = re.compile(r"\d{1,5}(?:\.\d{1,9})?", re.ASCII)
SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*", re.ASCII)
HOST = re.compile(r"([^@\[\]]*@)?(\[[0-9a-fA-F:.]+\]|[^@:\[\]]*)(:\d*)?", re.ASCII)
BAD_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2})")
WIDEST = timedelta(hours=14)  # XML Schema has no wider offset.
SPACES = "\t\n\r "

Point = tuple[Decimal, Decimal]
"""Latitude and longitude, in the order of CAP."""


@dataclass(frozen=True)
class Reference:
    """Another message, as one alert names it."""

    sender: str
    identifier: str
    sent: str


def words(text: str) -> list[str]:
    """Apart by the white space of XML, and by no other."""
    return [word for word in re.split(f"[{SPACES}]+", text) if word]


def collapsed(text: str) -> str:
    return " ".join(words(text))


def moment(text: str) -> datetime:
    """An instant with its numeric offset, or raise ValueError with the reason."""
    match = MOMENT.fullmatch(text.strip(SPACES))
    if not match:
        if text.strip(SPACES).endswith(("Z", "z")):
            raise ValueError(
                "«\u00a0Z\u00a0» n’est pas admis\u00a0: écrivez le décalage, «\u00a0-00:00\u00a0»"
            )
        raise ValueError("on attend AAAA-MM-JJThh:mm:ss±hh:mm, décalage compris")
    day, hour, minute, second, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    if offset > WIDEST:
        raise ValueError("le décalage dépasse 14 heures")
    zone = timezone(-offset if sign == "-" else offset)
    if hour == "24" and (minute, second) != ("00", "00"):
        raise ValueError("l’heure 24 n’existe qu’à minuit juste")
    try:
        start = datetime.fromisoformat(f"{day}T00:00:00").replace(tzinfo=zone)
        return start + timedelta(hours=int(hour), minutes=int(minute), seconds=int(second))
    except (ValueError, OverflowError):
        raise ValueError("ce jour n’existe pas au calendrier") from None


def stamp(at: datetime) -> str:
    """As CAP writes an instant: whole seconds, UTC as -00:00. Or raise ValueError."""
    offset = at.utcoffset()
    if offset is None or at.microsecond or offset.seconds % 60 or offset.microseconds:
        raise ValueError("un instant de CAP a un décalage et des secondes entières")
    if abs(offset) > WIDEST:
        raise ValueError("le décalage dépasse 14 heures")
    written = at.isoformat(timespec="seconds")
    return written[:-6] + "-00:00" if not offset else written


def point(text: str) -> Point:
    """One point, within the earth's degrees, or raise ValueError with the reason."""
    match = POINT.fullmatch(text)
    if not match:
        raise ValueError(
            f"«\u00a0{shown(text)}\u00a0» n’est pas un point «\u00a0latitude,longitude\u00a0»"
        )
    latitude, longitude = Decimal(match[1]), Decimal(match[2])
    if abs(latitude) > 90:
        raise ValueError(f"la latitude {match[1]} sort de -90 à 90")
    if abs(longitude) > 180:
        raise ValueError(f"la longitude {match[2]} sort de -180 à 180")
    return latitude, longitude


def polygon(text: str) -> list[Point]:
    """The closed line of at least four points, or raise ValueError with the reason."""
    points = [point(word) for word in words(text)]
    if len(points) < 4:
        raise ValueError(f"il a {len(points)} points, il en faut au moins quatre")
    if points[0] != points[-1]:
        raise ValueError("il n’est pas fermé\u00a0: le dernier point n’est pas le premier")
    return points


def circle(text: str) -> tuple[Point, Decimal]:
    """The centre and the radius in kilometres, or raise ValueError with the reason."""
    parts = words(text)
    if len(parts) != 2 or not RADIUS.fullmatch(parts[1]):
        raise ValueError("on attend «\u00a0latitude,longitude rayon\u00a0», le rayon en kilomètres")
    return point(parts[0]), Decimal(parts[1])


def references(text: str) -> list[Reference]:
    """The messages named, or raise ValueError with the reason."""
    named = []
    for word in words(text):
        parts = word.split(",")
        if len(parts) != 3 or not all(parts):
            raise ValueError(
                f"«\u00a0{shown(word)}\u00a0» n’est pas «\u00a0émetteur,identifiant,envoi\u00a0»"
            )
        try:
            moment(parts[2])
        except ValueError as reason:
            raise ValueError(f"dans «\u00a0{shown(word)}\u00a0», {reason}") from None
        named.append(Reference(*parts))
    return named


def is_address(text: str) -> bool:
    """A whole or relative address, as the schemas of XML understand `anyURI`."""
    if BAD_ESCAPE.search(text) or text.count("#") > 1:
        return False
    rest = re.split("[?#]", text, maxsplit=1)[0]
    if ":" in rest.split("/", 1)[0]:
        scheme, _colon, rest = rest.partition(":")
        if not SCHEME.fullmatch(scheme):
            return False
    if rest.startswith("//"):
        host, _slash, rest = rest[2:].partition("/")
        if not HOST.fullmatch(host):
            return False
    return not set("[]") & set(rest)


def quoted(text: str) -> str:
    return f"«\u00a0{shown(text)}\u00a0»"


def shown(text: str) -> str:
    """A value in a sentence: on one line, and short."""
    plain = "".join(letter if letter.isprintable() else "·" for letter in collapsed(text))
    return plain if len(plain) <= 60 else plain[:59] + "…"
