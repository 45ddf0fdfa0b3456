"""What the residents' pages show: the price of a choice, the week of a place, the next steps."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from parvis.core.errors import Refused
from parvis.core.money import ZERO
from parvis.municipalities.models import Municipality
from parvis.reservations import asking, holds, months, places, prices, quotas, rules, weeks, wording
from parvis.reservations.choices import Choice
from parvis.reservations.hours import Span, local_day
from parvis.reservations.models import Booking, Organisation, Resource
from parvis.reservations.readings import Line, Offer, free_starts, nearest_free, occupation
from parvis.residents.http import TownRequest
from parvis.residents.models import Place, Resident

ICONS = {
    "room": "users", "gym": "volleyball", "court": "volleyball", "rink": "snowflake",
    "shelter": "tree-pine", "kitchen": "cooking-pot", "furniture": "table", "tent": "flag",
    "sound": "projector", "sport": "ticket", "desk": "user-check", "other": "layers",
}  # fmt: skip
"""Family → icon."""
STATES = {
    Booking.State.HELD: ("info", "hourglass"),
    Booking.State.ASKED: ("avis", "hourglass"),
    Booking.State.CONFIRMED: ("succes", "circle-check"),
    Booking.State.REFUSED: ("", "circle-x"),
    Booking.State.CANCELLED: ("", "calendar-x"),
    Booking.State.EXPIRED: ("", "clock"),
}
"""State → tone and icon."""


@dataclass(frozen=True)
class Option:
    """Another time, as a person may choose it."""

    span: Span
    said: str
    brief: str
    """«14 h»."""
    short: str
    """«dim. 24, 14 h»."""
    du: str
    au: str
    query: str = ""
    """Of the address that chooses it."""


def option(span: Span, town: Municipality, now: datetime, query: str = "") -> Option:
    return Option(
        span,
        said=wording.said_period(span, zone=town.zone, now=now),
        brief=wording.said_hour(span.start, town.zone),
        short=wording.said_short(span.start, town.zone),
        du=weeks.key(span.start),
        au=weeks.key(span.end),
        query=query,
    )


@dataclass(frozen=True)
class Recap:
    """A choice, what it costs, and why it may not be had, if so."""

    choice: Choice | None = None
    period: str = ""
    lines: list[dict[str, Any]] = field(default_factory=list)
    quote: prices.Quote | None = None
    deposit: Any = ZERO
    refusal: str = ""
    nearest: list[Option] = field(default_factory=list)
    waits: bool = False
    """The town answers before it is sure."""
    cancels: str = ""

    @property
    def is_free(self) -> bool:
        return self.quote is not None and not self.quote.total and not self.deposit

    @property
    def priced(self) -> bool:
        return bool(self.lines)

    @property
    def taxes(self) -> Any:
        return self.quote.gst + self.quote.qst if self.quote else ZERO

    @property
    def owed(self) -> str:
        """Price and deposit in one word, to see whether they changed."""
        return owed(self)

    @property
    def query(self) -> str:
        return self.choice.query() if self.choice else ""


def owed(recap: Recap) -> str:
    """Price and deposit in one word, to see whether they changed."""
    if recap.quote is None:
        return ""
    return f"{recap.quote.total}+{Decimal(recap.deposit):.2f}"


def home(request: TownRequest) -> Place | None:
    """Where the person signed in lives, asked once for each request."""
    if not hasattr(request, "_home"):
        person = request.user
        found = asking.home_of(person) if isinstance(person, Resident) else None
        request._home = found  # type: ignore[attr-defined]
    return request._home  # type: ignore[attr-defined, no-any-return]


def price_class(request: TownRequest, on: date, organisation: Organisation | None = None) -> str:
    """Whose price is shown; a visitor sees that of the people who live here."""
    if not request.user.is_authenticated:
        return prices.RESIDENT
    return asking.price_class(home=home(request), organisation=organisation, on=on)


def recap(
    request: TownRequest,
    choice: Choice,
    *,
    now: datetime,
    organisation: Organisation | None = None,
    but: int | None = None,
) -> Recap:
    """The choice with its price; a refusal comes with the nearest free times."""
    town = request.municipality
    period = wording.said_period(choice.span, zone=town.zone, now=now)
    try:
        check_free(town, choice, now=now, but=but)
        on = choice.span.start.astimezone(town.zone).date()
        of_class = price_class(request, on, organisation)
        quote, kept = asking.quoted(choice.lines, choice.span, of_class)
    except Refused as refused:
        near = refused.nearest if isinstance(refused, rules.Taken) else []
        moved = [option(span, town, now, _query_at(choice, span)) for span in near]
        return Recap(choice, period, refusal=str(refused), nearest=moved)
    return Recap(
        choice,
        period,
        lines=[wording.said_line(line) for line in kept["lines"]],
        quote=quote,
        deposit=Decimal(kept["deposit"]),
        waits=asking.state_after(choice.lines, at_counter=False) == Booking.State.ASKED,
        cancels=said_cancel(choice, town, now),
    )


def _query_at(choice: Choice, span: Span) -> str:
    """The address that makes the same choice at another time."""
    if choice.space is None:
        return choice.moved(span).query()
    data = QueryDict(steps_query(choice.space, span), mutable=True)
    data.update(dict(choice.piece_fields()))
    return data.urlencode()


def check_free(
    town: Municipality, choice: Choice, *, now: datetime, but: int | None = None
) -> None:
    """Raise Taken, with what comes nearest, unless all of it is free then."""
    asking.check_times(choice.lines, choice.span, now=now, at_counter=False)
    ids = [offer.resource.pk for offer, _line in choice.lines]
    windows = [
        choice.span.widened(offer.resource.terms.before, offer.resource.terms.after)
        for offer, _line in choice.lines
    ]
    whole = Span(min(one.start for one in windows), max(one.end for one in windows))
    taken = occupation(town, ids, whole, now=now, but=but)
    try:
        for (offer, line), window in zip(choice.lines, windows, strict=True):
            if offer.resource.is_space:
                holds.pick_unit(offer, line, window, taken)
            else:
                holds.check_left(offer, line, window, taken)
    except rules.Taken as refused:
        near = nearest_free(town, choice.lines, choice.span, now=now, but=but)
        raise rules.Taken(str(refused), near) from refused


def said_cancel(choice: Choice, town: Municipality, now: datetime) -> str:
    """Until when it may be undone, by the strictest of what was chosen."""
    resources = [offer.resource for offer, _line in choice.lines]
    until = min(
        rules.cancels_until(choice.span.start, timedelta(minutes=one.cancel_notice))
        for one in resources
    )
    return said_until(until, town, now)


def said_until(until: datetime, town: Municipality, now: datetime) -> str:
    if until <= now:
        return _("Pour annuler, appelez la Ville.")
    on = until.astimezone(town.zone).date()
    return _("Vous pouvez modifier ou annuler vous-même jusqu’au {day}, {hour}.").format(
        day=wording.said_day(on, today=now.astimezone(town.zone).date()),
        hour=wording.said_hour(until, town.zone),
    )


@dataclass(frozen=True)
class Week:
    """Seven days of a place, the one that a phone shows, and where the arrows lead."""

    days: list[weeks.Day]
    open_on: date
    before: date | None
    after: date | None

    @property
    def first_on(self) -> date:
        return self.days[0].on

    @property
    def is_closed(self) -> bool:
        return not any(day.cells for day in self.days)


def week(
    town: Municipality,
    offer: Offer,
    on: date,
    *,
    now: datetime,
    chosen: Collection[datetime] = (),
    but: int | None = None,
) -> Week:
    """The week that holds the day."""
    first_on = weeks.monday(on)
    last_on = first_on + 6 * weeks.DAY
    terms = offer.resource.terms
    opened = offer.opened(first_on, last_on, town.zone)
    window = Span(local_day(first_on, town.zone).start, local_day(last_on, town.zone).end)
    taken = occupation(
        town, [offer.resource.pk], window.widened(terms.before, terms.after), now=now, but=but
    )
    free = weeks.free_cells(opened, taken.units, [one.pk for one in offer.units], terms)
    days = weeks.days(
        first_on, opened, free, terms, chosen=chosen, now=now, zone=town.zone
    )  # fmt: skip
    today = now.astimezone(town.zone).date()
    last = rules.last_day(terms, now, town.zone)
    return Week(
        days,
        open_on=on,
        before=first_on - weeks.DAY if first_on > today else None,
        after=last_on + weeks.DAY if last_on < last else None,
    )


FULL, FEW, MANY, CLOSED = "full", "few", "many", "closed"
FEW_PERCENT = 25


@dataclass(frozen=True)
class MonthDay:
    """One day of a month: how free it is, or why it may not be had."""

    on: date
    state: str
    is_of_month: bool


@dataclass(frozen=True)
class Month:
    first_on: date
    days: list[MonthDay]
    before: date | None
    after: date | None


def month(town: Municipality, offer: Offer, on: date, *, now: datetime) -> Month:
    """The month that holds the day, from Monday to Sunday, each day with how free it is."""
    first_on = on.replace(day=1)
    next_first = (first_on + timedelta(days=31)).replace(day=1)
    start = weeks.monday(first_on)
    end = weeks.monday(next_first - weeks.DAY) + 6 * weeks.DAY
    today = now.astimezone(town.zone).date()
    last = rules.last_day(offer.resource.terms, now, town.zone)
    resource = offer.resource
    shares = months.availability(town, [resource], start, end, now=now)[resource.pk]
    days = []
    for number, share in enumerate(shares):
        day = start + number * weeks.DAY
        state = FULL
        if day < today:
            state = weeks.PAST
        elif day > last:
            state = weeks.FAR
        elif not share.open:
            state = CLOSED
        elif share.free:
            state = FEW if 100 * share.free < FEW_PERCENT * share.open else MANY
        days.append(MonthDay(day, state, is_of_month=day.month == first_on.month))
    return Month(
        first_on,
        days,
        before=first_on - weeks.DAY if first_on > today else None,
        after=next_first if next_first <= last else None,
    )


def first_free_day(town: Municipality, offer: Offer, *, now: datetime) -> date:
    """The first day with something free, within four weeks; today when there is none."""
    today = now.astimezone(town.zone).date()
    last = min(today + timedelta(days=28), rules.last_day(offer.resource.terms, now, town.zone))
    window = Span(local_day(today, town.zone).start, local_day(last, town.zone).end)
    terms = offer.resource.terms
    taken = occupation(
        town, [offer.resource.pk], window.widened(terms.before, terms.after), now=now
    )
    found = free_starts(
        [(offer, Line(offer.resource.pk))], length=max(terms.step, terms.shortest),
        window=window, taken=taken, now=now, zone=town.zone,
    )  # fmt: skip
    return found[0].astimezone(town.zone).date() if found else today


def about(request: TownRequest, offer: Offer, on: date, *, now: datetime) -> dict[str, Any]:
    """What a page says of a resource, whatever its kind."""
    resource, town = offer.resource, request.municipality
    terms = resource.terms
    until = rules.last_day(terms, now, town.zone)
    return {
        "offer": offer,
        "resource": resource,
        "icon": ICONS[resource.family],
        "where": where(resource),
        "map": places.map_url(resource.address),
        "price": wording.price_chip(offer, price_class(request, on), on),
        "tariff": wording.price_words(offer, on),
        "hours": wording.hours_words(offer, on),
        "closures": [one for one in offer.closures if one.last_on >= on and one.first_on <= until],
        "lengths": (rules.said_length(terms.shortest), rules.said_length(terms.longest)),
        "notice": rules.said_length(terms.notice) if terms.notice else "",
        "cancel_notice": (
            rules.said_length(timedelta(minutes=resource.cancel_notice))
            if resource.cancel_notice
            else ""
        ),
        "limits": [quotas.limit(one.quota) for one in offer.limits],
    }


def steps_query(offer: Offer, span: Span) -> str:
    """The address of a resource's page with these steps chosen."""
    data = QueryDict(mutable=True)
    if offer.resource.is_appointment:
        data["h"] = weeks.key(span.start)
        return data.urlencode()
    data.setlist("h", [weeks.key(one) for one in weeks.steps_of(span, offer.resource.terms.step)])
    return data.urlencode()


def space_url(space_id: int, kept: QueryDict) -> str:
    """Back to a place, with what was chosen there."""
    data = kept.copy()
    data.pop("lieu", None)
    query = data.urlencode()
    return reverse("reservations:resource", args=[space_id]) + (f"?{query}" if query else "")


def loan_url(kept: QueryDict) -> str:
    """Back to the equipment, with what was chosen there."""
    query = kept.urlencode()
    return reverse("reservations:loan") + (f"?{query}" if query else "")


def choice_url(choice: Choice) -> str:
    """Where a choice is made again, as it was made."""
    if choice.space is not None:
        query = _query_at(choice, choice.span)
        return f"{choice.space.resource.get_absolute_url()}?{query}"
    return f"{reverse('reservations:loan')}?{choice.query()}"


def feed_path(token: str) -> str:
    """The address that another calendar reads."""
    return reverse("reservations:private_feed", args=[token])


def where(resource: Resource) -> str:
    """Its place in words: the address, then where exactly."""
    return ", ".join(str(one) for one in (resource.address, resource.place) if one)
