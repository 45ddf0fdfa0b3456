"""The desk's appointments: the day or the week, who comes, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from parvis.core.errors import Refused
from parvis.core.htmx import go_to
from parvis.municipalities.models import Municipality
from parvis.reservations import appointments, choices, desk, hours, reports
from parvis.reservations.hours import Span
from parvis.reservations.models import Booking, Resource, Taking
from parvis.reservations.staff import ROOM, found
from parvis.reservations.staff_calendar import DAY, asked_day, takings_in
from parvis.residents.doors import may_enter, staff_door
from parvis.residents.http import StaffRequest
from parvis.residents.models import Phone

TONES = {"arrived": "info", "served": "succes", "absent": "avis"}
WEEK = "semaine"


@dataclass(frozen=True)
class Coming:
    """One appointment of the agenda, or an hour when nobody receives."""

    taking: Taking
    phones: list[Phone]
    tone: str
    deeds: list[tuple[str, str]]
    """What the desk may note now: value and word."""


@staff_door(ROOM, "see")
@require_safe
def agenda(request: StaffRequest) -> HttpResponse:
    """Who comes that day, hour by hour; or the whole week."""
    return page(request, asked_day(request), by_week=request.GET.get("vue") == WEEK)


def page(
    request: StaffRequest, on: date, *, by_week: bool = False, refusal: str = ""
) -> HttpResponse:
    """The agenda; 422 when something could not be noted."""
    town, now = request.municipality, timezone.now()
    first_on = on - timedelta(days=on.weekday()) if by_week else on
    days = [first_on + n * DAY for n in range(7 if by_week else 1)]
    services = list(
        Resource.objects.of(town)
        .filter(kind=Resource.Kind.APPOINTMENT)
        .exclude(state=Resource.State.DRAFT)
    )
    chosen = choices.number(request.GET.get("service", ""))
    service = next((one for one in services if one.pk == chosen), None)
    window = Span(
        hours.local_day(days[0], town.zone).start, hours.local_day(days[-1], town.zone).end
    )
    where: dict[str, Any] = {"resource__in": [service] if service else services}
    takings = takings_in(town, window, **where)
    may_act = may_enter(request.staff, ROOM, "act")
    phones = phones_of(town, takings)
    by_day = reports.by_day(takings, town)
    today = now.astimezone(town.zone).date()
    rows = [
        (one, [coming(row, phones, today=one == today, late=row.span.start <= now,
                      past=one < today) for row in by_day.get(one, [])])
        for one in days
    ]  # fmt: skip
    booked = [one.booking for one in takings if one.booking is not None]
    step = 7 * DAY if by_week else DAY
    return render(
        request,
        "reservations/staff/agenda.html",
        {
            "on": on, "days": rows, "by_week": by_week, "first_on": first_on, "today": today,
            "before": on - step, "after": on + step, "services": services, "service": service,
            "count": len(booked), "absent": sum(one.presence == "absent" for one in booked),
            "refusal": refusal, "here": "agenda", "may_act": may_act,
        },
        status=422 if refusal else 200,
    )  # fmt: skip


def phones_of(town: Municipality, takings: list[Taking]) -> dict[int, list[Phone]]:
    """Booking → the numbers of its person, where the town is to call: nobody else's are shown."""
    called = [
        one.booking for one in takings
        if one.booking is not None and one.booking.way == Resource.Way.PHONE
    ]  # fmt: skip
    numbers: dict[int, list[Phone]] = {}
    people = {one.resident_id for one in called}
    for phone in Phone.objects.of(town).filter(resident__in=people).order_by("pk"):
        numbers.setdefault(phone.resident_id, []).append(phone)
    return {one.pk: numbers.get(one.resident_id, []) for one in called}


def coming(
    taking: Taking, phones: dict[int, list[Phone]], *, today: bool, late: bool, past: bool
) -> Coming:
    """A line of the agenda, with what may be noted of it now."""
    row = taking.booking
    if row is None or row.state != Booking.State.CONFIRMED:
        return Coming(taking, [], "", [])
    possible = appointments.NEXT[row.presence] if today or past else ()
    words = dict(Booking.Presence.choices) | {"": _("Reprendre")}
    deeds = [
        (name, str(words[name])) for name in possible
        if name != appointments.ABSENT or late
    ]  # fmt: skip
    return Coming(taking, phones.get(row.pk, []), TONES.get(row.presence, ""), deeds)


@staff_door(ROOM, "act")
@require_POST
def note_presence(request: StaffRequest, booking_id: int) -> HttpResponse:
    """Note that the person arrived, was served, or did not come."""
    row = found(request, booking_id)
    on = row.span.start.astimezone(request.municipality.zone).date()
    by_week = request.POST.get("vue") == WEEK
    try:
        desk.note_presence(
            row, presence=request.POST.get("presence", ""), seen=request.POST.get("seen", ""),
            clerk=request.user, now=timezone.now(),
        )  # fmt: skip
    except Refused as refused:
        return page(request, on, by_week=by_week, refusal=str(refused))
    messages.success(request, _("C’est noté."))
    query = f"?jour={on:%Y-%m-%d}" + (f"&vue={WEEK}" if by_week else "")
    return go_to(request, reverse("reservations_staff:agenda") + query)
