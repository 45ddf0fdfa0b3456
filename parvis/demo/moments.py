"""Instants of the demonstration, so that a date agrees with its words whatever day it starts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from parvis.core.typography import DAYS_FR, short_day

MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = range(7)


@dataclass(frozen=True)
class Next:
    """The next such day of the week at this hour, at least so many hours from now."""

    weekday: int
    hour: int
    hours: float = 24


@dataclass(frozen=True)
class Tomorrow:
    """The first time that it is this hour, at least so many hours from now."""

    hour: int
    hours: float = 6


@dataclass(frozen=True)
class Ago:
    """So many days ago, at this hour."""

    days: int
    hour: int
    minute: int = 0


@dataclass(frozen=True)
class Later:
    """So many days after what it follows (its beginning, or else its publication), at this hour."""

    days: int
    hour: int


Moment = float | Next | Tomorrow | Ago | Later


def instant(moment: Moment, *, now: datetime, after: datetime | None = None) -> datetime:
    """When this is, on the clock of `now`'s zone; a number counts hours from now."""
    zone = now.tzinfo
    if isinstance(moment, Ago):
        on = now.date() - timedelta(days=moment.days)
        return datetime.combine(on, time(moment.hour, moment.minute), zone)
    if isinstance(moment, Later):
        on = (after or now).date() + timedelta(days=moment.days)
        return datetime.combine(on, time(moment.hour), zone)
    hours = timedelta(hours=moment if isinstance(moment, int | float) else moment.hours)
    # By the world's clock: hours on the wall go astray on the nights when it is moved.
    first = datetime.fromtimestamp(now.timestamp() + hours.total_seconds(), zone)
    if isinstance(moment, int | float):
        return first
    step = 1 if isinstance(moment, Tomorrow) else 7
    days = 0 if isinstance(moment, Tomorrow) else (moment.weekday - first.weekday()) % 7
    found = datetime.combine(first.date() + timedelta(days=days), time(moment.hour), zone)
    return found if found >= first else found + timedelta(days=step)


def day_said(at: datetime, *, written: datetime) -> str:
    """«lundi» when it is written in the six days before; else «lundi 30 novembre»."""
    name = DAYS_FR[at.weekday()]
    if 0 < (at.date() - written.date()).days < 7:
        return name
    return f"{name} {short_day(at.date(), year=False)}"
