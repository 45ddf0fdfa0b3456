"""Finding an address as one types, and whose sector it is in."""

from __future__ import annotations

from django.db import connection
from django.utils.translation import gettext as _

from parvis.municipalities.models import Municipality
from parvis.territory import rules
from parvis.territory.geometry import Geometry, as_shape, bounds, contains, covered
from parvis.territory.models import Address, Sector

Facts = dict[str, str | int]
MOST = 20
LONGEST_SPAN = 200


def find(municipality: Municipality | int, query: str, limit: int = 8) -> list[Address]:
    """Addresses that answer what was typed, best first; empty for nothing or nonsense.

    Accents, capitals, apostrophes, abbreviations and the order of words do not matter.
    """
    town = municipality if isinstance(municipality, int) else municipality.pk
    limit = min(limit, MOST)
    ids = _first_answer(town, rules.readings(query), limit)
    if not ids and isinstance(municipality, Municipality):
        # «415, rue des Bouleaux, Alma (Québec) G8B 5V2», as a browser fills it in.
        own = frozenset(rules.split(municipality.name)) | {"qc", "quebec", "canada", "ville"}
        ids = _first_answer(town, rules.readings(query, own), limit)
    if not ids:
        return []
    rows = Address.objects.of(town).select_related("sector").in_bulk(ids)
    return [rows[pk] for pk in ids if pk in rows]


def _first_answer(town: int, readings: list[rules.Reading], limit: int) -> list[int]:
    for reading in readings:
        found = (
            _by_number(town, reading, limit) if reading.number else _by_street(town, reading, limit)
        )
        if found:
            return found
    return []


def _tsquery(words: tuple[str, ...]) -> str:
    """Lexemes are quoted and hold only letters, digits and «/»: nothing typed is an operator."""
    parts = []
    for word in words:
        choices = [
            f"'{choice.removesuffix(':*')}'" + (":*" if choice.endswith(":*") else "")
            for choice in rules.alternatives(word)
        ]
        parts.append(f"({' | '.join(choices)})")
    return " & ".join(parts)


def _exactly(words: tuple[str, ...]) -> str:
    return " & ".join(f"'{rules.whole(word)}'" for word in words)


STREETS = """
SELECT key, search @@ %(exactly)s::tsquery AS whole
  FROM territory_street WHERE municipality_id = %(town)s AND search @@ %(words)s::tsquery
"""


def _by_street(town: int, reading: rules.Reading, limit: int) -> list[int]:
    """The first addresses of the streets that answer best."""
    facts: Facts = {
        "town": town, "limit": limit, "unit": f"#{reading.unit}",
        "words": _tsquery(reading.words), "exactly": _exactly(reading.words),
    }  # fmt: skip
    ends = "AND right(key, length(%(unit)s)) = %(unit)s" if reading.unit else ""
    return _ids(
        f"WITH streets AS MATERIALIZED ({STREETS} ORDER BY whole DESC, length(key), key "
        "LIMIT %(limit)s) "
        "SELECT a.id FROM streets s CROSS JOIN LATERAL ("
        " SELECT id, low, key FROM territory_address WHERE municipality_id = %(town)s"
        f" AND street_key = s.key {ends} ORDER BY low, key LIMIT %(limit)s) a"
        " ORDER BY s.whole DESC, length(s.key), s.key, a.low, a.key LIMIT %(limit)s",
        facts,
    )


def _by_number(town: int, reading: rules.Reading, limit: int) -> list[int]:
    """Addresses of that number; then numbers that begin with it, if it may go on; then spans."""
    number = rules.digits(reading.number)
    if number is None:
        return []
    facts: Facts = {
        "town": town, "number": number, "exact": reading.number, "unit": f"#{reading.unit}",
        "limit": limit, "words": _tsquery(reading.words), "exactly": _exactly(reading.words),
    }  # fmt: skip
    rest = ""
    if not reading.number.isdigit():
        rest += " AND (a.key = %(exact)s OR starts_with(a.key, %(exact)s || ' '))"
    if reading.unit:
        rest += " AND right(a.key, length(%(unit)s)) = %(unit)s"
    if not reading.words:
        return _ids(
            "SELECT a.id FROM territory_address a WHERE a.municipality_id = %(town)s "
            f"AND a.low = %(number)s{rest} ORDER BY a.street_key, a.key LIMIT %(limit)s",
            facts,
        )
    if reading.open == "number" and reading.number.isdigit():
        found = _growing(number, facts, rest)
    else:
        found = _ids(f"{HOUSES.format(low='= %(number)s', rest=rest)} LIMIT %(limit)s", facts)
    return found or _in_span(number, facts, rest, limit)


