"""«Reçus»: what came, live; and noting what was opened."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from parvis.core import live
from parvis.core.htmx import page_or_part
from parvis.notifications import actions, inbox
from parvis.notifications.models import Channel, Message
from parvis.notifications.views_devices import sent
from parvis.residents.http import ResidentRequest, TownRequest

PAGE = 20


def received(request: ResidentRequest) -> HttpResponse:
    before = request.GET.get("avant", "")
    found = inbox.newest(request.user, PAGE + 1, before=int(before) if before.isdecimal() else None)
    facts = {
        "found": found[:PAGE],
        "more": found[PAGE - 1].pk if len(found) > PAGE else None,
        "first_page": not before,
        "unread": inbox.unread_count(request.user),
        "live": live.link(request.get_host(), request.municipality.pk, "inbox"),
    }
    page = page_or_part(request, "notifications/inbox.html", "notifications/_received.html")
    response = render(request, page, facts)
    patch_vary_headers(response, ["HX-Request"])
    return response


@login_not_required
def open_message(request: TownRequest, message_id: int) -> HttpResponse:
    """Note that it was opened, then lead to its page: links of letters and notifications."""
    channel = request.GET.get("par", Channel.INAPP)
    if not request.user.is_authenticated:
        # Nobody to note; what is about a subject is public, the rest asks who is there.
        url = inbox.public_url(request.municipality, message_id)
        token = request.GET.get("moi", "")
        named = inbox.person_of(request.municipality, token) if url and token else None
        if url and named is not None and named[0] == message_id:
            return redirect(inbox.with_person(url, token))
        return redirect(url or f"/compte/login/?next={request.path}")
    if not inbox.was_handed(request.user, message_id):
        return redirect(inbox.public_url(request.municipality, message_id) or "/")
    message = get_object_or_404(Message.objects.of(request.municipality), pk=message_id)
    if channel in Channel.values:
        actions.mark_opened(
            municipality=request.municipality, message_id=message.pk,
            resident_id=request.user.pk, channel=channel, now=timezone.now(),
        )  # fmt: skip
    return redirect(inbox.url_of(message, speaks=request.user.language))


@csrf_exempt
@login_not_required
@require_POST
def opened(request: TownRequest) -> HttpResponse:
    """The service worker says that a notification was pressed; it has no page, so no CSRF token.

    From another site the cookie does not come along (SameSite), and nothing happens.
    """
    if request.user.is_authenticated:
        try:
            identity = uuid.UUID(str(sent(request).get("identity", "")))
        except ValueError:
            return HttpResponse(status=422)
        message = Message.objects.of(request.municipality).filter(identity=identity).first()
        if message is not None and inbox.was_handed(request.user, message.pk):
            actions.mark_opened(
                municipality=request.municipality, message_id=message.pk,
                resident_id=request.user.pk, channel=Channel.PUSH, now=timezone.now(),
            )  # fmt: skip
    return HttpResponse(status=204)
