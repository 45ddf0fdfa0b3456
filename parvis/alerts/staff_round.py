"""Door to door: the streets of an alert where someone must go, ticked from a telephone or paper."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from parvis.alerts import rounds
from parvis.alerts.models import Visit
from parvis.alerts.staff import one
from parvis.alerts.staff_follow import sent_of
from parvis.core import live
from parvis.core.errors import Refused
from parvis.core.htmx import go_to, page_or_part
from parvis.residents.doors import may_enter, staff_door
from parvis.residents.http import StaffRequest
from parvis.residents.models import Resident
from parvis.territory.models import Address

ROOM = "rescue"
PER_SHEET = 1000


def with_names(request: StaffRequest, doors: list[rounds.Door]) -> list[dict[str, Any]]:
    """Each door with the name of who went there."""
    people = Resident.objects.of(request.municipality).in_bulk(
        {door.by_id for door in doors if door.by_id}
    )
    return [{"door": door, "by": people.get(door.by_id or 0)} for door in doors]


@staff_door(ROOM, "see")
@require_safe
def streets(request: StaffRequest, alert_id: int) -> HttpResponse:
    """The streets, how far each is, and the map of the doors that wait."""
    alert = one(request, alert_id)
    current = sent_of(alert)[0]
    facts = {
        "alert": alert,
        "current": current,
        "progress": rounds.progress(alert, current),
        "map": rounds.round_map(alert, current),
        "live_url": live.link(
            request.get_host(), request.municipality.pk, rounds.topic(alert.pk)
        ),
        "may_follow": may_enter(request.staff, "alerts", "see"),
    }  # fmt: skip
    template = page_or_part(request, "alerts/staff/round.html", "alerts/staff/_round.html")
    return render(request, template, facts)


@staff_door(ROOM, "see")
@require_safe
def street(request: StaffRequest, alert_id: int) -> HttpResponse:
    """The doors of one street, with what to press at each."""
    alert = one(request, alert_id)
    if "rue" not in request.GET:
        return go_to(request, "alerts_staff:round", alert.pk)
    doors = rounds.doors(alert, sent_of(alert)[0], street=request.GET["rue"])
    if not doors:
        raise Http404
    facts = {
        "alert": alert,
        "name": doors[0].street,
        "rows": with_names(request, doors),
        "left": sum(not door.is_done for door in doors),
        "choices": Visit.Found.choices,
        "may_act": may_enter(request.staff, ROOM, "act"),
    }
    return render(request, "alerts/staff/street.html", facts)


@staff_door(ROOM, "see")
@require_safe
def sheet(request: StaffRequest, alert_id: int) -> HttpResponse:
    """The same on paper, a thousand doors at a time."""
    alert = one(request, alert_id)
    current = sent_of(alert)[0]
    total = rounds.progress(alert, current).doors
    page = Paginator(range(total), PER_SHEET).get_page(request.GET.get("page"))
    doors = rounds.doors(
        alert, current, most=PER_SHEET, skip=page.start_index() - 1 if total else 0
    )
    return render(
        request,
        "alerts/staff/round_sheet.html",
        {"alert": alert, "current": current, "page": page, "doors": doors, "total": total,
         "now": timezone.now()},
    )  # fmt: skip


@staff_door(ROOM, "act")
@require_POST
def tick(request: StaffRequest, alert_id: int, address_id: int) -> HttpResponse:
    """What was found at one door; back to that door."""
    alert = one(request, alert_id)
    address = get_object_or_404(Address.objects.of(request.municipality), pk=address_id)
    try:
        rounds.visit(
            alert, address, found=request.POST.get("trouve", ""), member=request.staff,
            now=timezone.now(),
        )  # fmt: skip
    except Refused as refused:
        messages.error(request, str(refused))
        return go_to(request, "alerts_staff:round", alert.pk)
    back = reverse("alerts_staff:street", args=[alert.pk])
    return HttpResponseRedirect(
        f"{back}?{urlencode({'rue': address.street_key})}#porte-{address.pk}"
    )
