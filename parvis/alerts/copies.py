"""Copies of the alert pages on disk, for the reverse proxy to serve when nothing else answers.

One folder for each host name of the town: `<folder>/<host>/alertes/…/index.html`. Written after
each change, and set right every minute. They say nothing of anybody.
"""

from __future__ import annotations

import logging
import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone, translation

from parvis.alerts import pages
from parvis.alerts.models import Alert
from parvis.core import palette
from parvis.core.db import as_town
from parvis.municipalities.models import HostName, Municipality

logger = logging.getLogger("parvis.alerts")
RECENT = timedelta(days=1)
"""For so long after its end an alert is set right each minute."""


def folder() -> Path:
    return Path(settings.ALERT_COPIES)


def rendered(
    municipality: Municipality, now: datetime, alert_id: int | None = None
) -> dict[str, str]:
    """Path under the host's folder → content, as a visitor would see it: the list, and the alert
    that is named, or those that still change."""
    with translation.override("fr"):
        found = {
            "theme.css": palette.theme_css(municipality.brand),
            "alertes/index.html": render_to_string(
                "alerts/index.html", {**pages.list_facts(municipality, now), "is_copy": True}
            ),
        }
        alerts = Alert.objects.of(municipality).public().select_related("municipality")
        wanted = Q(pk=alert_id) if alert_id else Q(ended_at=None) | Q(ended_at__gt=now - RECENT)
        for alert in alerts.filter(wanted).order_by("-begun_at")[: pages.HISTORY]:
            for language in ("fr", "en"):
                facts = pages.page_facts(alert, now, language=language)
                if facts["language"] != language:
                    continue
                name = "index.html" if language == "fr" else f"{language}.html"
                with translation.override(language):
                    found[f"alertes/{alert.pk}/{name}"] = render_to_string(
                        "alerts/page.html", {**facts, "is_copy": True}
                    )
    return found


def write(municipality_id: int, now: datetime, alert_id: int | None = None) -> int:
    """Write what differs from what stands on disk; answer how many files were written."""
    with as_town(municipality_id):
        municipality = Municipality.objects.get(pk=municipality_id)
        hosts = HostName.objects.filter(municipality=municipality).order_by("pk")
        names = [host.name for host in hosts if host.serves]
        content = rendered(municipality, now, alert_id)
    return sum(
        _put(folder() / name / path, text.encode())
        for name in names
        for path, text in content.items()
    )


def _put(path: Path, content: bytes) -> bool:
    """Replace the file whole: a reader sees the old one or the new one, never half of it."""
    try:
        if path.read_bytes() == content:
            return False
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(name).chmod(0o644)
    Path(name).replace(path)
    return True


def write_safely(municipality_id: int, alert_id: int | None = None) -> None:
    """After a commit nothing may fail any more: what could not be written is tried each minute."""
    try:
        write(municipality_id, timezone.now(), alert_id)
    except Exception:
        logger.exception("copies of town %s were not written", municipality_id)
