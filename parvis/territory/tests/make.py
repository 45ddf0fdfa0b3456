"""Sectors and addresses for tests: one valid row each."""

from __future__ import annotations

import itertools
from typing import Any

from parvis.municipalities.models import Municipality
from parvis.municipalities.tests.make import NOW
from parvis.territory.geometry import bounds
from parvis.territory.models import Address, Sector

_count = itertools.count(1)
WEST, SOUTH = -71.70, 48.50


def square(west: float = WEST, south: float = SOUTH, side: float = 0.02) -> dict[str, Any]:
    """A square polygon in Alma."""
    east, north = round(west + side, 6), round(south + side, 6)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def sector(
    town: Municipality, *, name: str = "", geometry: dict[str, Any] | None = None, **facts: Any
) -> Sector:
    drawn = geometry or square()
    west, south, east, north = bounds(drawn)
    return Sector.objects.create(
        municipality=town,
        name=name or f"Secteur {next(_count)}",
        geometry=drawn,
        west=west,
        south=south,
        east=east,
        north=north,
        updated_at=NOW,
        **facts,
    )


def address(
    town: Municipality, number: str = "", street: str = "rue des Bouleaux", **facts: Any
) -> Address:
    return Address.objects.create(
        municipality=town, number=number or str(next(_count)), street=street, **facts
    )
