"""A stream without frames cut into messages; what is new, missing, forged or late. Pure."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parvis.alerts import cap, cap_feed, naad
from parvis.alerts.cap_certificates import Trust
from parvis.alerts.cap_feed import Entry
from parvis.alerts.cap_signature import sign
from parvis.alerts.naad import Beat, Desk, Message, Splitter, Twice, Unreadable
from parvis.alerts.tests.make import FLOOD
from parvis.alerts.tests.naad_server import heartbeat, message, named, unsigned
from parvis.alerts.tests.signing import NOW, RSA_CERTIFICATE, RSA_KEY, TOWN
from parvis.core.errors import Refused

ONE, TWO, THREE = message(1), message(2), message(3)
ALERTS = [ONE, TWO, heartbeat(1), THREE, b"<alert >x</alert >", b"<c:alert a='b'>y</c:alert>"]


# --- cutting --------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["", "\r\n", "\0\0", "garbage <alerts/> ", " "]),
                       st.sampled_from(ALERTS)), max_size=6),
    st.lists(st.integers(1, 4000), min_size=1, max_size=40),
)  # fmt: skip
def test_whatever_the_pieces_the_messages_come_out_whole(said, sizes):
    stream = b"".join(between.encode() + one for between, one in said)
    splitter, found, at, turn = Splitter(), [], 0, 0
    while at < len(stream):
        size = sizes[turn % len(sizes)]
        found += splitter.take(stream[at : at + size])
        at, turn = at + size, turn + 1
    assert found == [one for _between, one in said]


def test_octet_by_octet():
    splitter = Splitter()
    stream = b"\n" + ONE + heartbeat(1) + TWO
    found = [one for octet in stream for one in splitter.take(bytes([octet]))]
    assert found == [ONE, heartbeat(1), TWO]


def test_a_message_that_was_cut_does_not_swallow_the_next():
    splitter = Splitter()
    assert splitter.take(ONE[:1000] + TWO + THREE) == [TWO, THREE]
    assert splitter.dropped == 1000


def test_a_message_that_holds_the_word_is_not_cut_by_it():
    quoted = unsigned(1).replace(b"gymnase", b"gymnase <![CDATA[<alert x]]>")
    whole, second = Splitter().take(quoted + TWO)
    assert b"CDATA" in whole and second == TWO
    assert cap.read(whole).identifier == named(1).identifier


def test_a_hundred_megabytes_without_an_end_are_not_kept():
    splitter, most, found = Splitter(), 0, []
    piece = b"x" * 1_000_000
    splitter.take(b"<alert ")
    for _time in range(100):
        found += splitter.take(piece)
        most = max(most, len(splitter.held))
    found += splitter.take(ONE)
    assert found == [ONE]
    assert most <= splitter.largest + len(piece)
    assert splitter.dropped > 99_000_000


def test_a_hundred_megabytes_of_beginnings_take_no_longer():
    splitter, found = Splitter(), []
    piece = b"<alert >" * 125_000
    for _time in range(20):
        found += splitter.take(piece)
    assert found == []
    assert len(splitter.held) <= splitter.largest + len(piece)
    assert splitter.take(b"</alert>" + ONE)[-1] == ONE


# --- what one message is --------------------------------------------------------------------------


def hear(desk: Desk, content: bytes, source: str = "a"):
    return desk.hear(content, source=source, now=NOW)


OURS = Trust(certificates=(TOWN,))


def test_each_message_arrives_once_whichever_way_it_comes():
    desk = Desk(trust=OURS)
    first = hear(desk, ONE)
    assert isinstance(first, Message) and first.verified.holds
    assert first.alert.identifier == named(1).identifier
    assert not first.contradicts and not first.overtaken
    assert isinstance(hear(desk, ONE, "b"), Twice)
    assert isinstance(hear(desk, ONE), Twice)
    assert isinstance(hear(desk, TWO), Message)


def test_what_is_forged_does_not_hide_the_true_one():
    forged = sign(unsigned(1, text="Restez chez vous"), key=RSA_KEY, certificate=RSA_CERTIFICATE)
    desk = Desk(trust=OURS)
    first = hear(desk, forged)
    assert isinstance(first, Message) and not first.verified.holds
    true = hear(desk, ONE)
    assert isinstance(true, Message) and true.verified.holds and true.contradicts
    assert isinstance(hear(desk, ONE), Twice)
    again = hear(desk, forged)
    assert isinstance(again, Message) and again.contradicts and not again.verified.holds
    assert isinstance(hear(desk, ONE), Twice)
    # The same words without their signature say nothing new; with it, they do.
    desk = Desk(trust=OURS)
    assert isinstance(hear(desk, unsigned(1)), Message)
    assert isinstance(hear(desk, ONE), Message)
    assert isinstance(hear(desk, unsigned(1)), Twice)


def test_a_later_message_that_came_first_is_not_overtaken_by_the_earlier():
    desk = Desk(trust=OURS)
    assert not hear(desk, message(2, follows=1)).overtaken
    late = hear(desk, ONE)
    assert isinstance(late, Message) and late.overtaken


def test_a_forged_update_overtakes_nothing():
    forged = sign(unsigned(2, follows=1), key=RSA_KEY, certificate=RSA_CERTIFICATE)
    desk = Desk(trust=OURS)
    hear(desk, forged)
    assert not hear(desk, ONE).overtaken


@pytest.mark.parametrize(
    "content",
    [
        b"<alert >x</alert>", ONE[:-20], b"<alert xmlns='urn:x'/>", b"",
        ONE.replace(b"<alert ", b"<!DOCTYPE alert [<!ENTITY a 'b'>]><alert ", 1),
        b"\xff" * 100, b"<alert>" * 100,
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_and_not_remembered(content):
    desk = Desk()
    heard = hear(desk, content)
    assert isinstance(heard, Unreadable) and heard.reason
    assert not desk.seen


def test_memory_is_bounded():
    desk = Desk(remembered=3)
    for number in range(10, 15):
        hear(desk, unsigned(number))
    assert len(desk.seen) == 3
    assert isinstance(hear(desk, unsigned(14)), Twice)


# --- heartbeats -----------------------------------------------------------------------------------


def test_a_heartbeat_says_what_is_missing_and_asks_once():
    desk = Desk(trust=OURS)
    hear(desk, ONE)
    beat = hear(desk, heartbeat(1, 2, 3))
    assert isinstance(beat, Beat) and beat.missing == (named(2), named(3))
    assert hear(desk, heartbeat(1, 2, 3), "b").missing == ()
    desk.unfetched(named(3))
    assert hear(desk, heartbeat(1, 2, 3)).missing == (named(3),)
    assert isinstance(hear(desk, TWO), Message)


def test_silence_is_of_each_side_and_ends_with_a_heartbeat():
    desk = Desk(silence=timedelta(seconds=150))
    desk.expect("a", NOW)
    desk.expect("b", NOW)
    later = NOW + timedelta(seconds=151)
    desk.hear(heartbeat(), source="b", now=NOW + timedelta(seconds=60))
    desk.hear(ONE, source="a", now=NOW + timedelta(seconds=60))
    assert desk.silent(NOW + timedelta(seconds=150)) == []
    assert desk.silent(later) == ["a"]
    desk.hear(heartbeat(), source="a", now=later)
    assert desk.silent(later) == []


def test_a_heartbeat_is_no_message_and_a_message_no_heartbeat():
    assert naad.is_heartbeat(cap.read(heartbeat(1)))
    assert not naad.is_heartbeat(cap.read(ONE))
    posing = FLOOD.replace("securite@val-des-brumes.example</sender>", "NAADS-Heartbeat</sender>")
    assert not naad.is_heartbeat(cap.read(posing.encode()))


def test_where_the_distributor_keeps_a_message():
    assert naad.archive_address("http://archive.example/", named(7)) == (
        "http://archive.example/2026-04-19/2026_04_19T05_19_00_04_00I2.49.0.1.124.0007.xml"
    )
    east = naad.Reference("a", "urn:oid:1/../2", "2026-04-19T05:19:00+00:00")
    assert naad.archive_address("http://archive.example", east) == (
        "http://archive.example/2026-04-19/2026_04_19T05_19_00p00_00Iurn_oid_1_.._2.xml"
    )


@pytest.mark.parametrize(
    ("code", "told"),
    [("2499999", True), ("24", True), ("2499", True), ("2493042", False), ("35", False)],
)
def test_whether_a_place_is_concerned(code, told):
    assert naad.concerns(cap.read(FLOOD.encode()), code) is told
    bare = FLOOD.replace("profile:CAP-CP:Location:0.3", "autre")
    assert naad.concerns(cap.read(bare.encode()), code)


# --- feeds ----------------------------------------------------------------------------------------

FEED = """<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title>%s</feed>"""


def entry(links: str) -> str:
    return f"<entry><id> a </id><updated>2026</updated>{links}</entry>"


@pytest.mark.parametrize(
    ("links", "address"),
    [
        ('<link href="/b.xml"/><link type="application/cap+xml" href="c.xml"/>',
         "https://ville.example/flux/c.xml"),
        ('<link type="application/cap+xml; charset=utf-8" href="//x.example/c"/>',
         "https://x.example/c"),
        ('<link href="d.cap"/>', "https://ville.example/flux/d.cap"),
        ('<link href="d.html"/><link href="e.html"/>', None),
        ('<link type="application/cap+xml" href="file:///etc/passwd"/>', None),
        ('<link type="application/cap+xml" href="http://[bad"/>', None),
        ("", None),
    ],
)  # fmt: skip
def test_a_feed_leads_to_its_messages(links, address):
    found = cap_feed.entries(
        (FEED % entry(links)).encode(), address="https://ville.example/flux/alertes.atom"
    )
    assert found == ([Entry("a", "2026", address)] if address else [])


def test_what_is_no_feed_is_refused():
    for content in (FLOOD.encode(), b"<rss/>", b"", b"<!DOCTYPE feed><feed/>"):
        with pytest.raises(Refused):
            cap_feed.entries(content, address="https://ville.example/")


def test_a_feed_of_any_length_is_read_so_far():
    long = FEED % (entry('<link href="d.cap"/>') * 700)
    found = cap_feed.entries(long.encode(), address="https://ville.example/")
    assert len(found) == cap_feed.MOST_ENTRIES
