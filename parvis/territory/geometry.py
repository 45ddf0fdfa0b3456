"""What a drawing on the map may be, and how it is drawn: pure, over GeoJSON (RFC 7946, WGS 84)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from shapely import make_valid, prepare
from shapely import points as make_points
from shapely.errors import ShapelyError
from shapely.geometry import MultiPolygon, Point, Polygon, mapping, shape
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity

from parvis.core.errors import Refused

Geometry = dict[str, Any]
Bounds = tuple[float, float, float, float]
QUEBEC: Bounds = (-80.0, 44.9, -57.0, 62.7)
"""West, south, east, north of Québec: a point outside is a mistake of axes or of projection."""
MOST_POINTS = 4_000
MOST_RINGS = 500
MOST_GIVEN = 400_000


def check_polygons(given: Any, within: Bounds = QUEBEC) -> Geometry:
    """The drawing as a Polygon or MultiPolygon fit to keep, or raise Refused.

    Rings are closed and lie in bounds, sides do not cross; a very detailed line is simplified.
    Accepts a geometry, a Feature, or a FeatureCollection taken as one drawing.
    """
    parts = [_polygon(rings, within) for rings in _rings(given)]
    if not parts:
        raise Refused(_("Le dessin ne contient aucun polygone."))
    whole = parts[0] if len(parts) == 1 else MultiPolygon(parts)
    if not whole.is_valid:
        if len(parts) > 1 and all(part.is_valid for part in parts):
            whole = whole.buffer(0)  # Parts that overlap are one surface.
        else:
            raise Refused(_fault(whole))
    if whole.is_empty or whole.area <= 0:
        raise Refused(_("Le dessin n’a pas de surface. Placez au moins trois points distincts."))
    return as_geojson(_lighten(whole))


def check_features(given: Any, within: Bounds = QUEBEC) -> list[tuple[str, str, Geometry]]:
    """Name, code and drawing of each sector of a FeatureCollection, or raise Refused."""
    if not isinstance(given, dict) or given.get("type") != "FeatureCollection":
        raise Refused(
            _("Donnez un fichier GeoJSON de type FeatureCollection\u00a0: une entité par secteur.")
        )
    _check_reference(given)
    features = given.get("features")
    if not isinstance(features, list) or not features:
        raise Refused(_("Le fichier ne contient aucun secteur."))
    if len(features) > MOST_RINGS:
        raise Refused(_("Le fichier contient plus de %(most)s secteurs.") % {"most": MOST_RINGS})
    found: list[tuple[str, str, Geometry]] = []
    for place, feature in enumerate(features, start=1):
        properties = feature.get("properties") if isinstance(feature, dict) else None
        properties = properties if isinstance(properties, dict) else {}
        folded = {str(key).lower(): value for key, value in properties.items()}
        name = _word(folded, "nom", "name", "secteur", "nom_secteur", "district", "quartier")
        if not name:
            raise Refused(
                _("Entité %(place)s\u00a0: donnez-lui un nom (propriété «\u00a0nom\u00a0»).")
                % {"place": place}
            )
        if len(name) > 80:
            raise Refused(
                _("Entité %(place)s\u00a0: le nom dépasse 80 caractères.") % {"place": place}
            )
        if any(name == other for other, _code, _geometry in found):
            raise Refused(_("Deux secteurs s’appellent «\u00a0%(name)s\u00a0».") % {"name": name})
        code = _word(folded, "code", "id", "numero", "no")[:40]
        try:
            found.append((name, code, check_polygons(feature, within)))
        except Refused as refused:
            raise Refused(
                _("Secteur «\u00a0%(name)s\u00a0»\u00a0: %(reason)s")
                % {"name": name, "reason": str(refused)}
            ) from refused
    return found


def _word(properties: dict[str, Any], *keys: str) -> str:
    for key in keys:
        value = properties.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return " ".join(str(value).replace("\x00", "").split())
    return ""


def _check_reference(given: dict[str, Any]) -> None:
    """Old files name their projection; only longitude and latitude are read."""
    crs = given.get("crs")
    name = str(crs.get("properties", {}).get("name", "")) if isinstance(crs, dict) else ""
    if name and not any(known in name.upper() for known in ("CRS84", "4326", "4269", "4617")):
        raise Refused(
            _("Ce fichier est dans une autre projection. Exportez-le en WGS\u00a084 (EPSG:4326).")
        )


def _rings(given: Any, depth: int = 0) -> Iterable[list[Any]]:
    """Coordinates of each polygon of the drawing."""
    wrong = Refused(_("Ce n’est pas un polygone GeoJSON. Donnez un objet Polygon ou MultiPolygon."))
    if not isinstance(given, dict) or depth > 3:
        raise wrong
    kind, inner = given.get("type"), given.get("coordinates")
    if kind == "Feature":
        yield from _rings(given.get("geometry"), depth + 1)
    elif kind in ("FeatureCollection", "GeometryCollection"):
        if kind == "FeatureCollection":
            _check_reference(given)
        members = given.get("features" if kind == "FeatureCollection" else "geometries")
        if not isinstance(members, list) or len(members) > MOST_RINGS:
            raise wrong
        for member in members:
            yield from _rings(member, depth + 1)
    elif kind == "Polygon" and isinstance(inner, list):
        yield inner
    elif kind == "MultiPolygon" and isinstance(inner, list) and len(inner) <= MOST_RINGS:
        yield from inner
    else:
        raise wrong


def _polygon(rings: Any, within: Bounds) -> Polygon:
    if not isinstance(rings, list) or not rings or len(rings) > MOST_RINGS:
        raise Refused(_("Un polygone du dessin est vide."))
    if sum(len(ring) for ring in rings if isinstance(ring, list)) > MOST_GIVEN:
        raise Refused(_("Le dessin a trop de points. Simplifiez-le avant de l’importer."))
    lines = [_ring(ring, within) for ring in rings]
    polygon = Polygon(lines[0], lines[1:])
    if polygon.convex_hull.area < 1e-12:
        raise Refused(_("Le dessin n’a pas de surface\u00a0: ses points sont sur une seule ligne."))
    if not polygon.is_valid:
        raise Refused(_fault(polygon))
    return polygon


def _ring(ring: Any, within: Bounds) -> list[tuple[float, float]]:
    if not isinstance(ring, list):
        raise Refused(_("Un contour du dessin n’est pas une liste de points."))
    line = [_position(position, within) for position in ring]
    if len(set(line)) < 3:
        raise Refused(_("Un contour a moins de trois points distincts."))
    if line[0] != line[-1]:
        raise Refused(
            _("Un contour n’est pas fermé\u00a0: son dernier point doit être le premier.")
        )
    return line


def _position(position: Any, within: Bounds) -> tuple[float, float]:
    if not isinstance(position, list) or len(position) < 2:
        raise Refused(_("Un point n’est pas une paire longitude, latitude."))
    longitude, latitude = position[:2]
    for value in (longitude, latitude):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Refused(_("Un point n’est pas une paire de nombres."))
        if isinstance(value, float) and not math.isfinite(value):
            raise Refused(_("Un point n’est pas une paire de nombres."))
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise Refused(
            _("Un point n’est ni une longitude ni une latitude. Exportez en WGS\u00a084.")
        )
    west, south, east, north = within
    if not (west <= longitude <= east and south <= latitude <= north):
        if west <= latitude <= east and south <= longitude <= north:
            raise Refused(
                _("Longitude et latitude sont inversées\u00a0: la longitude vient d’abord.")
            )
        raise Refused(
            _("Le point %(longitude)s, %(latitude)s est hors du Québec.")
            % {"longitude": f"{longitude:.4f}", "latitude": f"{latitude:.4f}"}
        )
    return round(float(longitude), 6), round(float(latitude), 6)


def _fault(polygon: BaseGeometry) -> str:
    """Why the drawing is no surface, and where."""
    reason = explain_validity(polygon)
    where = ""
    if "[" in reason:
        longitude, _space, latitude = reason[reason.index("[") + 1 : -1].partition(" ")
        where = _(" près de %(longitude)s, %(latitude)s") % {
            "longitude": longitude[:9],
            "latitude": latitude[:9],
        }
    if "Self-intersection" in reason:
        return _("Le contour se croise%(where)s. Défaites le croisement.") % {"where": where}
    if "Hole lies outside" in reason:
        return _("Un trou du dessin est en dehors de son contour%(where)s.") % {"where": where}
    if "Nested" in reason:
        return _("Un contour en contient un autre%(where)s.") % {"where": where}
    return _("Le dessin n’est pas une surface simple%(where)s.") % {"where": where}


def _lighten(whole: BaseGeometry) -> BaseGeometry:
    """At most some thousands of points: within a metre, then two, then four…"""
    tolerance = 0.00001
    light = whole
    while points(light) > MOST_POINTS and tolerance < 0.01:
        light = whole.simplify(tolerance, preserve_topology=True)
        tolerance *= 2
    return light if light.is_valid and not light.is_empty else make_valid(light)


def points(geometry: BaseGeometry) -> int:
    return sum(
        len(part.exterior.coords) + sum(len(hole.coords) for hole in part.interiors)
        for part in _parts(geometry)
    )


def _parts(geometry: BaseGeometry) -> list[Polygon]:
    if isinstance(geometry, Polygon):
        return [geometry]
    return [part for part in getattr(geometry, "geoms", []) if isinstance(part, Polygon)]


def as_geojson(geometry: BaseGeometry) -> Geometry:
    parts = [[_line(ring) for ring in mapping(part)["coordinates"]] for part in _parts(geometry)]
    if len(parts) == 1:
        return {"type": "Polygon", "coordinates": parts[0]}
    return {"type": "MultiPolygon", "coordinates": parts}


def _line(ring: Any) -> list[list[float]]:
    return [[round(position[0], 6), round(position[1], 6)] for position in ring]


def as_shape(geometry: Geometry) -> BaseGeometry:
    """The kept drawing, ready for many questions."""
    try:
        drawn = shape(geometry)
    except (ShapelyError, KeyError, TypeError, ValueError, AttributeError):
        drawn = Polygon()
    prepare(drawn)
    return drawn


def bounds(geometry: Geometry) -> Bounds:
    """West, south, east and north of a drawing."""
    west, south, east, north = shape(geometry).bounds
    return west, south, east, north


def contains(geometry: Geometry, longitude: float, latitude: float) -> bool:
    """Whether the point lies in the drawing; its edge belongs to it."""
    return bool(as_shape(geometry).covers(Point(longitude, latitude)))


def covered(geometry: Geometry, positions: list[tuple[float, float]]) -> list[bool]:
    """For each position, whether it lies in the drawing."""
    if not positions:
        return []
    return [bool(answer) for answer in as_shape(geometry).covers(make_points(positions))]


def simplify(geometry: Geometry, tolerance: float = 0.0003) -> Geometry:
    """The drawing with fewer points, for a picture; never empty."""
    whole = as_shape(geometry)
    light = whole.simplify(tolerance, preserve_topology=True)
    return as_geojson(whole if light.is_empty else light)


def frame(bounds_of_all: list[Bounds], width: int = 640, margin: int = 16) -> Frame:
    """The picture that holds all these bounds; a degree of longitude shrinks with latitude."""
    west = min(one[0] for one in bounds_of_all)
    south = min(one[1] for one in bounds_of_all)
    east = max(one[2] for one in bounds_of_all)
    north = max(one[3] for one in bounds_of_all)
    return Frame(west, south, east, north, width, margin)


class Frame:
    """Longitude and latitude to the picture's units, north up."""

    def __init__(
        self, west: float, south: float, east: float, north: float, width: int, margin: int
    ) -> None:
        self.west, self.north, self.margin = west, north, margin
        self.squeeze = math.cos(math.radians((south + north) / 2))
        across = max((east - west) * self.squeeze, 1e-6)
        up = max(north - south, 1e-6)
        # Neither a ribbon nor a tower: a phone must show it whole.
        self.scale = min((width - 2 * margin) / across, (width - 2 * margin) * 0.9 / up)
        self.width = width
        self.height = max(round(up * self.scale) + 2 * margin, 160)
        self.left = (width - across * self.scale) / 2
        self.top = (self.height - up * self.scale) / 2

    def place(self, longitude: float, latitude: float) -> tuple[float, float]:
        return (
            round(self.left + (longitude - self.west) * self.squeeze * self.scale, 1),
            round(self.top + (self.north - latitude) * self.scale, 1),
        )


def svg_path(geometry: Geometry, box: Frame) -> str:
    """The drawing as the `d` of an SVG path; about one unit of the picture is left out."""
    light = simplify(geometry, 0.7 / box.scale)
    polygons = light["coordinates"]
    if light["type"] == "Polygon":
        polygons = [polygons]
    pieces = []
    for ring in (ring for polygon in polygons for ring in polygon):
        placed: list[str] = []
        for longitude, latitude in ring[:-1]:
            x, y = box.place(longitude, latitude)
            word = f"{x:g},{y:g}"
            if not placed or placed[-1] != word:
                placed.append(word)
        if len(placed) > 2:
            pieces.append(f"M{' '.join(placed)}Z")
    return "".join(pieces)


def label_place(geometry: Geometry) -> tuple[float, float]:
    """A point inside the drawing, where its name is written."""
    point = as_shape(geometry).representative_point()
    return (point.x, point.y) if not point.is_empty else (0.0, 0.0)
