"""One URL answers a page to a browser and a part of it to htmx."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django_htmx.http import HttpResponseClientRedirect


def page_or_part(request: HttpRequest, page: str, part: str) -> str:
    """The whole page for a browser, the part of it for htmx."""
    return part if request.headers.get("HX-Request") == "true" else page


def go_to(request: HttpRequest, to: object, *args: object, **kwargs: object) -> HttpResponse:
    """Redirect, in the way that this browser follows."""
    url = resolve_url(to, *args, **kwargs)  # type: ignore[arg-type]
    if request.headers.get("HX-Request") == "true":
        return HttpResponseClientRedirect(url)
    return HttpResponseRedirect(url)
