"""Booking for someone who calls or stands at the counter: who, what, when."""

from __future__ import annotations

import secrets
from datetime import date, datetime, time, timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from parvis.core.errors import Refused
from parvis.core.htmx import go_to, page_or_part
from parvis.reservations import actions, hours, moments
from parvis.reservations.hours import Span
from parvis.reservations.models import Resource
from parvis.reservations.readings import Line
from parvis.reservations.rules import Taken
from parvis.reservations.staff import ROOM
from parvis.reservations.staff_calendar import asked_day
from parvis.reservations.staff_forms import CounterForm
from parvis.residents import rules as people
from parvis.residents.doors import may_enter, staff_door
from parvis.residents.http import StaffRequest
from parvis.residents.models import Resident

FOUND = 12
MOST_MOMENTS = 8
LOOKED_AHEAD = timedelta(days=28)


@staff_door(ROOM, "act")
@require_safe
def counter(request: StaffRequest) -> HttpResponse:
    """Look for the person; nobody is listed before something is asked."""
    query = request.GET.get("q", "").strip()[:80]
    rows: list[Resident] = []
    if people.search_words(query):
        known = Resident.objects.of(request.municipality).standing().found(query)
        rows = list(known.order_by("last_name", "first_name", "id")[:FOUND])
    return render(
        request,
        page_or_part(
            request, "reservations/staff/counter.html", "reservations/staff/_counter_people.html"
        ),
        {
            "query": query,
            "people": rows,
            "may_open": may_enter(request.staff, "residents", "act"),
            "here": "counter",
        },
    )


def person(request: StaffRequest, person_id: int) -> Resident:
    found: Resident = get_object_or_404(
        Resident.objects.of(request.municipality).standing(), pk=person_id
    )
    return found


@staff_door(ROOM, "act")
@require_safe
def what(request: StaffRequest, person_id: int) -> HttpResponse:
    """What the person wants."""
    return render(
        request,
        "reservations/staff/counter_what.html",
        {
            "caller": person(request, person_id),
            "resources": Resource.objects.of(request.municipality)
            .offered()
            .order_by("-kind", "name"),
            "here": "counter",
        },
    )


def asked_hour(request: StaffRequest) -> time | None:
    """The hour that the address names: of a free moment that was pressed."""
    try:
        return time.fromisoformat(request.GET.get("heure", "")).replace(tzinfo=None)
    except ValueError:
        return None


def next_moments(resource: Resource, on: date, *, now: datetime) -> list[datetime]:
    """Of an appointment: the next free moments from that day on, as the town's clock shows them."""
    if not resource.is_appointment:
        return []
    zone = resource.municipality.zone
    start = max(hours.local_day(on, zone).start, now)
    window = Span(start, start + LOOKED_AHEAD)
    found = moments.free(resource, window, now=now, at_counter=True)
    return [one.start.astimezone(zone) for one in found[:MOST_MOMENTS]]


@staff_door(ROOM, "act")
def book(request: StaffRequest, person_id: int, resource_id: int) -> HttpResponse:
    """When, and the booking itself."""
    caller = person(request, person_id)
    resource = get_object_or_404(
        Resource.objects.of(request.municipality).offered().select_related("municipality"),
        pk=resource_id,
    )
    nearest = []
    on = asked_day(request)
    initial = {"first_on": on, "key": secrets.token_urlsafe(16)}
    if hour := asked_hour(request):
        initial["opens"] = hour
    form = CounterForm(request.POST or None, resource=resource, initial=initial)
    if form.is_valid():
        said = form.cleaned_data
        try:
            made = actions.book(
                resident=caller,
                lines=[Line(resource.pk, said.get("quantity") or 1)],
                span=said["span"],
                now=timezone.now(),
                key=said["key"],
                purpose=said["purpose"],
                people=said.get("people"),
                organisation_id=said["organisation"].pk if said["organisation"] else None,
                answers=form.answers(),
                way=said.get("way", ""),
                clerk=request.user,
            )
        except Refused as refused:
            form.add_error(None, str(refused))
            nearest = refused.nearest if isinstance(refused, Taken) else []
        else:
            messages.success(request, _("C’est réservé, et la personne en est avertie."))
            return go_to(request, "reservations_staff:booking", made.pk)
    return render(
        request,
        "reservations/staff/counter_book.html",
        {
            "caller": caller,
            "resource": resource,
            "form": form,
            "nearest": nearest,
            "moments": next_moments(resource, on, now=timezone.now()),
            "here": "counter",
        },
        status=422 if form.errors else 200,
    )
