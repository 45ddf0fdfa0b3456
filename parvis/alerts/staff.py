"""Alerts at the Bureau: the list, beginning one, and what follows one that is in force."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from parvis.alerts import actions, audience, drafts, events, rules
from parvis.alerts.forms import BeginForm
from parvis.alerts.models import Alert, Received, Revision
from parvis.alerts.pages import sector_names, tone_of
from parvis.core.errors import Refused
from parvis.core.htmx import go_to
from parvis.municipalities.models import StaffMember
from parvis.residents.doors import may_enter, staff_door
from parvis.residents.http import StaffRequest

ROOM = "alerts"
PER_PAGE = 30


def one(request: StaffRequest, alert_id: int) -> Alert:
    found: Alert = get_object_or_404(
        Alert.objects.of(request.municipality).select_related("municipality"), pk=alert_id
    )
    return found


def open_revision(alert: Alert) -> Revision | None:
    """What is being prepared or waits for a decision."""
    found: Revision | None = (
        Revision.objects.of(alert.municipality_id)
        .select_related("alert", "municipality")
        .filter(alert=alert)
        .exclude(state=rules.SENT)
        .first()
    )
    return found


def deciders(request: StaffRequest) -> list[StaffMember]:
    """The persons that the municipality designated (regulation S-2.4, r. 1, s. 5)."""
    rows = StaffMember.objects.of(request.municipality).filter(
        is_alert_authority=True, left_at__isnull=True
    )
    return list(rows.select_related("person").order_by("pk"))


@staff_door(ROOM, "see")
def index(request: StaffRequest) -> HttpResponse:
    now = timezone.now()
    rows = Alert.objects.of(request.municipality).order_by("-pk")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    newest: dict[int, Revision] = {}
    waiting: dict[int, Revision] = {}
    for revision in (
        Revision.objects.of(request.municipality)
        .filter(alert__in=list(page.object_list))
        .order_by("number")
    ):
        (newest if revision.state == rules.SENT else waiting)[revision.alert_id] = revision
    names = sector_names(request.municipality)
    lines: list[dict[str, Any]] = []
    for alert in page.object_list:
        shown = newest.get(alert.pk) or waiting.get(alert.pk)
        if shown is None:
            continue
        lines.append(
            {
                "alert": alert,
                "revision": shown,
                "waiting": waiting.get(alert.pk),
                "where": audience.where(shown, names) or _("Aucun secteur encore"),
                "tone": tone_of(alert, shown, now),
                "stands": alert.stands(now),
            }
        )
    return render(
        request,
        "alerts/staff/index.html",
        {
            "page": page,
            "lines": lines,
            "may_act": may_enter(request.staff, ROOM, "act"),
            "deciders": deciders(request),
            "received": Received.objects.of(request.municipality).waiting().count(),
        },
    )


@staff_door(ROOM, "act")
def new(request: StaffRequest) -> HttpResponse:
    """Choose what happened; the words are there at once, to be changed."""
    form = BeginForm(request.POST or None)
    if form.is_valid():
        revision = drafts.begin_alert(
            municipality=request.municipality, actor=request.user, now=timezone.now(),
            **form.cleaned_data,
        )  # fmt: skip
        return go_to(request, "alerts_staff:edit", revision.alert_id)
    return render(
        request,
        "alerts/staff/new.html",
        {"form": form, "events": events.EVENTS.values()},
        status=422 if form.errors else 200,
    )


@staff_door(ROOM, "act")
@require_POST
def go_on(request: StaffRequest, alert_id: int) -> HttpResponse:
    """Prepare an update, a lifting or a cancellation; one in preparation is taken up."""
    alert = one(request, alert_id)
    kind = request.POST.get("suite", "")
    if kind not in {rules.UPDATE, rules.LIFT, rules.CANCEL}:
        messages.error(request, _("Choisissez\u00a0: mise à jour, levée ou annulation."))
        return go_to(request, "alerts_staff:follow", alert_id)
    try:
        drafts.begin_revision(alert, kind=kind, actor=request.user, now=timezone.now())
    except Refused as refused:
        messages.error(request, str(refused))
        if open_revision(alert) is None:
            return go_to(request, "alerts_staff:follow", alert_id)
    return go_to(request, "alerts_staff:edit", alert_id)


@staff_door(ROOM, "act")
@require_POST
def discard(request: StaffRequest, alert_id: int) -> HttpResponse:
    alert = one(request, alert_id)
    revision = open_revision(alert)
    try:
        if revision is None:
            raise Refused(_("Il n’y a pas de brouillon à jeter."))
        drafts.discard(revision, actor=request.user, now=timezone.now())
    except Refused as refused:
        messages.error(request, str(refused))
        return go_to(request, "alerts_staff:follow", alert_id)
    messages.success(request, _("Le brouillon est jeté."))
    if alert.begun_at is None:
        return go_to(request, "alerts_staff:index")
    return go_to(request, "alerts_staff:follow", alert_id)


@staff_door(ROOM, "act")
@require_POST
def reach(request: StaffRequest, alert_id: int) -> HttpResponse:
    """Show how many were reached on the public page, or no longer."""
    alert = one(request, alert_id)
    actions.show_reach(
        alert, shown=request.POST.get("montrer") == "1", actor=request.user, now=timezone.now()
    )
    return go_to(request, "alerts_staff:follow", alert_id)
