import socket
import threading
import time
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parvis.notifications.channels import webpush_crypto as push
from parvis.notifications.channels.http_pool import (
    ADDRESS_REFUSED,
    DEADLINE_PASSED,
    NOT_SENT,
    HttpPool,
    PushRequest,
    is_public,
    retry_seconds,
)
from parvis.notifications.channels.rates import Throttle
from parvis.notifications.tests.push_service import PushService

SENDER = push.VapidTokens(push.generate_vapid_key(), "mailto:push@ville.example.org")


@pytest.fixture
def service():
    with PushService() as service:
        yield service


@pytest.fixture
def pool(service):
    with HttpPool(ca_file=service.ca_file, allow_private=True) as pool:
        yield pool


def sealed(key, subscription, text=b"bonjour", **options):
    endpoint, p256dh, auth = subscription
    authorization = SENDER.authorization(push.origin_of(endpoint), now=time.time())
    headers = push.push_headers(authorization, **{"ttl": 60, **options})
    body = push.encrypt(text, push.decode(p256dh), push.decode(auth))
    return PushRequest(key, endpoint, headers, body)


def post(pool, requests, *, concurrency=10, seconds=10.0, throttle=None):
    deadline = time.monotonic() + seconds
    return list(
        pool.post_many(requests, concurrency=concurrency, deadline=deadline, throttle=throttle)
    )


