"""What the Bureau's shell shows beside the page."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parvis.alerts.models import Alert
from parvis.backoffice import queue
from parvis.municipalities.models import StaffMember
from parvis.residents.doors import may_enter, staff_member

BUREAU = "/bureau/"
INVITATION = "/bureau/invitation/"


def desk(request: HttpRequest) -> dict[str, Any]:
    """Menu by role, and the time; nothing outside the Bureau."""
    if not request.path.startswith(BUREAU) or request.path.startswith(INVITATION):
        return {}
    member = staff_member(request) if hasattr(request, "municipality") else None
    if member is None:
        return {}
    return {
        "bureau_menu": menu(member, request.path),
        "bureau_url": BUREAU,
        "search_url": f"{BUREAU}recherche/",
        "now": timezone.now(),
        "person": member.person.short_name,
        "person_url": "/moi/",
        "staff_member": member,
        "is_administrator": member.is_administrator,
        "desk_chip": alert_chip(member),
        "may_write": may_enter(member, "announcements", "act"),
    }


def alert_chip(member: StaffMember) -> dict[str, str] | None:
    """What no clerk may overlook: how many alerts are in force."""
    standing = Alert.objects.of(member.municipality_id).standing(timezone.now())
    count = standing.filter(is_drill=False).count()
    if not count:
        return None
    label = ngettext("%(n)s alerte en vigueur", "%(n)s alertes en vigueur", count)
    may_see = may_enter(member, "alerts", "see")
    return {
        "label": label % {"n": count},
        "tone": "urgence",
        "icon": "siren",
        "url": "/bureau/alertes/" if may_see else "/alertes/",
    }


def menu(member: StaffMember, path: str) -> list[dict[str, Any]]:
    """The pages that exist and that this person may open; the one being looked at is marked."""
    waiting = queue.counts(member, now=timezone.now())
    places = [
        (BUREAU, "inbox", _("Ma journée"), "", waiting.total),
        ("/bureau/alertes/", "siren", _("Alertes"), "alerts", 0),
        ("/bureau/demandes/", "clipboard-list", _("Demandes"), "cases", waiting.cases),
        ("/bureau/avis/", "file-text", _("Avis"), "announcements", 0),
        ("/bureau/envois/", "send", _("Envois"), "announcements", 0),
        ("/bureau/reservations/", "calendar-days", _("Réservations"), "reservations", 0),
        ("/bureau/citoyens/", "users", _("Citoyens"), "residents", 0),
        ("/bureau/territoire/", "map", _("Territoire"), "administration", 0),
        ("/bureau/sujets/", "tag", _("Sujets"), "administration", 0),
        ("/bureau/equipe/", "user-check", _("Équipe"), "administration", 0),
        ("/bureau/ville/", "settings", _("Ville"), "administration", 0),
        ("/bureau/journal/", "history", _("Journal"), "administration", 0),
    ]
    entries = []
    for url, icon, label, room, count in places:
        if not exists(url) or (room and not may_enter(member, room, "see")):
            continue
        entries.append(
            {
                "url": url,
                "icon": icon,
                "label": label,
                "count": count,
                "tone": "urgence" if url == BUREAU and waiting.late else "",
                "current": path == url or (url != BUREAU and path.startswith(url)),
            }
        )
    return entries


@cache
def exists(url: str) -> bool:
    """Whether a page answers at this address."""
    try:
        resolve(url)
    except Resolver404:
        return False
    return True
