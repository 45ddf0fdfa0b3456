"""Before anything happens: whom an alert could reach, sector by sector, and where nobody is."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from parvis.alerts import coverage as readings
from parvis.alerts.coverage import Share
from parvis.alerts.staff import ROOM
from parvis.municipalities.actions import record
from parvis.notifications.audience import emergency_channels
from parvis.notifications.models import Channel
from parvis.residents.doors import staff_door
from parvis.residents.http import StaffRequest
from parvis.territory.models import Sector

PER_PAGE = 100
OUTSIDE = "aucun"
"""In the address of the list: what lies in no sector."""


def sectors_of(request: StaffRequest) -> list[Sector]:
    return list(Sector.objects.of(request.municipality).order_by("name"))


def asked_for(request: StaffRequest, lines: list[Share]) -> Share | None:
    """The line that `?secteur=` names; None for the whole town, 404 for one that is not there."""
    asked = request.GET.get("secteur", "")
    if not asked:
        return None
    for one in lines:
        if asked == (OUTSIDE if one.sector_id is None else str(one.sector_id)):
            return one
    raise Http404


@staff_door(ROOM, "see")
@require_safe
def coverage(request: StaffRequest) -> HttpResponse:
    """The map and the table; counted when it is opened."""
    sectors = sectors_of(request)
    now = timezone.now()
    lines = readings.shares(request.municipality, sectors, now=now)
    channels = emergency_channels(request.municipality)
    return render(
        request,
        "alerts/staff/coverage.html",
        {
            "lines": lines,
            "whole": readings.whole(lines),
            "map": readings.coverage_map(request.municipality, sectors, lines),
            "legend": readings.legend(),
            "has_phones": Channel.TEXT in channels or Channel.VOICE in channels,
            "now": now,
        },
    )


@staff_door(ROOM, "see")
@require_safe
def uncovered(request: StaffRequest) -> HttpResponse:
    """Addresses where nobody could be reached, as one walks."""
    now = timezone.now()
    lines = readings.shares(request.municipality, sectors_of(request), now=now)
    chosen = asked_for(request, lines)
    shown = chosen or readings.whole(lines)
    page = Paginator(range(shown.without), PER_PAGE).get_page(request.GET.get("page"))
    rows = readings.uncovered(
        request.municipality, now=now, sector_id=shown.sector_id, chosen=chosen is not None,
        most=PER_PAGE, skip=page.start_index() - 1 if shown.without else 0,
    )  # fmt: skip
    return render(
        request,
        "alerts/staff/uncovered.html",
        {"lines": lines, "chosen": chosen, "shown": shown, "page": page, "rows": rows,
         "asked": request.GET.get("secteur", "")},
    )  # fmt: skip


@staff_door(ROOM, "see")
@require_safe
def uncovered_csv(request: StaffRequest) -> HttpResponse:
    """The same as a file; its hash is in its name and in the audit trail."""
    now = timezone.now()
    chosen = None
    if request.GET.get("secteur"):
        chosen = asked_for(
            request, readings.shares(request.municipality, sectors_of(request), now=now)
        )
    content, digest = readings.uncovered_csv(
        request.municipality, now=now, sector_id=chosen.sector_id if chosen else None,
        chosen=chosen is not None,
    )  # fmt: skip
    record(
        "alerts.uncovered_exported", municipality=request.municipality, actor=request.user,
        sector=request.GET.get("secteur", ""), sha256=digest,
    )  # fmt: skip
    response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    name = f"adresses-sans-contact-{digest[:12]}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-SHA256"] = digest
    return response
