"""What an alert's page shows: what to do, where, since when, what was said before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.utils.translation import gettext as _

from parvis.alerts import audience, figures, rules
from parvis.alerts.models import Alert, Revision
from parvis.municipalities.models import Municipality
from parvis.territory import drawing
from parvis.territory.models import Address, Sector

HISTORY = 50
REACH_SECONDS = 30


@dataclass(frozen=True)
class Step:
    """One thing to do: the gesture, then how."""

    gesture: str
    more: str


@dataclass(frozen=True)
class Line:
    """An alert in a list."""

    alert: Alert
    revision: Revision
    where: str
    tone: str


def sector_names(municipality: Municipality) -> dict[int, str]:
    return dict(Sector.objects.of(municipality).values_list("pk", "name"))


def tone_of(alert: Alert, revision: Revision, now: datetime) -> str:
    """Colour and shape: red only for what is in force, true and grave."""
    if not alert.stands(now):
        return "succes" if alert.state == rules.LIFTED else "info"
    if alert.is_drill:
        return "info"
    return "urgence" if revision.severity in {"Extreme", "Severe"} else "avis"


def standing(municipality: Municipality, now: datetime) -> list[Line]:
    """In force now, what is true before drills, the newest first."""
    rows = Revision.objects.of(municipality).newest_of_standing(now)
    found = sorted(rows, key=lambda one: (one.alert.is_drill, -one.alert_id))
    names = sector_names(municipality) if found else {}
    return [line(one, names, now) for one in found]


def line(revision: Revision, names: dict[int, str], now: datetime) -> Line:
    alert = revision.alert
    return Line(
        alert, revision, audience.where(revision, names), tone_of(alert, revision, now)
    )  # fmt: skip


def ended(municipality: Municipality, now: datetime) -> list[Line]:
    """What is over, the newest first."""
    alerts = Alert.objects.of(municipality).public().filter(ended_at__isnull=False)
    newest = alerts.order_by("-ended_at", "-pk")[:HISTORY]
    rows = {
        one.alert_id: one
        for one in Revision.objects.of(municipality)
        .filter(alert__in=list(newest))
        .sent()
        .select_related("alert")
        .order_by("number")
    }
    names = sector_names(municipality)
    return [line(rows[alert.pk], names, now) for alert in newest if alert.pk in rows]


def list_facts(municipality: Municipality, now: datetime) -> dict[str, Any]:
    return {
        "municipality": municipality,
        "standing": standing(municipality, now),
        "ended": ended(municipality, now),
    }


def page_facts(
    alert: Alert, now: datetime, *, language: str = "fr", here: Address | None = None
) -> dict[str, Any]:
    """Everything that the page of an alert needs, for anyone; `here` is marked on the map."""
    town = alert.municipality
    revisions = list(alert.revisions.sent().order_by("-number"))
    current = revisions[0]
    spoken = language if language in current.words else "fr"
    said = current.said(spoken)
    names = sector_names(town)
    pin = None
    if here is not None and here.longitude is not None and here.latitude is not None:
        pin = (here.longitude, here.latitude)
    shown = None
    if not current.everywhere and (current.sector_ids or current.area):
        shown = drawing.town_map(
            town, current.sector_ids, tone="urgence", pin=pin, drawn=current.area
        )
    return {
        "municipality": town,
        "alert": alert,
        "event": alert.kind,
        "revision": current,
        "first": revisions[-1],
        "history": revisions,
        "language": spoken,
        "languages": [one for one in current.words if one != spoken],
        "basis": rules.BASES.get(str(said.get("basis", ""))) if spoken != "fr" else None,
        "said": said,
        "paragraphs": [part for part in str(said["text"]).split("\n") if part.strip()],
        "steps": [Step(*rules.gesture(str(step))) for step in said["steps"]],
        "where": audience.where(current, names),
        "stands": alert.stands(now),
        "tone": tone_of(alert, current, now),
        "map": shown,
        "reach": shown_reach(alert) if alert.shows_reach and not alert.is_drill else None,
        "kicker": kicker(alert, now),
    }


def shown_reach(alert: Alert) -> figures.Reach:
    """What the public page says, counted at most every half minute: a crowd reads it at once."""
    key = f"alert-reach:{alert.municipality_id}:{alert.pk}"
    found: figures.Reach | None = cache.get(key)
    if found is None:
        found = figures.reach(alert)
        cache.set(key, found, REACH_SECONDS)
    return found


def kicker(alert: Alert, now: datetime) -> str:
    """What this is, in two words, before its title."""
    if alert.is_drill:
        return _("EXERCICE")
    if alert.stands(now):
        return _("Alerte en vigueur")
    words = {
        rules.LIFTED: _("Alerte levée"),
        rules.CANCELLED: _("Alerte annulée"),
    }
    return words.get(alert.state, _("Alerte échue"))
