"""A message read, written and read again; what cannot be written; the values inside words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from parvis.alerts import cap, cap_values
from parvis.alerts.cap import Alert, Area, Info, Pair, Resource
from parvis.alerts.cap_rules import check
from parvis.alerts.cap_schema import ALERT, INFO
from parvis.alerts.tests.make import FLOOD, HERE
from parvis.core.errors import Refused

XSD = etree.XMLSchema(etree.parse(HERE / "cap12.xsd"))
SENT = datetime(2026, 4, 19, 5, 12, tzinfo=timezone(timedelta(hours=-4)))
CHOICES = {part.name: st.sampled_from(part.choices) for part in (*ALERT, *INFO) if part.choices}

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=30) | (
    st.sampled_from(["a\r\nb", "\t", "<&>\"'", "]]>", " ", "é\u0301", "🌊", "\x85\x9f", "\u2028"])
)
words = words.filter(lambda text: not {"\ufffe", "\uffff"} & set(text))
moments = st.builds(
    lambda at, minutes: at.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes))),
    st.datetimes(),
    st.integers(-14 * 60, 14 * 60),
)
numbers = st.decimals(-10_000, 10_000, places=3)
few = {"max_size": 3}


def several(one: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(one, **few).map(tuple)


def maybe(one: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | one


pairs = several(st.builds(Pair, value_name=words, value=words))
addresses = st.sampled_from(["", "https://exemple.ca/a?b=c&d=é", "carte.png"])
resources = st.builds(
    Resource, resource_desc=words, mime_type=words, size=maybe(st.integers(-5, 10**12)),
    uri=addresses, deref_uri=words, digest=words,
)  # fmt: skip
areas = st.builds(
    Area, area_desc=words, polygons=several(words), circles=several(words), geocodes=pairs,
    altitude=maybe(numbers), ceiling=maybe(numbers),
)  # fmt: skip
infos = st.builds(
    Info, categories=st.lists(CHOICES["category"], min_size=1, max_size=3).map(tuple), event=words,
    urgency=CHOICES["urgency"], severity=CHOICES["severity"], certainty=CHOICES["certainty"],
    language=st.sampled_from(["", "fr-CA", "en-CA", "iu"]),
    response_types=several(CHOICES["responseType"]), audience=words, event_codes=pairs,
    effective=maybe(moments), onset=maybe(moments), expires=maybe(moments), sender_name=words,
    headline=words, description=words, instruction=words, web=addresses, contact=words,
    parameters=pairs, resources=several(resources), areas=several(areas),
)  # fmt: skip
alerts = st.builds(
    Alert, identifier=words, sender=words, sent=moments, status=CHOICES["status"],
    msg_type=CHOICES["msgType"], scope=CHOICES["scope"], source=words, restriction=words,
    addresses=words, codes=several(words), note=words, references=words, incidents=words,
    infos=several(infos),
)  # fmt: skip
PLAIN = Alert(
    identifier="a1", sender="ville@exemple.ca", sent=SENT, status="Test", msg_type="Alert",
    scope="Public",
)  # fmt: skip
NOWHERE = Area(area_desc="", altitude=Decimal("NaN"))
FIRE = Info(
    categories=("Fire",), event="incendie", urgency="Immediate", severity="Severe",
    certainty="Observed", areas=(Area(area_desc="ici"),),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(alerts)
def test_what_is_written_is_read_back_the_same_and_follows_the_schema(alert):
    content = cap.write(alert)
    assert cap.read(content) == alert
    XSD.assertValid(etree.fromstring(content))


@settings(max_examples=50, deadline=None)
@given(alerts)
def test_offsets_come_back_as_they_were(alert):
    again = cap.read(cap.write(alert))
    assert again.sent.utcoffset() == alert.sent.utcoffset()


def test_the_sample_is_read_whole():
    alert = cap.read(FLOOD.encode())
    assert (alert.sent, alert.msg_type) == (SENT, "Update")
    assert alert.codes == ("profile:CAP-CP:0.4", "layer:SOREM:1.0")
    french, english = alert.infos
    assert (french.language, english.language) == ("fr-CA", "en-CA")
    assert french.event_codes == (Pair(value_name="profile:CAP-CP:Event:0.4", value="flood"),)
    assert french.resources[0].size == 2048
    assert french.areas[0].altitude == Decimal("10.5")
    assert english.areas[0].geocodes[0].value == "2499999"
    assert check(cap.write(alert)) == []
    assert cap.read(cap.write(alert)) == alert


def test_comments_and_sections_within_a_value_do_not_cut_it():
    said = FLOOD.replace(">inondation<", ">inon<!-- x -->da<?y z?><![CDATA[tion & <]]><")
    assert cap.read(said.encode()).infos[0].event == "inondation & <"


def test_signatures_are_left_out():
    signature = '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#">x</Signature>'
    signed = FLOOD.replace("</alert>", signature + "</alert>")
    assert cap.read(signed.encode()) == cap.read(FLOOD.encode())


@pytest.mark.parametrize(
    "alert",
    [
        replace(PLAIN, note="a\x00b"),
        replace(PLAIN, note="a\x0bb"),
        replace(PLAIN, note="\ud800"),
        replace(PLAIN, note="\uffff"),
        replace(PLAIN, status="actual"),
        replace(PLAIN, sent=SENT.replace(tzinfo=None)),
        replace(PLAIN, sent=SENT.replace(microsecond=1)),
        replace(PLAIN, sent=SENT.replace(tzinfo=timezone(timedelta(hours=15)))),
        replace(PLAIN, sent=SENT.replace(tzinfo=timezone(timedelta(seconds=30)))),
        replace(PLAIN, infos=(replace(FIRE, categories=()),)),
        replace(PLAIN, infos=(replace(FIRE, language="fr_CA"),)),
        replace(PLAIN, infos=(replace(FIRE, areas=(NOWHERE,)),)),
    ],
    ids=repr,
)  # fmt: skip
def test_what_cap_cannot_say_is_not_written(alert):
    with pytest.raises(Refused, match="ne peut s’écrire en CAP"):
        cap.write(alert)


@pytest.mark.parametrize("letter", ["\0", "\x0b", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_a_character_that_xml_has_no_word_for_is_refused_in_french(letter):
    with pytest.raises(Refused, match="«\u00a0note\u00a0» contient un caractère que XML n’admet"):
        cap.write(replace(PLAIN, note=f"a{letter}b"))


def test_a_message_that_departs_from_the_schema_is_not_read():
    with pytest.raises(Refused, match="Ligne 7\u00a0: «\u00a0status\u00a0» vaut"):
        cap.read(FLOOD.replace("Actual", "actual").encode())


def test_universal_time_is_written_as_cap_writes_it():
    assert b"<sent>2026-04-19T09:12:00-00:00</sent>" in cap.write(
        replace(PLAIN, sent=SENT.astimezone(UTC))
    )


def test_midnight_may_be_the_end_of_a_day():
    assert cap_values.moment("2026-04-19T24:00:00-04:00") == datetime(2026, 4, 20, 4, tzinfo=UTC)


@given(st.text(max_size=60) | st.from_regex(r"[-+0-9., ]{0,40}"))
def test_any_words_are_a_value_or_a_reason(text):
    for reading in (
        cap_values.moment, cap_values.polygon, cap_values.circle, cap_values.references,
    ):  # fmt: skip
        try:
            reading(text)
        except ValueError as reason:
            assert str(reason) and "\n" not in str(reason)
