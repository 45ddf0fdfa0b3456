"""A resident's own reservations: what comes, what was; to change, cancel, show at the door."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.http import http_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from parvis.core import typography
from parvis.core.errors import Refused
from parvis.core.htmx import go_to, page_or_part
from parvis.core.money import ZERO
from parvis.reservations import (
    actions,
    calendars,
    choices,
    letters,
    pages,
    prices,
    rules,
    views_appointments,
    weeks,
    wording,
)
from parvis.reservations.choices import Choice
from parvis.reservations.hours import Span
from parvis.reservations.mine import STANDING, said, said_wait, theirs
from parvis.reservations.models import Booking, CalendarFeed, Payment, Wait
from parvis.reservations.pages import Recap
from parvis.reservations.readings import Offer
from parvis.residents.http import ResidentRequest

PER_PAGE = 20


class PriceChanged(Refused):
    """What it costs is not what the page showed."""


State = Booking.State


def found(request: ResidentRequest, booking_id: int) -> Booking:
    """The person's own booking, or 404."""
    booking: Booking = get_object_or_404(theirs(request.user), pk=booking_id)
    return booking


@require_safe
def mine(request: ResidentRequest) -> HttpResponse:
    """What comes, the next one first; then what was, or will not be."""
    now = timezone.now()
    rows = theirs(request.user)
    coming = rows.filter(state__in=STANDING).upcoming(now)
    past = rows.exclude(pk__in=coming.values("pk")).order_by("-period__startswith", "-pk")
    page = Paginator(past, PER_PAGE).get_page(request.GET.get("page"))
    waits = Wait.objects.of(request.municipality).filter(resident=request.user).of_page(now)
    return render(
        request,
        "reservations/mine.html",
        {
            "waits": [said_wait(one, now) for one in waits],
            "coming": [said(one, now) for one in coming[:100]],
            "past": [said(one, now) for one in page.object_list],
            "page": page,
        },
    )


@require_safe
def booking(request: ResidentRequest, booking_id: int) -> HttpResponse:
    """One reservation: when, where, how to get in, what is due, what can be done."""
    now = timezone.now()
    row = found(request, booking_id)
    facts = said(row, now)
    paid = Payment.objects.of(request.municipality).counted().filter(booking=row)
    near = row.state == State.CONFIRMED and letters.is_near(row, now) and not facts["is_over"]
    facts |= {
        "lines": [wording.said_line(one) for one in row.quote.get("lines", [])],
        "gst": Decimal(row.quote.get("gst", "0")),
        "qst": Decimal(row.quote.get("qst", "0")),
        "payments": list(paid),
        "due": row.total - _fees(paid) if facts["standing"] else ZERO,
        "instructions": letters.instructions(row) if near else [],
        "has_instructions": any(one.resource.instructions.strip() for one in facts["takings"]),
        "until": pages.said_until(row.changes_until, request.municipality, now),
    }
    return render(request, "reservations/booking.html", facts)


def _fees(paid: Iterable[Payment]) -> Decimal:
    """What was paid of the price: deposits are apart."""
    kinds = {Payment.Kind.FEE, Payment.Kind.REFUND}
    return sum((one.signed for one in paid if one.kind in kinds), ZERO)


# --- to cancel --------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: ResidentRequest, booking_id: int) -> HttpResponse:
    """Ask once more, with what it costs; then cancel."""
    now = timezone.now()
    row = found(request, booking_id)
    refusal = ""
    if request.method == "POST":
        token = choices.number(request.POST.get("token", ""))
        try:
            _check_kept(row, request.POST.get("seen", ""), now=now)
            actions.cancel(row, now=now, token=token)
        except Refused as refused:
            refusal = str(refused)
            row = found(request, booking_id)
        else:
            messages.success(request, _("La réservation est annulée."))
            return go_to(request, "reservations:mine")
    elif row.state not in STANDING:
        return redirect(row)
    kept = _kept(row, now)
    facts = said(row, now) | {"kept": kept, "kept_code": str(kept), "refusal": refusal}
    return render(request, "reservations/cancel.html", facts, status=422 if refusal else 200)