@contextmanager
def raw_server(*answers: bytes):
    """Plain HTTP: each connection gets the next answer, whatever it asks, then is closed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            for answer in answers:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    try:
                        connection.sendall(answer)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_every_message_arrives_once_and_can_be_read(service, pool):
    subscriptions = [service.new_subscription() for _ in range(200)]
    answers = post(pool, (sealed(n, s, b"no %d" % n) for n, s in enumerate(subscriptions)))
    assert sorted(answer.key for answer in answers) == list(range(200))
    assert {answer.status for answer in answers} == {201}
    assert all(a.location.startswith(f"{service.origin}/message/") for a in answers)
    read = [[m.body for m in service.messages(endpoint)] for endpoint, _, _ in subscriptions]
    assert read == [[b"no %d" % n] for n in range(200)]
    assert service.faults == []
    # Two hundred messages, ten at a time: connections are used again.
    assert service.connections <= 10
    post(pool, [sealed(n, subscriptions[0]) for n in range(20)])
    assert service.connections <= 10


def test_each_failure_has_its_answer(service, pool):
    modes = ["gone410", "notfound404", "busy429", "error500", "drop", "drop_after", "lie", "flaky"]
    subscriptions = {mode: service.new_subscription() for mode in modes}
    for mode, (endpoint, _, _) in subscriptions.items():
        service.set_mode(endpoint, mode, seconds=17)
    requests = [sealed(n, subscriptions[mode]) for n, mode in enumerate(modes)]
    answers = {modes[answer.key]: answer for answer in post(pool, requests)}
    assert {mode: answer.status for mode, answer in answers.items()} == {
        "gone410": 410, "notfound404": 404, "busy429": 429, "error500": 500,
        "drop": 0, "drop_after": 0, "lie": 201, "flaky": 500,
    }  # fmt: skip
    assert answers["busy429"].retry_after == 17
    assert answers["error500"].error == "HTTP 500: internal error"
    assert answers["drop"].error.startswith("curl ")
    kept = [mode for mode in modes if service.messages(subscriptions[mode][0])]
    assert kept == ["drop_after"]
    (again,) = post(pool, [sealed(0, subscriptions["flaky"])])
    assert again.status == 201


def test_a_topic_replaces_what_was_not_delivered(service, pool):
    subscription = service.new_subscription()
    for text, topic in ((b"1", "a"), (b"2", "b"), (b"3", "a")):
        post(pool, [sealed(0, subscription, text, topic=topic)])
    assert [m.body for m in service.messages(subscription[0])] == [b"2", b"3"]


def test_the_service_tells_the_senders_faults(service, pool):
    subscription = service.new_subscription()
    reserved = service.new_subscription(sender_key=push.public_key(push.generate_vapid_key()))
    good = sealed(0, subscription)
    wrong = push.push_headers(SENDER.authorization("https://other.example", now=time.time()), ttl=1)

    def without(name):
        return tuple(line for line in good.headers if not line.startswith(name))

    requests = [
        PushRequest(1, good.url, without("TTL"), good.body),
        PushRequest(2, good.url, without("Authorization"), good.body),
        PushRequest(3, good.url, wrong, good.body),
        PushRequest(4, good.url, without("Content-Encoding"), good.body),
        PushRequest(5, good.url, good.headers, good.body[:-1] + bytes([good.body[-1] ^ 1])),
        PushRequest(6, good.url, good.headers, good.body + bytes(4096)),
        sealed(7, reserved),
        PushRequest(8, good.url + "x", good.headers, good.body),
    ]
    statuses = {answer.key: answer.status for answer in post(pool, requests)}
    assert statuses == {1: 400, 2: 401, 3: 403, 4: 415, 5: 400, 6: 413, 7: 403, 8: 404}
    assert sorted(status for status, _ in service.faults) == [400, 400, 401, 403, 403, 413, 415]
    assert service.messages(subscription[0]) == []


def test_a_slow_origin_does_not_delay_the_others(service):
    # The address and the name are two origins of one server; the slow one's go first.
    with PushService("127.0.0.1") as slow:
        dawdling = [slow.new_subscription() for _ in range(20)]
        for endpoint, _, _ in dawdling:
            slow.set_mode(endpoint, "slow", seconds=1)
        quick = [service.new_subscription() for _ in range(40)]
        bundle = service.ca_file + ".both"
        with open(bundle, "w") as both:
            for one in (service.ca_file, slow.ca_file):
                with open(one) as authority:
                    both.write(authority.read())
        requests = [sealed(n, s) for n, s in enumerate(dawdling + quick)]
        with HttpPool(ca_file=bundle, allow_private=True) as pool:
            answers = post(pool, requests, concurrency=10)
    assert {answer.status for answer in answers} == {201}
    assert len(answers) == 60
    # Ten at a time, a second each: at most ten of the slow may come before the last quick one.
    assert max(n for n, answer in enumerate(answers) if answer.key >= 20) < 50


def test_no_more_than_the_agreed_number_is_under_way(service, pool):
    subscriptions = [service.new_subscription() for _ in range(12)]
    for endpoint, _, _ in subscriptions:
        service.set_mode(endpoint, "slow", seconds=0.1)
    started = time.monotonic()
    answers = post(pool, [sealed(n, s) for n, s in enumerate(subscriptions)], concurrency=3)
    assert len(answers) == 12
    assert time.monotonic() - started >= 0.4


def test_at_the_deadline_what_was_drawn_is_answered_and_drawing_stops(service):
    slow = service.new_subscription()
    service.set_mode(slow[0], "slow", seconds=3)
    drawn = []

    def requests():
        for n in range(1000):
            drawn.append(n)
            yield sealed(n, slow)

    with HttpPool(ca_file=service.ca_file, allow_private=True, look_ahead=20) as pool:
        started = time.monotonic()
        answers = post(pool, requests(), concurrency=4, seconds=0.5)
        assert time.monotonic() - started < 2.5
        assert sorted(answer.key for answer in answers) == drawn
        assert len(drawn) < 50
        assert [a.error for a in answers] == [DEADLINE_PASSED] * 4 + [NOT_SENT] * (len(drawn) - 4)
        # The pool is whole afterwards.
        (after,) = post(pool, [sealed(7, service.new_subscription())])
        assert (after.key, after.status) == (7, 201)


def test_a_time_out_is_a_network_error(service):
    slow = service.new_subscription()
    service.set_mode(slow[0], "slow", seconds=2)
    with HttpPool(ca_file=service.ca_file, allow_private=True, total_seconds=0.3) as pool:
        (answer,) = post(pool, [sealed(1, slow)])
    assert answer.status == 0
    assert answer.error.startswith("curl 28:")


def test_whoever_stops_reading_leaves_a_pool_that_works(service, pool):
    subscriptions = [service.new_subscription() for _ in range(30)]
    deadline = time.monotonic() + 10
    requests = (sealed(n, s) for n, s in enumerate(subscriptions))
    posting = pool.post_many(requests, concurrency=5, deadline=deadline)
    next(posting)
    with pytest.raises(RuntimeError, match="already"):
        next(pool.post_many([], concurrency=1, deadline=deadline))
    posting.close()
    assert [a.key for a in post(pool, [sealed(99, subscriptions[0])])] == [99]


def test_a_busy_service_is_left_alone_and_the_rest_of_the_line_comes_back(service, pool):
    subscription = service.new_subscription()
    service.set_mode(subscription[0], "busy429", seconds=60)
    throttle = Throttle()
    requests = [sealed(n, subscription) for n in range(100)]
    started = time.monotonic()
    answers = post(pool, requests, concurrency=5, seconds=10, throttle=throttle)
    assert time.monotonic() - started < 5
    assert sorted(answer.key for answer in answers) == list(range(100))
    refused = [answer for answer in answers if answer.status == 429]
    unsent = [answer for answer in answers if answer.error == NOT_SENT]
    assert len(refused) + len(unsent) == 100
    assert service.requests(subscription[0]) == len(refused) <= 20
    assert all(50 < answer.retry_after <= 60 for answer in unsent)
    assert throttle.allow(service.origin, time.monotonic()) > 50


def test_the_throttle_sets_the_pace(service, pool):
    subscription = service.new_subscription()
    throttle = Throttle(start=50, floor=50, ceiling=50)
    started = time.monotonic()
    answers = post(pool, [sealed(n, subscription) for n in range(25)], throttle=throttle)
    assert {answer.status for answer in answers} == {201}
    # Five at once, and fifty a second for the other twenty.
    assert 0.38 <= time.monotonic() - started < 5


def test_a_certificate_of_an_unknown_authority_ends_it(service):
    subscription = service.new_subscription()
    with HttpPool(allow_private=True) as pool:
        (answer,) = post(pool, [sealed(1, subscription)])
    assert (answer.status, answer.error[:8]) == (0, "curl 60:")
    assert service.requests(subscription[0]) == 0


def test_a_certificate_for_another_name_ends_it(service):
    endpoint, p256dh, auth = service.new_subscription()
    # Every name under localhost leads to this machine; the certificate says localhost alone.
    other = endpoint.replace("localhost", "other.localhost"), p256dh, auth
    with HttpPool(ca_file=service.ca_file, allow_private=True) as pool:
        (answer,) = post(pool, [sealed(1, other)])
    assert (answer.status, answer.error[:8]) == (0, "curl 60:")
    assert service.requests(endpoint) == 0


def test_a_name_that_leads_to_a_private_address_is_not_called(service):
    # As after DNS rebinding: the name is fine, what it resolves to is not.
    endpoint, p256dh, auth = service.new_subscription()
    by_number = endpoint.replace("localhost", "127.0.0.1"), p256dh, auth
    with HttpPool(ca_file=service.ca_file) as pool:
        answers = post(pool, [sealed(1, (endpoint, p256dh, auth)), sealed(2, by_number)])
    assert [(answer.status, answer.error) for answer in answers] == [(0, ADDRESS_REFUSED)] * 2
    assert service.connections == 0


def test_only_https_unless_told_otherwise():
    with raw_server(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n") as origin:
        request = PushRequest(1, origin + "/push/a", (), b"x")
        with HttpPool(allow_private=True) as pool:
            (answer,) = post(pool, [request])
            assert (answer.status, answer.error[:7]) == (0, "curl 1:")
        with HttpPool(allow_private=True, allow_http=True) as pool:
            assert [a.status for a in post(pool, [request])] == [201]


def test_a_redirect_is_not_followed(service):
    moved = f"HTTP/1.1 307 Moved\r\nLocation: {service.origin}/push/a\r\nContent-Length: 0\r\n\r\n"
    with (
        raw_server(moved.encode()) as origin,
        HttpPool(ca_file=service.ca_file, allow_private=True, allow_http=True) as pool,
    ):
        (answer,) = post(pool, [PushRequest(1, origin + "/a", (), b"x")])
    assert (answer.status, answer.location) == (307, f"{service.origin}/push/a")
    assert service.connections == 0


def test_a_proxy_in_the_environment_is_not_used(service, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with HttpPool(ca_file=service.ca_file, allow_private=True) as pool:
        (answer,) = post(pool, [sealed(1, service.new_subscription())])
    assert answer.status == 201


@pytest.mark.parametrize(("sent", "status", "error"), [
    (b"HTTP/1.1 201 Created\r\n\r\n" + b"x" * 1_000_000, 201, ""),
    (b"HTTP/1.1 400 Bad\r\nContent-Length: 9\r\n\r\n<\x1b[31m>\r\n", 400, "HTTP 400: < [31m>"),
    (b"HTTP/1.1 500 Bad\r\nContent-Length: 900\r\n\r\n" + b"y" * 900, 500,
     "HTTP 500: " + "y" * 300),
    (b"no http at all\r\n\r\n", 0, None),
    (b"", 0, None),
    (b"HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\nshort", 0, None),
])  # fmt: skip
def test_hostile_answers_do_no_harm(sent, status, error):
    with raw_server(sent, sent) as origin, HttpPool(allow_private=True, allow_http=True) as pool:
        (answer,) = post(pool, [PushRequest(1, origin + "/a", (), b"x")], seconds=5)
    assert answer.status == status
    if error is None:
        assert answer.error.startswith("curl ")
    else:
        assert answer.error.rstrip() == error


@pytest.mark.parametrize("address", [
    "127.0.0.1", "10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1",
    "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::", "2002:a00:1::1", "2001:db8::1", "not an address", "", "127.1",
])  # fmt: skip
def test_addresses_that_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", [
    "8.8.8.8", "142.250.80.106", "17.57.144.1", "2607:f8b0:4020::1", "64:ff9b::808:808",
    "::ffff:8.8.8.8", "2002:808:808::1",
])  # fmt: skip
def test_addresses_that_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize(("value", "seconds"), [
    ("120", 120), (" 0 ", 0), ("99999999999999", 7 * 86400),
    ("Wed, 21 Oct 2015 07:28:00 GMT", 30), ("Wed, 21 Oct 2015 07:27:00 GMT", 0),
    ("Fri, 31 Dec 9999 23:59:59 GMT", 7 * 86400),
    ("soon", None), ("", None), ("-5", None), ("1.5", None), ("²", None),
])  # fmt: skip
def test_retry_after_in_both_forms(value, seconds):
    # 30 seconds before the date of the examples.
    assert retry_seconds(value, wall=1445412450.0) == seconds


@given(st.text(max_size=60))
def test_whatever_stands_in_retry_after_it_is_a_time_or_nothing(value):
    seconds = retry_seconds(value, wall=1445412450.0)
    assert seconds is None or 0 <= seconds <= 7 * 86400
