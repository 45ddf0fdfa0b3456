"""Equipment that the town lends by quantity: several things in one request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from parvis.core.errors import Refused
from parvis.core.htmx import page_or_part
from parvis.reservations import choices, pages, rules, weeks, wording
from parvis.reservations.hours import Span, local_day
from parvis.reservations.models import Resource
from parvis.reservations.pages import Recap
from parvis.reservations.readings import Offer, occupation
from parvis.residents.http import TownRequest

DAYS_SHOWN = 14


@dataclass(frozen=True)
class Piece:
    """One kind of equipment of the list: how many may be had, how many are asked for."""

    offer: Offer
    left: int
    asked: str
    price: str
    icon: str

    @property
    def resource(self) -> Resource:
        return self.offer.resource


@login_not_required
@require_safe
def loan(request: TownRequest) -> HttpResponse:
    """Choose what, how many, from when to when; nothing is lost on the way."""
    town, now = request.municipality, timezone.now()
    rows = (
        Resource.objects.of(town)
        .offered()
        .filter(kind=Resource.Kind.EQUIPMENT)
        .values_list("pk", flat=True)
    )
    offers = choices.standing(town, rows, now=now)
    span, recap = _chosen(request, now=now)
    facts = {
        "pieces": pieces(request, list(offers.values()), span, now=now),
        "recap": recap,
        "span": span,
        "dates": _dates(request, span),
        "today": now.astimezone(town.zone).date(),
    }
    template = page_or_part(request, "reservations/loan.html", "reservations/_loan_recap.html")
    response = render(request, template, facts)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _chosen(request: TownRequest, *, now: datetime) -> tuple[Span | None, Recap]:
    """The period, when it is said, and the price of what is asked for, or why it may not be had."""
    data = request.GET
    if not (data.get("du") or (data.get("jour_du") and data.get("jour_au"))):
        return None, Recap()
    try:
        span = choices.span_of(data, step_of=None, zone=request.municipality.zone)
        rules.check_order(span)
        if not choices.quantities(data):
            return span, Recap()
        choice = choices.read(request.municipality, data, now=now)
        return span, pages.recap(request, choice, now=now)
    except Refused as refused:
        return None, Recap(refusal=str(refused))


BESIDE = (Resource.Family.FURNITURE, Resource.Family.SOUND, Resource.Family.SPORT)
"""What one may want in a place that one reserves."""


def beside(request: TownRequest, span: Span | None, *, now: datetime) -> list[Piece]:
    """Equipment to add to a place, in the same request and for the same hours."""
    town = request.municipality
    rows = (
        Resource.objects.of(town)
        .offered()
        .filter(kind=Resource.Kind.EQUIPMENT, family__in=BESIDE)
        .values_list("pk", flat=True)
    )
    if not rows:
        return []
    offers = choices.standing(town, rows, now=now)
    return pieces(request, list(offers.values()), span, now=now)


def pieces(
    request: TownRequest, offers: list[Offer], span: Span | None, *, now: datetime
) -> list[Piece]:
    """Every kind of equipment, with what is left through the period if there is one."""
    town = request.municipality
    on = (span.start if span else now).astimezone(town.zone).date()
    of_class = pages.price_class(request, on)
    taken = None
    if span is not None:
        reach = max((one.resource.terms.before + one.resource.terms.after for one in offers),
                    default=timedelta(0))  # fmt: skip
        ids = [one.resource.pk for one in offers]
        taken = occupation(town, ids, span.widened(reach, reach), now=now)
    found = []
    for one in offers:
        left = one.resource.total or 0
        if span is not None and taken is not None:
            terms = one.resource.terms
            left = taken.left(one, span.widened(terms.before, terms.after))
        found.append(
            Piece(
                one,
                left=left,
                asked=request.GET.get(f"q{one.resource.pk}", ""),
                price=wording.price_chip(one, of_class, on),
                icon=pages.ICONS[one.resource.family],
            )
        )
    # What is asked for comes first: the page may have been opened for it.
    return sorted(found, key=lambda piece: (not piece.asked, piece.resource.name))


def _dates(request: TownRequest, span: Span | None) -> dict[str, str]:
    """What the four fields show."""
    if span is not None:
        zone = request.municipality.zone
        start, end = span.start.astimezone(zone), span.end.astimezone(zone)
        return {
            "jour_du": f"{start:%Y-%m-%d}", "heure_du": f"{start:%H:%M}",
            "jour_au": f"{end:%Y-%m-%d}", "heure_au": f"{end:%H:%M}",
        }  # fmt: skip
    names = ("jour_du", "heure_du", "jour_au", "heure_au")
    return {name: request.GET.get(name, "")[:10] for name in names}


def about(request: TownRequest, offer: Offer, *, now: datetime) -> HttpResponse:
    """One kind of equipment: what it is, how many are left each day, what it costs."""
    town = request.municipality
    today = now.astimezone(town.zone).date()
    facts: dict[str, Any] = pages.about(request, offer, today, now=now)
    facts["days"] = days_left(request, offer, today, now=now)
    return render(request, "reservations/equipment.html", facts)


def days_left(
    request: TownRequest, offer: Offer, first_on: date, *, now: datetime
) -> list[tuple[date, int, bool]]:
    """For each of the next days: how many can be had all day, and whether the counter is open."""
    town = request.municipality
    days = [first_on + n * weeks.DAY for n in range(DAYS_SHOWN)]
    spans = [local_day(on, town.zone) for on in days]
    window = Span(spans[0].start, spans[-1].end)
    taken = occupation(town, [offer.resource.pk], window, now=now)
    opened = offer.opened(days[0], days[-1], town.zone)
    return [
        (on, taken.left(offer, span), any(one.overlaps(span) for one in opened))
        for on, span in zip(days, spans, strict=True)
    ]
