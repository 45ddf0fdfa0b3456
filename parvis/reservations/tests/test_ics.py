"""Calendar files, read back by the rules of RFC 5545."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from parvis.reservations import ics

STAMP = datetime(2026, 5, 1, 12, tzinfo=UTC)
EVENT = ics.Event(
    uid="reservation-7",
    start=datetime(2026, 5, 23, 14, tzinfo=UTC),
    end=datetime(2026, 5, 23, 16, tzinfo=UTC),
    summary="Gymnase de Naudville",
    stamp=STAMP,
    changes=2,
    location="Gymnase de Naudville, entrée B",
    description="Badminton; apportez vos raquettes, s’il vous plaît\nCode\u00a0: 1234",
    url="https://alma.example.ca/reserver/mes-reservations/7/",
)


def read(text: str) -> list[tuple[str, str]]:
    """Names and values, unfolded and unescaped."""
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    found = []
    for line in re.sub("\r\n[ \t]", "", text).split("\r\n")[:-1]:
        name, value = line.split(":", 1)
        plain = re.sub(r"\\(.)", lambda m: "\n" if m[1] in "nN" else m[1], value)
        found.append((name, plain))
    return found


def test_a_reservation_is_one_event_with_its_place_and_its_address():
    lines = read(ics.calendar("Mes réservations", [EVENT], host="alma.example.ca"))
    facts = dict(lines)
    assert lines[0] == ("BEGIN", "VCALENDAR")
    assert lines[-1] == ("END", "VCALENDAR")
    assert facts["UID"] == "reservation-7@alma.example.ca"
    assert (facts["DTSTART"], facts["DTEND"]) == ("20260523T140000Z", "20260523T160000Z")
    assert (facts["DTSTAMP"], facts["SEQUENCE"]) == ("20260501T120000Z", "2")
    assert facts["SUMMARY"] == EVENT.summary
    assert facts["LOCATION"] == EVENT.location
    assert facts["DESCRIPTION"] == EVENT.description
    assert facts["URL"] == EVENT.url
    assert facts["STATUS"] == "CONFIRMED"


def test_both_hours_of_the_night_of_november_are_told_apart():
    zone = ZoneInfo("America/Toronto")
    first, second = (datetime(2026, 11, 1, 1, 30, tzinfo=zone, fold=n) for n in (0, 1))
    assert ics.instant(first) == "20261101T053000Z"
    assert ics.instant(second) == "20261101T063000Z"


def test_an_empty_calendar_is_a_calendar():
    lines = read(ics.calendar("Mes réservations", [], host="alma.example.ca"))
    assert ("BEGIN", "VEVENT") not in lines
    assert ("X-WR-CALNAME", "Mes réservations") in lines


words = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=300)


@settings(deadline=None)
@given(words, words)
def test_any_words_come_back_whole_and_no_line_is_too_long(summary, description):
    event = ics.Event("x", EVENT.start, EVENT.end, summary, STAMP, description=description)
    text = ics.calendar("N", [event], host="h")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    facts = dict(read(text))
    kept = "".join(sign for sign in summary if sign >= " " or sign in "\n\t")
    assert facts["SUMMARY"] == kept
    assert text.count("BEGIN:VEVENT") == 1