# By number first, then their streets: «12 r» names most streets of the town, but few houses.
HOUSES = """
WITH houses AS MATERIALIZED (
  SELECT a.id, a.street_key, a.low, a.high, a.key FROM territory_address a
   WHERE a.municipality_id = %(town)s AND a.low {low}{rest})
SELECT h.id, h.low, h.high FROM houses h JOIN territory_street s
    ON s.municipality_id = %(town)s AND s.key = h.street_key
 WHERE s.search @@ %(words)s::tsquery
 ORDER BY s.search @@ %(exactly)s::tsquery DESC, length(s.key), s.key, h.low, h.key
"""


def _growing(number: int, facts: Facts, rest: str) -> list[int]:
    """«bouleaux 4»: 4, then 40, 41… on the streets that answer."""
    ranges = []
    for place, (low, high) in enumerate(rules.number_ranges(number)):
        ranges.append(f"a.low BETWEEN %(low{place})s AND %(high{place})s")
        facts |= {f"low{place}": low, f"high{place}": high}
    return _ids(
        f"WITH streets AS MATERIALIZED ({STREETS}) "
        "SELECT a.id FROM streets s JOIN territory_address a "
        "ON a.municipality_id = %(town)s AND a.street_key = s.key "
        f"WHERE ({' OR '.join(ranges)}){rest} "
        "ORDER BY s.whole DESC, a.low = %(number)s DESC, length(s.key), s.key, a.low, a.key "
        "LIMIT %(limit)s",
        facts,
    )


def _in_span(number: int, facts: Facts, rest: str, limit: int) -> list[int]:
    """«417» is in «415-419»; «416» is not."""
    with connection.cursor() as cursor:
        cursor.execute(
            HOUSES.format(
                low=f"BETWEEN %(number)s - {LONGEST_SPAN} AND %(number)s - 1 "
                "AND a.high >= %(number)s",
                rest=rest,
            ),
            facts,
        )
        rows = cursor.fetchall()
    return [pk for pk, low, high in rows if rules.covers(low, high, number)][:limit]


def _ids(statement: str, facts: Facts) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, facts)
        return [row[0] for row in cursor.fetchall()]


def hint(query: str, found: list[Address]) -> str:
    """What to do when nothing, or too much, answers."""
    typed = query.strip()
    if not typed:
        return _("Écrivez le numéro et la rue, par exemple «\u00a0415, rue des Bouleaux\u00a0».")
    if not found:
        return _("Aucune adresse ne correspond. Essayez le numéro et le début du nom de la rue.")
    if not any(letter.isdigit() for letter in typed):
        return _("Ajoutez le numéro pour trouver l’adresse exacte.")
    return ""


def sector_at(municipality: Municipality | int, lon: float, lat: float) -> Sector | None:
    """The sector of a point. Where two overlap, the smaller one."""
    near = Sector.objects.of(municipality).filter(
        west__lte=lon, east__gte=lon, south__lte=lat, north__gte=lat
    )
    inside = [sector for sector in near if contains(sector.geometry, lon, lat)]
    return min(inside, key=lambda sector: (as_shape(sector.geometry).area, sector.pk), default=None)


def addresses_within(municipality: Municipality | int, polygon: Geometry) -> list[int]:
    """Identifiers of the addresses with a position that lie in the drawing."""
    west, south, east, north = bounds(polygon)
    near = list(
        Address.objects.of(municipality)
        .filter(longitude__range=(west, east), latitude__range=(south, north))
        .order_by("pk")
        .values_list("pk", "longitude", "latitude")
    )
    answers = covered(polygon, [(longitude, latitude) for _pk, longitude, latitude in near])
    return [row[0] for row, inside in zip(near, answers, strict=True) if inside]
