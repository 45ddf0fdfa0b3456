"""Whom an announcement concerns: sectors, a drawn area, addresses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import shapely
from django.utils.translation import gettext as _
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from parvis.announcements.models import Announcement
from parvis.core.errors import Refused
from parvis.municipalities.models import Municipality
from parvis.territory.models import Address, Sector

POINTS_MAX = 5000


@dataclass(frozen=True)
class Target:
    """What the sending room of a message is given; both None means the whole town."""

    sector_ids: list[int] | None
    address_ids: list[int] | None


def _points(geometry: Any, depth: int = 0) -> int:
    """Number of positions; raises ValueError on anything that is not a finite pair of degrees."""
    if depth > 4 or not isinstance(geometry, (list, tuple)):
        raise ValueError("not coordinates")
    if geometry and isinstance(geometry[0], (int, float)):
        if not 2 <= len(geometry) <= 3 or any(isinstance(n, bool) for n in geometry):
            raise ValueError("not a position")
        west, north = float(geometry[0]), float(geometry[1])
        if not (math.isfinite(west) and math.isfinite(north)):
            raise ValueError("not finite")
        if not (-180 <= west <= 180 and -90 <= north <= 90):
            raise ValueError("not degrees")
        return 1
    return sum(_points(part, depth + 1) for part in geometry)


def check_area(area: Any) -> BaseGeometry:
    """The drawn area as a surface, or raise Refused."""
    wrong = Refused(_("La zone dessinée n’est pas une surface fermée. Dessinez-la de nouveau."))
    if isinstance(area, dict) and area.get("type") == "Feature":
        area = area.get("geometry")
    if not isinstance(area, dict) or area.get("type") not in {"Polygon", "MultiPolygon"}:
        raise wrong
    try:
        if _points(area.get("coordinates")) > POINTS_MAX:
            raise Refused(_("La zone dessinée a trop de points\u00a0: simplifiez-la."))
        drawn = shape(area)
    except (ValueError, TypeError, IndexError, ShapelyError) as error:
        raise wrong from error
    if not drawn.is_valid or drawn.is_empty or drawn.area == 0:
        raise wrong
    return drawn


def addresses_within(municipality: Municipality, area: Any) -> list[int]:
    """Identifiers of the town's addresses in the area or on its edge, or raise Refused."""
    drawn = check_area(area)
    west, south, east, north = drawn.bounds
    near = list(
        Address.objects.of(municipality)
        .filter(longitude__range=(west, east), latitude__range=(south, north))
        .order_by("pk")
        .values_list("pk", "longitude", "latitude")
    )
    if not near:
        return []
    shapely.prepare(drawn)
    inside = shapely.intersects_xy(drawn, [row[1] for row in near], [row[2] for row in near])
    return [row[0] for row, within in zip(near, inside, strict=True) if within]


def standing_sectors(municipality: Municipality, sector_ids: Sequence[int]) -> list[int]:
    """Those that still exist in the town, in the order given, once each."""
    known = set(
        Sector.objects.of(municipality).filter(pk__in=sector_ids).values_list("pk", flat=True)
    )
    return [pk for pk in dict.fromkeys(sector_ids) if pk in known]


def standing_addresses(municipality: Municipality, address_ids: Sequence[int]) -> list[int]:
    known = set(
        Address.objects.of(municipality).filter(pk__in=address_ids).values_list("pk", flat=True)
    )
    return [pk for pk in dict.fromkeys(address_ids) if pk in known]


def target(announcement: Announcement) -> Target:
    """Sectors and addresses as they stand now, or raise Refused when none is left.

    What was meant for a few must never go to the whole town because the few are gone.
    """
    if announcement.concerns_everyone:
        return Target(None, None)
    town = announcement.municipality
    sectors = standing_sectors(town, announcement.sector_ids)
    addresses = standing_addresses(town, announcement.address_ids)
    if announcement.area is not None:
        addresses = sorted({*addresses, *addresses_within(town, announcement.area)})
    if not sectors and not addresses:
        raise Refused(
            _(
                "Personne n’est visé\u00a0: aucune adresse ne se trouve dans la zone ou les secteurs choisis."
            )
        )
    return Target(sectors, addresses)
