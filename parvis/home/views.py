"""The resident's front door, search, and the pages that every town owes its visitors."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme

from parvis.core import live
from parvis.core.htmx import page_or_part
from parvis.home import find
from parvis.home import front as reading
from parvis.home.context import other_language
from parvis.residents.http import TownRequest


@login_not_required
def front(request: TownRequest) -> HttpResponse:
    facts = reading.page(request)
    signed_in = request.user.is_authenticated
    # A visitor has no inbox: each delivery would have every open page ask again for nothing.
    topics = ("announcements", "inbox") if signed_in else ("announcements",)
    facts["live"] = live.link(request.get_host(), request.municipality.pk, *topics)
    page = page_or_part(request, "home/front.html", "home/_front.html")
    response = render(request, page, {**facts, "signed_in": signed_in})
    patch_vary_headers(response, ["HX-Request"])
    return response


@login_not_required
def search(request: TownRequest) -> HttpResponse:
    query = request.GET.get("q", "").strip()
    facts = {"query": query, "found": find.search(request.municipality, query) if query else None}
    response = render(request, page_or_part(request, "home/search.html", "home/_found.html"), facts)
    patch_vary_headers(response, ["HX-Request"])
    return response


@login_not_required
def help_page(request: TownRequest) -> HttpResponse:
    return render(request, "home/help.html")


@login_not_required
def accessibility(request: TownRequest) -> HttpResponse:
    return render(request, "home/accessibility.html")


@login_not_required
def privacy(request: TownRequest) -> HttpResponse:
    return render(request, "home/privacy.html")


@login_not_required
def speak(request: TownRequest, language: str) -> HttpResponse:
    """Switch the interface's language, where the law lets the town offer another one."""
    if language not in {"fr", "en"} or not other_language(request):
        raise Http404
    to = request.GET.get("suite", "/")
    if not url_has_allowed_host_and_scheme(to, allowed_hosts=None):
        to = "/"
    response = HttpResponseRedirect(to)
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME, language, max_age=365 * 24 * 3600, samesite="Lax",
        secure=settings.HTTPS,
    )  # fmt: skip
    return response


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403_csrf.html", status=403)
