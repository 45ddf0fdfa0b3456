"""The queue of cases at the Bureau, and a case that a clerk writes down for someone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from parvis.cases import actions, calendar, kinds, pages, rules
from parvis.cases.forms import CallerForm, ClosedDayForm
from parvis.cases.models import Case, CaseQuerySet, ClosedDay, StrayLetter
from parvis.core import live
from parvis.core.errors import Refused
from parvis.core.htmx import go_to, page_or_part
from parvis.residents.doors import may_enter, staff_door
from parvis.residents.http import StaffRequest
from parvis.residents.models import Resident

ROOM = "cases"
PER_PAGE = 30


def filters(request: StaffRequest, now: datetime) -> dict[str, tuple[str, Q]]:
    """Word in the address → what the filter is called, and what it keeps."""
    opened = Q(state__in=sorted(rules.OPEN))
    strays = StrayLetter.objects.of(request.municipality).filter(settled_at__isnull=True)
    working = Q(state__in=sorted(rules.OPEN - {rules.WAITING}))
    return {
        "": (_("À traiter"), working),
        "moi": (_("À moi"), opened & Q(assignee=request.staff)),
        "assigner": (_("À assigner"), working & Q(assignee=None)),
        "retard": (_("En retard"), working & Q(due_at__lt=now)),
        "attente": (_("En attente"), Q(state=rules.WAITING)),
        "reglees": (_("Réglées"), ~opened),
        "courriels": (_("Courriels à lire"), Q(pk__in=strays.values("case_id"))),
    }


def narrowed(request: StaffRequest, rows: CaseQuerySet, now: datetime) -> dict[str, Any]:
    """The queue as the address asks for it, and its filters with their counts."""
    kept = filters(request, now)
    word = request.GET.get("file", "")
    word = word if word in kept else ""
    counts = rows.aggregate(
        **{f"n{place}": Count("pk", filter=each[1]) for place, each in enumerate(kept.values())}
    )
    kind = request.GET.get("genre", "")
    query = request.GET.get("q", "").strip()[:100]
    # A number or a word is looked for everywhere, whatever the filter.
    found = rows.found(query) if query else rows.filter(kept[word][1])
    if kinds.is_known(kind):
        found = found.filter(kind=kind)
    settled = word == "reglees" or bool(query)
    return {
        "found": found.order_by("-changed_at", "-pk") if settled else found.queued(),
        "filters": [
            {
                "word": one,
                "label": label,
                "count": counts[f"n{place}"],
                "current": one == word and not query,
            }
            for place, (one, (label, _kept)) in enumerate(kept.items())
        ],
        "q": query,
        "kind": kind,
        "word": word,
        "late_count": counts["n3"],
    }


@staff_door(ROOM, "see")
@require_safe
def index(request: StaffRequest) -> HttpResponse:
    now = timezone.now()
    town = request.municipality
    queue = narrowed(request, Case.objects.of(town), now)
    rows = queue.pop("found").select_related("municipality", "resident", "assignee__person")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    closed = actions.closed_days(town)
    for row in page.object_list:
        row.chip = pages.chip(row, staff=True)
        row.late = row.is_late(now)
        row.clock = pages.clock(row, now, closed)
        row.due_words = pages.due_words(row, now, closed) if row.is_open else ""
    return render(
        request,
        page_or_part(request, "cases/staff/index.html", "cases/staff/_queue.html"),
        {
            **queue,
            "page": page,
            "kinds": kinds.every(),
            "live": live.link(request.get_host(), town.pk, actions.TOPIC),
            "me": request.staff.pk,
            "may_act": may_enter(request.staff, ROOM, "act"),
        },
    )


@staff_door(ROOM, "act")
def new(request: StaffRequest) -> HttpResponse:
    """Write down what someone asks who called or came: with their account, or only a name."""
    town = request.municipality
    asked = request.GET.get("personne", "")
    person: Resident | None = None
    if asked.isdecimal() and len(asked) < 19 and may_enter(request.staff, "residents", "see"):
        person = get_object_or_404(Resident.objects.of(town).standing(), pk=int(asked))
    form = (
        CallerForm(request.POST, request.FILES, has_account=person is not None)
        if request.method == "POST"
        else CallerForm(has_account=person is not None)
    )
    if form.is_bound and form.is_valid():
        given = dict(form.cleaned_data)
        caller = actions.Caller(
            given.pop("caller_name", ""), given.pop("caller_email", ""),
            given.pop("caller_phone", ""),
        )  # fmt: skip
        try:
            case = actions.open_case(
                municipality=town, author=person or caller, by=request.user, now=timezone.now(),
                **given,
            )  # fmt: skip
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("La demande {n} est ouverte.").format(n=case.number))
            return go_to(request, "cases_staff:one", case.pk)
    return render(
        request,
        "cases/staff/new.html",
        {
            "form": form,
            "caller": person,
            "may_look_up": may_enter(request.staff, "residents", "see"),
        },
        status=422 if form.errors else 200,
    )


@staff_door(ROOM, "see")
def closures(request: StaffRequest) -> HttpResponse:
    """The days on which the offices are closed: promises pass over them."""
    town, today = request.municipality, timezone.localdate()
    may_act = may_enter(request.staff, ROOM, "act")
    form = ClosedDayForm(request.POST if request.method == "POST" and may_act else None)
    if form.is_bound and form.is_valid():
        try:
            calendar.close_day(town, by=request.user, today=today, **form.cleaned_data)
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("Le jour est ajouté."))
            return go_to(request, "cases_staff:closures")
    return render(
        request,
        "cases/staff/closures.html",
        {
            "form": form,
            "may_act": may_act,
            "own": ClosedDay.objects.of(town).filter(day__gte=today),
            "statutory": calendar.statutory_ahead(today),
        },
        status=422 if form.errors else 200,
    )


@staff_door(ROOM, "act")
@require_POST
def reopen_day(request: StaffRequest, closed_day_id: int) -> HttpResponse:
    found = get_object_or_404(ClosedDay.objects.of(request.municipality), pk=closed_day_id)
    calendar.open_day(found, by=request.user)
    messages.success(request, _("Le jour est retiré."))
    return go_to(request, "cases_staff:closures")
