"""Who has what, day by day and week by week: calendars, the sheet for the caretaker, occupation."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from parvis.municipalities.models import Municipality
from parvis.reservations import hours, reports
from parvis.reservations.hours import Span
from parvis.reservations.models import Resource, Taking
from parvis.reservations.readings import offers
from parvis.reservations.staff import ROOM
from parvis.residents.doors import may_enter, staff_door
from parvis.residents.http import StaffRequest
from parvis.residents.rules import csv_cell

DAY = timedelta(days=1)
A_YEAR = 366


def asked_day(request: StaffRequest, name: str = "jour", *, other: date | None = None) -> date:
    """The local day that the address names; today otherwise."""
    try:
        found = date.fromisoformat(request.GET.get(name, ""))
    except ValueError:
        found = date.min
    today = timezone.now().astimezone(request.municipality.zone).date()
    return found if 2000 <= found.year <= 2200 else other or today


def takings_in(town: Municipality, window: Span, **where: Any) -> list[Taking]:
    """Everything taken in the window, by hour, with who has it."""
    return list(
        Taking.objects.of(town)
        .standing(timezone.now())
        .filter(period__overlap=tuple(window), **where)
        .select_related("resource", "unit", "booking__resident", "booking__organisation", "block")
        .order_by("period__startswith", "resource__name", "pk")
    )


@staff_door(ROOM, "see")
@require_safe
def day(request: StaffRequest) -> HttpResponse:
    """One day of everything that is lent."""
    town = request.municipality
    return render(request, "reservations/staff/day.html", day_of(request) | {
        "here": "day",
        "may_act": may_enter(request.staff, ROOM, "act"),
        "is_today": asked_day(request) == timezone.now().astimezone(town.zone).date(),
    })  # fmt: skip


def day_of(request: StaffRequest) -> dict[str, Any]:
    town, on = request.municipality, asked_day(request)
    window = hours.local_day(on, town.zone)
    rows = offers(town, Resource.objects.of(town).offered().order_by("-kind", "name"))
    found = takings_in(town, window)
    by_resource: dict[int, list[Taking]] = {}
    for one in found:
        by_resource.setdefault(one.resource_id, []).append(one)
    extra = {one.resource_id: one.resource for one in found if one.resource_id not in rows}
    lines = [
        {
            "resource": offered.resource,
            "opened": offered.opened(on, on, town.zone),
            "closure": offered.closure_on(on),
            "takings": by_resource.get(pk, []),
        }
        for pk, offered in rows.items()
    ]
    # What is no longer offered may still be promised.
    lines += [
        {"resource": one, "opened": [], "closure": None, "takings": by_resource[pk]}
        for pk, one in extra.items()
    ]
    return {
        "on": on,
        "before": on - DAY,
        "after": on + DAY,
        "lines": lines,
        "count": len({one.booking_id for one in found if one.booking_id}),
    }


@staff_door(ROOM, "see")
@require_safe
def sheet(request: StaffRequest) -> HttpResponse:
    """The day on paper, for the caretaker: hour by hour."""
    town, on = request.municipality, asked_day(request)
    return render(
        request,
        "reservations/staff/sheet.html",
        {
            "on": on,
            "takings": takings_in(town, hours.local_day(on, town.zone)),
            "printed_at": timezone.now(),
        },
    )


@staff_door(ROOM, "see")
@require_safe
def week(request: StaffRequest, resource_id: int) -> HttpResponse:
    """One week of one resource."""
    town = request.municipality
    resource = get_object_or_404(Resource.objects.of(town), pk=resource_id)
    on = asked_day(request)
    monday = on - timedelta(days=on.weekday())
    sunday = monday + 6 * DAY
    (offered,) = offers(town, [resource]).values()
    window = Span(hours.local_day(monday, town.zone).start, hours.local_day(sunday, town.zone).end)
    by_day = reports.by_day(takings_in(town, window, resource=resource), town)
    days = [
        {
            "on": one,
            "opened": offered.opened(one, one, town.zone),
            "closure": offered.closure_on(one),
            "takings": by_day.get(one, []),
        }
        for one in (monday + n * DAY for n in range(7))
    ]
    return render(
        request,
        "reservations/staff/week.html",
        {
            "resource": resource,
            "days": days,
            "monday": monday,
            "before": monday - 7 * DAY,
            "after": monday + 7 * DAY,
            "today": timezone.now().astimezone(town.zone).date(),
            "others": Resource.objects.of(town).exclude(state=Resource.State.DRAFT),
            "here": "day",
            "may_act": may_enter(request.staff, ROOM, "act"),
        },
    )


def asked_period(request: StaffRequest) -> tuple[date, date]:
    """The days of the report: this month, unless others are asked for; a year at the most."""
    today = timezone.now().astimezone(request.municipality.zone).date()
    first = asked_day(request, "du", other=today.replace(day=1))
    month_end = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - DAY
    last = asked_day(request, "au", other=month_end)
    return first, min(max(first, last), first + A_YEAR * DAY)


@staff_door(ROOM, "see")
@require_safe
def occupancy(request: StaffRequest) -> HttpResponse:
    first, last = asked_period(request)
    rows = reports.occupancy(request.municipality, first, last, now=timezone.now())
    return render(
        request,
        "reservations/staff/occupancy.html",
        {
            "rows": [
                (one, reports.hours_of(one.booked), reports.hours_of(one.blocked)) for one in rows
            ],
            "first": first,
            "last": last,
            "here": "occupancy",
        },
    )


@staff_door(ROOM, "see")
@require_safe
def occupancy_csv(request: StaffRequest) -> HttpResponse:
    """The same as a table for a spreadsheet."""
    first, last = asked_period(request)
    file = io.StringIO()
    table = csv.writer(file, delimiter=";")
    table.writerow(
        ["ressource", "genre", "du", "au", "heures_ouvertes", "heures_reservees",
         "heures_bloquees", "occupation_pourcent", "reservations", "revenus_avant_taxes"]
    )  # fmt: skip
    for one in reports.occupancy(request.municipality, first, last, now=timezone.now()):
        numbers = [
            reports.hours_of(one.open), reports.hours_of(one.booked),
            reports.hours_of(one.blocked), one.rate,
        ]  # fmt: skip
        table.writerow(
            [
                csv_cell(one.resource.name), one.resource.get_family_display(), first, last,
                *(str(number).replace(".", ",") for number in numbers), one.bookings,
                str(one.total).replace(".", ","),
            ]
        )  # fmt: skip
    answer = HttpResponse(
        # The mark that makes spreadsheets read UTF-8.
        "\ufeff" + file.getvalue(), content_type="text/csv; charset=utf-8"
    )  # fmt: skip
    answer["Content-Disposition"] = f'attachment; filename="occupation-{first}-{last}.csv"'
    return answer
