"""Sends at the Bureau: what left, whom it reached, why not, and addresses to correct."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from parvis.core import live
from parvis.core.errors import Refused
from parvis.core.htmx import go_to, page_or_part
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality
from parvis.notifications import actions, phone_watch, proof
from parvis.notifications.corrections import correct_address
from parvis.notifications.models import BadAddress, Chunk, Lane, Message
from parvis.notifications.rules import CODE
from parvis.residents.doors import may_enter, staff_door
from parvis.residents.http import StaffRequest
from parvis.residents.models import Place, Resident

ROOM = "announcements"
PER_PAGE = 30
SHOWN = 6


class AddressForm(forms.Form):
    email = forms.EmailField()


def sends(town: Municipality) -> QuerySet[Message]:
    """What staff or the clock sent to many; not letters, trials, digests, nor what one person
    alone is told: that is between them and another room."""
    return (
        Message.objects.of(town)
        .filter(lane__in=[Lane.EMERGENCY, Lane.NOTICE])
        .exclude(kind__in=["letter", CODE, "announcements.trial", "notifications.tried"])
        .order_by("-id")
    )


def bad_addresses(town: Municipality, *, message: Message | None = None) -> list[dict[str, Any]]:
    """Addresses refused for good, with who they are and where they live.

    Those to correct first; then those that a clerk corrected and their reader did not confirm.
    """
    unconfirmed = EmailAddress.objects.filter(verified=False).values("pk")
    rows = BadAddress.objects.of(town).filter(
        Q(corrected_at__isnull=True) | Q(email_id__in=unconfirmed)
    )
    rows = rows.order_by(F("corrected_at").desc(nulls_first=True), "-since")
    if message is not None:
        recipients: set[int] = set()
        for some in (
            Chunk.objects.of(town)
            .filter(message=message, channel="email")
            .values_list("recipients", flat=True)
        ):
            recipients.update(some)
        rows = rows.filter(email_id__in=recipients)
    newest: dict[int, BadAddress] = {}
    for row in rows.select_related("resident")[:200]:
        newest.setdefault(row.email_id, row)
    found = list(newest.values())
    emails = EmailAddress.objects.in_bulk([row.email_id for row in found])
    homes = {
        place.resident_id: place.address
        for place in Place.objects.of(town)
        .filter(resident_id__in=[row.resident_id for row in found], kind=Place.Kind.HOME)
        .select_related("address")
    }
    return [
        {
            "row": row,
            "email": emails[row.email_id].email,
            "address": homes.get(row.resident_id),
            "awaits": row.corrected_at is not None,
        }
        for row in found
        if row.email_id in emails
    ]


@staff_door(ROOM, "see")
def index(request: StaffRequest) -> HttpResponse:
    page = Paginator(sends(request.municipality), PER_PAGE).get_page(request.GET.get("page"))
    can_correct = may_enter(request.staff, "residents", "act")
    waiting = proof.unfinished(request.municipality, [one.pk for one in page.object_list])
    authors = Resident.objects.of(request.municipality).in_bulk(
        {message.author_id for message in page.object_list} - {None}
    )
    return render(
        request,
        "notifications/staff/index.html",
        {
            "page": page,
            "rows": [
                {
                    "message": message,
                    "author": authors.get(message.author_id),
                    "is_finished": message.pk not in waiting,
                }
                for message in page.object_list
            ],
            "bad": bad_addresses(request.municipality) if can_correct else [],
            "can_correct": can_correct,
            "shown": SHOWN,
            "filtered": phone_watch.filtered_texts(request.municipality, now=timezone.now()),
        },
    )


def one(request: StaffRequest, message_id: int) -> Message:
    found: Message = get_object_or_404(sends(request.municipality), pk=message_id)
    return found


@staff_door(ROOM, "see")
def proof_page(request: StaffRequest, message_id: int) -> HttpResponse:
    """The page for a browser; its figures alone for the live block that looks again."""
    message = one(request, message_id)
    figures = proof.figures(message)
    can_correct = may_enter(request.staff, "residents", "act")
    author = Resident.objects.of(request.municipality).filter(pk=message.author_id).first()
    return render(
        request,
        page_or_part(
            request, "notifications/staff/proof.html", "notifications/staff/_figures.html"
        ),
        {
            "message": message,
            "figures": figures,
            "messages_targeted": sum(channel.targeted for channel in figures.channels),
            "total": {
                name: sum(getattr(channel, name) for channel in figures.channels)
                for name in ("targeted", "handed", "opened", "failed", "uncertain", "waiting")
            },
            "done": done(figures),
            "opened_percent": round(100 * figures.opened / figures.targeted, 1)
            if figures.targeted
            else 0,
            "reached_percent": round(figures.percent, 1),
            "failures": sum(reason.count for reason in figures.reasons),
            "author": author,
            "at": timezone.now(),
            "live_url": live.link(
                request.get_host(), request.municipality.pk, f"message:{message.pk}"
            ),
            "about": about(message),
            "can_correct": can_correct,
            "may_see_people": may_enter(request.staff, "residents", "see"),
            "can_stop": may_enter(request.staff, ROOM, "act")
            and not figures.finished
            and message.stopped_at is None,
            "bad": bad_addresses(request.municipality, message=message) if can_correct else [],
            "shown": SHOWN,
        },
    )


def done(figures: proof.Figures) -> float:
    """How much of the sending is over, in percent."""
    targeted = sum(channel.targeted for channel in figures.channels)
    return 100 * (targeted - figures.waiting) / targeted if targeted else 100.0


def about(message: Message) -> str:
    """The Bureau's page of what the message is about."""
    room, _colon, pk = message.reference.partition(":")
    return f"/bureau/avis/{pk}/" if room == "announcement" and pk.isdecimal() else ""


