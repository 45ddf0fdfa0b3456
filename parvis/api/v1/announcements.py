"""Announcements: what the town says, and what is in force."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.http import Http404
from django.utils import timezone
from ninja import Query, Router, Schema

from parvis.announcements.markdown import to_html
from parvis.announcements.models import Announcement
from parvis.announcements.readings import AnnouncementQuerySet
from parvis.api.v1.pages import Limit, Offset, cut
from parvis.residents.http import TownRequest
from parvis.territory.models import Sector

router = Router(tags=["announcements"])


class SubjectName(Schema):
    id: int
    name: str


class SectorName(Schema):
    id: int
    name: str


class AnnouncementLine(Schema):
    """An announcement in a list."""

    id: int
    path: str
    title: str
    summary: str
    subject: SubjectName | None
    severity: str
    """urgence, avis or info."""
    in_force: bool
    in_force_from: datetime | None
    in_force_until: datetime | None
    lifted_at: datetime | None
    concerns_at: datetime | None
    published_at: datetime
    updated_at: datetime
    whole_town: bool
    sectors: list[SectorName]


class AnnouncementWhole(AnnouncementLine):
    """One announcement, with its text."""

    text_markdown: str
    text_html: str
    signed_by: str


class AnnouncementPage(Schema):
    items: list[AnnouncementLine]
    total: int
    next: str | None


def line(row: Announcement, sectors: dict[int, str], now: datetime) -> dict[str, object]:
    return {
        "id": row.pk,
        "path": row.get_absolute_url(),
        "title": row.title,
        "summary": row.summary,
        "subject": {"id": row.subject.pk, "name": row.subject.name} if row.subject else None,
        "severity": row.tone,
        "in_force": row.is_in_force(now),
        "in_force_from": row.in_force_from,
        "in_force_until": row.in_force_until,
        "lifted_at": row.lifted_at,
        "concerns_at": row.concerns_at,
        "published_at": row.published_at,
        "updated_at": max(at for at in (row.published_at, row.revised_at, row.lifted_at) if at),
        "whole_town": row.concerns_everyone,
        "sectors": [{"id": pk, "name": sectors[pk]} for pk in row.sector_ids if pk in sectors],
    }


def sector_names(request: TownRequest) -> dict[int, str]:
    return dict(Sector.objects.of(request.municipality).values_list("pk", "name"))


@router.get("/announcements", response=AnnouncementPage, summary="Published announcements")
def list_announcements(
    request: TownRequest,
    subject: int | None = None,
    sector: int | None = None,
    in_force: bool | None = None,
    q: Annotated[str, Query(max_length=200)] = "",
    limit: Limit = 20,
    offset: Offset = 0,
) -> dict[str, object]:
    """The same as on the pages: published and not withdrawn, the newest first."""
    now = timezone.now()
    everything: AnnouncementQuerySet = Announcement.objects.of(request.municipality)
    rows = everything.standing(now) if in_force else everything.published(now)
    rows = rows.order_by("-published_at", "-id")
    if in_force is False:
        rows = rows.exclude(pk__in=everything.standing(now).order_by().values("pk"))
    if subject is not None:
        rows = rows.filter(subject_id=subject)
    if sector is not None:
        rows = rows.concerning(sector_ids=[sector])
    if q:
        rows = rows.search(q.replace("\0", ""))
    light = rows.select_related("subject").defer("text", "search")
    found, total, after = cut(request, light, limit=limit, offset=offset)
    sectors = sector_names(request)
    return {"items": [line(row, sectors, now) for row in found], "total": total, "next": after}


@router.get(
    "/announcements/{announcement_id}", response=AnnouncementWhole, summary="One announcement"
)
def get_announcement(request: TownRequest, announcement_id: int) -> dict[str, object]:
    """Anything that was ever published keeps its address."""
    if not 0 < announcement_id < 2**63:
        raise Http404
    row = (
        Announcement.objects.of(request.municipality)
        .readable()
        .select_related("subject")
        .filter(pk=announcement_id)
        .first()
    )
    if row is None:
        raise Http404
    whole = line(row, sector_names(request), timezone.now())
    return {
        **whole,
        "text_markdown": row.text,
        "text_html": to_html(row.text),
        "signed_by": row.signed_by,
    }
