"""How much one person, or one household, may have. No database, no clock.

A household, here, is every account at one civic address that the town verified, at the counter or
by a code sent there by post.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parvis.core.errors import Refused
from parvis.reservations.hours import Span

PERSON, HOUSEHOLD = "person", "household"
DAY, WEEK, MONTH, YEAR, UPCOMING = "day", "week", "month", "year", "upcoming"
PERIODS = (DAY, WEEK, MONTH, YEAR, UPCOMING)


@dataclass(frozen=True)
class Quota:
    """So many uses, or so many minutes, in one local day, week, month or year, or still to come."""

    most: int
    per: str
    whose: str = PERSON
    minutes: bool = False
    """What is counted are minutes of use, not uses."""


def same_period(per: str, one: date, other: date) -> bool:
    """Whether both days lie in one day, week (from Monday), month or year."""
    if per == DAY:
        return one == other
    if per == WEEK:
        return one.isocalendar()[:2] == other.isocalendar()[:2]
    if per == MONTH:
        return (one.year, one.month) == (other.year, other.month)
    return one.year == other.year


def used(quota: Quota, had: Iterable[Span], wish: Span, *, now: datetime, zone: ZoneInfo) -> int:
    """What the quota already counts beside the wish: uses, or minutes begun."""
    day = wish.start.astimezone(zone).date()
    counted = [
        one
        for one in had
        if (
            one.end > now
            if quota.per == UPCOMING
            else same_period(quota.per, one.start.astimezone(zone).date(), day)
        )
    ]
    return sum(minutes(one) for one in counted) if quota.minutes else len(counted)


def minutes(span: Span) -> int:
    """Minutes that pass, one begun counted whole."""
    length = span.end.astimezone(UTC) - span.start.astimezone(UTC)
    return -(-length // timedelta(minutes=1))


def check_quota(
    quota: Quota, had: Iterable[Span], wish: Span, *, now: datetime, zone: ZoneInfo
) -> None:
    """Raise Refused if the wish goes over; `had` holds what stands, without the one that moves."""
    asked = minutes(wish) if quota.minutes else 1
    if used(quota, had, wish, now=now, zone=zone) + asked <= quota.most:
        return
    raise Refused(
        (
            _("Votre ménage a atteint sa limite\u00a0: {limit}.")
            if quota.whose == HOUSEHOLD
            else _("Vous avez atteint la limite\u00a0: {limit}.")
        ).format(limit=limit(quota))
    )


def limit(quota: Quota) -> str:
    """The limit in words: «2 réservations par semaine», «3 heures par jour»."""
    if quota.minutes and quota.most % 60:
        amount = ngettext("{n}\u00a0minute", "{n}\u00a0minutes", quota.most).format(n=quota.most)
    elif quota.minutes:
        hours = quota.most // 60
        amount = ngettext("{n}\u00a0heure", "{n}\u00a0heures", hours).format(n=hours)
    else:
        amount = ngettext("{n}\u00a0réservation", "{n}\u00a0réservations", quota.most).format(
            n=quota.most
        )
    period = {
        DAY: _("par jour"),
        WEEK: _("par semaine"),
        MONTH: _("par mois"),
        YEAR: _("par an"),
        UPCOMING: _("à venir à la fois"),
    }[quota.per]
    return f"{amount} {period}"
