"""One valid announcement; tests name only what they are about."""

from __future__ import annotations

import io
import itertools
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from parvis.announcements import actions, drafts
from parvis.announcements.models import Announcement
from parvis.municipalities.models import Municipality
from parvis.municipalities.tests.make import NOW
from parvis.notifications.models import Subject
from parvis.territory.models import Address, Sector

_count = itertools.count(1)
WEST, SOUTH = -72.0, 48.0
"""Where the small country of the tests begins: coordinates below are degrees from there."""


def subject(town: Municipality, name: str = "Eau", **facts: Any) -> Subject:
    found, _made = Subject.objects.of(town).get_or_create(
        municipality=town, name=name, defaults={"icon": "droplets", **facts}
    )
    return found


def draft(
    town: Municipality, *, now: datetime = NOW, actor: Any = None, **content: Any
) -> Announcement:
    """A draft that lacks nothing. The town must be set."""
    content.setdefault("subject", subject(town))
    content.setdefault("title", "L’eau peut être brune jusqu’à vendredi")
    content.setdefault("text", "Laissez couler l’eau froide **cinq minutes**.")
    return drafts.write_draft(municipality=town, actor=actor, now=now, **content)


def published(
    town: Municipality, *, now: datetime = NOW, actor: Any = None, **content: Any
) -> Announcement:
    return actions.publish(draft(town, now=now, actor=actor, **content), actor=actor, now=now)


def sector(town: Municipality, name: str = "Naudville", *, at: float = 0.0) -> Sector:
    """A square of one degree whose south-west corner is at (at, at)."""
    return Sector.objects.create(
        municipality=town, name=name, geometry=square(at, at, 1), updated_at=NOW,
        west=WEST + at, south=SOUTH + at, east=WEST + at + 1, north=SOUTH + at + 1,
    )  # fmt: skip


def address(town: Municipality, *, at: tuple[float, float] = (0.5, 0.5), **facts: Any) -> Address:
    number = str(next(_count))
    return Address.objects.create(
        municipality=town, number=number, street="rue des Bouleaux", key=f"{number} bouleaux",
        longitude=WEST + at[0], latitude=SOUTH + at[1], **facts,
    )  # fmt: skip


def square(west: float, south: float, side: float) -> dict[str, Any]:
    """A drawn area, as GeoJSON."""
    west, south = WEST + west, SOUTH + south
    east, north = west + side, south + side
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def image(width: int = 800, height: int = 600, kind: str = "JPEG", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(file, kind, **options)
    return file.getvalue()


def upload(content: bytes, name: str = "photo.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)