@staff_door("residents", "see")
def replies(request: StaffRequest, message_id: int) -> HttpResponse:
    """Who answered what, those in need first. Each look is a line of the trail."""
    message = one(request, message_id)
    found = proof.newest_replies(message)
    homes = {
        place.resident_id: place.address
        for place in Place.objects.of(request.municipality)
        .filter(resident_id__in=[row.resident_id for row in found], kind=Place.Kind.HOME)
        .select_related("address")
    }
    record(
        "notifications.replies_seen", municipality=request.municipality, actor=request.user,
        message=message.pk,
    )  # fmt: skip
    return render(
        request,
        "notifications/staff/replies.html",
        {
            "message": message,
            "rows": [{"reply": row, "address": homes.get(row.resident_id)} for row in found],
            "help": sum(row.answer == "help" for row in found),
        },
    )


@staff_door(ROOM, "see")
def proof_csv(request: StaffRequest, message_id: int) -> HttpResponse:
    """Every outcome, identifiers only; that it was taken is a line of the trail."""
    message = one(request, message_id)
    record(
        "notifications.proof_exported", municipality=request.municipality, actor=request.user,
        message=message.pk,
    )  # fmt: skip
    # Made whole while the town is set: a stream would be read after its transaction.
    body = "\ufeff" + "".join(proof.export(message))
    response = HttpResponse(body, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="preuve-{message.pk}.csv"'
    return response


@staff_door(ROOM, "act")
@require_POST
def stop(request: StaffRequest, message_id: int) -> HttpResponse:
    message = one(request, message_id)
    actions.stop_message(message, actor=request.user, now=timezone.now())
    messages.success(request, _("L’envoi est arrêté. Ce qui est déjà remis le reste."))
    return go_to(request, "notifications_staff:proof", message_id)


@staff_door("residents", "act")
@require_POST
def correct(request: StaffRequest, bad_id: int) -> HttpResponse:
    """Correct an address where it stands on the page."""
    bad = get_object_or_404(
        BadAddress.objects.of(request.municipality).select_related("municipality"), pk=bad_id
    )
    form = AddressForm(request.POST)
    error, in_use, again = "", False, "attente" in request.POST
    if not form.is_valid():
        error = _("Vérifiez l’adresse\u00a0: elle ressemble à nom@exemple.ca.")
    else:
        try:
            in_use = correct_address(
                bad,
                email=form.cleaned_data["email"],
                actor=request.user,
                now=timezone.now(),
                again=again,
            )
        except Refused as refused:
            error = str(refused)
    if request.headers.get("HX-Request") == "true":
        return render(
            request,
            "notifications/staff/_bad.html",
            {
                "each": {
                    "row": bad,
                    "email": request.POST.get("email", "")[:254],
                    "awaits": again,
                },
                "error": error,
                "corrected": not error,
                "in_use": in_use,
            },
            status=422 if error else 200,
        )
    if error:
        messages.error(request, error)
    elif in_use:
        messages.success(request, _("L’adresse est corrigée. Les prochains avis y partiront."))
    else:
        messages.success(
            request,
            _("L’adresse est corrigée, en attente de confirmation\u00a0: un courriel la demande."),
        )
    back = request.POST.get("retour", "")
    if back.isdecimal():
        return go_to(request, "notifications_staff:proof", int(back))
    return go_to(request, "notifications_staff:index")
