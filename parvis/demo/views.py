"""Pages that exist under `parvis demo` only: the local mailbox, and the code of the Bureau."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

from allauth.mfa import app_settings
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from csp.decorators import csp_replace
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from parvis.core.htmx import page_or_part
from parvis.demo import mailbox, seed, towns
from parvis.residents.http import TownRequest

FOLDER = settings.DATA / "mail"
SHOWN = 100


@login_not_required
@require_safe
def letters(request: TownRequest) -> HttpResponse:
    """The letters that left, newest first; the list renews itself."""
    to = request.GET.get("a", "")[:200]
    found = [
        {**letter, "at": datetime.fromtimestamp(letter["at"], UTC), "to": ", ".join(letter["to"])}
        for letter in mailbox.letters(FOLDER, to=to, limit=SHOWN)
    ]
    template = page_or_part(request, "demo/letters.html", "demo/_letters.html")
    return render(request, template, {"letters": found, "to": to, "most": SHOWN})


@login_not_required
@require_safe
def letter(request: TownRequest, name: str) -> HttpResponse:
    found = _letter(name)
    text, html = _body(found, "plain"), _body(found, "html")
    return render(
        request,
        "demo/letter.html",
        {
            "name": name,
            "subject": str(found["Subject"] or ""),
            "headers": [(key, str(value)) for key, value in found.items()],
            "text": text,
            "has_html": bool(html),
            "unsubscribe": _unsubscribe_path(found, request.get_host()),
        },
    )


@login_not_required
@require_safe
@xframe_options_sameorigin
@csp_replace(  # type: ignore[arg-type]
    {
        "default-src": ["'none'"],
        "style-src": ["'unsafe-inline'"],
        "img-src": ["'self'", "data:"],
        "frame-ancestors": ["'self'"],
        "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox"],
    }
)
def letter_html(request: HttpRequest, name: str) -> HttpResponse:
    """The letter's own HTML, behind a policy under which nothing in it can run."""
    html = _body(_letter(name), "html")
    if not html:
        raise Http404
    return HttpResponse(f'<base target="_blank">{html}')


@login_not_required
@require_safe
def code(request: TownRequest) -> HttpResponse:
    """The accounts, and the code that a telephone would show."""
    period = app_settings.TOTP_PERIOD
    now = int(time.time())
    first = request.municipality.slug == towns.ALMA.slug
    return render(
        request,
        "demo/code.html",
        {
            "code": format_hotp_value(hotp_value(seed.TOTP_SECRET, now // period)),
            "seconds": period - now % period,
            "secret": seed.TOTP_SECRET,
            "password": seed.PASSWORD,
            "accounts": [
                (role, email if first else f"{request.municipality.slug}.{email}")
                for role, email in seed.ACCOUNTS.items()
                if first or role in seed.STAFF
            ],
        },
    )


def _letter(name: str) -> EmailMessage:
    found = mailbox.letter(FOLDER, name)
    if found is None:
        raise Http404
    return found


def _body(found: EmailMessage, kind: str) -> str:
    part = found.get_body(preferencelist=(kind,))
    if part is None:
        return ""
    content: Any = part.get_content()
    return str(content)


def _unsubscribe_path(found: EmailMessage, host: str) -> str:
    """Where the one-click unsubscription is posted, if it is at this host (RFC 8058)."""
    if str(found["List-Unsubscribe-Post"] or "") != "List-Unsubscribe=One-Click":
        return ""
    for link in re.findall(r"<([^>]+)>", str(found["List-Unsubscribe"] or "")):
        parts = urlsplit(str(link).strip())
        if parts.scheme in {"http", "https"} and parts.netloc == host:
            return parts.path + (f"?{parts.query}" if parts.query else "")
    return ""
