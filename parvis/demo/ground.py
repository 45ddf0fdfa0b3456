"""The invented ground: sectors drawn on a grid, and addresses along their streets."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from shapely.geometry import Point as Spot
from shapely.geometry import Polygon

from parvis.demo.towns import Point, SectorPlan, TownPlan
from parvis.municipalities.models import Municipality
from parvis.territory.models import Address, Sector


def place(plan: TownPlan, point: Point) -> Point:
    """A corner of the grid as longitude and latitude."""
    west, north = plan.corner
    return (
        round(west + plan.span[0] * point[0] / 100, 6),
        round(north - plan.span[1] * point[1] / 100, 6),
    )


def geometry(plan: TownPlan, sector: SectorPlan) -> dict[str, Any]:
    ring = [list(place(plan, point)) for point in sector.ring]
    # GeoJSON wants outer rings counter-clockwise; the grid's y grows to the south.
    if Polygon(ring).exterior.is_ccw is False:
        ring.reverse()
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def draw_sectors(town: Municipality, plan: TownPlan, *, now: datetime) -> dict[str, Sector]:
    made = {}
    for sector in plan.sectors:
        drawn = geometry(plan, sector)
        longitudes = [point[0] for point in drawn["coordinates"][0]]
        latitudes = [point[1] for point in drawn["coordinates"][0]]
        made[sector.name] = Sector(
            municipality=town,
            name=sector.name,
            geometry=drawn,
            west=min(longitudes),
            east=max(longitudes),
            south=min(latitudes),
            north=max(latitudes),
            updated_at=now,
        )
    Sector.objects.bulk_create(made.values())
    return made


def invent_addresses(plan: TownPlan) -> Iterator[dict[str, Any]]:
    """Addresses along the streets of each sector, spots within its polygon."""
    chance = random.Random(plan.slug)
    for sector in plan.sectors:
        polygon = Polygon([place(plan, point) for point in sector.ring])
        wanted = plan.addresses * sector.share // 1000
        per_street = -(-wanted // len(sector.streets))
        left = wanted
        for street in sector.streets:
            first = chance.choice((1, 100, 200, 401))
            for step in range(min(per_street, left)):
                spot = spot_in(polygon, chance)
                yield {
                    "sector": sector.name,
                    "number": str(first + step * 2 + chance.choice((0, 1)) * 0 + step % 2),
                    "street": street,
                    "postal_code": f"{sector.postal} {chance.randrange(1, 9)}A{step % 10}",
                    "longitude": spot.x,
                    "latitude": spot.y,
                }
            left -= min(per_street, left)


def spot_in(polygon: Polygon, chance: random.Random) -> Spot:
    west, south, east, north = polygon.bounds
    while True:
        spot = Spot(round(chance.uniform(west, east), 6), round(chance.uniform(south, north), 6))
        if polygon.contains(spot):
            return spot


def number_addresses(
    town: Municipality, plan: TownPlan, sectors: dict[str, Sector]
) -> list[Address]:
    rows = {}
    for fact in invent_addresses(plan):
        sector = sectors[fact.pop("sector")]
        row = Address(municipality=town, sector=sector, source=Address.Source.CSV, **fact)
        row.spell()
        rows[row.key] = row
    return Address.objects.bulk_create(rows.values(), batch_size=1000)
