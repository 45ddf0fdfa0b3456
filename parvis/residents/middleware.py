"""Who asks: the language of the person, within what the law lets the town offer."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from parvis.residents import rules

Next = Callable[[HttpRequest], HttpResponse]


def person(get_response: Next) -> Next:
    """Speak French, or the person's language where the town may offer it; keep the town's time."""

    def middleware(request: HttpRequest) -> HttpResponse:
        municipality = getattr(request, "municipality", None)
        if municipality is None:
            return get_response(request)
        language = rules.interface_language(
            chosen_language(request),
            recognised=municipality.recognised_29_1,
            offered=municipality.languages,
        )
        with translation.override(language), timezone.override(municipality.zone):
            response = get_response(request)
        response.headers.setdefault("Content-Language", language)
        if getattr(request, "signed_out", False):
            # Not "storage": it would remove the worker, and with it the emergencies' push.
            response.headers["Clear-Site-Data"] = '"cache"'
        return response

    return middleware


def chosen_language(request: HttpRequest) -> str:
    """What this browser chose, else what the account says; a visitor costs no query."""
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    if not chosen and settings.SESSION_COOKIE_NAME in request.COOKIES:
        chosen = getattr(request.user, "language", "")
    return chosen
