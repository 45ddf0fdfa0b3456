"""Bringing whole files in: sectors, the town's list of addresses, the assessment roll.

A file is read to its end before the first row is written, and everything is one transaction:
a broken file changes nothing, and the same file twice changes nothing the second time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy
import shapely
from django.db import connection, transaction
from django.utils.translation import gettext as _

from parvis.core.errors import Refused
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality
from parvis.territory import csv_file, roll_file, rules
from parvis.territory.geometry import as_shape, bounds, check_features
from parvis.territory.models import Address, Sector
from parvis.territory.rows import Report, Row, agree

Progress = Callable[[float], None]
Given = Path | BinaryIO | bytes
LOCK = 7310
BATCH = 2_000
MOST_SECTOR_BYTES = 40 << 20
MOST_CSV_BYTES = 100 << 20


@contextmanager
def opened(file: Given) -> Iterator[tuple[BinaryIO, int]]:
    """The file to read, and its size."""
    if isinstance(file, Path):
        with file.open("rb") as stream:
            yield stream, file.stat().st_size
    elif isinstance(file, bytes):
        yield BytesIO(file), len(file)
    else:
        size = file.seek(0, 2)
        file.seek(0)
        yield file, size


def one_at_a_time(town: int) -> None:
    """Until this transaction ends, no other import or change of sectors runs in this town."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, town])


def read_sectors(file: Given) -> list[tuple[str, str, dict[str, Any]]]:
    """Name, code and drawing of each sector in a GeoJSON file, or raise Refused."""
    with opened(file) as (stream, size):
        if size > MOST_SECTOR_BYTES:
            raise Refused(
                _("Le fichier dépasse 40\u00a0Mo. Simplifiez les tracés, puis réessayez.")
            )
        text = csv_file.decode(stream.read())
    try:
        given = json.loads(text.lstrip("\ufeff"), parse_constant=_not_a_number)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        where = _(" (ligne %(line)s)") % {"line": line} if line else ""
        raise Refused(
            _("Ce fichier n’est pas du GeoJSON lisible%(where)s.") % {"where": where}
        ) from error
    return check_features(given)


def _not_a_number(word: str) -> float:
    raise ValueError(word)


@transaction.atomic
def import_sectors(
    *,
    municipality: Municipality,
    file: Given,
    actor: Any,
    now: datetime,
    progress: Progress | None = None,
) -> Report:
    """Add the sectors of a GeoJSON file, redraw those of the same name, or raise Refused.

    Sectors that the file does not name stay as they are.
    """
    given = read_sectors(file)
    one_at_a_time(municipality.pk)
    report = Report()
    standing = {one.name: one for one in Sector.objects.of(municipality)}
    for name, code, geometry in given:
        west, south, east, north = bounds(geometry)
        facts = {
            "geometry": geometry, "west": west, "south": south, "east": east, "north": north,
            "updated_at": now,
        } | ({"code": code} if code else {})  # fmt: skip
        sector = standing.get(name)
        if sector is None:
            Sector.objects.create(municipality=municipality, name=name, **facts)
            report.new += 1
        elif sector.geometry == geometry and code in ("", sector.code):
            report.unchanged += 1
        else:
            for field, value in facts.items():
                setattr(sector, field, value)
            sector.save(update_fields=list(facts))
            report.changed += 1
    if report.new or report.changed:
        moved = assign_sectors(municipality, progress=progress)
        report.notes.append(_("Adresses dont le secteur a changé\u00a0: %(n)s.") % {"n": moved})
    _record("sectors", municipality, actor, report)
    return report


@transaction.atomic
def import_addresses_csv(
    *,
    municipality: Municipality,
    file: Given,
    actor: Any,
    now: datetime,
    progress: Progress | None = None,
) -> Report:
    """Add or correct the addresses of a CSV file, or raise Refused.

    Lines that cannot be read are reported; the others are kept.
    """
    report = Report()
    with opened(file) as (stream, size):
        if size > MOST_CSV_BYTES:
            raise Refused(_("Le fichier dépasse 100\u00a0Mo."))
        rows = _by_key(csv_file.read(stream.read(), report, _part(progress, 0, 0.4)), report, "csv")
    one_at_a_time(municipality.pk)
    _upsert(municipality, rows, "csv", report, _part(progress, 0.4, 0.95))
    assign_sectors(municipality)
    _record("addresses", municipality, actor, report)
    return report


