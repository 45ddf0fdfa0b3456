"""The sheet by which a town asks the ministry to broadcast: a tagged PDF (PDF/UA-1).

In Québec only the ministry issues by Québec En Alerte; a town asks its operations centre.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typst
from django.utils import timezone, translation

from parvis.alerts import audience, cap_compose, cap_files, events, rules
from parvis.alerts.models import Alert, Revision
from parvis.core.typography import day, french, moment
from parvis.notifications.urls_of import absolute

TEMPLATE = Path(__file__).parent / "request_sheet.typ"
MOST_OUTLINES, LONGEST_OUTLINE = 3, 1_200
THREATENING = {"Extreme", "Severe"}


def newest(alert: Alert) -> Revision:
    """What is being prepared, else what was said last."""
    found: Revision = (
        Revision.objects.of(alert.municipality_id)
        .select_related("alert", "municipality")
        .filter(alert=alert)
        .order_by("-number")[0]
    )
    return found


def facts(revision: Revision) -> dict[str, Any]:
    """What the sheet says, in words."""
    alert, town = revision.alert, revision.municipality
    with translation.override("fr"):
        where = audience.where(revision)
        severity = _plain(rules.SEVERITIES[revision.severity])
        urgency = _plain(rules.URGENCIES[revision.urgency])
        certainty = _plain(rules.CERTAINTIES[revision.certainty])
        event = str(alert.kind.label)
    outlines = [ring for one in cap_files.surfaces(revision) for ring in cap_compose.rings(one)]
    shown = [ring for ring in outlines if len(ring) <= LONGEST_OUTLINE][:MOST_OUTLINES]
    written = getattr(revision, "cap_file", None)
    return {
        "town": town.name,
        "number": str(alert.pk),
        "revision": str(revision.number),
        "title": french(revision.title),
        "drill": alert.is_drill,
        "undecided": revision.state != rules.SENT,
        "unlikely": revision.severity not in THREATENING or revision.urgency != "Immediate",
        "severity": severity.lower(),
        "urgency": urgency.lower(),
        "rows": [
            ["Événement", event],
            ["Gravité, urgence, certitude", f"{severity}\u202f; {urgency}\u202f; {certainty}"],
            ["Où", french(f"{town.name}\u00a0: {where}")],
            ["Code géographique", _code(town.code)],
            ["Adresses touchées", str(audience.address_count(revision))],
            ["Début", _when(revision.sent_at or revision.revised_at, town.zone)],
            ["Fin prévue", _when(revision.expires_at, town.zone)],
            ["Déjà dit par la ville", _said(revision)],
            ["Rappeler la ville au", town.night_phone or town.help_phone or "à inscrire"],
            ["Page publique", absolute(town, alert.get_absolute_url())],
        ],
        "french": _words(revision.said("fr")),
        "english": english(revision),
        "where": french(f"{town.name}\u00a0: {where}."),
        "outlines": shown,
        "cut": len(outlines) - len(shown),
        "cap": absolute(town, f"/alertes/{written.name}") if written else "",
    }


def english(revision: Revision) -> dict[str, Any]:
    """The town's own words where they stand; else those of the event, marked as a proposal."""
    if "en" in revision.words:
        return {**_words(revision.said("en")), "proposed": False}
    kind = "lift" if revision.ends_it else "alert"
    said = events.first_words(revision.alert.event, kind, revision.municipality.name)["en"]
    return {**_words(said), "proposed": True}


def pdf(revision: Revision) -> bytes:
    """The sheet on paper."""
    options: dict[str, Any] = {
        "format": "pdf",
        "sys_inputs": {"facts": json.dumps(facts(revision), ensure_ascii=False)},
        "ignore_system_fonts": True,
        "timestamp": int(revision.revised_at.timestamp()),
    }
    try:
        made = typst.compile(str(TEMPLATE), pdf_standards=["ua-1"], **options)
    except typst.TypstError:
        # A character that no embedded font draws: the standard forbids it, an emergency does not.
        made = typst.compile(str(TEMPLATE), **options)
    if not isinstance(made, bytes):
        raise TypeError("one document, one file")
    return made


def _words(said: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": str(said.get("title", "")),
        "text": str(said.get("text", "")),
        "steps": [str(step) for step in said.get("steps", ())],
    }


def _plain(label: object) -> str:
    """«Extrême», of «Extrême : vies en danger»."""
    return str(label).split("\u00a0:")[0]


def _code(code: str) -> str:
    if not code:
        return "à inscrire"
    return f"{code} (SGC\u00a0{cap_compose.PROVINCE}{code})"


def _when(at: Any, zone: Any) -> str:
    if at is None:
        return "à préciser"
    local = timezone.localtime(at, zone)
    return f"{day(local)}, {moment(local)}"


def _said(revision: Revision) -> str:
    """By which means of its own, and when."""
    first = revision.alert.begun_at
    if first is None:
        return "pas encore"
    return f"notifications et courriels, depuis le {_when(first, revision.municipality.zone)}"
