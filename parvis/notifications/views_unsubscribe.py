"""Unsubscribing from a letter in one click, without signing in (RFC 8058)."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from parvis.core.errors import Refused
from parvis.notifications import preferences, unsubscribe
from parvis.notifications.models import Channel, Subject
from parvis.residents.http import TownRequest


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe_page(request: TownRequest, token: str) -> HttpResponse:
    """GET shows what would end and changes nothing; POST ends it, be it a person or a mail program.

    The signed token is the proof: mail programs send neither cookie nor CSRF token.
    """
    asked = unsubscribe.read(token, request.municipality)
    if asked is None:
        return _page(request, {"state": "invalid"}, status=404)
    subject: Subject | None = (
        Subject.objects.of(request.municipality).filter(pk=asked.subject_id).first()
    )
    facts: dict[str, object] = {
        "subject": subject,
        "channel": dict(Channel.choices).get(asked.channel, ""),
        "path": request.path,
        "state": "ask",
    }
    if subject is not None and subject.is_emergency:
        return _page(request, {**facts, "state": "emergency"}, status=422)
    if request.method != "POST":
        return _page(request, facts)
    try:
        preferences.unsubscribe_from_letter(
            municipality=request.municipality,
            resident_id=asked.resident_id,
            subject_id=asked.subject_id,
            channel=asked.channel,
            now=timezone.now(),
        )
    except Refused:
        return _page(request, {**facts, "state": "emergency"}, status=422)
    return _page(request, {**facts, "state": "done"})


def _page(request: TownRequest, facts: dict[str, object], *, status: int = 200) -> HttpResponse:
    response = render(request, "notifications/unsubscribe.html", facts, status=status)
    # The address is a right to act: it must not leak, nor be found by a search engine.
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Cache-Control"] = "private, no-store"
    return response
