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
from parvis.municipalities.models import HostName, Municipality

Next = Callable[[HttpRequest], HttpResponse]
View = Callable[..., HttpResponse]
WITHOUT_TOWN = ("/healthz", "/readyz", "/metrics", "/static/")


def find_town(host: str, view: Any = None) -> Municipality | None:
    """The town that this Host header names. Only this header counts, never X-Forwarded-Host.

    A name that a town claimed and nobody verified yet answers by the page that verifies it alone.
    """
    name, _port = split_domain_port(host)
    if not name:
        return None
    found = HostName.objects.select_related("municipality").filter(name=name.rstrip(".")).first()
    if found is None or not (found.serves or getattr(view, "serves_unproven", False)):
        return None
    return found.municipality


def serves_unproven(view: View) -> View:
    """Mark the view that is visited at a host name which is not verified yet."""
    view.serves_unproven = True  # type: ignore[attr-defined]
    return view


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
        view, facts = view_of(request)
        municipality = find_town(request.META.get("HTTP_HOST", ""), view)
        if municipality is None:
            return HttpResponse(render_to_string("unknown_host.html"), status=404)
        request.municipality = municipality  # type: ignore[attr-defined]
        ask = getattr(view, "asks_first", None)
        if ask is not None:
            ask(request, **facts)
        with as_town(municipality.pk):
            response = get_response(request)
            if response.status_code >= 500:
                transaction.set_rollback(True)
        return response

    return middleware
