"""What every page's shell shows: the town, the tabs that exist, the foot of the page."""

from __future__ import annotations

from functools import cache, partial
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from parvis.alerts.pages import Line, standing
from parvis.core import live
from parvis.home import concerns
from parvis.municipalities.models import Municipality
from parvis.residents.doors import has_second_factor, staff_member
from parvis.residents.rules import interface_language

KINDS = (
    "Ville de ", "Ville d’", "Municipalité de ", "Municipalité d’", "Paroisse de ", "Village de ",
    "Canton de ",
)  # fmt: skip


class ShownTown:
    """A town as templates ask for it; everything else is the row's own."""

    def __init__(self, municipality: Municipality) -> None:
        self._municipality = municipality

    @property
    def display_name(self) -> str:
        return self._municipality.name

    @property
    def short_name(self) -> str:
        """What fits under an icon: «Ville d’Alma» gives «Alma»."""
        name = self._municipality.name
        return next((name.removeprefix(kind) for kind in KINDS if name.startswith(kind)), name)

    @property
    def crest_url(self) -> str:
        """The crest's address changes with it, so that it may be kept for a year."""
        crest = self._municipality.crest
        return f"/blason?{crest.rsplit('-', 1)[-1].split('.')[0]}" if crest else ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._municipality, name)


def shell(request: HttpRequest) -> dict[str, Any]:
    municipality = getattr(request, "municipality", None)
    if municipality is None:
        return {}
    town = ShownTown(municipality)
    look = icon_version(municipality)
    return {
        "town": town,
        "tabs": SimpleLazyObject(partial(tabs, request)),
        "standing_banner": {
            "template": "alerts/_banner.html",
            "url": "/alertes/bandeau/",
            "live": live.link(request.get_host(), municipality.pk, "alerts"),
        },
        "alerts_in_force": SimpleLazyObject(partial(alerts_in_force, request)),
        "search_url": "/chercher/",
        "manifest_url": f"/manifest.webmanifest?{look}",
        "icon_url": f"/icones/192.png?{look}",
        # iOS paints what is transparent in black: it gets the one with a ground.
        "apple_icon_url": f"/icones/masque-180.png?{look}",
        "sw_url": "/sw.js",
        "foot_links": SimpleLazyObject(partial(foot_links, request)),
        "places_url": existing("/moi/adresses/"),
        "contacts_url": existing("/moi/"),
    }


def alerts_in_force(request: HttpRequest) -> list[Line]:
    """What every page shows at its top; asked once for each request."""
    if not hasattr(request, "_alerts_in_force"):
        request._alerts_in_force = standing(  # type: ignore[attr-defined]
            request.municipality,  # type: ignore[attr-defined]
            timezone.now(),
        )
    return request._alerts_in_force  # type: ignore[attr-defined, no-any-return]


def icon_version(municipality: Municipality) -> str:
    """Changes when the icons would be drawn differently."""
    return f"{municipality.brand[1:]}{municipality.crest.rsplit('-', 1)[-1].split('.')[0]}"


@cache
def existing(url: str) -> str:
    """This address where a page answers, else nothing."""
    try:
        resolve(url)
    except Resolver404:
        return ""
    return url


def tabs(request: HttpRequest) -> list[dict[str, Any]]:
    """Only what exists; the last one is the person's, or the way in."""
    found = [_tab(request, "/", "house", _("Accueil"))]
    if existing("/avis/"):
        found.append(
            _tab(request, "/avis/", "bell", _("Avis"), count=concerns.standing_count(request))
        )
    if existing("/reserver/"):
        found.append(_tab(request, "/reserver/", "calendar-check", _("Réserver")))
    if request.user.is_authenticated and existing("/mes-demandes/"):
        found.append(_tab(request, "/mes-demandes/", "messages-square", _("Demandes")))
    if not request.user.is_authenticated:
        found.append(_tab(request, settings.LOGIN_URL, "log-in", _("Connexion")))
    elif existing("/moi/"):
        found.append(_tab(request, "/moi/", "circle-user", _("Moi"), also="/mes-avis/"))
    else:
        found.append(_tab(request, "/mes-avis/", "circle-user", _("Moi")))
    # The second factor is in the session: residents without one cost no query.
    if request.user.is_authenticated and has_second_factor(request) and staff_member(request):
        found.append(_tab(request, "/bureau/", "building-2", _("Bureau")))
    return found


def _tab(
    request: HttpRequest, url: str, icon: str, label: str, *, count: int = 0, also: str = ""
) -> dict[str, Any]:
    here = request.path
    current = here == url or (url != "/" and here.startswith(url))
    return {
        "url": url,
        "icon": icon,
        "label": label,
        "count": count,
        "current": current or bool(also and here.startswith(also)),
    }


def foot_links(request: HttpRequest) -> list[dict[str, str]]:
    links = [
        {"url": "/aide/", "label": _("Aide")},
        {"url": "/accessibilite/", "label": _("Accessibilité")},
        {"url": "/confidentialite/", "label": _("Confidentialité")},
    ]
    source = getattr(settings, "SOURCE_URL", "")
    if source:
        links.append({"url": source, "label": _("Code source")})
    other = other_language(request)
    if other:
        name = {"fr": "Français", "en": "English"}[other]
        url = f"/langue/{other}/?suite={quote(request.path)}"
        links.append({"url": url, "label": name, "lang": other})
    return links


def other_language(request: HttpRequest) -> str:
    """The language that the page may be switched to, where the law lets the town offer it."""
    municipality: Municipality = request.municipality  # type: ignore[attr-defined]
    allowed = interface_language(
        "en", recognised=municipality.recognised_29_1, offered=municipality.languages
    )
    if allowed != "en":
        return ""
    return "fr" if (get_language() or "").startswith("en") else "en"
