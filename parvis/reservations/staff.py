"""Reservations in the Bureau: what waits for an answer, and one booking with its deeds."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from parvis.core.errors import Refused
from parvis.core.htmx import go_to
from parvis.municipalities.models import Municipality
from parvis.reservations import actions, hours, till
from parvis.reservations.models import Booking, Payment
from parvis.reservations.rules import Taken
from parvis.reservations.staff_forms import MoveForm, NoteForm, PaymentForm
from parvis.residents.doors import may_enter, staff_door
from parvis.residents.http import StaffRequest
from parvis.residents.models import Phone, Resident

ROOM = "reservations"


def shown(town: Municipality, **where: Any) -> Any:
    """Bookings with what a line of a list says of them."""
    return (
        Booking.objects.of(town)
        .filter(**where)
        .select_related("resident", "organisation", "municipality")
        .prefetch_related("takings__resource", "takings__unit")
    )


@staff_door(ROOM, "see")
@require_safe
def queue(request: StaffRequest) -> HttpResponse:
    """What waits for an answer, the oldest first, and what today holds."""
    town, now = request.municipality, timezone.now()
    today = hours.local_day(now.astimezone(town.zone).date(), town.zone)
    waiting = shown(town, state=Booking.State.ASKED).order_by("created_at", "pk")
    return render(
        request,
        "reservations/staff/queue.html",
        {
            "waiting": waiting,
            "today": shown(
                town, state=Booking.State.CONFIRMED, period__overlap=tuple(today)
            ).order_by("period__startswith", "pk"),
            "here": "queue",
            "may_act": may_enter(request.staff, ROOM, "act"),
        },
    )


def found(request: StaffRequest, booking_id: int) -> Booking:
    """A booking of this town."""
    row: Booking = get_object_or_404(
        shown(request.municipality).prefetch_related("payments"), pk=booking_id
    )
    return row


@staff_door(ROOM, "see")
@require_safe
def booking(request: StaffRequest, booking_id: int) -> HttpResponse:
    return answer(request, found(request, booking_id))


def answer(request: StaffRequest, row: Booking, **forms: Any) -> HttpResponse:
    """The page of one booking; 422 when a form of it was refused."""
    town, now = request.municipality, timezone.now()
    refused = any(one.is_bound and one.errors for one in forms.values() if hasattr(one, "errors"))
    clerks = {row.by_id, row.decided_by_id, *(one.by_id for one in row.payments.all())} - {None}
    context = {
        "booking": row,
        "takings": row.takings.all(),
        "payments": row.payments.all(),
        "balance": till.balance(row),
        "lines": [(one["name"], Decimal(one["amount"])) for one in row.quote.get("lines", ())],
        "phones": Phone.objects.of(town).filter(resident=row.resident_id),
        "clerks": {
            one.pk: one.short_name for one in Resident.objects.of(town).filter(pk__in=clerks)
        },
        "note_form": NoteForm(auto_id="id_n_%s"),
        "cancel_form": NoteForm(auto_id="id_c_%s"),
        "pay_form": PaymentForm(initial=usual_payment(row) | {"key": secrets.token_urlsafe(16)}),
        "move_form": MoveForm(town=town, initial=moment_of(row, town)),
        "waits": row.state == Booking.State.ASKED,
        "stands": row.state in {Booking.State.ASKED, Booking.State.CONFIRMED}
        and row.period.upper > now,
        "may_act": may_enter(request.staff, ROOM, "act"),
        "here": "queue",
    } | forms
    return render(
        request, "reservations/staff/booking.html", context, status=422 if refused else 200
    )


def usual_payment(row: Booking) -> dict[str, Any]:
    """What a clerk would most likely write down next."""
    has = till.balance(row)
    if has.due > 0:
        return {"kind": Payment.Kind.FEE, "amount": has.due}
    if has.due < 0:
        return {"kind": Payment.Kind.REFUND, "amount": -has.due}
    if has.deposit_due > 0:
        return {"kind": Payment.Kind.DEPOSIT, "amount": has.deposit_due}
    if has.deposit_held > 0:
        return {"kind": Payment.Kind.RETURN, "amount": has.deposit_held}
    return {}


def moment_of(row: Booking, town: Municipality) -> dict[str, Any]:
    """The period of a booking as a form shows it."""
    start, end = (at.astimezone(town.zone) for at in (row.period.lower, row.period.upper))
    return {
        "first_on": start.date(), "opens": start.time(), "last_on": end.date(),
        "closes": end.time(), "token": row.token,
    }  # fmt: skip


def attempt(
    request: StaffRequest, row: Booking, name: str, form: Any, deed: Callable[[Any], object],
    done: str,
) -> HttpResponse:  # fmt: skip
    """Do it and come back to the booking, or show the refusal where it was asked."""
    if form.is_valid():
        try:
            deed(form.cleaned_data)
        except Refused as refused:
            form.add_error(None, str(refused))
            near = refused.nearest if isinstance(refused, Taken) else []
            return answer(request, row, **{name: form, "nearest": near})
        messages.success(request, done)
        return go_to(request, "reservations_staff:booking", row.pk)
    return answer(request, row, **{name: form})


@staff_door(ROOM, "act")
@require_POST
def approve(request: StaffRequest, booking_id: int) -> HttpResponse:
    row = found(request, booking_id)
    return attempt(
        request, row, "note_form", NoteForm(request.POST, auto_id="id_n_%s"),
        lambda said: actions.approve(
            row, clerk=request.user, now=timezone.now(), note=said["note"]
        ),
        _("La demande est acceptée, et la personne en est avertie."),
    )  # fmt: skip


@staff_door(ROOM, "act")
@require_POST
def refuse(request: StaffRequest, booking_id: int) -> HttpResponse:
    row = found(request, booking_id)
    return attempt(
        request, row, "note_form", NoteForm(request.POST, auto_id="id_n_%s"),
        lambda said: actions.refuse(row, clerk=request.user, now=timezone.now(), note=said["note"]),
        _("La demande est refusée, et la personne en est avertie."),
    )  # fmt: skip


@staff_door(ROOM, "act")
@require_POST
def cancel(request: StaffRequest, booking_id: int) -> HttpResponse:
    row = found(request, booking_id)
    return attempt(
        request, row, "cancel_form", NoteForm(request.POST, auto_id="id_c_%s"),
        lambda said: actions.cancel_for_town(
            row, clerk=request.user, now=timezone.now(), note=said["note"]
        ),
        _("La réservation est annulée, et la personne en est avertie."),
    )  # fmt: skip


@staff_door(ROOM, "act")
@require_POST
def move(request: StaffRequest, booking_id: int) -> HttpResponse:
    row = found(request, booking_id)
    return attempt(
        request, row, "move_form", MoveForm(request.POST, town=request.municipality),
        lambda said: actions.change(
            row, span=said["span"], token=said["token"], clerk=request.user, now=timezone.now()
        ),
        _("La réservation est déplacée, et la personne en est avertie."),
    )  # fmt: skip


@staff_door(ROOM, "act")
@require_POST
def pay(request: StaffRequest, booking_id: int) -> HttpResponse:
    row = found(request, booking_id)
    return attempt(
        request, row, "pay_form", PaymentForm(request.POST),
        lambda said: till.record_payment(row, clerk=request.user, now=timezone.now(), **said),
        _("C’est noté."),
    )  # fmt: skip


@staff_door(ROOM, "act")
@require_POST
def withdraw_payment(request: StaffRequest, booking_id: int, payment_id: int) -> HttpResponse:
    row = found(request, booking_id)
    payment = get_object_or_404(
        Payment.objects.of(request.municipality), pk=payment_id, booking=row
    )
    till.withdraw_payment(payment, clerk=request.user, now=timezone.now())
    messages.success(request, _("L’écriture est retirée\u00a0: elle ne compte plus."))
    return go_to(request, "reservations_staff:booking", row.pk)
