"""A drawing is refused with the reason, or kept as it was meant."""

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from shapely.geometry import Polygon, shape

from parvis.core.errors import Refused
from parvis.territory import geometry
from parvis.territory.tests.make import SOUTH, WEST, square


def ring(*places):
    return {"type": "Polygon", "coordinates": [[list(place) for place in places]]}


LAMBERT = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32198"}}
BOW = ring((-71.7, 48.5), (-71.6, 48.6), (-71.6, 48.5), (-71.7, 48.6), (-71.7, 48.5))
REFUSALS = [
    (None, "pas un polygone"),
    ([], "pas un polygone"),
    ("{}", "pas un polygone"),
    ({"type": "Point", "coordinates": [-71.7, 48.5]}, "pas un polygone"),
    ({"type": "Polygon"}, "pas un polygone"),
    ({"type": "Polygon", "coordinates": []}, "vide"),
    ({"type": "Polygon", "coordinates": [[]]}, "moins de trois points"),
    ({"type": "Polygon", "coordinates": [5]}, "pas une liste"),
    ({"type": "MultiPolygon", "coordinates": []}, "aucun polygone"),
    (ring((-71.7, 48.5), (-71.6, 48.6), (-71.7, 48.5)), "moins de trois points"),
    (ring((-71.7, 48.5), (-71.6, 48.6), (-71.6, 48.5)), "pas fermé"),
    (BOW, "se croise"),
    (ring((-71.7, 48.5), (-71.6, 48.5), (-71.5, 48.5), (-71.7, 48.5)), "surface"),
    (ring((48.5, -71.7), (48.6, -71.7), (48.6, -71.6), (48.5, -71.7)), "inversées"),
    (ring((2.3, 48.8), (2.4, 48.8), (2.4, 48.9), (2.3, 48.8)), "hors du Québec"),
    (ring((251000, 5370000), (252000, 5370000), (252000, 5371000), (251000, 5370000)), "WGS"),
    (ring(("a", 48), (1, 2), (3, 4), ("a", 48)), "nombres"),
    (ring((float("nan"), 48), (1, 2), (3, 4), (1, 2)), "nombres"),
    (ring((True, 48), (1, 2), (3, 4), (1, 2)), "nombres"),
    (ring((10**400, 48), (1, 2), (3, 4), (1, 2)), "longitude"),
    ({"type": "Feature", "geometry": None}, "pas un polygone"),
    (
        {"type": "Polygon", "coordinates": square()["coordinates"] + square(-71.5)["coordinates"]},
        "trou",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("given", "why"), REFUSALS)
def test_a_drawing_that_is_no_surface_is_refused_with_the_reason(given, why):
    with pytest.raises(Refused, match=why):
        geometry.check_polygons(given)


def test_deeply_nested_objects_are_refused():
    nested = square()
    for _level in range(50):
        nested = {"type": "Feature", "geometry": nested}
    with pytest.raises(Refused):
        geometry.check_polygons(nested)


def test_features_and_collections_are_understood():
    feature = {"type": "Feature", "properties": {}, "geometry": square()}
    assert geometry.check_polygons(feature) == square()
    both = {
        "type": "FeatureCollection",
        "features": [feature, {**feature, "geometry": square(-71.5)}],
    }
    assert geometry.check_polygons(both)["type"] == "MultiPolygon"


def test_parts_that_overlap_become_one_surface():
    two = {
        "type": "MultiPolygon",
        "coordinates": [square()["coordinates"], square(WEST + 0.01)["coordinates"]],
    }
    drawn = geometry.check_polygons(two)
    assert shape(drawn).is_valid
    assert shape(drawn).area == pytest.approx(0.03 * 0.02)


places = st.tuples(st.floats(-71.8, -71.5), st.floats(48.4, 48.7))


@given(st.lists(places, min_size=3, max_size=40))
def test_a_drawing_that_is_accepted_is_valid_and_drawn(points):
    hull = Polygon(points).convex_hull if len(set(points)) > 2 else None
    assume(hull is not None and hull.geom_type == "Polygon" and hull.area > 1e-5)
    drawn = geometry.check_polygons(geometry.as_geojson(hull))
    kept = shape(drawn)
    assert kept.is_valid
    assert kept.area == pytest.approx(hull.area, rel=0.02)
    box = geometry.frame([geometry.bounds(drawn)])
    path = geometry.svg_path(drawn, box)
    assert path.startswith("M") and path.endswith("Z")
    numbers = [float(part) for part in path.strip("MZ").replace(",", " ").split()]
    assert all(-1 <= x <= 641 for x in numbers[::2])
    assert all(-1 <= y <= box.height + 1 for y in numbers[1::2])


@given(places)
def test_a_point_is_in_the_square_exactly_when_its_coordinates_are(place):
    longitude, latitude = place
    inside = WEST <= longitude <= WEST + 0.02 and SOUTH <= latitude <= SOUTH + 0.02
    near = min(
        abs(longitude - WEST), abs(longitude - WEST - 0.02), abs(latitude - SOUTH),
        abs(latitude - SOUTH - 0.02),
    ) < 1e-9  # fmt: skip
    assume(not near)
    assert geometry.contains(square(), longitude, latitude) == inside


def test_a_line_of_a_hundred_thousand_points_is_simplified():
    import math

    points = []
    for step in range(100_000):
        angle = 2 * math.pi * step / 100_000
        reach = 0.05 + 0.00002 * math.sin(angle * 5000)
        points.append([-71.6 + reach * math.cos(angle), 48.5 + reach * math.sin(angle)])
    drawn = geometry.check_polygons({"type": "Polygon", "coordinates": [[*points, points[0]]]})
    assert geometry.points(shape(drawn)) <= geometry.MOST_POINTS
    assert shape(drawn).area == pytest.approx(math.pi * 0.05**2, rel=0.01)
    assert len(geometry.svg_path(drawn, geometry.frame([geometry.bounds(drawn)]))) < 4_000


def collection(*features, **more):
    return {"type": "FeatureCollection", "features": list(features), **more}


def feature(drawn=None, **properties):
    return {"type": "Feature", "properties": properties, "geometry": drawn or square()}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (square(), "FeatureCollection"),
        (collection(), "aucun secteur"),
        (collection(feature()), "nom"),
        (collection(feature(nom="A"), feature(nom="A")), "Deux secteurs"),
        (collection(feature(nom="A" * 81)), "80"),
        (collection(feature(BOW, nom="Naudville")), "Naudville.*se croise"),
        (collection(feature(nom="A"), crs=LAMBERT), "projection"),
        (collection("x"), "nom"),
        ({"type": "FeatureCollection", "features": {"a": 1}}, "aucun"),
    ],
)  # fmt: skip
def test_a_file_of_sectors_is_refused_with_the_reason(given, why):
    with pytest.raises(Refused, match=why):
        geometry.check_features(given)


def test_a_file_of_sectors_gives_names_codes_and_drawings():
    given = json.loads(json.dumps(collection(feature(NOM="  Naudville ", Code=3))))
    assert geometry.check_features(given) == [("Naudville", "3", square())]
