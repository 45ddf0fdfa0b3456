"""The certificate of publication of a public notice, as a tagged PDF (PDF/UA-1)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typst
from django.utils import timezone

from parvis.announcements.models import Announcement, PublicNotice
from parvis.core.typography import day, french, moment
from parvis.municipalities.models import HostName

TEMPLATE = Path(__file__).parent / "certificate.typ"


def public_url(announcement: Announcement) -> str:
    """Where the notice can be read, at the town's main host name."""
    host = (
        HostName.objects.filter(municipality_id=announcement.municipality_id)
        .order_by("-is_main", "pk")
        .values_list("name", flat=True)
        .first()
    )
    return f"https://{host or ''}{announcement.get_absolute_url()}"


def facts(announcement: Announcement) -> dict[str, str]:
    """What the certificate says, in words."""
    notice = PublicNotice.objects.of(announcement.municipality_id).get(announcement=announcement)
    town = announcement.municipality
    said = timezone.localtime(announcement.published_at, town.zone)
    signed = timezone.localtime(notice.certified_at, town.zone)
    return {
        "town": town.name,
        "title": french(announcement.title),
        "kind": notice.get_kind_display(),
        "bylaw": french(notice.bylaw),
        "legal_basis": french(notice.legal_basis),
        "published": f"{day(said)} à {moment(said)}",
        "url": public_url(announcement),
        "name": notice.certified_name,
        "role": notice.certified_title,
        "place": french(notice.certified_place),
        "signed": f"{day(signed)} à {moment(signed)}",
        "hash": notice.text_hash,
        "number": str(announcement.pk),
        "version": str(announcement.versions.count()),
    }


def pdf(announcement: Announcement) -> bytes:
    """The certificate on paper; the same bytes each time."""
    notice = PublicNotice.objects.of(announcement.municipality_id).get(announcement=announcement)
    options: dict[str, Any] = {
        "format": "pdf",
        "sys_inputs": {"facts": json.dumps(facts(announcement), ensure_ascii=False)},
        "ignore_system_fonts": True,
        "timestamp": int(notice.certified_at.timestamp()) if notice.certified_at else 0,
    }
    try:
        made = typst.compile(str(TEMPLATE), pdf_standards=["ua-1"], **options)
    except typst.TypstError:
        # A character that no embedded font draws: the standard forbids it, the law does not.
        made = typst.compile(str(TEMPLATE), **options)
    if not isinstance(made, bytes):
        raise TypeError("one document, one file")
    return made
