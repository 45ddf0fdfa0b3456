"""Each request belongs to the town of its host name, and runs in one transaction as that town."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve

from parvis.core.db import as_town
from parvis.municipalities.models import Municipality

Next = Callable[[HttpRequest], HttpResponse]
View = Callable[..., HttpResponse]
WITHOUT_TOWN = ("/healthz", "/readyz", "/metrics", "/static/")


def find_town(host: str) -> Municipality | None:
    """The town that this Host header names. Only this header counts, never X-Forwarded-Host."""
    name, _port = split_domain_port(host)
    if not name:
        return None
    return Municipality.objects.filter(host_names__name=name.rstrip(".")).first()


def asks_first(ask: Callable[..., None]) -> Callable[[View], View]:
    """Mark a view that needs the answer of a foreign server.

    `ask` waits for it before the request's transaction opens, is handed what the view is, and
    leaves what it heard on the request. It writes nothing of the town's.
    """

    def mark(view: View) -> View:
        view.asks_first = ask  # type: ignore[attr-defined]
        return view

    return mark


def view_of(request: HttpRequest) -> tuple[Any, dict[str, Any]]:
    """The view that will answer, and what it is handed; (None, {}) when there is none."""
    try:
        found = resolve(request.path_info)
    except Resolver404:
        return None, {}
    return found.func, found.kwargs


def town(get_response: Next) -> Next:
    """Set the town before anything reads a row; undo everything when the answer is a failure."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path.startswith(WITHOUT_TOWN):
            return get_response(request)
        municipality = find_town(request.META.get("HTTP_HOST", ""))
        if municipality is None:
            return HttpResponse(render_to_string("unknown_host.html"), status=404)
        request.municipality = municipality  # type: ignore[attr-defined]
        view, facts = view_of(request)
        ask = getattr(view, "asks_first", None)
        if ask is not None:
            ask(request, **facts)
        with as_town(municipality.pk):
            response = get_response(request)
            if response.status_code >= 500:
                transaction.set_rollback(True)
        return response

    return middleware
