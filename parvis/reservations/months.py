"""How free everything is, day by day: the reading of a month of two hundred resources."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count, Q

from parvis.municipalities.models import Municipality
from parvis.reservations import hours
from parvis.reservations.hours import Opening, Span
from parvis.reservations.models import Closure, Resource, Unit
from parvis.reservations.resources import season_of

Seconds = tuple[tuple[int, int, int], ...]
"""Day of the window, start and end of a time when it is open, in seconds since 1970."""

WEEKS = """
SELECT resource_id, string_agg(concat_ws(' ', weekday, opens, closes, season_first, season_last),
                               ';' ORDER BY weekday, opens, id)
FROM reservations_hours WHERE municipality_id = %s AND resource_id = ANY(%s) GROUP BY resource_id
"""
TAKEN = """
SELECT resource_id, quantity, extract(epoch FROM lower(blocked))::bigint,
       extract(epoch FROM upper(blocked))::bigint
FROM reservations_taking
WHERE municipality_id = %s AND stands AND (held_until IS NULL OR held_until > %s)
  AND blocked && tstzrange(%s, %s) AND resource_id = ANY(%s)
"""


class Opened(NamedTuple):
    """The window's opening times, their ends alone, and how many seconds each day is open."""

    spans: Seconds
    ends: tuple[int, ...]
    whole: tuple[int, ...]


class Share(NamedTuple):
    """Of one local day: how long it is open, over all places or pieces, and what is left."""

    open_seconds: int
    free_seconds: int

    @property
    def open(self) -> timedelta:
        return timedelta(seconds=self.open_seconds)

    @property
    def free(self) -> timedelta:
        return timedelta(seconds=self.free_seconds)

    @property
    def taken_percent(self) -> int:
        """What is taken of the open time; a closed day has nothing to take."""
        if not self.open_seconds:
            return 0
        return round(100 * (self.open_seconds - self.free_seconds) / self.open_seconds)


def availability(
    town: Municipality, resources: Iterable[Resource], first_on: date, last_on: date, *,
    now: datetime,
) -> dict[int, list[Share]]:  # fmt: skip
    """For each resource, each day of the window in order. Four queries, however much there is."""
    rows = {one.pk: one for one in resources}
    ids = list(rows)
    mine = Q(resource__in=ids)
    with connection.cursor() as cursor:
        cursor.execute(WEEKS, [town.pk, ids])
        weeks = dict(cursor.fetchall())
    closed: defaultdict[int | None, list[tuple[date, date]]] = defaultdict(list)
    for resource_id, first, last in (
        Closure.objects.of(town)
        .filter(mine | Q(resource__isnull=True), first_on__lte=last_on, last_on__gte=first_on)
        .values_list("resource_id", "first_on", "last_on")
    ):
        closed[resource_id].append((first, last))
    places = dict(
        Unit.objects.of(town)
        .filter(mine, retired_at__isnull=True)
        .values_list("resource_id")
        .annotate(Count("pk"))
        .order_by()
    )
    window = Span(
        hours.local_day(first_on, town.zone).start, hours.local_day(last_on, town.zone).end
    )
    opened = {
        pk: opened_seconds(
            weeks.get(pk, ""), (*closed[pk], *closed[None]), first_on, last_on, town.zone
        )
        for pk in rows
    }
    used = {pk: [0] * ((last_on - first_on).days + 1) for pk in rows}
    with connection.cursor() as cursor:
        cursor.execute(TAKEN, [town.pk, now, window.start, window.end, ids])
        for pk, quantity, start, end in cursor.fetchall():
            (spans, ends, _whole), days = opened[pk], used[pk]
            for at in range(bisect_right(ends, start), len(spans)):
                day, opens, closes = spans[at]
                if opens >= end:
                    break
                days[day] += (min(end, closes) - max(start, opens)) * quantity
    found = {}
    for pk, row in rows.items():
        many = places.get(pk, 0) if row.is_space else row.total or 0
        found[pk] = [
            Share(each * many, each * many - taken if taken < each * many else 0)
            for each, taken in zip(opened[pk].whole, used[pk], strict=True)
        ]
    return found


def openings_of(week: str) -> tuple[Opening, ...]:
    """The hours that WEEKS wrote down: weekday, opens, closes, and a season if there is one."""
    found = []
    for line in filter(None, week.split(";")):
        weekday, opens, closes, *season = line.split()
        first, last = (int(one) for one in season) if season else (None, None)
        found.append(
            Opening(
                int(weekday), time.fromisoformat(opens), time.fromisoformat(closes),
                season_of(first, last),
            )
        )  # fmt: skip
    return tuple(found)


@lru_cache(maxsize=4096)
def opened_seconds(
    week: str,
    closures: tuple[tuple[date, date], ...],
    first_on: date,
    last_on: date,
    zone: ZoneInfo,
) -> Opened:
    """When these hours are open, cut at each local midnight. Kept: many resources share a week."""
    found = []
    whole = [0] * ((last_on - first_on).days + 1)
    spans = hours.open_spans(openings_of(week), closures, first_on, last_on, zone)
    for number in range((last_on - first_on).days + 1):
        day = hours.local_day(first_on + number * hours.DAY, zone)
        found += [
            (number, int(one.start.timestamp()), int(one.end.timestamp()))
            for one in hours.within([span for span in spans if span.overlaps(day)], day)
        ]
    for at, opens, closes in found:
        whole[at] += closes - opens
    return Opened(tuple(found), tuple(end for _at, _start, end in found), tuple(whole))
