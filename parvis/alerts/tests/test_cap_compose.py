"""Each event of the town as a CAP message: valid by our rules and by the schema, and true."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from shapely.geometry import Point, Polygon, shape

from parvis.alerts import cap, cap_compose, cap_values, events, rules
from parvis.alerts.cap_compose import Said, Told, message, reference, rings
from parvis.alerts.cap_rules import check
from parvis.alerts.tests.make import HERE

XSD = etree.XMLSchema(etree.parse(HERE / "cap12.xsd"))
SENT = datetime(2026, 5, 20, 22, 40, 3, 456789, tzinfo=timezone(timedelta(hours=-4)))
SQUARE = {
    "type": "Polygon",
    "coordinates": [[[-71.7, 48.5], [-71.6, 48.5], [-71.6, 48.6], [-71.7, 48.6], [-71.7, 48.5]]],
}
EARLIER = reference("alma.localhost", "urn:uuid:1", SENT - timedelta(hours=2))


def told(event: str = "boil", kind: str = "alert", **facts) -> Told:
    """As the templates of this event say it, in both languages."""
    about = events.EVENTS[event]
    words = events.first_words(event, "lift" if kind == "lift" else "alert", "Ville d’Alma")
    said = [
        Said(
            language=language,
            event=str(about.label),
            title=str(one["title"]),
            text=str(one["text"]),
            steps=one["steps"],
            where="Naudville",
        )
        for language, one in words.items()
    ]
    given = {
        "identifier": "urn:uuid:2", "sender": "alma.localhost", "sent": SENT, "kind": kind,
        "event": event, "category": about.category, "response": about.response,
        "severity": about.severity, "urgency": about.urgency, "certainty": about.certainty,
        "expires": SENT + timedelta(hours=24), "said": said, "town": "Ville d’Alma",
        "code": "93042", "surfaces": [SQUARE],
        "references": [] if kind == "alert" else [EARLIER],
    }  # fmt: skip
    return Told(**{**given, **facts})


def written(one: Told) -> bytes:
    content = cap.write(message(one))
    XSD.assertValid(etree.fromstring(content))
    return content


@pytest.mark.parametrize("kind", cap_compose.KINDS)
@pytest.mark.parametrize("event", events.EVENTS)
def test_each_event_is_a_valid_message_without_even_advice(event, kind):
    content = written(told(event, kind))
    assert check(content) == []
    read = cap.read(content)
    assert [one.language for one in read.infos] == ["fr-CA", "en-CA"]
    assert {pair.value for one in read.infos for pair in one.event_codes} == {
        cap_compose.CODES[event]
    }
    assert {pair.value for one in read.infos for pair in one.areas[0].geocodes} == {"2493042"}


def test_each_event_of_the_town_has_its_code_and_no_other():
    assert set(cap_compose.CODES) == set(events.EVENTS)
    assert set(cap_compose.KINDS) == {rules.ALERT, rules.UPDATE, rules.LIFT, rules.CANCEL}
    assert set(cap_compose.TONGUES) == {"fr", "en"}


def test_what_follows_names_what_it_follows():
    for kind, name in (("update", "Update"), ("lift", "Update"), ("cancel", "Cancel")):
        read = cap.read(written(told(kind=kind)))
        assert (read.msg_type, read.references) == (name, EARLIER)
    assert EARLIER == "alma.localhost,urn:uuid:1,2026-05-20T20:40:03-04:00"
    assert any(
        one.rule == "cap.suite" for one in check(written(told(kind="update", references=[])))
    )


def test_to_lift_is_to_say_that_all_is_clear():
    for kind in ("lift", "cancel"):
        info = cap.read(written(told("flood", kind, expires=SENT))).infos[0]
        assert (info.response_types, info.urgency) == (("AllClear",), "Past")
        assert info.expires == SENT.replace(microsecond=0) + timedelta(hours=1)
    info = cap.read(written(told("flood"))).infos[0]
    assert (info.response_types, info.urgency) == (("Prepare",), "Expected")


def test_a_drill_is_no_actual_message():
    drill = cap.read(written(told(is_drill=True)))
    assert drill.status == "Exercise"
    assert [one.headline.split(" — ")[0] for one in drill.infos] == ["EXERCICE", "EXERCISE"]
    plain = cap.read(written(told()))
    assert plain.status == "Actual" and "EXERCI" not in plain.infos[0].headline
    assert cap.read(written(told(is_demonstration=True))).status == "Test"


def test_a_town_without_code_declares_no_profile():
    """A code of the whole province would ask everybody in it to act."""
    read = cap.read(written(told(code="")))
    assert read.codes == () and read.infos[0].areas[0].geocodes == ()
    assert cap.read(written(told())).codes == ("profile:CAP-CP:0.4",)


def test_the_surface_is_that_of_the_town():
    (ring,) = cap.read(written(told())).infos[0].areas[0].polygons
    corners = cap_values.polygon(ring)
    drawn = Polygon([(float(east), float(north)) for north, east in corners])
    assert drawn.equals(shape(SQUARE))


def test_chosen_addresses_are_circles_and_many_of_them_one_surface():
    few = [(-71.65, 48.55), (-71.64, 48.56)]
    area = cap.read(written(told(surfaces=[], places=few))).infos[0].areas[0]
    assert area.circles == ("48.55,-71.65 0.05", "48.56,-71.64 0.05") and not area.polygons
    many = [(-71.65 + step / 1000, 48.55) for step in range(21)]
    area = cap.read(written(told(surfaces=[], places=many))).infos[0].areas[0]
    (ring,) = area.polygons
    surface = Polygon([(float(east), float(north)) for north, east in cap_values.polygon(ring)])
    assert not area.circles and all(surface.contains(Point(place)) for place in many)


def test_a_hole_is_filled_and_parts_are_several_outlines():
    inner = [[-71.66, 48.54], [-71.64, 48.54], [-71.64, 48.56], [-71.66, 48.54]]
    pierced = {"type": "Polygon", "coordinates": [*SQUARE["coordinates"], inner]}
    assert rings(pierced) == rings(SQUARE)
    other = [[[-71.5, 48.5], [-71.4, 48.5], [-71.4, 48.6], [-71.5, 48.5]]]
    both = {"type": "MultiPolygon", "coordinates": [SQUARE["coordinates"], other]}
    assert len(rings(both)) == 2
    assert rings({"type": "Point", "coordinates": [0, 0]}) == []
    assert rings({}) == rings({"type": "Polygon", "coordinates": "x"}) == []


def test_a_very_detailed_outline_stays_within_what_receivers_follow():
    around = list(Point(-71.6, 48.5).buffer(0.3, quad_segs=4000).exterior.coords)
    drawn = {"type": "Polygon", "coordinates": [around]}
    (ring,) = rings(drawn)
    assert len(around) > 10_000 and len(ring.split()) <= cap_values.MOST_POINTS
    assert check(written(told(surfaces=[drawn]))) == []


corner = st.tuples(
    st.floats(-72, -71, allow_nan=False).map(lambda at: round(at, 7)),
    st.floats(48, 49, allow_nan=False).map(lambda at: round(at, 7)),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(corner, min_size=3, max_size=12, unique=True))
def test_any_drawing_makes_a_valid_message(corners):
    drawn = {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}
    assert [one for one in check(written(told(surfaces=[drawn]))) if one.fails] == []


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80), st.lists(st.text(max_size=30), max_size=3))
def test_whatever_the_town_wrote_can_be_written(title, text, steps):
    """An alert must not wait because of a character that XML has no word for."""
    one = told()
    said = [replace(each, title=title, text=text, steps=steps) for each in one.said]
    assert [each for each in check(written(replace(one, said=said))) if each.fails] == []
