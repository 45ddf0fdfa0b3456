"""Listening to a distributor of the tests' own that cuts, repeats, floods, lies, falls silent."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest

from parvis.alerts import naad_stream
from parvis.alerts.cap_certificates import Trust
from parvis.alerts.cap_signature import sign
from parvis.alerts.naad import Beat, Desk, Message, Twice, Unreadable
from parvis.alerts.naad_stream import Joined, Lost, Silent, Speaks, Unfetched, Watch
from parvis.alerts.tests.naad_server import Distributor, Web, heartbeat, message, named, unsigned
from parvis.alerts.tests.signing import RSA_CERTIFICATE, RSA_KEY, TOWN

TRUST = Trust(certificates=(TOWN,))


class Listening:
    """A watch in a thread of its own, and everything that it told."""

    def __init__(self, *sources, archives=(), silence=30.0, every=0.05):
        self.told = []
        self.changed = threading.Condition()
        desk = Desk(trust=TRUST, silence=timedelta(seconds=silence))
        self.watch = Watch(sources, desk=desk, archives=archives, every=every, first_wait=0.05)
        self.thread = threading.Thread(target=self.watch.run, args=(self._tell,))
        self.thread.start()

    def _tell(self, news) -> bool:
        with self.changed:
            self.told.append(news)
            self.changed.notify_all()
        return True

    def until(self, *kinds, count=1):
        """Wait for so many news of this kind; all of them."""

        def found():
            return [one for one in self.told if isinstance(one, kinds)]

        with self.changed:
            assert self.changed.wait_for(lambda: len(found()) >= count, timeout=30), self.told
            return found()

    def messages(self, count=1):
        return [one.alert.identifier for one in self.until(Message, count=count)]

    def close(self):
        self.watch.stop.set()
        self.thread.join(20)
        assert not self.thread.is_alive()
        assert not any(one.is_alive() for one in self.watch.threads)


@contextmanager
def listening(*sources, **how):
    made = Listening(*sources, **how)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def one():
    made = Distributor()
    yield made
    made.close()


@pytest.fixture
def two():
    made = Distributor()
    yield made
    made.close()


@pytest.fixture
def web():
    made = Web()
    yield made
    made.close()


def ids(*numbers):
    return [named(number).identifier for number in numbers]


def test_both_sides_are_held_and_each_message_arrives_once(one, two):
    with listening(one.source, two.source) as heard:
        heard.until(Joined, count=2)
        one.joined(), two.joined()
        for number in (1, 2, 3):
            one.say(message(number))
            two.say(message(number))
        assert heard.messages(3) == ids(1, 2, 3)
        assert len(heard.until(Twice, count=3)) == 3
        one.cut()
        heard.until(Lost)
        two.say(message(4))
        assert heard.messages(4) == ids(1, 2, 3, 4)
        assert all(each.verified.holds for each in heard.until(Message))


def test_what_was_cut_in_the_middle_is_had_from_the_archive(one, web):
    web.keep(2, message(2))
    with listening(one.source, archives=[web.base]) as heard:
        one.joined()
        one.say(message(1) + message(2)[:900])
        assert heard.messages() == ids(1)
        one.cut()
        one.joined(2)
        one.say(message(3) + heartbeat(1, 2, 3))
        assert heard.messages(3) == ids(1, 3, 2)
        assert heard.until(Message)[-1].source == web.base
        assert len(heard.until(Beat)) == 1 and not heard.until(Joined, count=2)[2:]


def test_the_end_of_a_cut_message_is_not_joined_to_another_connections_beginning(one):
    whole = message(1)
    with listening(one.source) as heard:
        one.joined()
        one.say(whole[:900])
        time.sleep(0.1)
        one.cut()
        one.joined(2)
        one.say(whole[900:] + message(2))
        assert heard.messages() == ids(2)
        assert not [each for each in heard.told if isinstance(each, Unreadable)]


def test_a_second_archive_is_asked_when_the_first_has_nothing(one, web):
    other = Web()
    other.keep(2, message(2))
    try:
        with listening(one.source, archives=[web.base, other.base]) as heard:
            one.joined()
            one.say(heartbeat(2))
            assert heard.messages() == ids(2)
            assert len(web.asked) == len(other.asked) == 1
    finally:
        other.close()


def test_what_no_archive_has_is_asked_for_again_at_the_next_heartbeat(one, web):
    with listening(one.source, archives=[web.base]) as heard:
        one.joined()
        one.say(heartbeat(2))
        assert heard.until(Unfetched)[0].reference == named(2)
        web.keep(2, message(2))
        one.say(heartbeat(2))
        assert heard.messages() == ids(2)
        one.say(heartbeat(2))
        heard.until(Beat, count=3)
        assert len(web.asked) == 2


def test_an_archive_that_leads_elsewhere_or_floods_is_not_followed(one, web):
    path = web.keep(2, b"")

    def elsewhere(answer):
        answer.send_response(302)
        answer.send_header("Location", "/secret")
        answer.end_headers()

    def flood(answer):
        answer.send_response(200)
        answer.end_headers()
        try:
            for _time in range(100):
                answer.wfile.write(b"x" * 1_000_000)
        except OSError:
            pass

    with listening(one.source, archives=[web.base]) as heard:
        one.joined()
        for number, mood in enumerate((elsewhere, flood), start=1):
            web.files[path] = mood
            one.say(heartbeat(2))
            heard.until(Unfetched, count=number)
        assert "/secret" not in web.asked


def test_octets_in_any_pieces_out_of_order_and_late(one):
    with listening(one.source) as heard:
        one.joined()
        one.say(message(2, follows=1), pieces=7)
        one.say(message(1), pieces=1000)
        assert heard.messages(2) == ids(2, 1)
        assert [each.overtaken for each in heard.until(Message)] == [False, True]


def test_a_forged_message_does_not_take_the_place_of_the_true_one(one):
    forged = sign(unsigned(1, text="Restez"), key=RSA_KEY, certificate=RSA_CERTIFICATE)
    with listening(one.source) as heard:
        one.joined()
        one.say(forged + message(1))
        first, second = heard.until(Message, count=2)
        assert (first.verified.holds, second.verified.holds) == (False, True)
        assert second.contradicts


def test_a_hundred_megabytes_pass_and_the_next_message_arrives(one):
    with listening(one.source) as heard:
        one.joined()
        one.say(b"<alert xmlns='x'>")
        for _time in range(100):
            one.say(b"x" * 1_000_000)
        one.say(message(1))
        assert heard.messages() == ids(1)


def test_silence_without_a_heartbeat_is_an_alarm_that_ends(one):
    with listening(one.source, silence=0.8) as heard:
        one.joined()
        one.say(message(1))
        (silent,) = heard.until(Silent)
        assert silent == Silent(one.source)
        # A side that says nothing at all is called again.
        one.joined(2)
        one.say(heartbeat(1))
        assert heard.until(Speaks) == [Speaks(one.source)]
        assert len(heard.until(Silent)) == 1


def test_heartbeats_alone_keep_the_alarm_away(one):
    with listening(one.source, silence=0.8) as heard:
        one.joined()
        for _time in range(12):
            one.say(heartbeat())
            time.sleep(0.15)
        assert len(heard.until(Beat, count=12)) == 12
        assert not [each for each in heard.told if isinstance(each, Silent | Lost)]


def test_a_side_that_is_not_there_is_called_until_it_is(two):
    gone = Distributor()
    port = gone.port
    gone.close()
    with listening(gone.source, two.source) as heard:
        assert heard.until(Lost)[0].source == gone.source
        two.joined()
        two.say(message(1))
        assert heard.messages() == ids(1)
        back = Distributor(port)
        try:
            back.joined()
            back.say(message(2))
            assert heard.messages(2) == ids(1, 2)
        finally:
            back.close()


def test_noise_is_dropped_and_what_cannot_be_read_is_said(one):
    with listening(one.source) as heard:
        one.joined()
        one.say(b"HTTP/1.1 200 OK\r\n\r\n\0\xff<alert >nonsense</alert>" + message(1))
        assert heard.messages() == ids(1)
        assert len(heard.until(Unreadable)) == 1


# --- feeds ----------------------------------------------------------------------------------------


def feed(*names: str) -> bytes:
    entries = "".join(
        f"<entry><id>{name}</id><updated>2026</updated>"
        f'<link type="application/cap+xml" href="{name}"/></entry>'
        for name in names
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{entries}</feed>'.encode()


def test_a_feed_is_looked_at_again_and_each_message_fetched_once(web):
    web.files["/1.xml"], web.files["/2.xml"] = message(1), message(2)
    web.files["/alertes.atom"] = feed("1.xml")
    with listening(f"{web.base}/alertes.atom") as heard:
        assert heard.messages() == ids(1)
        web.files["/alertes.atom"] = feed("3.xml", "2.xml", "1.xml")
        assert heard.messages(2) == ids(1, 2)
        # One that fails is tried again, and hides none of the others.
        heard.until(Lost)
        web.files["/3.xml"] = message(3)
        assert heard.messages(3) == ids(1, 2, 3)
        assert [web.asked.count(f"/{number}.xml") for number in (1, 2)] == [1, 1]
        before = web.asked.count("/alertes.atom")
        deadline = time.monotonic() + 20
        while web.asked.count("/alertes.atom") < before + 3:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert len(heard.until(Message)) == 3


def test_a_feed_that_is_down_is_said_once_and_its_return_too(web):
    with listening(f"{web.base}/alertes.atom") as heard:
        heard.until(Lost)
        time.sleep(0.3)
        assert len(heard.until(Lost)) == 1
        web.files["/alertes.atom"] = feed()
        assert heard.until(Joined) == [Joined(f"{web.base}/alertes.atom")]


@pytest.mark.parametrize("wrong", ["", "ville", "ville:", ":80", "ville:x", "ville:0", "a:70000"])
def test_an_address_that_is_none_is_refused(wrong):
    with pytest.raises(ValueError, match="HÔTE:PORT|port"):
        naad_stream.host_and_port(wrong)
    assert naad_stream.host_and_port("[::1]:80") == ("::1", 80)
