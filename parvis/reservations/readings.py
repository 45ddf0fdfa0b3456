"""What is open, taken and free: the readings that pages and actions share."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Model

from parvis.municipalities.models import Municipality
from parvis.reservations import hours, rules, slots
from parvis.reservations.hours import Span
from parvis.reservations.models import (
    Closure,
    Hours,
    Limit,
    Question,
    Rate,
    Resource,
    Taking,
    Unit,
)

NEAR = timedelta(days=10)
"""How far around a wish what is still free is looked for."""


@dataclass(frozen=True)
class Line:
    """One thing asked for: a space (one of its units, a certain one if said), or so many pieces."""

    resource_id: int
    quantity: int = 1
    unit_id: int | None = None


@dataclass(frozen=True)
class Offer:
    """A resource with everything that decides whether it may be had."""

    resource: Resource
    openings: tuple[hours.Opening, ...]
    closures: tuple[Closure, ...]
    units: tuple[Unit, ...]
    rates: tuple[Rate, ...]
    limits: tuple[Limit, ...]
    questions: tuple[Question, ...]

    def opened(self, first_on: date, last_on: date, zone: ZoneInfo) -> list[Span]:
        """When it is open on these local days."""
        closed = [(one.first_on, one.last_on) for one in self.closures]
        return hours.open_spans(self.openings, closed, first_on, last_on, zone)

    def opened_around(self, span: Span, zone: ZoneInfo) -> list[Span]:
        """When it is open on the local days that the span touches."""
        return self.opened(*local_days(span, zone), zone)

    def closure_on(self, on: date) -> Closure | None:
        return next((one for one in self.closures if one.first_on <= on <= one.last_on), None)


def local_days(span: Span, zone: ZoneInfo) -> tuple[date, date]:
    """First and last local day that the span touches."""
    return span.start.astimezone(zone).date(), span.end.astimezone(zone).date()


def offers(
    town: Municipality, resources: Iterable[Resource], *, since: date | None = None
) -> dict[int, Offer]:
    """Everything that decides about these resources, in one query however many they are.

    The query answers the rows as text, read anew each time; what the same text says is kept.
    """
    rows = {one.pk: one for one in resources}
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(_TERMS, {"town": town.pk, "ids": list(rows)})
        for pk, text in cursor.fetchall():
            terms = _terms(text)
            closures = terms.closures
            if since is not None:
                closures = tuple(one for one in closures if one.last_on >= since)
            found[pk] = Offer(
                resource=rows[pk], openings=terms.openings, closures=closures, units=terms.units,
                rates=terms.rates, limits=terms.limits, questions=terms.questions,
            )  # fmt: skip
    return {pk: found[pk] for pk in rows}


class _Terms(NamedTuple):
    """What is kept of a text, shared by all who read the same: never to be changed."""

    openings: tuple[hours.Opening, ...]
    closures: tuple[Closure, ...]
    units: tuple[Unit, ...]
    rates: tuple[Rate, ...]
    limits: tuple[Limit, ...]
    questions: tuple[Question, ...]


def _rows_of(model: type[Model], more: str = "") -> str:
    """SQL for the rows of this model that are of resource r, as JSON, in their own order."""
    table, order = (
        model._meta.db_table,
        ", ".join(f"t.{name}" for name in model._meta.ordering or ["id"]),
    )
    return (
        f"(SELECT coalesce(json_agg(t ORDER BY {order}), '[]') FROM {table} t "
        f"WHERE t.municipality_id = %(town)s AND t.resource_id = r.id {more})"
    )


_PARTS: tuple[tuple[type[Model], str], ...] = (
    (Hours, _rows_of(Hours)),
    (Closure, _rows_of(Closure)),
    (Closure, _rows_of(Closure).replace("t.resource_id = r.id", "t.resource_id IS NULL")),
    (Unit, _rows_of(Unit, "AND t.retired_at IS NULL")),
    (Rate, _rows_of(Rate)),
    (Limit, _rows_of(Limit)),
    (Question, _rows_of(Question)),
)
_TERMS = (
    f"SELECT r.id, json_build_array({', '.join(sql for _model, sql in _PARTS)})::text "
    "FROM unnest(%(ids)s::bigint[]) r(id)"
)


@lru_cache(maxsize=4096)
def _terms(text: str) -> _Terms:
    parts = [
        tuple(_row(model, facts) for facts in rows)
        for (model, _sql), rows in zip(_PARTS, json.loads(text, parse_float=Decimal), strict=True)
    ]
    opening, closed, closed_everywhere, units, rates, limits, questions = parts
    return _Terms(
        tuple(one.opening for one in opening), (*closed, *closed_everywhere), units, rates,
        limits, questions,
    )  # fmt: skip


def _row(model: type[Model], facts: dict[str, Any]) -> Any:
    """The row as Django would have read it."""
    fields = model._meta.concrete_fields
    values = [field.to_python(facts[str(field.column)]) for field in fields]
    return model.from_db("default", [field.attname for field in fields], values)


def offer(resource: Resource) -> Offer:
    return offers(resource.municipality, [resource])[resource.pk]


@dataclass(frozen=True)
class Occupation:
    """What is taken in a window, preparation included: of spaces by unit, of equipment by piece."""

    units: defaultdict[int, list[Span]]
    pieces: defaultdict[int, list[tuple[Span, int]]]

    def busy(self, unit_id: int) -> list[Span]:
        return self.units.get(unit_id, [])

    def out(self, resource_id: int) -> list[tuple[Span, int]]:
        return self.pieces.get(resource_id, [])

    def left(self, offered: Offer, window: Span) -> int:
        """Pieces, or like places, that can be had through the whole window."""
        if offered.resource.is_space:
            return sum(
                not any(one.overlaps(window) for one in self.busy(unit.pk))
                for unit in offered.units
            )
        return slots.quantity_left(
            offered.resource.total or 0, self.out(offered.resource.pk), window
        )


def occupation(
    town: Municipality | int,
    resource_ids: Iterable[int],
    window: Span,
    *,
    now: datetime,
    but: int | None = None,
) -> Occupation:
    """What is taken in the window, in one query; `but` leaves out a booking that is to move."""
    rows = (
        Taking.objects.of(town)
        .standing(now)
        .filter(resource__in=list(resource_ids))
        .overlapping(*window)
    )
    if but is not None:
        rows = rows.exclude(booking_id=but)
    units: defaultdict[int, list[Span]] = defaultdict(list)
    pieces: defaultdict[int, list[tuple[Span, int]]] = defaultdict(list)
    for resource_id, unit_id, quantity, blocked in rows.order_by("blocked").values_list(
        "resource_id", "unit_id", "quantity", "blocked"
    ):
        span = Span(blocked.lower.astimezone(UTC), blocked.upper.astimezone(UTC))
        if unit_id is None:
            pieces[resource_id].append((span, quantity))
        else:
            units[unit_id].append(span)
    return Occupation(units, pieces)


def free_starts(
    asked: Sequence[tuple[Offer, Line]],
    *,
    length: timedelta,
    window: Span,
    taken: Occupation,
    now: datetime,
    zone: ZoneInfo,
    at_counter: bool = False,
) -> list[datetime]:
    """When all of it may begin, within the window, for so long: open, free, and to come.

    At the counter, neither notice nor advance is asked for.
    """
    common: set[datetime] | None = None
    first_on, last_on = local_days(window, zone)
    for offered, line in asked:
        terms = offered.resource.terms
        opened = offered.opened(first_on, last_on, zone)
        if offered.resource.is_space:
            found = {
                start
                for unit in offered.units
                if line.unit_id in (None, unit.pk)
                for start in slots.starts(
                    opened,
                    taken.busy(unit.pk),
                    step=terms.step,
                    length=length,
                    before=terms.before,
                    after=terms.after,
                )
            }
        else:
            found = _loan_starts(offered, line, opened, length=length, taken=taken)
        last = rules.last_day(terms, now, zone)
        earliest = rules.first_start(terms, now)
        found = {
            one
            for one in found
            if one > now
            and (at_counter or (one >= earliest and one.astimezone(zone).date() <= last))
        }
        common = found if common is None else common & found
    inside = (one for one in common or () if window.start <= one < window.end)
    return sorted(inside)


def _loan_starts(
    offered: Offer, line: Line, opened: Sequence[Span], *, length: timedelta, taken: Occupation
) -> set[datetime]:
    """When so many pieces may leave, and come back while the counter is open."""
    terms = offered.resource.terms
    out = taken.out(offered.resource.pk)
    total = offered.resource.total or 0
    found = set()
    for span in hours.merged(opened):
        start = span.start
        while start < span.end:
            back = start + length
            if any(one.start < back <= one.end for one in opened):
                window = Span(start, back).widened(terms.before, terms.after)
                if slots.quantity_left(total, out, window) >= line.quantity:
                    found.add(start)
            start += terms.step
    return found


def nearest_free(
    town: Municipality,
    asked: Sequence[tuple[Offer, Line]],
    wish: Span,
    *,
    now: datetime,
    most: int = 3,
    but: int | None = None,
    at_counter: bool = False,
) -> list[Span]:
    """What comes closest to a wish that cannot be met: same things, same length, other times."""
    length = wish.length
    if not asked or not timedelta(0) < length <= max(
        offered.resource.terms.longest for offered, _line in asked
    ):
        return []
    # Nothing is looked for beyond what may be booked, however far the wish is.
    end = max(wish.end, now) + NEAR
    if not at_counter:
        last_on = min(
            rules.last_day(offered.resource.terms, now, town.zone) for offered, _line in asked
        )
        end = min(end, hours.local_day(last_on, town.zone).end)
    around = Span(max(min(wish.start, end) - NEAR, now), end)
    if around.end <= around.start:
        return []
    ids = [offered.resource.pk for offered, _line in asked]
    reach = max(
        (offered.resource.terms.before + offered.resource.terms.after for offered, _ in asked),
        default=timedelta(0),
    )
    taken = occupation(town, ids, around.widened(reach, reach + length), now=now, but=but)
    found = free_starts(
        asked, length=length, window=around, taken=taken, now=now, zone=town.zone,
        at_counter=at_counter,
    )  # fmt: skip
    return [Span(one, one + length) for one in slots.nearest(found, wish.start, most)]
