"""Messages that others sent in CAP, at the Bureau: to set aside, or to begin an alert from."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from parvis.alerts import events, ingest, rules
from parvis.alerts.cap_models import Received
from parvis.alerts.staff import ROOM
from parvis.core.errors import Refused
from parvis.core.htmx import go_to
from parvis.residents.doors import may_enter, staff_door
from parvis.residents.http import StaffRequest

PER_PAGE = 20


def _one(request: StaffRequest, received_id: int) -> Received:
    found: Received = get_object_or_404(
        Received.objects.of(request.municipality).select_related("municipality"), pk=received_id
    )
    return found


@staff_door(ROOM, "see")
def received(request: StaffRequest) -> HttpResponse:
    """Those that wait first; with «tous», what was set aside or used too."""
    every = request.GET.get("tous") == "1"
    rows = Received.objects.of(request.municipality).defer("content").order_by("-arrived_at", "-pk")
    page = Paginator(rows if every else rows.waiting(), PER_PAGE).get_page(request.GET.get("page"))
    now = timezone.now()
    lines = [
        {
            "row": row,
            "event": ingest.event_of(row),
            "steps": rules.lines(row.instruction),
            "over": row.expires_at is not None and row.expires_at <= now,
            "severity": rules.SEVERITIES.get(row.severity, row.severity),
            "urgency": rules.URGENCIES.get(row.urgency, row.urgency),
        }
        for row in page.object_list
    ]
    return render(
        request,
        "alerts/staff/received.html",
        {
            "page": page, "lines": lines, "every": every, "events": events.EVENTS.values(),
            "may_act": may_enter(request.staff, ROOM, "act"),
        },
    )  # fmt: skip


@staff_door(ROOM, "act")
@require_POST
def begin(request: StaffRequest, received_id: int) -> HttpResponse:
    try:
        revision = ingest.begin_from(
            _one(request, received_id), event=request.POST.get("event", ""), actor=request.user,
            now=timezone.now(),
        )  # fmt: skip
    except Refused as refused:
        messages.error(request, str(refused))
        return go_to(request, "alerts_staff:received")
    messages.success(request, _("Le brouillon est commencé. Rien n’est parti."))
    return go_to(request, "alerts_staff:edit", revision.alert_id)


@staff_door(ROOM, "act")
@require_POST
def set_aside(request: StaffRequest, received_id: int) -> HttpResponse:
    try:
        ingest.set_aside(_one(request, received_id), actor=request.user, now=timezone.now())
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Le message est écarté."))
    return go_to(request, "alerts_staff:received")


@staff_door(ROOM, "see")
def received_file(request: StaffRequest, received_id: int) -> HttpResponse:
    """As it arrived."""
    row = _one(request, received_id)
    response = HttpResponse(bytes(row.content), content_type="application/cap+xml")
    response["Content-Disposition"] = f'attachment; filename="recu-{row.pk}.cap.xml"'
    return response
