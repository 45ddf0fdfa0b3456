"""Sectors: the parts of the town that announcements name, as GeoJSON."""

from __future__ import annotations

from typing import Any, Literal

from ninja import Router, Schema

from parvis.residents.http import TownRequest
from parvis.territory.models import Sector

router = Router(tags=["territory"])


class SectorFacts(Schema):
    name: str
    code: str


class SectorFeature(Schema):
    type: Literal["Feature"]
    id: int
    bbox: list[float]
    geometry: dict[str, Any]
    properties: SectorFacts


class SectorCollection(Schema):
    """RFC 7946: maps read it as it is."""

    type: Literal["FeatureCollection"]
    features: list[SectorFeature]


@router.get("/sectors", response=SectorCollection, summary="Sectors, as GeoJSON")
def list_sectors(request: TownRequest) -> dict[str, object]:
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": row.pk,
                "bbox": [row.west, row.south, row.east, row.north],
                "geometry": row.geometry,
                "properties": {"name": row.name, "code": row.code},
            }
            for row in Sector.objects.of(request.municipality)
        ],
    }
