"""The staff's front door: the day's work, the search, the first steps of a town."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from parvis.backoffice import find, queue, steps
from parvis.backoffice.context import exists
from parvis.residents.doors import may_enter, staff_door
from parvis.residents.http import StaffRequest


@staff_door("")
def my_day(request: StaffRequest) -> HttpResponse:
    now = timezone.now()
    items = queue.awaiting(request.staff, now=now)
    mine = request.GET.get("file") == "moi"
    today = timezone.localdate(now)
    due = [item for item in items if item.due_at]
    return render(
        request,
        "backoffice/day.html",
        {
            "items": [item for item in items if item.is_mine] if mine else items,
            "all_count": len(items),
            "mine_count": sum(1 for item in items if item.is_mine),
            "only_mine": mine,
            "late": sum(1 for item in due if item.due_at and item.due_at < now),
            "today": sum(
                1
                for item in due
                if item.due_at and item.due_at >= now and timezone.localdate(item.due_at) == today
            ),
            "someday": len(items) - len(due),
            "sent_lately": queue.sent_lately(request.staff),
            "steps_left": steps.left(request.municipality) if request.staff.is_administrator else 0,
            "can_write": exists("/bureau/avis/nouveau/")
            and may_enter(request.staff, "announcements", "act"),
        },
    )


@staff_door("")
def search_page(request: StaffRequest) -> HttpResponse:
    words = request.GET.get("q", "").strip()[:100]
    groups = find.everything(request.staff, words) if len(words) >= 2 else []
    return render(
        request,
        "backoffice/search.html",
        {
            "q": words,
            "groups": groups,
            "count": sum(len(group.hits) for group in groups),
            "title": _("Chercher au Bureau"),
        },
    )


@staff_door("administration")
def first_steps(request: StaffRequest) -> HttpResponse:
    todo = steps.of_town(request.municipality)
    return render(
        request,
        "backoffice/first_steps.html",
        {"steps": todo, "done": sum(1 for step in todo if step.done)},
    )
