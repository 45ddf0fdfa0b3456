"""Following an alert: whom it reached, by channel and sector, and where someone must go."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from parvis.alerts import figures
from parvis.alerts.answers import desk_topic
from parvis.alerts.models import Alert, Revision
from parvis.alerts.staff import ROOM, one, open_revision
from parvis.core import live
from parvis.core.htmx import go_to, page_or_part
from parvis.municipalities.actions import record
from parvis.notifications import proof
from parvis.residents.doors import may_enter, staff_door
from parvis.residents.http import StaffRequest
from parvis.residents.models import Resident
from parvis.territory.drawing import town_map

PER_PAGE = 100


def sent_of(alert: Alert) -> list[Revision]:
    """What was sent, the newest first, or 404 when nothing was."""
    found = list(alert.revisions.sent().select_related("message").order_by("-number"))
    if not found:
        raise Http404
    return found


@staff_door(ROOM, "see")
def follow(request: StaffRequest, alert_id: int) -> HttpResponse:
    """The figures, live; of the newest message, or of the one that is asked for."""
    alert = one(request, alert_id)
    if alert.begun_at is None:
        return go_to(request, "alerts_staff:edit", alert_id)
    now, sent = timezone.now(), sent_of(alert)
    current = sent[0]
    asked = request.GET.get("message", "")
    chosen = next((each for each in sent if str(each.number) == asked), current)
    people = Resident.objects.of(request.municipality).in_bulk(
        {pk for each in sent for pk in (each.proposed_by_id, each.decided_by_id) if pk}
    )
    facts: dict[str, Any] = {
        "alert": alert,
        "current": current,
        "chosen": chosen,
        "sent": [
            {
                "revision": each,
                "proposer": people.get(each.proposed_by_id),
                "decider": people.get(each.decided_by_id),
            }
            for each in sent
        ],
        "first": sent[-1],
        "stands": alert.stands(now),
        "waiting": open_revision(alert),
        "reach": figures.reach(alert),
        "message": figures.of_message(chosen),
        "curve": figures.curve(alert, now),
        "sectors": figures.by_sector(alert, current),
        "unreached": figures.unreached_count(alert, current),
        "map": None
        if current.everywhere
        else town_map(request.municipality, current.sector_ids, drawn=current.area),
        "live_url": live.link(
            request.get_host(), request.municipality.pk, desk_topic(alert.pk),
            *(f"message:{each.message_id}" for each in sent),
        ),
        "again": request.get_full_path(),
        "may_act": may_enter(request.staff, ROOM, "act"),
        "may_rescue": may_enter(request.staff, "rescue", "see"),
    }  # fmt: skip
    template = page_or_part(request, "alerts/staff/follow.html", "alerts/staff/_figures.html")
    return render(request, template, facts)


@staff_door(ROOM, "see")
def unreached(request: StaffRequest, alert_id: int) -> HttpResponse:
    """Addresses where nobody was reached: the door-to-door round, street by street."""
    alert = one(request, alert_id)
    current = sent_of(alert)[0]
    total = figures.unreached_count(alert, current)
    pages = Paginator(range(total), PER_PAGE)
    page = pages.get_page(request.GET.get("page"))
    rows = figures.unreached(
        alert, current, most=PER_PAGE, skip=page.start_index() - 1 if total else 0
    )
    return render(
        request,
        "alerts/staff/unreached.html",
        {"alert": alert, "current": current, "page": page, "rows": rows, "total": total,
         "may_visit": may_enter(request.staff, "rescue", "see")},
    )  # fmt: skip


@staff_door(ROOM, "see")
def unreached_csv(request: StaffRequest, alert_id: int) -> HttpResponse:
    """The same as a file; its hash is in its name and in the audit trail."""
    alert = one(request, alert_id)
    content, digest = figures.unreached_csv(alert, sent_of(alert)[0])
    record(
        "alerts.unreached_exported", municipality=request.municipality, actor=request.user,
        alert=alert.pk, sha256=digest,
    )  # fmt: skip
    response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    name = f"alerte-{alert.pk}-non-jointes-{digest[:12]}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-SHA256"] = digest
    return response


@staff_door(ROOM, "see")
def message_csv(request: StaffRequest, alert_id: int, number: int) -> HttpResponse:
    """Every outcome of one message: identifiers only."""
    alert = one(request, alert_id)
    revision = next((each for each in sent_of(alert) if each.number == number), None)
    if revision is None or revision.message is None:
        raise Http404
    record(
        "alerts.proof_exported", municipality=request.municipality, actor=request.user,
        alert=alert.pk, revision=revision.pk,
    )  # fmt: skip
    content = "".join(proof.export(revision.message))
    response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = (
        f'attachment; filename="alerte-{alert.pk}-message-{number}.csv"'
    )
    return response
