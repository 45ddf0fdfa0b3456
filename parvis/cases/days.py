"""Working days: Québec's statutory holidays, the town's own closed days, and what is promised."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

OFFICE_CLOSES = time(16, 30)
"""What comes in later counts as come in on the next working day; what is promised is due then."""
DAY = timedelta(days=1)
MOST = 250
"""No promise is longer than a year of working days."""


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    step = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * step) // 451
    month, day = divmod(h + step - 7 * m + 114, 31)
    return date(year, month, day + 1)


def monday_from(day: date) -> date:
    """This day if it is a Monday, else the next one."""
    return day + timedelta(days=-day.weekday() % 7)


@cache
def statutory_holidays(year: int) -> dict[date, object]:
    """Statutory holidays (N-1.1, s. 60; F-1.1). Easter Monday, the employer's choice, is left
    to the town's own days."""
    dominion, national = date(year, 7, 1), date(year, 6, 24)
    return {
        date(year, 1, 1): _("Jour de l’An"),
        easter(year) - 2 * DAY: _("Vendredi saint"),
        # The Monday before 25 May.
        monday_from(date(year, 5, 18)): _("Journée nationale des patriotes"),
        # On a Sunday, the next day stands for it.
        national + DAY * (national.weekday() == 6): _("Fête nationale"),
        dominion + DAY * (dominion.weekday() == 6): _("Fête du Canada"),
        monday_from(date(year, 9, 1)): _("Fête du Travail"),
        monday_from(date(year, 10, 8)): _("Action de grâces"),
        date(year, 12, 25): _("Noël"),
    }


def is_working_day(day: date, closed: Collection[date] = ()) -> bool:
    """Monday to Friday, no statutory holiday, and not a day on which the town is closed."""
    return day.weekday() < 5 and day not in statutory_holidays(day.year) and day not in closed


def working_day_after(day: date, count: int, closed: Collection[date] = ()) -> date:
    """The working day that comes `count` working days after this day; with none, the first from
    this day on."""
    while not is_working_day(day, closed):
        day += DAY
        if count and is_working_day(day, closed):
            count -= 1
    for _number in range(count):
        day += DAY
        while not is_working_day(day, closed):
            day += DAY
    return day


def working_days_between(start: date, end: date, closed: Collection[date] = ()) -> int:
    """How many working days come after `start`, up to and with `end`."""
    length = max(0, (end - start).days)
    return sum(is_working_day(start + DAY * n, closed) for n in range(1, length + 1))


def first_day(received_at: datetime, zone: ZoneInfo, closed: Collection[date] = ()) -> date:
    """The working day on which something counts as received."""
    local = received_at.astimezone(zone)
    late = local.time() >= OFFICE_CLOSES
    return working_day_after(local.date() + DAY * late, 0, closed)


def closing(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which the office closes on this day."""
    return datetime.combine(day, OFFICE_CLOSES, zone)


def deadline(
    received_at: datetime, working_days: int, zone: ZoneInfo, closed: Collection[date] = ()
) -> datetime:
    """Until when an answer is promised: so many working days after it counts as received."""
    first = first_day(received_at, zone, closed)
    return closing(working_day_after(first, min(working_days, MOST), closed), zone)


def day_of(due_on: date, today: date, promised: int, closed: Collection[date] = ()) -> int:
    """Which of the promised days today is, counted back from the last: 1 to `promised`."""
    return min(promised, max(1, promised - working_days_between(today, due_on, closed)))


def resumed(
    due_at: datetime,
    *,
    paused_at: datetime,
    now: datetime,
    zone: ZoneInfo,
    closed: Collection[date] = (),
) -> datetime:
    """The promise after a pause: later by the working days that the town had to wait."""
    start, end = paused_at.astimezone(zone).date(), now.astimezone(zone).date()
    waited = working_days_between(start, end, closed)
    if not waited:
        return due_at
    return closing(working_day_after(due_at.astimezone(zone).date(), waited, closed), zone)
