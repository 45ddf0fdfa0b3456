"""What a provider of texts tells us through the web: how a text ended, and what people answer.

A request counts when it bears the provider's signature over its address and all its fields. It
may come late, twice and in any order.
"""

from __future__ import annotations

import logging
from xml.sax.saxutils import escape

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, HttpResponseForbidden
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from twilio.request_validator import RequestValidator

from parvis.notifications import calls, replies, reports
from parvis.notifications.providers import Provider
from parvis.notifications.urls_of import origin
from parvis.residents.http import TownRequest

logger = logging.getLogger("parvis.notifications")


def signer_of(request: TownRequest, name: str) -> Provider | None:
    """The provider who signed this request, or None. It must serve the town of the host name."""
    provider: Provider | None = next((one for one in settings.TELEPHONY if one.name == name), None)
    slug = request.municipality.slug
    if provider is None or (provider.towns and slug not in provider.towns):
        return None
    path = request.get_full_path()
    # It signs the address that it was given: the main host name's, or the one it was set up with.
    addresses = {
        origin(request.municipality) + path,
        f"{request.scheme}://{request.get_host()}{path}",
    }
    signature = request.headers.get("X-Twilio-Signature", "")
    validator = RequestValidator(provider.token)
    if any(validator.validate(address, request.POST, signature) for address in addresses):
        return provider
    logger.warning("a request in the name of %s whose signature is not its own: ignored", name)
    return None


def twiml(inside: str = "") -> HttpResponse:
    """An answer in the provider's language."""
    body = f'<?xml version="1.0" encoding="UTF-8"?><Response>{inside}</Response>'
    return HttpResponse(body, content_type="text/xml; charset=utf-8")


@csrf_exempt
@login_not_required
@require_POST
def text_report(request: TownRequest, provider: str, token: str) -> HttpResponse:
    """How one text ended."""
    if signer_of(request, provider) is None:
        return HttpResponseForbidden()
    report = reports.read_text_report(
        token, request.POST.get("MessageStatus", ""), request.POST.get("ErrorCode", "")
    )
    if report is not None and report.town_id == request.municipality.pk:
        reports.note(report, now=timezone.now())
    return HttpResponse(status=204)


@csrf_exempt
@login_not_required
@require_POST
def text_received(request: TownRequest, provider: str) -> HttpResponse:
    """A text that someone sent to one of the town's numbers."""
    if signer_of(request, provider) is None:
        return HttpResponseForbidden()
    post = request.POST
    identity = post.get("MessageSid", "")
    if not identity:
        return HttpResponse(status=422)
    taken = replies.take_text(
        municipality=request.municipality,
        number=post.get("From", "")[:16],
        # A text has a body of 1,600 characters at most; NUL has no place in the database.
        words=post.get("Body", "")[:1600].replace("\0", ""),
        identity=identity,
        now=timezone.now(),
    )
    # Where the provider answers STOP and START by itself, two answers would confuse.
    if taken is None or not taken.is_new or post.get("OptOutType"):
        return twiml()
    return twiml(f"<Message>{escape(replies.answer_to(taken, request.municipality))}</Message>")


def _call(request: TownRequest, provider: str, token: str) -> calls.Call | None:
    """The call that this signed request is about, or None."""
    if signer_of(request, provider) is None:
        return None
    call = calls.read_token(token)
    return call if call is not None and call.town_id == request.municipality.pk else None


@csrf_exempt
@login_not_required
@require_POST
def call_answered(request: TownRequest, provider: str, token: str) -> HttpResponse:
    """Somebody, or a machine, took the call: what is said."""
    call = _call(request, provider, token)
    if call is None:
        return HttpResponseForbidden()
    said = calls.answered(call, provider, by=request.POST.get("AnsweredBy", ""))
    return twiml(said or "<Hangup/>")


@csrf_exempt
@login_not_required
@require_POST
def call_key(request: TownRequest, provider: str, token: str) -> HttpResponse:
    """A key was pressed, or none in time."""
    call = _call(request, provider, token)
    if call is None:
        return HttpResponseForbidden()
    turn = request.GET.get("tour", "")
    return twiml(
        calls.pressed(
            call,
            provider,
            digits=request.POST.get("Digits", ""),
            turn=int(turn) if turn in {"1", "2", "3"} else 3,
            sid=request.POST.get("CallSid", "")[:60],
            now=timezone.now(),
        )
    )


@csrf_exempt
@login_not_required
@require_POST
def call_ended(request: TownRequest, provider: str, token: str) -> HttpResponse:
    """How the call ended."""
    call = _call(request, provider, token)
    if call is None:
        return HttpResponseForbidden()
    calls.end(
        call,
        status=request.POST.get("CallStatus", ""),
        answered_by=request.POST.get("AnsweredBy", ""),
        now=timezone.now(),
    )
    return HttpResponse(status=204)
