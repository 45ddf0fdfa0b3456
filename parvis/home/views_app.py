"""What makes the portal an app of the town: colours, crest, icons, manifest, service worker."""

from __future__ import annotations

import hashlib
import json
import mimetypes
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.utils.http import http_date
from django.utils.translation import gettext as _

from parvis.core import icons, palette
from parvis.home.context import ShownTown, existing, icon_version
from parvis.residents.http import TownRequest

SIZES = frozenset({48, 96, 180, 192, 512})
YEAR = "public, max-age=31536000, immutable"
DAY = "public, max-age=86400"
WORKER = Path(__file__).parent / "worker.js"
SHELL = (
    "parvis.css", "app.js", "vendor/htmx.min.js", "vendor/icons.svg",
    "vendor/atkinson-latin.woff2", "home/offline.js",
)  # fmt: skip
"""Files that the page without network needs."""


def kept(request: HttpRequest, content: Any, kind: str) -> HttpResponse:
    """A file that may be kept for a year when its address says its version."""
    response = HttpResponse(content, content_type=kind)
    response.headers["Cache-Control"] = YEAR if request.META["QUERY_STRING"] else DAY
    return response


@login_not_required
def theme(request: TownRequest) -> HttpResponse:
    css = palette.theme_css(request.municipality.brand)
    return kept(request, css, "text/css; charset=utf-8")


@login_not_required
def crest(request: TownRequest) -> HttpResponse:
    name = request.municipality.crest
    if not name or not default_storage.exists(name):
        raise Http404
    with default_storage.open(name) as file:
        content = file.read()
    response = kept(request, content, mimetypes.guess_type(name)[0] or "image/png")
    # Opened by itself, a drawing is a document: it may load nothing and run nothing.
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    )
    return response


@login_not_required
def icon(request: TownRequest, size: int) -> HttpResponse:
    return _icon(request, size, maskable=False)


@login_not_required
def maskable_icon(request: TownRequest, size: int) -> HttpResponse:
    return _icon(request, size, maskable=True)


@login_not_required
def badge(request: TownRequest) -> HttpResponse:
    return kept(request, icons.badge_png(request.municipality.initials), "image/png")


def _icon(request: TownRequest, size: int, *, maskable: bool) -> HttpResponse:
    if size not in SIZES:
        raise Http404
    town = request.municipality
    drawn = draw(town.crest, town.brand, town.initials, size=size, maskable=maskable)
    return kept(request, drawn, "image/png")


@lru_cache(maxsize=256)
def draw(crest_name: str, brand: str, initials: str, *, size: int, maskable: bool) -> bytes:
    """An icon, drawn once for each process: the crest's name changes with the crest."""
    data = None
    if crest_name and default_storage.exists(crest_name):
        with default_storage.open(crest_name) as file:
            data = file.read()
    svg = data if crest_name.endswith(".svg") else None
    png = data if crest_name.endswith(".png") else None
    return icons.maskable_png(svg, png, brand, initials, size, maskable)


@login_not_required
def manifest(request: TownRequest) -> JsonResponse:
    """The installed app: the town's name, colours and icons (W3C Web App Manifest)."""
    town = request.municipality
    look = icon_version(town)
    pictures = [
        {"src": f"/icones/{size}.png?{look}", "sizes": f"{size}x{size}", "type": "image/png"}
        for size in (192, 512)
    ] + [
        {
            "src": f"/icones/masque-{size}.png?{look}",
            "sizes": f"{size}x{size}",
            "type": "image/png",
            "purpose": "maskable",
        }
        for size in (192, 512)
    ]
    shortcuts = [
        {"name": name, "url": url}
        for name, url in ((_("Avis"), "/avis/"), (_("Mes avis"), "/mes-avis/"))
        if existing(url)
    ]
    response = JsonResponse(
        {
            "id": "/",
            "name": town.name,
            "short_name": ShownTown(town).short_name,
            "description": _("Le portail citoyen de votre municipalité"),
            "lang": "fr-CA",
            "dir": "ltr",
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "theme_color": town.brand,
            "background_color": "#f1f0ec",
            "icons": pictures,
            "shortcuts": shortcuts,
            "categories": ["government", "utilities"],
        },
        content_type="application/manifest+json",
        json_dumps_params={"ensure_ascii": False},
    )
    response.headers["Cache-Control"] = DAY
    return response


@login_not_required
def worker(request: TownRequest) -> HttpResponse:
    """The service worker, with the list of what it keeps. Its bytes change when that does."""
    town = request.municipality
    look = icon_version(town)
    shell = [static(name) for name in SHELL]
    shell += [f"/theme.css?{town.brand[1:]}", "/hors-ligne/", f"/icones/192.png?{look}"]
    crest_url = ShownTown(town).crest_url
    shell += [crest_url] if crest_url else []
    source = program()
    facts = {
        "shell": shell,
        "offline": "/hors-ligne/",
        "feed": "/api/v1/announcements?limit=20",
        "icon": f"/icones/192.png?{look}",
        "badge": f"/icones/pastille.png?{look}",
        "title": town.name,
        "hashed": not settings.DEBUG,
    }
    version = hashlib.sha256((json.dumps(facts) + source).encode()).hexdigest()[:12]
    config = json.dumps({**facts, "version": version}, ensure_ascii=False)
    response = HttpResponse(
        f"const PARVIS = {config};\n{source}", content_type="text/javascript; charset=utf-8"
    )
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Last-Modified"] = http_date(WORKER.stat().st_mtime)
    return response


def program() -> str:
    return WORKER.read_text()


@login_not_required
def offline(request: TownRequest) -> HttpResponse:
    """Shown without network. It is fetched without cookies, and holds nothing personal."""
    response = render(request, "home/offline.html")
    response.headers["Cache-Control"] = "no-cache"
    return response
