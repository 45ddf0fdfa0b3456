"""Finding by need and by date: what is free, and when it is not, what comes next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.http import QueryDict

from parvis.municipalities.models import Municipality
from parvis.reservations import needs, rules, slots
from parvis.reservations.choices import day_of, number
from parvis.reservations.hours import DAY, Span, local_day, wall_clock
from parvis.reservations.models import Resource
from parvis.reservations.readings import Line, Occupation, Offer, free_starts, occupation, offers
from parvis.reservations.weeks import monday
from parvis.residents.rules import folded

AHEAD = timedelta(days=14)
MOST_STARTS, MOST_LATER = 8, 3
MOST_RESOURCES = 300
LENGTHS = (30, 60, 90, 120, 180, 240, 480)
"""Minutes that one may look for."""
KINDS = tuple(Resource.Kind.values)


@dataclass(frozen=True)
class Wanted:
    """What the list is narrowed to: fields of the form, then what the words say."""

    text: str = ""
    what: str = ""
    """A kind or a family."""
    families: frozenset[str] = frozenset()
    on: date | None = None
    part: str = ""
    at: time | None = None
    people: int | None = None
    minutes: int | None = None
    words: tuple[str, ...] = ()

    @property
    def active(self) -> bool:
        return self != Wanted()


def wanted(data: QueryDict, *, today: date) -> Wanted:
    """Read the form; what cannot be is left aside."""
    text = data.get("q", "").replace("\0", "").strip()[: needs.LONGEST]
    need = needs.understood(text, today=today)
    what = data.get("quoi", "")
    people = number(data.get("personnes", ""))
    minutes = number(data.get("duree", ""))
    part = data.get("moment", "")
    return Wanted(
        text=text,
        what=what if what in {*KINDS, *Resource.Family.values} else "",
        families=need.families,
        on=day_of(data.get("jour", "")) or need.on,
        part=part if part in needs.PARTS else need.part,
        at=need.at,
        people=people if people and people <= needs.MOST_PEOPLE else need.people,
        minutes=minutes if minutes in LENGTHS else None,
        words=need.words,
    )


@dataclass(frozen=True)
class Found:
    """One resource of the list, and what of it is free."""

    offer: Offer
    starts: list[Span] = field(default_factory=list)
    """On the day that was asked for; without a day, the next ones."""
    more: int = 0
    later: list[Span] = field(default_factory=list)
    """When the day asked for is full: what comes nearest."""
    left: int | None = None
    """Pieces of equipment, through the day that was asked for."""

    @property
    def is_free(self) -> bool:
        return bool(self.starts) or bool(self.left)


def listed(town: Municipality, want: Wanted) -> list[Resource]:
    """Resources that suit, whenever they are free."""
    rows = Resource.objects.of(town).offered().select_related("address", "municipality")
    if want.what in KINDS:
        rows = rows.filter(kind=want.what)
    elif want.what:
        rows = rows.filter(family=want.what)
    elif want.families:
        rows = rows.filter(family__in=want.families)
    found: list[Resource] = list(rows[:MOST_RESOURCES])
    if want.people:
        found = [
            one for one in found
            if not one.is_space or one.capacity is None or one.capacity >= want.people
        ]  # fmt: skip
    if want.words:
        named = [one for one in found if _named(one, want.words)]
        # Words that name nothing must not empty the list.
        found = named or found
    return found


def _named(resource: Resource, words: Iterable[str]) -> bool:
    text = folded(
        f"{resource.name} {resource.summary} {resource.place} {resource.get_family_display()} "
        f"{resource.address or ''}"
    )
    return all(word.removesuffix("s") in text for word in words)


def length_of(offer: Offer, want: Wanted) -> timedelta:
    """How long is looked for: what was asked, within what the resource allows."""
    terms = offer.resource.terms
    asked = timedelta(minutes=want.minutes) if want.minutes else terms.step
    steps = -(-asked // terms.step)
    return max(terms.shortest, min(steps * terms.step, terms.longest))


def window_of(town: Municipality, on: date, want: Wanted) -> Span:
    """The hours of that day in which a start is looked for."""
    if want.at is not None:
        start = wall_clock(on, want.at, town.zone)
        return Span(start, start + timedelta(hours=1))
    if not want.part:
        return local_day(on, town.zone)
    first, last = needs.PARTS[want.part]
    until = on if last > first else on + DAY
    return Span(wall_clock(on, first, town.zone), wall_clock(until, last, town.zone, later=True))


def search(town: Municipality, want: Wanted, *, now: datetime) -> list[Found]:
    """What suits, what is free first; eight queries however many there are."""
    rows = listed(town, want)
    today = now.astimezone(town.zone).date()
    first_on = max(want.on or today, today)
    known = offers(town, rows, since=today)
    reach = Span(local_day(first_on, town.zone).start, local_day(first_on, town.zone).end + AHEAD)
    ahead = max((row.terms.before + row.terms.after + row.terms.longest for row in rows),
                default=timedelta(0))  # fmt: skip
    taken = occupation(town, known, reach.widened(ahead, ahead), now=now)
    found = [_found(town, known[row.pk], want, taken, first_on=first_on, now=now) for row in rows]
    return sorted(found, key=_order)


def _order(one: Found) -> tuple[bool, bool, str]:
    resource = one.offer.resource
    return not one.is_free, not resource.is_space, folded(resource.name)


def _found(
    town: Municipality, offer: Offer, want: Wanted, taken: Occupation, *, first_on: date,
    now: datetime,
) -> Found:  # fmt: skip
    day = local_day(first_on, town.zone)
    if not offer.resource.is_space:
        # Without a day it is everything that the town has.
        left = taken.left(offer, day) if want.on else offer.resource.total
        return Found(offer, left=left)
    length = length_of(offer, want)

    def starts(window: Span) -> list[datetime]:
        return free_starts(
            [(offer, Line(offer.resource.pk))], length=length, window=window, taken=taken, now=now,
            zone=town.zone,
        )  # fmt: skip

    def spans(at: list[datetime]) -> list[Span]:
        return [Span(one, one + length) for one in at]

    last = rules.last_day(offer.resource.terms, now, town.zone)
    if want.on is not None:
        free = starts(window_of(town, first_on, want))
        if free:
            return Found(offer, spans(free[:MOST_STARTS]), more=max(0, len(free) - MOST_STARTS))
        # Nearest to the middle of what was asked: an hour before it, or one after.
        asked = window_of(town, first_on, want)
        wish = asked.start + asked.length / 2
        near = starts(Span(day.start, day.end + AHEAD)) if first_on <= last else []
        return Found(offer, later=spans(slots.nearest(near, wish, MOST_LATER)))
    today = starts(window_of(town, first_on, want))
    if today:
        return Found(offer, spans(today[:MOST_LATER]))
    # The next day that has some, at the hours that were asked for.
    coming = [
        one
        for one in starts(Span(day.end, day.end + AHEAD))
        if _suits(one, window_of(town, one.astimezone(town.zone).date(), want))
    ]
    next_on = coming[0].astimezone(town.zone).date() if coming else None
    free = [one for one in coming if one.astimezone(town.zone).date() == next_on]
    return Found(offer, spans(free[:MOST_LATER]))


def _suits(at: datetime, window: Span) -> bool:
    return window.start <= at < window.end


@dataclass(frozen=True)
class DayOf:
    """One day of one resource, in the view of a week."""

    on: date
    free: int
    """Starts of a place, pieces of equipment."""
    is_open: bool
    is_past: bool


def week(
    town: Municipality, want: Wanted, *, now: datetime
) -> tuple[list[date], list[tuple[Offer, list[DayOf]]]]:
    """The days of a week, and what of each resource is free on each; eight queries."""
    today = now.astimezone(town.zone).date()
    first_on = monday(max(want.on or today, today))
    days = [first_on + n * DAY for n in range(7)]
    rows = sorted(listed(town, want), key=lambda one: (not one.is_space, folded(one.name)))
    known = offers(town, rows, since=first_on)
    whole = Span(local_day(days[0], town.zone).start, local_day(days[-1], town.zone).end)
    ahead = max((row.terms.before + row.terms.after + row.terms.longest for row in rows),
                default=timedelta(0))  # fmt: skip
    taken = occupation(town, known, whole.widened(ahead, ahead), now=now)
    return days, [
        (known[row.pk], _days_of(town, known[row.pk], days, want, taken, now=now)) for row in rows
    ]


def _days_of(
    town: Municipality, offer: Offer, days: list[date], want: Wanted, taken: Occupation, *,
    now: datetime,
) -> list[DayOf]:  # fmt: skip
    today = now.astimezone(town.zone).date()
    opened = offer.opened(days[0], days[-1], town.zone)
    found = []
    for on in days:
        window = window_of(town, on, want)
        is_open = any(one.overlaps(local_day(on, town.zone)) for one in opened)
        free = 0
        if on >= today and is_open and offer.resource.is_space:
            free = len(
                free_starts(
                    [(offer, Line(offer.resource.pk))], length=length_of(offer, want),
                    window=window, taken=taken, now=now, zone=town.zone,
                )
            )  # fmt: skip
        elif on >= today and is_open:
            free = taken.left(offer, window)
        found.append(DayOf(on, free, is_open, is_past=on < today))
    return found


def families_of(town: Municipality) -> list[tuple[str, Any]]:
    """Families that the town lends something of, in the order of the list."""
    there = set(Resource.objects.of(town).offered().values_list("family", flat=True))
    return [(value, label) for value, label in Resource.Family.choices if value in there]