@transaction.atomic
def import_roll(
    *,
    municipality: Municipality,
    file: Given,
    actor: Any,
    now: datetime,
    progress: Progress | None = None,
    street_types: Mapping[str, str] | None = None,
) -> Report:
    """Add or correct the addresses of the ministry's roll, or raise Refused.

    Units of one address (a building of condominiums) are one address with their dwellings added.
    """
    report = Report()
    with opened(file) as (stream, size):
        rows = _by_key(
            roll_file.read(
                stream,
                report,
                town_code=municipality.code,
                types=street_types,
                progress=_part(progress, 0, 0.6),
                size=size,
            ),
            report,
            "roll",
        )
    one_at_a_time(municipality.pk)
    _upsert(municipality, rows, "roll", report, _part(progress, 0.6, 0.95))
    assign_sectors(municipality)
    _record("roll", municipality, actor, report)
    return report


def _part(progress: Progress | None, begin: float, end: float) -> Progress | None:
    if progress is None:
        return None
    tell = progress
    return lambda share: tell(begin + (end - begin) * share)


def _record(kind: str, municipality: Municipality, actor: Any, report: Report) -> None:
    record(
        "territory.imported",
        municipality=municipality,
        actor=actor,
        kind=kind,
        new=report.new,
        changed=report.changed,
        unchanged=report.unchanged,
        refused=report.refused,
    )


def _by_key(rows: Iterator[tuple[int, Row]], report: Report, source: str) -> dict[str, Row]:
    """One row for each address. In the roll, dwellings of the same address add up."""
    kept: dict[str, Row] = {}
    for line, row in rows:
        before = kept.setdefault(row.key, row)
        if before is row:
            continue
        if source == "roll":
            before.dwellings = (before.dwellings or 0) + (row.dwellings or 0)
        else:
            report.refuse(line, _("cette adresse est déjà plus haut dans le fichier."))
    return kept


FIELDS = {
    "number": "text", "street": "text", "unit": "text", "postal_code": "text",
    "matricule": "text", "dwellings": "int", "longitude": "float8", "latitude": "float8",
    "source": "text", "sector_id": "bigint",
}  # fmt: skip
DERIVED = {"key": "text", "street_key": "text", "low": "int", "high": "int"}


def _upsert(
    municipality: Municipality,
    rows: dict[str, Row],
    source: str,
    report: Report,
    progress: Progress | None,
) -> None:
    """Write the rows in batches of SQL: what is new, and what changes; nothing else is touched."""
    sectors = {rules.fold(one.name): one.pk for one in Sector.objects.of(municipality)}
    strangers = {row.sector for row in rows.values()} - {""}
    strangers = {name for name in strangers if rules.fold(name) not in sectors}
    if strangers:
        report.notes.append(
            _("Secteurs inconnus, laissés de côté\u00a0: %(names)s.")
            % {"names": ", ".join(sorted(strangers)[:10])}
        )
    keys = list(rows)
    for begin in range(0, len(keys), BATCH):
        batch = keys[begin : begin + BATCH]
        standing = {
            one.pop("key"): one
            for one in Address.objects.of(municipality)
            .filter(key__in=batch)
            .values("id", "key", *FIELDS)
        }
        fresh: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        for key in batch:
            row, before = rows[key], standing.get(key)
            sector = sectors.get(rules.fold(row.sector)) if row.sector else None
            if before is None:
                fresh.append(_fresh(row, source, sector))
                continue
            changes = agree(before, row, source)
            if sector and row.longitude is None and before["longitude"] is None:
                changes |= {"sector_id": sector} if sector != before["sector_id"] else {}
            if changes:
                changed.append(before | changes)
            else:
                report.unchanged += 1
        report.new += _insert(municipality, fresh)
        report.changed += len(changed)
        _update(municipality, changed)
        if progress:
            progress((begin + len(batch)) / len(keys))


