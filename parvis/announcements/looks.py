"""What a clerk sees beside the text: previews, reading level, who is reached, the map."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from parvis.announcements import audience, drafts
from parvis.announcements.markdown import excerpt, to_html
from parvis.announcements.models import Announcement
from parvis.core import files, prose
from parvis.core.errors import Refused
from parvis.notifications.audience import count_audience
from parvis.notifications.models import Channel
from parvis.notifications.proof import ICONS
from parvis.territory.drawing import WIDTH, town_map
from parvis.territory.geometry import bounds, frame
from parvis.territory.models import Sector

TITLE_ADVISED, BODY_SHOWN = 60, 120


def preview(announcement: Announcement, now: datetime) -> dict[str, Any]:
    """What leaves, as it will look; and what would make it easier to read."""
    title = announcement.title or str(_("Sans titre"))
    body = announcement.summary or excerpt(announcement.text)
    score = prose.ease(announcement.text)
    picture = announcement.pictures.first()
    return {
        "shown": announcement,
        "shown_title": title,
        "shown_html": to_html(announcement.text, first_heading=4),
        "shown_body": body,
        "body_length": len(body),
        "body_max": BODY_SHOWN,
        "title_length": len(announcement.title),
        "title_max": TITLE_ADVISED,
        "hints": prose.reading_hints(announcement.text),
        "grade": prose.grade(score),
        "shown_picture": picture
        and files.picture_url(drafts.STORE, picture.folder, picture.widths[0]),
        "shown_alt": picture.alt if picture else "",
        "force_later": bool(announcement.in_force_from and announcement.in_force_from > now),
    }


def reach(announcement: Announcement, now: datetime) -> dict[str, Any]:
    """Whom it reaches, by channel, if it left now; or why nobody."""
    if announcement.subject is None:
        return {"reach_error": _("Choisissez un sujet pour savoir qui le reçoit.")}
    try:
        to = audience.target(announcement)
    except Refused as refused:
        return {"reach_error": str(refused)}
    counted = count_audience(
        municipality=announcement.municipality, subject=announcement.subject, now=now,
        sector_ids=to.sector_ids, address_ids=to.address_ids,
    )  # fmt: skip
    return {
        "persons": counted.persons,
        "channels": [
            {"icon": ICONS[name], "label": label, "count": counted.by_channel[name]}
            for name, label in Channel.choices
            if name in counted.by_channel
        ],
        "reach_subject": announcement.subject,
        "is_emergency": announcement.is_emergency,
    }


def map_of(announcement: Announcement) -> dict[str, Any]:
    """The sectors as a drawing on which an area can be drawn, and how its units are degrees."""
    sectors = list(Sector.objects.of(announcement.municipality_id))
    if not sectors:
        return {}
    extents = [(each.west, each.south, each.east, each.north) for each in sectors]
    area = announcement.area
    if area:
        extents.append(bounds(area))
    box = frame(extents, WIDTH)
    return {
        "map": town_map(
            announcement.municipality_id, announcement.sector_ids, tone="avis", drawn=area,
            sectors=sectors,
        ),
        "box": {
            name: f"{getattr(box, name):.10f}"
            for name in ("west", "north", "left", "top", "scale", "squeeze")
        },
    }  # fmt: skip
