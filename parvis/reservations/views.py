"""What the town lends, as residents and visitors find it, choose it and reserve it."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from parvis.core import typography
from parvis.core.errors import Refused
from parvis.core.htmx import go_to, page_or_part
from parvis.reservations import (
    actions,
    choices,
    pages,
    rules,
    search,
    views_appointments,
    views_loans,
    views_waiting,
    weeks,
    wording,
)
from parvis.reservations.choices import Choice
from parvis.reservations.forms import BookingForm
from parvis.reservations.hours import Span
from parvis.reservations.models import Booking
from parvis.reservations.pages import Recap
from parvis.reservations.readings import Offer
from parvis.residents.http import ResidentRequest, TownRequest

PER_PAGE = 20


def _with_parts(response: HttpResponse) -> HttpResponse:
    patch_vary_headers(response, ["HX-Request"])
    return response


@login_not_required
@require_safe
def index(request: TownRequest) -> HttpResponse:
    """Find by need and by date, with what is free."""
    town, now = request.municipality, timezone.now()
    today = now.astimezone(town.zone).date()
    want = search.wanted(request.GET, today=today)
    if request.GET.get("vue") == "semaine":
        return _with_parts(_week_page(request, want, now=now))
    found = search.search(town, want, now=now)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    on = want.on or today
    facts = _around(request, want, today) | {
        "page": page,
        "lines": [_listed(request, one, want, on, now) for one in page.object_list],
        "free": sum(one.is_free for one in found),
        "past": want.on is not None and want.on < today,
    }
    template = page_or_part(request, "reservations/index.html", "reservations/_found.html")
    return _with_parts(render(request, template, facts))


def _around(request: TownRequest, want: search.Wanted, today: date) -> dict[str, Any]:
    """The form of the search, whatever the view of what it finds."""
    return {
        "want": want,
        "families": search.families_of(request.municipality),
        "lengths": [(one, rules.said_length(one * rules.MINUTE)) for one in search.LENGTHS],
        "today": today,
    }


def _week_page(request: TownRequest, want: search.Wanted, *, now: datetime) -> HttpResponse:
    """The same list as a grid: what of each thing is free on each day of a week."""
    town = request.municipality
    today = now.astimezone(town.zone).date()
    days, rows = search.week(town, want, now=now)
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    facts = _around(request, want, today) | {
        "by_week": True,
        "days": days,
        "page": page,
        "rows": page.object_list,
        "before": days[0] - weeks.DAY if days[0] > today else None,
        "after": days[-1] + weeks.DAY,
    }
    template = page_or_part(request, "reservations/index.html", "reservations/_found_week.html")
    return render(request, template, facts)


def _listed(
    request: TownRequest, one: search.Found, want: search.Wanted, on: Any, now: datetime
) -> dict[str, Any]:
    """A line of the list."""
    town, offer = request.municipality, one.offer
    return {
        "found": one,
        "resource": offer.resource,
        "icon": pages.ICONS[offer.resource.family],
        "price": wording.price_chip(offer, pages.price_class(request, on), on),
        "starts": [
            pages.option(span, town, now, pages.steps_query(offer, span)) for span in one.starts
        ],
        "later": [
            pages.option(span, town, now, pages.steps_query(offer, span)) for span in one.later
        ],
        "day": want.on,
    }


def _offer(request: TownRequest, resource_id: int, now: datetime) -> Offer:
    found = choices.standing(request.municipality, [resource_id], now=now)
    if resource_id not in found:
        raise Http404
    return found[resource_id]


@login_not_required
@require_safe
def resource(request: TownRequest, resource_id: int) -> HttpResponse:
    """One thing that is lent: what it is, when it is free, what it costs."""
    now = timezone.now()
    offer = _offer(request, resource_id, now)
    if offer.resource.is_appointment:
        return views_appointments.about(request, offer, now=now)
    if not offer.resource.is_space:
        return views_loans.about(request, offer, now=now)
    town = request.municipality
    try:
        chosen = choices.hours_chosen(request.GET)
        refusal = ""
    except Refused as refused:
        chosen, refusal = [], str(refused)
    recap = _recap_of(request, chosen, now=now) if chosen else Recap(refusal=refusal)
    on = choices.day_of(request.GET.get("jour", ""))
    if on is None and chosen:
        on = min(chosen).astimezone(town.zone).date()
    if on is None or on < now.astimezone(town.zone).date():
        on = pages.first_free_day(town, offer, now=now)
    span = recap.choice.span if recap.choice else None
    facts = pages.about(request, offer, on, now=now) | {
        "month": pages.month(town, offer, on, now=now),
        "pieces": views_loans.beside(request, span, now=now),
        "span": span,
        "week": pages.week(town, offer, on, now=now, chosen=chosen),
        "recap": recap,
        "chosen": [weeks.key(one) for one in chosen],
    }
    template = page_or_part(request, "reservations/space.html", "reservations/_space_recap.html")
    return _with_parts(render(request, template, facts))


def _recap_of(request: TownRequest, chosen: list[datetime], *, now: datetime) -> Recap:
    data = request.GET.copy()
    data["lieu"] = str(request.resolver_match.kwargs["resource_id"])  # type: ignore[union-attr]
    try:
        return pages.recap(request, choices.read(request.municipality, data, now=now), now=now)
    except Refused as refused:
        return Recap(refusal=str(refused))


def confirm(request: ResidentRequest) -> HttpResponse:
    """The second step: look at everything once, answer, accept, reserve.

    A time that was taken meanwhile is refused with the nearest ones; what was written stays.
    """
    now, town = timezone.now(), request.municipality
    data = request.POST if request.method == "POST" else request.GET
    try:
        choice = choices.read(town, data, now=now)
        other = _other_time(data)
    except Refused as refused:
        return render(
            request,
            "reservations/unclear.html",
            {"refusal": str(refused), "back": back_of(data)},
            status=422,
        )
    if other is not None:
        choice = choice.moved(other)
    sent = request.POST if request.method == "POST" and other is None else None
    form = BookingForm(
        sent, lines=choice.lines, person=request.user, initial=_written(data, request.method)
    )
    nearest: list[Span] = []
    recap = None
    if form.is_valid():
        recap = pages.recap(
            request, choice, now=now, organisation=form.cleaned_data.get("organisation")
        )
        if _may_be_asked(request, recap, form):
            try:
                booking = actions.book(
                    resident=request.user,
                    lines=[line for _offer, line in choice.lines],
                    span=choice.span,
                    now=now,
                    key=form.cleaned_data["key"],
                    purpose=form.cleaned_data["purpose"],
                    people=form.cleaned_data.get("people"),
                    organisation_id=form.organisation_id,
                    answers=form.answers(),
                    accepted=form.cleaned_data.get("accepted", False),
                    way=form.cleaned_data.get("way", ""),
                )
            except Refused as refused:
                form.add_error(None, str(refused))
                nearest = refused.nearest if isinstance(refused, rules.Taken) else []
                # It was read before somebody else had it.
                recap = None
            else:
                messages.success(request, _said_made(booking))
                return go_to(request, booking)
    return _confirm_page(request, choice, form, nearest, recap, now=now)


def _may_be_asked(request: ResidentRequest, recap: Recap, form: BookingForm) -> bool:
    """Whether it is free at the price that the page showed: a tariff, or who pays, may change.

    What is taken already is refused from here, without a lock: on an opening morning nearly all
    of it is. A page sent again goes on, since its own booking is what takes the place.
    """
    if recap.quote is None:
        return (
            Booking.objects.of(request.municipality)
            .filter(resident=request.user, key=form.cleaned_data["key"])
            .exists()
        )
    if pages.owed(recap) == form.cleaned_data["seen"]:
        return True
    form.add_error(
        None,
        _("Le prix est maintenant de {price}. Regardez-le, puis confirmez.").format(
            price=typography.money(recap.quote.total)
        ),
    )
    return False


def _said_made(booking: Booking) -> str:
    if booking.state == Booking.State.ASKED:
        return _("Votre demande est envoyée. La Ville vous répondra.")
    return _("C’est réservé.")


def _other_time(data: QueryDict) -> Span | None:
    """Another time pressed among those offered: «20260523T140000Z-20260523T160000Z»."""
    text = data.get("plutot", "")
    if not text:
        return None
    start, _dash, end = text.partition("-")
    return Span(weeks.instant(start), weeks.instant(end))


def _written(data: QueryDict, method: str | None) -> dict[str, Any]:
    """What the form begins with: a new key, and what was written before another time was chosen."""
    kept = {name: data[name] for name in data if method == "POST"}
    return kept | {
        "key": data.get("key") if method == "POST" else secrets.token_urlsafe(24),
        "people": data.get("people") or data.get("personnes") or None,
    }


def back_of(data: QueryDict) -> str:
    """Where the choice is made again, with what was chosen."""
    kept = data.copy()
    for name in ("csrfmiddlewaretoken", "key", "plutot"):
        kept.pop(name, None)
    space_id = choices.number(kept.get("lieu", ""))
    return pages.space_url(space_id, kept) if space_id is not None else pages.loan_url(kept)


def _confirm_page(
    request: ResidentRequest, choice: Choice, form: BookingForm, nearest: list[Span],
    recap: Recap | None, *, now: datetime,
) -> HttpResponse:  # fmt: skip
    town = request.municipality
    if recap is None:
        organisation = form.chosen_organisation()
        recap = pages.recap(request, choice, now=now, organisation=organisation)
    options = recap.nearest or [pages.option(span, town, now) for span in nearest]
    refused = form.is_bound or bool(recap.refusal)
    if recap.refusal and form.is_bound and recap.refusal not in form.non_field_errors():
        form.add_error(None, recap.refusal)
    form.show_price(
        pages.owed(recap), f"{weeks.key(choice.span.start)}-{weeks.key(choice.span.end)}"
    )
    facts = {
        "form": form,
        "recap": recap,
        "choice": choice,
        "options": options,
        "back": pages.choice_url(choice),
        "waiting_url": views_waiting.join_url(choice) if options else "",
        "conditions": [
            offer.resource for offer, _line in choice.lines if offer.resource.conditions.strip()
        ],
    }
    page = page_or_part(request, "reservations/confirm.html", "reservations/_confirm.html")
    return _with_parts(render(request, page, facts, status=422 if refused else 200))