def _kept(row: Booking, now: datetime) -> Decimal:
    """What the town would keep of the price, were it cancelled now."""
    if row.state != State.CONFIRMED:
        return ZERO
    return prices.kept_if_cancelled(
        row.total, start=row.span.start, free_hours=row.free_hours, percent=row.kept_percent,
        now=now,
    )  # fmt: skip


def _check_kept(row: Booking, seen: str, *, now: datetime) -> None:
    """Raise Refused unless the page said what is kept: an hour may have passed since."""
    kept = _kept(row, now)
    if kept and seen != str(kept):
        raise Refused(
            _("La Ville garde maintenant {amount}. Regardez, puis confirmez.").format(
                amount=typography.money(kept)
            )
        )


# --- to change --------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: ResidentRequest, booking_id: int) -> HttpResponse:
    """Choose other times or quantities; until it is done, the reservation stays as it was."""
    now, town = timezone.now(), request.municipality
    row = found(request, booking_id)
    facts = said(row, now)
    if not facts["may_change"]:
        messages.error(request, pages.said_until(row.changes_until, town, now))
        return redirect(row)
    data = request.POST if request.method == "POST" else request.GET
    refusal, nearest = "", list[Span]()
    choice = None
    try:
        choice = _new_choice(row, data, now=now)
        if request.method == "POST":
            _check_seen(request, choice, row, now=now)
            token = choices.number(request.POST.get("token", "")) or 0
            lines = [line for _offer, line in choice.lines]
            actions.change(row, span=choice.span, lines=lines, token=token, now=now)
            messages.success(request, _("La réservation est modifiée."))
            return go_to(request, row)
    except Refused as refused:
        refusal = str(refused)
        nearest = refused.nearest if isinstance(refused, rules.Taken) else []
        row = found(request, booking_id)
        if isinstance(refused, PriceChanged) and choice is not None:
            # The page shows it now: the same press agrees to it.
            messages.warning(request, refusal)
            return _change_page(request, row, choice, "", [], now=now, status=422)
    status = 422 if refusal and request.method == "POST" else 200
    return _change_page(request, row, choice, refusal, nearest, now=now, status=status)


