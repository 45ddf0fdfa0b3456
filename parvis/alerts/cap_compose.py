"""The CAP message that one revision of an alert makes, with the Canadian profile. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shapely import MultiPoint, MultiPolygon, Polygon, make_valid
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

from parvis.alerts import cap_values as values
from parvis.alerts.cap import Alert, Area, Info, Pair
from parvis.alerts.cap_cp_rules import EVENT, LOCATION, PROFILE

VERSION = "0.4"
PROVINCE = "24"
"""Québec's, before the five digits of a municipality: together its SGC code."""
LEAST = timedelta(hours=1)
"""How long a message holds that ends an alert: CAP asks for an end that is after the sending."""
ON_HAND = 0.05
"""Kilometres around an address that was chosen by itself."""
MOST_CIRCLES = 20
"""Beyond, the addresses are told as the surface that holds them."""
NEAR = 0.0005
"""Degrees around such a surface, some fifty metres."""
DETAIL = 0.00005
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

ALERT, UPDATE, LIFT, CANCEL = "alert", "update", "lift", "cancel"
KINDS: Mapping[str, str] = {
    ALERT: "Alert", UPDATE: "Update", LIFT: "Update", CANCEL: "Cancel"
}  # fmt: skip
"""What a town does → what CAP calls it. To lift is to say that all is clear."""
CODES: Mapping[str, str] = {
    "boil": "drinkingWate",
    "no_consumption": "drinkingWate",
    "preventive_boil": "drinkingWate",
    "evacuation": "civilEmerg",
    "shelter": "civilEmerg",
    "flood": "flood",
    "outage": "utility",
    "ice": "freezeRain",
    "cold": "temperature",
    "smoke": "airQuality",
    "missing_person": "missingPer",
    "night_parking": "roadUsage",
}
"""The town's events → codes of the profile's list."""
TONGUES: Mapping[str, str] = {"fr": "fr-CA", "en": "en-CA"}
DRILLS: Mapping[str, str] = {"fr": "EXERCICE", "en": "EXERCISE"}

Geometry = Mapping[str, object]
Place = tuple[float, float]
"""Longitude and latitude."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """The words of one language."""

    language: str
    event: str
    title: str
    text: str
    steps: Sequence[str] = ()
    where: str


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a revision says, before it is said in CAP."""

    identifier: str
    sender: str
    sent: datetime
    kind: str
    event: str
    category: str
    response: str
    severity: str
    urgency: str
    certainty: str
    expires: datetime
    said: Sequence[Said]
    town: str
    code: str = ""
    """Of the municipality: five digits. Without it no profile is declared."""
    is_drill: bool = False
    is_demonstration: bool = False
    references: Sequence[str] = ()
    note: str = ""
    web: str = ""
    contact: str = ""
    surfaces: Sequence[Geometry] = ()
    places: Sequence[Place] = ()


def message(told: Told) -> Alert:
    """The message. Whatever the town wrote, it can be written as CAP."""
    return Alert(
        identifier=told.identifier,
        sender=told.sender,
        sent=told.sent.replace(microsecond=0),
        status=_status(told),
        msg_type=KINDS[told.kind],
        scope="Public",
        codes=(PROFILE + VERSION,) if told.code else (),
        note=_clean(told.note),
        references=" ".join(told.references),
        infos=tuple(_info(told, said) for said in told.said),
    )


def reference(sender: str, identifier: str, sent: datetime) -> str:
    """As a later message names this one."""
    return f"{sender},{identifier},{values.stamp(sent.replace(microsecond=0))}"


def _status(told: Told) -> str:
    if told.is_demonstration:
        return "Test"
    return "Exercise" if told.is_drill else "Actual"


def _info(told: Told, said: Said) -> Info:
    ends = told.kind in (LIFT, CANCEL)
    title = _clean(said.title)
    steps = [_clean(step) for step in said.steps]
    return Info(
        language=TONGUES[said.language],
        categories=(told.category,),
        event=_clean(said.event),
        response_types=("AllClear",) if ends else (told.response,),
        urgency="Past" if ends else told.urgency,
        severity=told.severity,
        certainty=told.certainty,
        event_codes=(Pair(value_name=EVENT, value=CODES[told.event]),),
        effective=told.sent.replace(microsecond=0),
        expires=end_of(told),
        sender_name=_clean(told.town),
        headline=f"{DRILLS[said.language]} — {title}" if told.is_drill else title,
        description=_clean(said.text),
        # A message that asks for nothing more has said it all in its title.
        instruction="\n".join(steps) or title,
        web=told.web,
        contact=_clean(told.contact),
        areas=(_area(told, said),),
    )


def end_of(told: Told) -> datetime:
    """Until when it holds: an hour at the least, for what ends at once."""
    sent, end = told.sent.replace(microsecond=0), told.expires.replace(microsecond=0)
    return end.astimezone(sent.tzinfo) if end > sent else sent + LEAST


def _area(told: Told, said: Said) -> Area:
    polygons = [ring for one in told.surfaces for ring in rings(one)]
    circles: tuple[str, ...] = ()
    if len(told.places) > MOST_CIRCLES:
        polygons += _written(MultiPoint(told.places).convex_hull.buffer(NEAR))
    else:
        circles = tuple(f"{_point(place)} {ON_HAND}" for place in told.places)
    return Area(
        area_desc=_clean(said.where),
        polygons=tuple(polygons),
        circles=circles,
        geocodes=(Pair(value_name=LOCATION, value=PROVINCE + told.code),) if told.code else (),
    )


def rings(drawn: Geometry) -> list[str]:
    """A drawing (GeoJSON) as CAP writes it: outlines only, since CAP knows no holes."""
    try:
        return _written(shape(dict(drawn)))
    except (ShapelyError, KeyError, TypeError, ValueError, AttributeError):
        return []


def _written(surface: BaseGeometry) -> list[str]:
    found = []
    for part in _parts(surface):
        whole = _lighter(Polygon(part.exterior))
        # By six decimals two corners may become one, and a side cross another.
        rounded = Polygon([(round(east, 6), round(north, 6)) for east, north in _flat(whole)])
        for each in [rounded] if rounded.is_valid else _parts(make_valid(rounded)):
            if not each.is_empty and each.area > 0:
                outline = _flat(orient(Polygon(each.exterior)))
                found.append(" ".join(_point(corner) for corner in outline))
    return found


def _lighter(whole: Polygon) -> Polygon:
    """With no more corners than receivers follow."""
    tolerance = DETAIL
    while len(whole.exterior.coords) > values.MOST_POINTS:
        (whole,) = _parts(whole.simplify(tolerance, preserve_topology=True))
        tolerance *= 2
    return whole


def _flat(polygon: Polygon) -> list[Place]:
    return [(corner[0], corner[1]) for corner in polygon.exterior.coords]


def _parts(surface: BaseGeometry) -> Iterable[Polygon]:
    if isinstance(surface, Polygon):
        return [surface]
    if isinstance(surface, MultiPolygon):
        return list(surface.geoms)
    return [part for part in getattr(surface, "geoms", ()) if isinstance(part, Polygon)]


def _point(place: Place) -> str:
    """Latitude first, as CAP has it."""
    east, north = place
    return f"{_degrees(north)},{_degrees(east)}"


def _degrees(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _clean(text: str) -> str:
    return UNWRITABLE.sub("", text)
