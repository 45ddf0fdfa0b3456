"""Blocks and closures in the Bureau: first who is concerned, then the deed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from parvis.core.errors import Refused
from parvis.core.htmx import go_to
from parvis.reservations import blocks as deeds
from parvis.reservations.models import Block, Booking, Closure, Resource
from parvis.reservations.readings import offer
from parvis.reservations.staff import ROOM
from parvis.reservations.staff_calendar import asked_day
from parvis.reservations.staff_forms import NOTE_MAX, BlockForm, ClosureForm
from parvis.residents.doors import may_enter, staff_door
from parvis.residents.http import StaffRequest


@staff_door(ROOM, "see")
@require_safe
def blocks(request: StaffRequest) -> HttpResponse:
    """Everything that is kept or closed from today on."""
    town, now = request.municipality, timezone.now()
    today = now.astimezone(town.zone).date()
    return render(
        request,
        "reservations/staff/blocks.html",
        {
            "blocks": [
                (one, deeds.unit_names(one)) for one in deeds.standing_blocks(town, now=now)
            ],
            "closures": Closure.objects.of(town)
            .filter(last_on__gte=today)
            .select_related("resource"),
            "resources": Resource.objects.of(town).exclude(state=Resource.State.CLOSED),
            "here": "blocks",
            "may_act": may_enter(request.staff, ROOM, "act"),
        },
    )


def seen(request: StaffRequest) -> list[int] | None:
    """The bookings that the page listed, once the clerk says to go on; None before."""
    if "continuer" not in request.POST:
        return None
    return [int(one) for one in request.POST.getlist("vue") if one.isdecimal() and len(one) < 19]


def two_steps(
    request: StaffRequest,
    form: Any,
    *,
    template: str,
    concerned: Callable[[], list[Booking]],
    deed: Callable[[list[int] | None, str], object],
    done: str,
    **context: Any,
) -> HttpResponse:
    """Do it at once when nobody is concerned; else show who, and do it when the clerk goes on."""
    rows: list[Booking] = []
    if form.is_valid():
        try:
            deed(seen(request), request.POST.get("note", "")[:NOTE_MAX])
        except Refused as refused:
            form.add_error(None, str(refused))
            rows = concerned()
        else:
            messages.success(request, done)
            return go_to(request, "reservations_staff:blocks")
    return render(
        request,
        template,
        {
            "form": form,
            "concerned": rows,
            "note": request.POST.get("note", "")[:NOTE_MAX],
            "here": "blocks",
            **context,
        },
        status=422 if form.errors else 200,
    )


@staff_door(ROOM, "act")
def block(request: StaffRequest, resource_id: int) -> HttpResponse:
    """Keep a resource for the town."""
    town = request.municipality
    resource = get_object_or_404(
        Resource.objects.of(town).exclude(state=Resource.State.CLOSED), pk=resource_id
    )
    form = BlockForm(
        request.POST or None, resource=resource, initial={"first_on": asked_day(request)}
    )
    return two_steps(
        request,
        form,
        template="reservations/staff/block.html",
        concerned=lambda: deeds.concerned_by_block(
            [(offer(resource), form.line())], form.cleaned_data["span"], now=timezone.now()
        ),
        deed=lambda who, note: deeds.block(
            town, lines=[form.line()], span=form.cleaned_data["span"],
            reason=form.cleaned_data["reason"], clerk=request.user, now=timezone.now(), seen=who,
            note=note,
        ),
        done=_("C’est bloqué."),
        resource=resource,
    )  # fmt: skip


@staff_door(ROOM, "act")
@require_POST
def lift(request: StaffRequest, block_id: int) -> HttpResponse:
    made = get_object_or_404(Block.objects.of(request.municipality), pk=block_id)
    deeds.lift(made, clerk=request.user, now=timezone.now())
    messages.success(request, _("Le blocage est levé\u00a0: les gens peuvent réserver."))
    return go_to(request, "reservations_staff:blocks")


@staff_door(ROOM, "act")
def close(request: StaffRequest) -> HttpResponse:
    """Close whole days."""
    town = request.municipality
    form = ClosureForm(request.POST or None, town=town)
    return two_steps(
        request,
        form,
        template="reservations/staff/close.html",
        concerned=lambda: deeds.concerned_by_closure(
            town, form.cleaned_data["resource"], form.cleaned_data["first_on"],
            form.cleaned_data["last_on"], now=timezone.now(),
        ),
        deed=lambda who, note: deeds.close_days(
            town, clerk=request.user, now=timezone.now(), seen=who, note=note,
            **form.cleaned_data,
        ),
        done=_("La fermeture est inscrite."),
    )  # fmt: skip


@staff_door(ROOM, "act")
@require_POST
def open_again(request: StaffRequest, closure_id: int) -> HttpResponse:
    closure = get_object_or_404(Closure.objects.of(request.municipality), pk=closure_id)
    deeds.open_again(closure, clerk=request.user)
    messages.success(request, _("La fermeture est retirée."))
    return go_to(request, "reservations_staff:blocks")
