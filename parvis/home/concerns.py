"""What of the town's announcements concerns the person who looks; asked once for each request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Count, Window
from django.http import HttpRequest
from django.utils import timezone

from parvis.announcements import pages
from parvis.announcements.models import Announcement
from parvis.announcements.readings import AnnouncementQuerySet
from parvis.residents.models import Place

SHOWN = 7
"""One may stand in the banner, six in the list."""


@dataclass(frozen=True)
class Here:
    """Sectors and addresses of someone's places, and the places themselves."""

    sector_ids: Sequence[int] = ()
    address_ids: Sequence[int] = ()
    places: Sequence[Place] = field(default_factory=tuple)


def here(request: HttpRequest) -> Here:
    """The places of the person signed in; nowhere for a visitor."""
    if not hasattr(request, "_here"):
        places = pages.places(request)  # type: ignore[arg-type]
        addresses = [place.address for place in places if place.address]
        request._here = Here(  # type: ignore[attr-defined]
            sector_ids=sorted({a.sector_id for a in addresses if a.sector_id}),
            address_ids=sorted({a.pk for a in addresses}),
            places=places,
        )
    return request._here  # type: ignore[attr-defined, no-any-return]


def mine(request: HttpRequest, announcements: AnnouncementQuerySet) -> AnnouncementQuerySet:
    """Those for the whole town or for one of the person's places; a visitor sees all of them."""
    if not request.user.is_authenticated:
        return announcements
    place = here(request)
    return announcements.concerning(sector_ids=place.sector_ids, address_ids=place.address_ids)


def standing(request: HttpRequest) -> list[Announcement]:
    """In force now and concerning the person, emergencies first: the first SHOWN of them."""
    if not hasattr(request, "_standing"):
        announcements = Announcement.objects.of(request.municipality)  # type: ignore[attr-defined]
        found = mine(request, announcements.standing(timezone.now())).briefly()
        # Counted in the same reading: a row costs more to make than to find.
        counted = found.annotate(total=Window(Count("*")))
        request._standing = list(counted[:SHOWN])  # type: ignore[attr-defined]
    return request._standing  # type: ignore[attr-defined, no-any-return]


def standing_count(request: HttpRequest) -> int:
    """How many are in force where the person lives; nothing is counted for a visitor."""
    if not request.user.is_authenticated:
        return 0
    if hasattr(request, "_standing"):
        first = request._standing[:1]
        return first[0].total if first else 0
    announcements = Announcement.objects.of(request.municipality)  # type: ignore[attr-defined]
    return mine(request, announcements.standing(timezone.now())).count()
