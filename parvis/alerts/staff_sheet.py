"""The sheet by which the town asks for a broadcast by Québec En Alerte."""

from __future__ import annotations

from django.http import HttpResponse

from parvis.alerts import request_sheet
from parvis.alerts.staff import ROOM, one
from parvis.residents.doors import staff_door
from parvis.residents.http import StaffRequest


@staff_door(ROOM, "see")
def sheet(request: StaffRequest, alert_id: int) -> HttpResponse:
    """Of what is being prepared, else of what was said last."""
    revision = request_sheet.newest(one(request, alert_id))
    response = HttpResponse(request_sheet.pdf(revision), content_type="application/pdf")
    name = f"quebec-en-alerte-{alert_id}-{revision.number}.pdf"
    response["Content-Disposition"] = f'inline; filename="{name}"'
    return response
