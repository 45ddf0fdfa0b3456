"""The outermost layer: every request has a reference, and every crash says it."""

from __future__ import annotations

import logging
import secrets
import sys
from collections.abc import Callable

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.middleware.gzip import GZipMiddleware
from django.template.loader import render_to_string

logger = logging.getLogger("parvis.crash")
Next = Callable[[HttpRequest], HttpResponse]


def outermost(get_response: Next) -> Next:
    """Give the request a reference number, which pages and log lines of a crash share."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.reference = secrets.token_hex(4).upper()  # type: ignore[attr-defined]
        response = get_response(request)
        response.headers.setdefault(
            "Permissions-Policy", "geolocation=(self), camera=(), microphone=()"
        )
        personal = request.META.get("HTTP_COOKIE") or response.cookies
        if personal and "Cache-Control" not in response.headers:
            # A page made for someone must not stay in a shared cache, nor in the browser's.
            response.headers["Cache-Control"] = "private, no-store"
        return response

    return middleware


def keeping_sign_in(get_response: Next) -> Next:
    """Leave the session's cookie alone unless this very request ended the session.

    Signing in gives the browser a new session and ends the former one. An icon asked for with the
    former cookie, and answered late, finds no session; Django then has the browser forget its
    cookie, which by now is the new one: the person would be signed out by a picture.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        cookie = response.cookies.get(settings.SESSION_COOKIE_NAME)
        if cookie is not None and not cookie.value and not request.session.modified:
            del response.cookies[settings.SESSION_COOKIE_NAME]
        return response

    return middleware


def compressed(get_response: Next) -> Next:
    """Send text compressed; pictures and archives, which gain nothing, go as they are.

    A secret cannot be guessed from the length (BREACH): the form's token is masked anew in each
    page, and Django adds a random number of bytes.
    """
    gzip = GZipMiddleware(get_response)

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        kind = response.headers.get("Content-Type", "").split(";")[0]
        is_text = kind.startswith("text/") or kind.endswith(("json", "xml"))
        # A part of a file is counted in the file's own bytes: it stays as it is.
        if is_text and response.status_code != 206:
            gzip.process_response(request, response)
        return response

    return middleware


def crashed(request: HttpRequest) -> HttpResponse:
    """Answer of last resort (handler500): a reference on the page, the same in the log."""
    reference = getattr(request, "reference", "")
    error = sys.exc_info()[1]
    if isinstance(error, (OperationalError, InterfaceError)):
        logger.error("%s %s %s: database away: %s", reference, request.method, request.path, error)
        page = render_to_string("503.html", {"reference": reference})
        return HttpResponse(page, status=503, headers={"Retry-After": "5"})
    logger.error("%s %s %s", reference, request.method, request.path, exc_info=True)
    return HttpResponse(render_to_string("500.html", {"reference": reference}), status=500)
