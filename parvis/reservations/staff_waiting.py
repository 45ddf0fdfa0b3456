"""The waiting lists as the Bureau reads them: who waits for what, in order."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from parvis.reservations.mine import said_wait
from parvis.reservations.models import Wait
from parvis.reservations.staff import ROOM
from parvis.residents.doors import staff_door
from parvis.residents.http import StaffRequest

PER_PAGE = 100


@staff_door(ROOM, "see")
@require_safe
def waiting(request: StaffRequest) -> HttpResponse:
    """Everyone in line, by the moment that they wait for, then as they came."""
    now = timezone.now()
    rows = Wait.objects.of(request.municipality).of_page(now)
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "reservations/staff/waiting.html",
        {
            "rows": [said_wait(one, now) for one in page.object_list],
            "page": page,
            "here": "waiting",
        },
    )
