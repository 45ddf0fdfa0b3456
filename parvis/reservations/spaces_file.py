"""A town's list of spaces as a CSV file: what a column may be called, and what it means. Pure."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext as _

from parvis.core.errors import Refused
from parvis.reservations.hours import Opening

MOST_BYTES = 1_000_000
MOST_ROWS = 500
COLUMNS: Mapping[str, frozenset[str]] = {
    "name": frozenset({"nom", "lieu", "salle", "name"}),
    "family": frozenset({"type", "famille", "genre"}),
    "capacity": frozenset({"capacite", "personnes", "places"}),
    "units": frozenset({"terrains", "nombre", "unites"}),
    "place": frozenset({"endroit", "emplacement", "adresse"}),
    "accessibility": frozenset({"accessibilite", "acces"}),
    "hours": frozenset({"heures", "horaire"}),
    "hourly": frozenset({"tarif", "tarif horaire", "prix", "prix par heure"}),
    "text": frozenset({"description", "details"}),
}
FAMILIES: Mapping[str, frozenset[str]] = {
    "room": frozenset({"salle", "local", "room"}),
    "gym": frozenset({"gymnase", "gym"}),
    "court": frozenset({"terrain", "court", "tennis", "pickleball"}),
    "rink": frozenset({"patinoire", "glace", "arena"}),
    "shelter": frozenset({"pavillon", "abri", "chalet", "kiosque"}),
    "kitchen": frozenset({"cuisine"}),
}
_HOUR = r"(\d{1,2})\s*(?:h|:)?\s*(\d{2})?\s*(?:h)?"
_SPAN = re.compile(rf"\s*(?:de\s+)?{_HOUR}\s*(?:à|a|-|–|au?x?)\s*{_HOUR}\s*", re.IGNORECASE)


@dataclass(frozen=True)
class SpaceRow:
    """One space as the file tells it."""

    line: int
    name: str
    family: str
    capacity: int | None
    units: tuple[str, ...]
    place: str
    accessibility: str
    openings: tuple[Opening, ...]
    hourly: Decimal | None
    text: str


def folded(text: str) -> str:
    plain = unicodedata.normalize("NFD", text.strip().lower())
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


def read(data: bytes) -> list[SpaceRow]:
    """The spaces of the file, or raise Refused with the line that is wrong."""
    if len(data) > MOST_BYTES:
        raise Refused(_("Le fichier dépasse 1\u00a0Mo."))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    if "\0" in text:
        raise Refused(_("Ce fichier n’est pas une liste CSV."))
    head = text.split("\n", 1)[0]
    rows = csv.reader(io.StringIO(text), delimiter=max(";,\t", key=head.count))
    try:
        table = list(rows)
    except csv.Error as error:
        raise Refused(_("Ce fichier n’est pas une liste CSV.")) from error
    if not table:
        raise Refused(_("Ce fichier est vide."))
    where = columns(table[0])
    found = []
    for number, cells in enumerate(table[1:], start=2):
        if any(cell.strip() for cell in cells):
            found.append(row(number, cells, where))
    if not found:
        raise Refused(_("Ce fichier ne nomme aucun lieu."))
    if len(found) > MOST_ROWS:
        raise Refused(_("Le fichier compte plus de {n} lieux.").format(n=MOST_ROWS))
    names = [one.name.casefold() for one in found]
    twice = next((one for one in found if names.count(one.name.casefold()) > 1), None)
    if twice is not None:
        raise Refused(_("«\u00a0{name}\u00a0» revient deux fois.").format(name=twice.name))
    return found


def columns(head: list[str]) -> dict[str, int]:
    """Where each known column stands, or raise Refused without a name."""
    where: dict[str, int] = {}
    for place, title in enumerate(head):
        for name, titles in COLUMNS.items():
            if folded(title) in titles:
                where.setdefault(name, place)
    if "name" not in where:
        raise Refused(_("Il faut une colonne «\u00a0nom\u00a0» sur la première ligne."))
    return where


def row(line: int, cells: list[str], where: Mapping[str, int]) -> SpaceRow:
    def cell(name: str, most: int = 300) -> str:
        place = where.get(name)
        text = cells[place] if place is not None and place < len(cells) else ""
        return " ".join(text.split())[:most]

    def wrong(what: str) -> Refused:
        return Refused(_("Ligne {line}\u00a0: {what}").format(line=line, what=what))

    name = cell("name", 120)
    if not name:
        raise wrong(_("il manque le nom."))
    capacity, count = cell("capacity"), cell("units")
    for number in (capacity, count):
        if number and not (number.isdecimal() and 1 <= int(number) <= 100_000):
            raise wrong(_("«\u00a0{text}\u00a0» n’est pas un nombre.").format(text=number))
    many = min(int(count), 60) if count else 1
    try:
        openings = week(cell("hours") or "8 h à 22 h")
        hourly = price(cell("hourly"))
    except ValueError as error:
        raise wrong(_("«\u00a0{text}\u00a0» ne se lit pas.").format(text=error)) from error
    return SpaceRow(
        line=line,
        name=name,
        family=family(cell("family") or name),
        capacity=int(capacity) if capacity else None,
        units=tuple(f"{_('Terrain')} {n + 1}" for n in range(many)) if many > 1 else (),
        place=cell("place", 200),
        accessibility=cell("accessibility"),
        openings=openings,
        hourly=hourly,
        text=cell("text", 5000),
    )


def family(text: str) -> str:
    """What people look for, by the words of the cell, or of the name."""
    words = set(folded(text).replace("’", " ").split())
    return next((name for name, known in FAMILIES.items() if words & known), "room")


def week(text: str) -> tuple[Opening, ...]:
    """The same hours every day: «9 h à 21 h 30», «8-12, 13-17»; ValueError if it cannot be read."""
    return tuple(
        Opening(weekday=day, opens=opens, closes=closes)
        for day in range(7)
        for opens, closes in spans(text)
    )


def spans(text: str) -> list[tuple[time, time]]:
    """Hours of a day as clerks write them; 24 h is midnight. ValueError if it cannot be read."""
    found = []
    for part in re.split(r"[,;]|\bet\b", text):
        if not part.strip():
            continue
        match = _SPAN.fullmatch(part)
        if match is None:
            raise ValueError(part.strip())
        opens, closes = (
            time(int(hour) % 24, int(minute or 0))
            if int(hour) <= 24 and int(minute or 0) < 60
            else None
            for hour, minute in (match.group(1, 2), match.group(3, 4))
        )
        if opens is None or closes is None:
            raise ValueError(part.strip())
        found.append((opens, closes))
    return found


def price(text: str) -> Decimal | None:
    """Dollars as people write them: «22», «22,50 $»; nothing is no price."""
    plain = text.replace("\u00a0", "").replace("$", "").replace(" ", "").replace(",", ".")
    if not plain:
        return None
    try:
        amount = Decimal(plain)
    except InvalidOperation as error:
        raise ValueError(text) from error
    if not amount.is_finite() or amount < 0 or amount > 99999 or amount.as_tuple().exponent < -2:  # type: ignore[operator]
        raise ValueError(text)
    return amount.quantize(Decimal("0.01"))
