"""How strangers come in: without account, from anywhere, and asking twice costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.http import conditional_page

View = Callable[..., HttpResponse]


def public(view: View) -> View:
    """Let anyone read, from any site, with an ETag; cookies are not looked at."""

    @wraps(view)
    def opened_view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = conditional_page(view)(request, *args, **kwargs)
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Cache-Control"] = "public, max-age=30"
        return response

    opened_view.login_required = False  # type: ignore[attr-defined]
    opened_view.csrf_exempt = True  # type: ignore[attr-defined]
    return opened_view


def opened(patterns: Sequence[URLPattern | URLResolver]) -> list[URLPattern | URLResolver]:
    return [
        path(str(each.pattern), public(each.callback), name=each.name)
        for each in patterns
        if isinstance(each, URLPattern)
    ]
