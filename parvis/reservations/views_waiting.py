"""The waiting list as residents use it: get in line, take the place that is offered, leave."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from parvis.core.errors import Refused
from parvis.core.htmx import go_to
from parvis.reservations import rules, waiting, weeks, wording
from parvis.reservations.choices import Choice
from parvis.reservations.forms import BookingForm, WaitForm
from parvis.reservations.hours import Span
from parvis.reservations.mine import said_wait
from parvis.reservations.models import Booking, Resource, Wait
from parvis.reservations.pages import Recap
from parvis.reservations.readings import Line, offer
from parvis.residents.http import ResidentRequest


def join_url(choice: Choice) -> str:
    """Where one gets in line for a choice; empty when it is of several things."""
    resource = choice.lines[0][0].resource
    if len(choice.lines) > 1 or not resource.offer_minutes:
        return ""
    data = QueryDict(mutable=True)
    data["du"], data["au"] = weeks.key(choice.span.start), weeks.key(choice.span.end)
    data["combien"] = str(choice.lines[0][1].quantity)
    return f"{reverse('reservations:join', args=[resource.pk])}?{data.urlencode()}"


@require_http_methods(["GET", "HEAD", "POST"])
def join(request: ResidentRequest, resource_id: int) -> HttpResponse:
    """Say what one waits for: the moment, and how much."""
    town, now = request.municipality, timezone.now()
    resource = get_object_or_404(
        Resource.objects.of(town).offered().filter(offer_minutes__gt=0), pk=resource_id
    )
    form = WaitForm(
        request.POST if request.method == "POST" else None,
        resource=resource,
        person=request.user,
        initial=_asked(request, now),
    )
    nearest: list[Span] = []
    if form.is_valid():
        try:
            made = waiting.join(
                resident=request.user, line=form.line(), span=form.cleaned_data["span"], now=now,
                people=form.cleaned_data.get("people"), organisation_id=form.organisation_id,
            )  # fmt: skip
        except Refused as refused:
            form.add_error(None, str(refused))
            nearest = refused.nearest if isinstance(refused, rules.Taken) else []
        else:
            messages.success(
                request, _("Vous êtes en attente. Nous vous avertirons si une place se libère.")
            )
            return go_to(request, made)
    facts = {
        "form": form,
        "resource": resource,
        "length": _kept_for(resource),
        "nearest": [wording.said_period(one, zone=town.zone, now=now) for one in nearest],
    }
    status = 422 if form.errors else 200
    return render(request, "reservations/join.html", facts, status=status)


def _asked(request: ResidentRequest, now: datetime) -> dict[str, Any]:
    """What the form begins with: the moment that was full, or today."""
    zone = request.municipality.zone
    first: dict[str, Any] = {"first_on": now.astimezone(zone).date(), "quantity": 1}
    try:
        start, end = (weeks.instant(request.GET.get(name, "")) for name in ("du", "au"))
    except Refused:
        return first
    start, end = start.astimezone(zone), end.astimezone(zone)
    return {
        "first_on": start.date(), "opens": start.time(), "last_on": end.date(),
        "closes": end.time(), "quantity": request.GET.get("combien", "1")[:6],
    }  # fmt: skip


def _kept_for(resource: Resource) -> str:
    return rules.said_length(resource.offer_minutes * rules.MINUTE)


def found(request: ResidentRequest, wait_id: int) -> Wait:
    """The person's own place in line, or 404."""
    rows = Wait.objects.of(request.municipality).filter(resident=request.user)
    row: Wait = get_object_or_404(
        rows.select_related("resource", "booking", "organisation", "municipality"), pk=wait_id
    )
    return row


@require_http_methods(["GET", "HEAD", "POST"])
def wait(request: ResidentRequest, wait_id: int) -> HttpResponse:
    """Where one is in line; once a place is offered, what is asked to reserve it, in one step."""
    now, row = timezone.now(), found(request, wait_id)
    booking = row.booking
    if booking is not None and booking.state in {Booking.State.ASKED, Booking.State.CONFIRMED}:
        return redirect(booking)
    facts = said_wait(row, now)
    lines = [(offer(row.resource), Line(row.resource_id, row.quantity))]
    form = BookingForm(
        request.POST if request.method == "POST" else None, lines=lines, person=request.user,
        initial={"key": f"wait-{row.pk}", "people": row.people},
    )  # fmt: skip
    # In whose name was said when getting in line: the price depends on it.
    form.fields.pop("organisation", None)
    if form.is_valid():
        try:
            made = waiting.accept(
                row, now=now, purpose=form.cleaned_data["purpose"], answers=form.answers(),
                people=form.cleaned_data.get("people"),
                accepted=form.cleaned_data.get("accepted", False),
            )  # fmt: skip
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            asked = made.state == Booking.State.ASKED
            messages.success(
                request,
                _("Votre demande est envoyée. La Ville vous répondra.")
                if asked
                else _("C’est réservé."),
            )
            return go_to(request, made)
    facts |= {
        "form": form,
        "rank": waiting.place_in_line(row) if facts["waiting"] else 0,
        "length": _kept_for(row.resource),
        "conditions": [row.resource] if row.resource.conditions.strip() else [],
        "recap": _priced(booking) if booking is not None else Recap(),
        "total": booking.total if booking is not None else 0,
        "approval": row.resource.mode == Resource.Mode.APPROVAL,
    }
    return render(request, "reservations/wait.html", facts, status=422 if form.errors else 200)


def _priced(booking: Booking) -> Recap:
    """The price of what is offered, as it was worked out when it was kept."""
    return Recap(
        lines=[wording.said_line(one) for one in booking.quote.get("lines", [])],
        deposit=booking.deposit,
    )


@require_POST
def leave(request: ResidentRequest, wait_id: int) -> HttpResponse:
    waiting.leave(found(request, wait_id), now=timezone.now())
    messages.success(request, _("Vous n’êtes plus sur cette liste d’attente."))
    return go_to(request, "reservations:mine")