def _change_page(
    request: ResidentRequest, row: Booking, choice: Choice | None, refusal: str,
    nearest: list[Span], *, now: datetime, status: int,
) -> HttpResponse:  # fmt: skip
    """What the booking would become, with the fields that say so."""
    town = request.municipality
    data = request.POST if request.method == "POST" else request.GET
    facts = said(row, now)
    recap = _recap(request, choice, refusal, nearest, row, now=now)
    facts |= {"recap": recap, "chosen_space": None, "where": "; ".join(facts["where"])}
    facts["pieces"] = [
        (one.resource, data.get(f"q{one.resource_id}", str(one.quantity)))
        for one in facts["takings"]
        if one.unit_id is None
    ]
    space = _space(row, now)
    if space is not None:
        facts |= _week_of(request, row, space, choice, data, now=now)
    else:
        facts |= {"dates": _dates(row, choice, data), "today": now.astimezone(town.zone).date()}
    page = page_or_part(request, "reservations/change.html", "reservations/_recap.html")
    response = render(request, page, facts, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _check_seen(request: ResidentRequest, choice: Choice, row: Booking, *, now: datetime) -> None:
    """Raise Refused unless the page showed what it would cost; what is taken is refused later."""
    recap = pages.recap(request, choice, now=now, organisation=row.organisation, but=row.pk)
    if recap.quote is None or pages.owed(recap) == request.POST.get("seen", ""):
        return
    raise PriceChanged(
        _("Le prix est maintenant de {price}. Regardez-le, puis confirmez.").format(
            price=typography.money(recap.quote.total)
        )
    )


def _new_choice(row: Booking, data: QueryDict, *, now: datetime) -> Choice:
    """What the booking would become; at first, what it is."""
    fresh = data.copy()
    takings = list(row.takings.all())
    # Other things are another request, with its own conditions and questions.
    own = {f"q{one.resource_id}" for one in takings if one.unit_id is None}
    for name in [name for name in fresh if name.startswith("q") or name == "lieu"]:
        if name not in own:
            del fresh[name]
    for one in takings:
        if one.unit_id is not None:
            fresh["lieu"] = str(one.resource_id)
        elif f"q{one.resource_id}" not in fresh:
            fresh[f"q{one.resource_id}"] = str(one.quantity)
    if not any(fresh.get(name) for name in ("h", "du", "jour_du")):
        if data.get("token"):
            # An empty choice was sent.
            return choices.read(row.municipality, fresh, now=now)
        fresh["du"], fresh["au"] = weeks.key(row.span.start), weeks.key(row.span.end)
    return choices.read(row.municipality, fresh, now=now)


def _recap(
    request: ResidentRequest, choice: Choice | None, refusal: str, nearest: list[Span],
    row: Booking, *, now: datetime,
) -> Recap:  # fmt: skip
    town = request.municipality
    if choice is None or refusal:
        options = [pages.option(span, town, now, _moved(choice, span)) for span in nearest]
        return Recap(refusal=refusal, nearest=options)
    return pages.recap(request, choice, now=now, organisation=row.organisation, but=row.pk)


def _moved(choice: Choice | None, span: Span) -> str:
    return choice.moved(span).query() if choice else ""


def _space(row: Booking, now: datetime) -> Offer | None:
    ids = [one.resource_id for one in row.takings.all() if one.unit_id is not None]
    return next(iter(choices.standing(row.municipality, ids, now=now).values()), None)


def _week_of(
    request: ResidentRequest, row: Booking, space: Offer, choice: Choice | None,
    data: QueryDict, *, now: datetime,
) -> dict[str, Any]:  # fmt: skip
    town = request.municipality
    if space.resource.is_appointment:
        shown = choices.day_of(data.get("jour", ""))
        return views_appointments.to_move(town, space, choice, shown, row, now=now)
    steps = weeks.steps_of(choice.span, space.resource.terms.step) if choice else []
    on = choices.day_of(data.get("jour", ""))
    shown = on or (steps[0] if steps else row.span.start).astimezone(town.zone).date()
    week = pages.week(town, space, shown, now=now, chosen=steps, but=row.pk)
    return {"week": week, "chosen_space": space}


def _dates(row: Booking, choice: Choice | None, data: QueryDict) -> dict[str, str]:
    """The fields say the period that is shown; what could not be read stays as it was written."""
    zone = row.municipality.zone
    start, end = (at.astimezone(zone) for at in (choice.span if choice else row.span))
    if choice is not None:
        data = QueryDict()
    return {
        "jour_du": data.get("jour_du", "")[:10] or f"{start:%Y-%m-%d}",
        "heure_du": data.get("heure_du", "")[:5] or f"{start:%H:%M}",
        "jour_au": data.get("jour_au", "")[:10] or f"{end:%Y-%m-%d}",
        "heure_au": data.get("heure_au", "")[:5] or f"{end:%H:%M}",
    }


# --- at the door, and in other calendars ------------------------------------------------------


@require_safe
def door(request: ResidentRequest, booking_id: int) -> HttpResponse:
    """What to show at the door. The phone keeps it until the day after, for want of network."""
    now = timezone.now()
    row = found(request, booking_id)
    facts = said(row, now)
    if not facts["standing"]:
        return redirect(row)
    near = row.state == State.CONFIRMED and letters.is_near(row, now)
    facts["instructions"] = letters.instructions(row) if near else []
    response = render(request, "reservations/door.html", facts)
    response["Cache-Control"] = "private, no-cache"
    # The worker reads here until when it keeps the page.
    response["Expires"] = http_date((row.span.end + timedelta(days=1)).timestamp())
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def feed(request: ResidentRequest) -> HttpResponse:
    """The private address for another calendar; it is shown once, and a new one closes the old."""
    address = ""
    if request.method == "POST":
        token = calendars.renew_feed(request.user, now=timezone.now())
        address = request.build_absolute_uri(pages.feed_path(token))
    known = CalendarFeed.objects.of(request.municipality).filter(resident=request.user).first()
    response = render(request, "reservations/feed.html", {"feed": known, "address": address})
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def close_feed(request: ResidentRequest) -> HttpResponse:
    calendars.close_feed(request.user)
    messages.success(request, _("L’adresse est fermée\u00a0: plus aucun agenda ne la lit."))
    return go_to(request, "reservations:feed")
