"""The telephones of the demonstration: what came to each number, and a way to answer."""

from __future__ import annotations

import http.client
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from parvis.core.htmx import page_or_part
from parvis.demo import telephone as book
from parvis.residents.http import TownRequest
from parvis.residents.rules import shown_phone

FOLDER = settings.DATA / "telephone"
FIRST = "+14185550142"
"""Agathe's."""


def _shown(one: dict[str, Any]) -> dict[str, Any]:
    return {
        **one,
        "at": datetime.fromtimestamp(float(one["at"]), UTC),
        "shown": shown_phone(one["number"]),
        "emergency": one["sender"] == book.EMERGENCY,
    }


@login_not_required
@require_safe
def telephone(request: TownRequest) -> HttpResponse:
    """One telephone with its texts; the list renews itself."""
    number = request.GET.get("numero", "")[:16] or FIRST
    texts = [_shown(one) for one in book.texts(FOLDER, number=number, limit=40)]
    sender = next((one["sender"] for one in reversed(texts)), book.ROUTINE)
    template = page_or_part(request, "demo/telephone.html", "demo/_texts.html")
    return render(
        request,
        template,
        {
            "number": number,
            "shown": shown_phone(number),
            "texts": texts,
            "sender": sender,
            "numbers": [_shown(one) for one in book.numbers(FOLDER, limit=12)],
        },
    )


@login_not_required
@require_POST
def answer(request: TownRequest) -> HttpResponse:
    """Have the provider bring this answer to the portal, signed, as it would a real one."""
    number = request.POST.get("numero", "")[:16]
    fields = {
        "host": request.get_host().partition(":")[0],
        "number": number,
        "sender": request.POST.get("sender", book.ROUTINE)[:16],
        "body": request.POST.get("words", "")[:320],
    }
    where = urlsplit(settings.TELEPHONY[0].base)
    provider = http.client.HTTPConnection(where.hostname or "", where.port, timeout=15)
    try:
        provider.request("POST", "/reponse", urlencode(fields))
        provider.getresponse().read()
    except OSError:
        messages.error(request, "Le fournisseur de démonstration ne répond pas.")
    finally:
        provider.close()
    return redirect(f"{reverse('demo:telephone')}?{urlencode({'numero': number})}")
