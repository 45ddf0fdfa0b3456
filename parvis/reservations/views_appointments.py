"""Appointments: the service, and the week in which a moment is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from parvis.core.errors import Refused
from parvis.municipalities.models import Municipality
from parvis.reservations import choices, moments, pages, rules, weeks, wording
from parvis.reservations.choices import Choice
from parvis.reservations.hours import Span, local_day
from parvis.reservations.models import Booking, Resource
from parvis.reservations.readings import Offer
from parvis.residents.http import TownRequest


@dataclass(frozen=True)
class Moment:
    """A free moment, as it is pressed."""

    key: str
    brief: str
    """«10 h 30»."""


@dataclass(frozen=True)
class Day:
    on: date
    moments: list[Moment]


@dataclass(frozen=True)
class Week:
    """Seven days of a service, the one that a phone shows, and where the arrows lead."""

    days: list[Day]
    open_on: date
    before: date | None
    after: date | None

    @property
    def first_on(self) -> date:
        return self.days[0].on

    @property
    def is_full(self) -> bool:
        return not any(day.moments for day in self.days)


def week(
    town: Municipality, offer: Offer, on: date, *, now: datetime, but: int | None = None
) -> Week:
    """The free moments of the week that holds the day."""
    first_on = weeks.monday(on)
    days = [first_on + n * weeks.DAY for n in range(7)]
    window = Span(local_day(days[0], town.zone).start, local_day(days[-1], town.zone).end)
    found: dict[date, list[Moment]] = {one: [] for one in days}
    for span in moments.free_of(offer, window, now=now, but=but):
        found[span.start.astimezone(town.zone).date()].append(
            Moment(weeks.key(span.start), wording.said_hour(span.start, town.zone))
        )
    today = now.astimezone(town.zone).date()
    last = rules.last_day(offer.resource.terms, now, town.zone)
    return Week(
        [Day(one, found[one]) for one in days],
        open_on=on,
        before=max(first_on - weeks.DAY, today) if first_on > today else None,
        after=days[-1] + weeks.DAY if days[-1] < last else None,
    )


def about(request: TownRequest, offer: Offer, *, now: datetime) -> HttpResponse:
    """What the service is, and its free moments: one press leads to the second step."""
    town = request.municipality
    on = choices.day_of(request.GET.get("jour", "")) or _day_chosen(request)
    next_on = first_free_day(town, offer, now=now)
    if on is None or on < now.astimezone(town.zone).date():
        on = next_on
    facts = pages.about(request, offer, on, now=now) | {
        "moments": week(town, offer, on, now=now),
        "ways": said_ways(offer.resource),
        "bring": [line.strip() for line in offer.resource.bring.splitlines() if line.strip()],
        "next_on": next_on,
    }
    return render(request, "reservations/appointment.html", facts)


def first_free_day(town: Municipality, offer: Offer, *, now: datetime) -> date:
    """The first day with a free moment, as far as one may ask; today when there is none."""
    today = now.astimezone(town.zone).date()
    last = rules.last_day(offer.resource.terms, now, town.zone)
    window = Span(local_day(today, town.zone).start, local_day(last, town.zone).end)
    found = moments.free_of(offer, window, now=now)
    return found[0].start.astimezone(town.zone).date() if found else today


def said_ways(resource: Resource) -> list[str]:
    """How one may meet, in the order of the list."""
    return [str(one.label) for one in Resource.Way if one.value in resource.ways]


def _day_chosen(request: TownRequest) -> date | None:
    """The day of the moment that was pressed before one came back."""
    try:
        chosen = choices.hours_chosen(request.GET)
        return chosen[0].astimezone(request.municipality.zone).date() if chosen else None
    except Refused:
        return None


def to_move(
    town: Municipality, offer: Offer, choice: Choice | None, on: date | None, row: Booking, *,
    now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """The moments to which an appointment may move; its own is among them."""
    span = choice.span if choice else row.span
    shown = on or span.start.astimezone(town.zone).date()
    return {
        "moments": week(town, offer, shown, now=now, but=row.pk),
        "chosen": weeks.key(span.start),
        "chosen_space": offer,
    }