def _fresh(row: Row, source: str, sector: int | None) -> dict[str, Any]:
    low, high = rules.number_span(row.number)
    return {
        "number": row.number, "street": row.street, "unit": row.unit,
        "postal_code": row.postal_code, "matricule": row.matricule,
        "dwellings": 1 if row.dwellings is None else row.dwellings,
        "longitude": row.longitude, "latitude": row.latitude, "source": source,
        "sector_id": sector, "key": row.key, "street_key": rules.street_key(row.street),
        "low": low, "high": high,
    }  # fmt: skip


def _insert(municipality: Municipality, rows: list[dict[str, Any]]) -> int:
    if not rows:
        return 0
    columns = FIELDS | DERIVED
    names, casts = ", ".join(columns), ", ".join(f"%s::{kind}[]" for kind in columns.values())
    with connection.cursor() as cursor:
        # COPY is refused on a table with row-level security; arrays are nearly as fast.
        cursor.execute(
            f"INSERT INTO territory_address (municipality_id, {names}) "
            f"SELECT %s, * FROM unnest({casts}) ON CONFLICT (municipality_id, key) DO NOTHING",
            [municipality.pk, *([row[name] for row in rows] for name in columns)],
        )
        return int(cursor.rowcount)


def _update(municipality: Municipality, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    columns = {"id": "bigint"} | FIELDS
    names, casts = ", ".join(columns), ", ".join(f"%s::{kind}[]" for kind in columns.values())
    sets = ", ".join(f"{name} = given.{name}" for name in FIELDS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE territory_address a SET {sets} FROM unnest({casts}) AS given ({names}) "
            "WHERE a.id = given.id AND a.municipality_id = %s",
            [*([row[name] for row in rows] for name in columns), municipality.pk],
        )


@transaction.atomic
def assign_sectors(municipality: Municipality | int, progress: Progress | None = None) -> int:
    """Put every address that has a position in its sector; answer how many moved.

    Where sectors overlap the smaller one wins. An address without a position keeps the sector
    that the town's list gave it.
    """
    town = municipality if isinstance(municipality, int) else municipality.pk
    rows = list(
        Address.objects.of(town)
        .filter(longitude__isnull=False, latitude__isnull=False)
        .order_by("pk")
        .values_list("pk", "longitude", "latitude", "sector_id")
    )
    if not rows:
        return 0
    ids = numpy.array([row[0] for row in rows], dtype=numpy.int64)
    east = numpy.array([row[1] for row in rows])
    north = numpy.array([row[2] for row in rows])
    before = numpy.array([row[3] or 0 for row in rows], dtype=numpy.int64)
    after = numpy.zeros(len(rows), dtype=numpy.int64)
    drawn = [(as_shape(one.geometry), one) for one in Sector.objects.of(town).order_by("pk")]
    drawn.sort(key=lambda pair: -pair[0].area)
    for rank, (surface, sector) in enumerate(drawn, start=1):
        near = numpy.flatnonzero(
            (east >= sector.west) & (east <= sector.east)
            & (north >= sector.south) & (north <= sector.north)
        )  # fmt: skip
        inside = shapely.covers(surface, shapely.points(east[near], north[near]))
        after[near[inside]] = sector.pk
        if progress:
            progress(rank / len(drawn))
    moved = numpy.flatnonzero(before != after)
    with connection.cursor() as cursor:
        for begin in range(0, len(moved), 10_000):
            part = moved[begin : begin + 10_000]
            cursor.execute(
                "UPDATE territory_address a SET sector_id = nullif(given.sector, 0) "
                "FROM unnest(%s::bigint[], %s::bigint[]) AS given (id, sector) "
                "WHERE a.id = given.id AND a.municipality_id = %s",
                [ids[part].tolist(), after[part].tolist(), town],
            )
    return len(moved)
