"""Who asked for help: for the rescuers alone, and every look at it is written down."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from parvis.alerts import answers
from parvis.alerts.answers import desk_topic
from parvis.alerts.models import Alert, Answer
from parvis.alerts.people import addresses_of
from parvis.alerts.staff import one
from parvis.core import live
from parvis.core.errors import Refused
from parvis.core.htmx import go_to, page_or_part
from parvis.municipalities.actions import record
from parvis.municipalities.models import AuditLine
from parvis.residents.doors import roles_of, staff_door
from parvis.residents.http import StaffRequest
from parvis.residents.models import Phone, Resident

ROOM, LOOK = "rescue", "alerts.help_list_seen"


def is_rescuer(request: StaffRequest) -> bool:
    """The role itself: administering the town is no reason to read who is in distress."""
    return ROOM in roles_of(request.staff)


@staff_door(ROOM, "see")
def rescue(request: StaffRequest, alert_id: int) -> HttpResponse:
    alert = one(request, alert_id)
    if not is_rescuer(request):
        return render(request, "alerts/staff/not_rescuer.html", {"alert": alert})
    rows = list(
        Answer.objects.of(request.municipality)
        .filter(alert=alert, help_at__isnull=False, resident__isnull=False)
        .select_related("resident")
        .order_by("taken_at", "at", "pk")
    )
    rows.sort(key=lambda row: (row.taken_at is not None, row.kind != Answer.Kind.HELP, row.at))
    phones: dict[int, list[Phone]] = {}
    for phone in Phone.objects.of(request.municipality).filter(
        resident__in=[row.resident_id for row in rows]
    ):
        phones.setdefault(phone.resident_id, []).append(phone)
    helpers = Resident.objects.of(request.municipality).in_bulk(
        {row.taken_by_id for row in rows} - {None}
    )
    people: list[dict[str, Any]] = [
        {
            "answer": row,
            "resident": row.resident,
            "addresses": addresses_of(row.resident),
            "phones": phones.get(row.resident_id, []),
            "helper": helpers.get(row.taken_by_id),
        }
        for row in rows
    ]
    note_look(request, alert, [row.pk for row in rows])
    facts = {
        "alert": alert,
        "people": people,
        "open": sum(row.taken_at is None and row.kind == Answer.Kind.HELP for row in rows),
        "may_act": roles_of(request.staff).get(ROOM) == "act",
        "live_url": live.link(
            request.get_host(), request.municipality.pk, desk_topic(alert.pk)
        ),
    }  # fmt: skip
    template = page_or_part(request, "alerts/staff/rescue.html", "alerts/staff/_rescue.html")
    return render(request, template, facts)


def note_look(request: StaffRequest, alert: Alert, shown: list[int]) -> None:
    """Write each opening down; a page that refreshes itself only when it shows somebody new."""
    facts = {"alert": alert.pk, "answers": sorted(shown)}
    if request.headers.get("HX-Request") == "true":
        seen = AuditLine.objects.of(request.municipality).filter(
            deed=LOOK, actor_id=request.user.pk, facts__alert=alert.pk
        )
        last = seen.order_by("-pk").first()
        if last is not None and set(shown) <= set(last.facts["answers"]):
            return
    record(LOOK, municipality=request.municipality, actor=request.user, **facts)


@staff_door(ROOM, "act")
@require_POST
def take(request: StaffRequest, answer_id: int) -> HttpResponse:
    """«Prendre»: this person goes; nobody else needs to."""
    found = get_object_or_404(
        Answer.objects.of(request.municipality).select_related("alert"), pk=answer_id
    )
    try:
        if not is_rescuer(request):
            raise Refused(_("Cette liste est réservée aux secours."))
        answers.take(found, member=request.staff, now=timezone.now())
    except Refused as refused:
        messages.error(request, str(refused))
    return go_to(request, "alerts_staff:rescue", found.alert_id)
