"""Links that end a subscription without signing in (RFC 8058), signed for one town and one year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.core import signing
from django.urls import reverse

from parvis.municipalities.models import Municipality
from parvis.notifications.models import Subject
from parvis.residents.models import Resident

SALT = "parvis.notifications.unsubscribe"
VALID = timedelta(days=366)


@dataclass(frozen=True)
class Asked:
    """What a link asks to end: without subject, all of them; without channel, every channel."""

    resident_id: int
    subject_id: int | None
    channel: str


def link(
    resident: Resident | int, subject: Subject | int | None, channel: str, *, town: int = 0
) -> str:
    """Path of the link that ends this subject by this channel for this resident.

    Give `town` when the resident is given by identifier, so that no row needs to be read.
    """
    if isinstance(resident, Resident):
        town, resident = resident.municipality_id, resident.pk
    if isinstance(subject, Subject):
        subject = subject.pk
    token = signing.dumps([town, resident, subject, channel], salt=SALT)
    return reverse("notifications:unsubscribe", args=[token])


def read(token: str, municipality: Municipality) -> Asked | None:
    """What a link of this town asks, or None when it is forged, too old or another town's."""
    try:
        town, resident_id, subject_id, channel = signing.loads(token, salt=SALT, max_age=VALID)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    if town != municipality.pk:
        return None
    return Asked(resident_id=resident_id, subject_id=subject_id, channel=channel)
