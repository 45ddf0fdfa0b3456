"""When a place is open: weeks, seasons and closures, as instants. No database, no clock.

Instants are in UTC, where subtraction tells the time that passes; the town's time zone turns the
hours of its wall clocks into instants, on both nights of the year when they change too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from parvis.core import typography
from parvis.core.errors import Refused

DAY = timedelta(days=1)
MONTH_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Span(NamedTuple):
    """From an instant up to another, which it no longer holds. In UTC."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """The time that passes, whatever the clocks on the wall do meanwhile."""
        return self.end.astimezone(UTC) - self.start.astimezone(UTC)

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end

    def holds(self, other: Span) -> bool:
        return self.start <= other.start and other.end <= self.end

    def widened(self, before: timedelta, after: timedelta) -> Span:
        return Span(self.start - before, self.end + after)


@dataclass(frozen=True)
class Season:
    """Days of every year, both ends held; from December to March it passes the new year."""

    first: tuple[int, int]
    """Month and day."""
    last: tuple[int, int]

    def holds(self, on: date) -> bool:
        today = (on.month, on.day)
        if self.first <= self.last:
            return self.first <= today <= self.last
        return today >= self.first or today <= self.last


@dataclass(frozen=True)
class Opening:
    """Hours of one day of the week; a closing hour not after the opening one is the next day's."""

    weekday: int
    """0 is Monday."""
    opens: time
    closes: time
    season: Season | None = None

    def __post_init__(self) -> None:
        check_opening(self.weekday, self.season)


def check_opening(weekday: int, season: Season | None) -> None:
    """Raise Refused unless day and season are of the calendar."""
    if not 0 <= weekday <= 6:
        raise Refused(_("Choisissez un jour de la semaine."))
    if season is None:
        return
    for month, day in (season.first, season.last):
        if not 1 <= month <= 12 or not 1 <= day <= MONTH_DAYS[month - 1]:
            raise Refused(_("Une saison commence et finit un jour du calendrier."))


def wall_clock(on: date, at: time, zone: ZoneInfo, *, later: bool = False) -> datetime:
    """The instant when the clock on the wall shows this; of two, the second one if asked.

    An hour that the clock skips is the instant when it jumps.
    """
    local = datetime.combine(on, at.replace(fold=int(later)), tzinfo=zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    # Skipped: the offset of before puts it after the jump, the one of after before it.
    before = local.replace(fold=0).utcoffset() or timedelta(0)
    after = local.replace(fold=1).utcoffset() or timedelta(0)
    naive = local.replace(tzinfo=None)
    low, high = (naive - after).replace(tzinfo=UTC), (naive - before).replace(tzinfo=UTC)
    low, high = min(low, high), max(low, high)
    old = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def chosen_instant(on: date, at: time, zone: ZoneInfo, *, later: bool = False) -> datetime:
    """The instant of an hour that someone asks for, or raise Refused if the clock skips it."""
    instant = wall_clock(on, at, zone, later=later)
    shown = instant.astimezone(zone)
    if (shown.date(), shown.time()) != (on, at.replace(fold=0)):
        raise Refused(
            _(
                "Cette nuit-là, on avance l’heure\u00a0: {asked} n’existe pas. Choisissez {next} "
                "ou plus tard."
            ).format(asked=typography.moment(datetime.combine(on, at)),
                     next=typography.moment(shown))
        )  # fmt: skip
    return instant


def is_repeated(on: date, at: time, zone: ZoneInfo) -> bool:
    """Whether the clock on the wall shows this hour twice that day."""
    first, second = wall_clock(on, at, zone), wall_clock(on, at, zone, later=True)
    return first != second


def local_day(on: date, zone: ZoneInfo) -> Span:
    """From midnight to midnight: 23, 24 or 25 hours."""
    return Span(wall_clock(on, time(0), zone), wall_clock(on + DAY, time(0), zone))


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same instants in as few spans as can be, in order."""
    joined: list[Span] = []
    for span in sorted(one for one in spans if one.start < one.end):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


def minus(spans: Iterable[Span], cuts: Iterable[Span]) -> list[Span]:
    """What is left of the spans once the cuts are taken out, in order."""
    left: list[Span] = []
    away = merged(cuts)
    first = 0
    for span in merged(spans):
        start = span.start
        while first < len(away) and away[first].end <= span.start:
            first += 1
        for cut in away[first:]:
            if cut.start >= span.end:
                break
            if cut.start > start:
                left.append(Span(start, cut.start))
            start = max(start, cut.end)
        if start < span.end:
            left.append(Span(start, span.end))
    return left


def within(spans: Iterable[Span], window: Span) -> list[Span]:
    """What of the spans lies in the window, in order."""
    return [
        Span(max(one.start, window.start), min(one.end, window.end))
        for one in merged(spans)
        if one.overlaps(window)
    ]


def week_of(openings: Sequence[Opening], on: date) -> list[Opening]:
    """The openings that count on this day: those of its season if it has any, else the year's.

    A season replaces the whole week: a day that it does not name is closed.
    """
    seasonal = [one for one in openings if one.season and one.season.holds(on)]
    return seasonal or [one for one in openings if one.season is None]


def open_spans(
    openings: Sequence[Opening],
    closures: Iterable[tuple[date, date]],
    first_on: date,
    last_on: date,
    zone: ZoneInfo,
) -> list[Span]:
    """When the place is open on these local days; what runs past the last midnight is cut there.

    A closure takes away whole local days, both ends held.
    """
    found = []
    on = first_on - DAY
    while on <= last_on:
        for one in week_of(openings, on):
            if one.weekday == on.weekday():
                until = on if one.closes > one.opens else on + DAY
                found.append(
                    Span(
                        wall_clock(on, one.opens, zone),
                        # An hour shown twice closes at the second.
                        wall_clock(until, one.closes, zone, later=True),
                    )
                )
        on += DAY
    closed = [
        Span(local_day(first, zone).start, local_day(last, zone).end)
        for first, last in closures
        if first <= last_on and last >= first_on
    ]
    window = Span(local_day(first_on, zone).start, local_day(last_on, zone).end)
    return within(minus(found, closed), window)
