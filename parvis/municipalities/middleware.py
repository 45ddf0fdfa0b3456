"""Each request belongs to the town of its host name, and runs in one transaction as that town."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.template.loader import render_to_string

from parvis.core.db import as_town
from parvis.municipalities.models import Municipality

Next = Callable[[HttpRequest], HttpResponse]
WITHOUT_TOWN = ("/healthz", "/readyz", "/metrics", "/static/")


def find_town(host: str) -> Municipality | None:
    """The town that this Host header names. Only this header counts, never X-Forwarded-Host."""
    name, _port = split_domain_port(host)
    if not name:
        return None
    return Municipality.objects.filter(host_names__name=name.rstrip(".")).first()


def town(get_response: Next) -> Next:
    """Set the town before anything reads a row; undo everything when the answer is a failure."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path.startswith(WITHOUT_TOWN):
            return get_response(request)
        municipality = find_town(request.META.get("HTTP_HOST", ""))
        if municipality is None:
            return HttpResponse(render_to_string("unknown_host.html"), status=404)
        request.municipality = municipality  # type: ignore[attr-defined]
        with as_town(municipality.pk):
            response = get_response(request)
            if response.status_code >= 500:
                transaction.set_rollback(True)
        return response

    return middleware
