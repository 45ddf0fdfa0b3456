import base64
import json
import os

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from parvis.notifications.channels import webpush_crypto as push
from parvis.notifications.tests.push_service import Rejected, verify_vapid

SUBJECT = "mailto:push@ville.example.org"
HERE = "https://push.example.net"
NOW = 1_900_000_000
HOURS = 3600

# RFC 8291, section 5 and appendix A.
PLAINTEXT = "V2hlbiBJIGdyb3cgdXAsIEkgd2FudCB0byBiZSBhIHdhdGVybWVsb24"
SENDER_PRIVATE = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
RECEIVER = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6"
    "TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qul"
    "cy4a-fN"
)
# RFC 8292, section 2.4.
RFC_8292 = (
    "vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJl"
    "eHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HL"
    "GkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA, k=BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61"
    "m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"
)


def receiver():
    private = ec.generate_private_key(ec.SECP256R1())
    scalar = private.private_numbers().private_value.to_bytes(32, "big")
    return private, push.decode(push.public_key(scalar)), os.urandom(16)


def test_the_rfcs_message_is_reproduced_byte_for_byte():
    private = int.from_bytes(push.decode(SENDER_PRIVATE), "big")
    body = push.encrypt(
        push.decode(PLAINTEXT),
        push.decode(RECEIVER),
        push.decode(AUTH),
        sender_private=ec.derive_private_key(private, ec.SECP256R1()),
        salt=push.decode(SALT),
    )
    assert push.encode(body) == BODY


def test_another_implementation_reads_fifty_messages():
    for _ in range(50):
        private, p256dh, auth = receiver()
        plaintext = os.urandom(int.from_bytes(os.urandom(2), "big") % (push.MAX_PLAINTEXT + 1))
        body = push.encrypt(plaintext, p256dh, auth)
        assert len(body) == len(plaintext) + 103 <= 4096
        assert http_ece.decrypt(body, private_key=private, auth_secret=auth) == plaintext


def test_each_message_has_its_own_salt_and_key_pair():
    _, p256dh, auth = receiver()
    bodies = [push.encrypt(b"same", p256dh, auth) for _ in range(20)]
    assert len({body[:16] for body in bodies}) == 20
    assert len({body[21:86] for body in bodies}) == 20


def test_the_longest_message_passes_and_one_byte_more_is_refused():
    _, p256dh, auth = receiver()
    assert len(push.encrypt(bytes(3993), p256dh, auth)) == 4096
    with pytest.raises(ValueError, match="at most 3993"):
        push.encrypt(bytes(3994), p256dh, auth)


@pytest.mark.parametrize("spoil", [
    lambda p, a: (p[:-1], a),
    lambda p, a: (p + b"\0", a),
    lambda p, a: (b"", a),
    lambda p, a: (p[:-1] + bytes([p[-1] ^ 1]), a),  # Not on the curve.
    lambda p, a: (bytes(65), a),
    lambda p, a: (b"\x04" + bytes(64), a),
    lambda p, a: (bytes([2 + (p[-1] & 1)]) + p[1:33], a),  # The same point, compressed.
    lambda p, a: (p, a[:-1]),
    lambda p, a: (p, a + b"\0"),
    lambda p, a: (p, b""),
])  # fmt: skip
def test_bad_keys_are_refused_before_anything_is_sealed_or_stored(spoil):
    _, p256dh, auth = receiver()
    bad = spoil(p256dh, auth)
    with pytest.raises(ValueError):
        push.encrypt(b"x", *bad)
    with pytest.raises(ValueError):
        push.check_subscription("https://fcm.googleapis.com/x", *map(push.encode, bad))


def test_the_rfcs_token_verifies_and_ours_by_the_same_rule():
    claims, _ = verify_vapid(RFC_8292, origin=HERE, now=1453523768 - HOURS)
    assert claims == {"aud": HERE, "exp": 1453523768, "sub": "mailto:push@example.com"}
    private = push.generate_vapid_key()
    token = push.vapid_token(private, HERE, subject=SUBJECT, now=NOW + 0.9, ttl=HOURS)
    own = push.public_key(private)
    claims, key = verify_vapid(f"vapid t={token}, k={own}", origin=HERE, now=NOW)
    assert claims == {"aud": HERE, "exp": NOW + HOURS, "sub": SUBJECT}
    assert key == own
    assert len(push.decode(own)) == 65


def test_a_token_is_worthless_elsewhere_later_or_changed():
    private = push.generate_vapid_key()
    tokens = push.VapidTokens(private, SUBJECT, ttl=HOURS, spare=60)
    header = tokens.authorization(HERE, now=NOW)
    for origin, now in (("https://other.example", NOW), (HERE, NOW + HOURS + 1)):
        with pytest.raises(Rejected):
            verify_vapid(header, origin=origin, now=now)
    head, claims, signature = header.removeprefix("vapid t=").partition(",")[0].split(".")
    later = json.loads(push.decode(claims)) | {"exp": NOW + 2 * HOURS}
    forged = header.replace(claims, push.encode(json.dumps(later).encode()))
    with pytest.raises(Rejected, match="bad token"):
        verify_vapid(forged, origin=HERE, now=NOW)
    stranger = push.public_key(push.generate_vapid_key())
    with pytest.raises(Rejected, match="bad token"):
        verify_vapid(f"vapid t={head}.{claims}.{signature}, k={stranger}", origin=HERE, now=NOW)


@settings(max_examples=30)
@given(
    st.binary(min_size=32, max_size=32).filter(lambda scalar: 0 < int.from_bytes(scalar) < 2**255)
)
def test_every_signature_has_64_bytes(private):
    token = push.vapid_token(private, HERE, subject=SUBJECT, now=NOW, ttl=1)
    assert len(push.decode(token.rpartition(".")[2])) == 64


@pytest.mark.parametrize("subject", [
    "", "push@ville.example.org", "mailto:", "mailto:<push@ville.example.org>",
    "mailto: push@ville.example.org", "mailto:Ville <push@ville.example.org>",
    "mailto:a@b.example\n", "http://ville.example.org",
    "https://", "https://ville.example.org/ a", "mailto:a@localhost",
])  # fmt: skip
def test_a_subject_that_apple_would_refuse_stops_the_start(subject):
    with pytest.raises(ValueError, match="subject"):
        push.VapidTokens(push.generate_vapid_key(), subject)


def test_a_token_lives_twelve_hours_at_most_and_names_an_origin():
    private = push.generate_vapid_key()
    for ttl in (0, -1, 12 * HOURS + 1):
        with pytest.raises(ValueError, match="12 hours"):
            push.vapid_token(private, HERE, subject=SUBJECT, now=NOW, ttl=ttl)
    for audience in ("push.example.net", "http://push.example.net", HERE + "/", HERE + "/a", ""):
        with pytest.raises(ValueError, match="audience"):
            push.vapid_token(private, audience, subject=SUBJECT, now=NOW, ttl=60)
    for bad in (b"", bytes(31), bytes(32), b"\xff" * 32, bytes(33)):
        with pytest.raises(ValueError):
            push.vapid_token(bad, HERE, subject=SUBJECT, now=NOW, ttl=60)


def test_one_token_serves_an_origin_until_it_grows_old():
    tokens = push.VapidTokens(push.generate_vapid_key(), SUBJECT, ttl=12 * HOURS, spare=HOURS)
    first = tokens.authorization(HERE, now=NOW)
    assert tokens.authorization(HERE, now=NOW + 11 * HOURS - 1) == first
    assert tokens.authorization("https://other.example", now=NOW) != first
    second = tokens.authorization(HERE, now=NOW + 11 * HOURS)
    assert second != first
    verify_vapid(second, origin=HERE, now=NOW + 23 * HOURS - 1)


@given(st.lists(st.integers(-30 * HOURS, 30 * HOURS), max_size=8))
@settings(max_examples=30)
def test_wherever_the_clock_goes_the_token_in_hand_is_good(steps):
    tokens, now = push.VapidTokens(push.generate_vapid_key(), SUBJECT), NOW
    for step in steps:
        now += step
        claims, _ = verify_vapid(tokens.authorization(HERE, now=now), origin=HERE, now=now)
        assert HOURS <= claims["exp"] - now <= 12 * HOURS


def test_invented_origins_do_not_fill_the_memory():
    tokens = push.VapidTokens(push.generate_vapid_key(), SUBJECT)
    for number in range(tokens.MOST_ORIGINS + 50):
        tokens.authorization(f"https://a{number}.notify.windows.com", now=NOW)
    assert len(tokens._held) <= tokens.MOST_ORIGINS


@given(st.binary(max_size=80))
def test_base64url_goes_both_ways_with_or_without_padding(raw):
    assert push.decode(push.encode(raw)) == raw
    assert push.decode(base64.urlsafe_b64encode(raw).decode()) == raw


@pytest.mark.parametrize("text", ["a", "abcde", "ab+/", "ab cd", "abcé", "ab\n", "ab=cd", "===="])
def test_what_is_not_base64url_is_refused(text):
    with pytest.raises(ValueError, match="not base64url"):
        push.decode(text)


def test_the_header_lines_say_what_the_protocol_asks():
    assert push.push_headers("vapid x", ttl=60, urgency="high", topic="a-42_") == (
        "Authorization: vapid x",
        "TTL: 60",
        "Urgency: high",
        "Content-Encoding: aes128gcm",
        "Content-Type: application/octet-stream",
        "Topic: a-42_",
    )
    for bad in ({"ttl": -1}, {"ttl": 1, "urgency": "urgent"}, {"ttl": 1, "topic": "a" * 33},
                {"ttl": 1, "topic": "a\r\nb"}, {"ttl": 1, "topic": ""}):  # fmt: skip
        with pytest.raises(ValueError):
            push.push_headers("vapid x", **bad)


KEYS = (RECEIVER, AUTH)


@pytest.mark.parametrize("endpoint", [
    "https://fcm.googleapis.com/fcm/send/abc:APA91b_-",
    "https://updates.push.services.mozilla.com/wpush/v2/gAAAA",
    "https://web.push.apple.com/QGuQyavXutnMH",
    "https://wns2-bl2p.notify.windows.com/w/?token=BQYAAAC%2b%3d",
])  # fmt: skip
def test_the_four_services_are_allowed(endpoint):
    push.check_subscription(endpoint, *KEYS)


@pytest.mark.parametrize("endpoint", [
    "http://fcm.googleapis.com/a", "ftp://fcm.googleapis.com/a", "fcm.googleapis.com/a", "",
    "https://fcm.googleapis.com", "https://fcm.googleapis.com:443/a", "https://fcm.googleapis.com:22/a",
    "https://user@fcm.googleapis.com/a", "https://user:pw@fcm.googleapis.com/a",
    "https://fcm.googleapis.com@127.0.0.1/a", "https://127.0.0.1\\@fcm.googleapis.com/a",
    "https://fcm.googleapis.com.evil.example/a", "https://evilfcm.googleapis.com/a",
    "https://evil.example/fcm.googleapis.com", "https://evil.example#fcm.googleapis.com/a",
    "https://push.apple.com/a", "https://.push.apple.com/a", "https://xpush.apple.com/a",
    "https://a..push.apple.com/a", "https://127.0.0.1/a", "https://[::1]/a", "https://localhost/a",
    "https://fcm.googleapis.com/a b", "https://fcm.googleapis.com/a\r\nX: y",
    "https://fcm.googleapis.com/a\n", "https://fcm.googleapis.com/a#b", "https://fcm.googleapis.com/é",
    "https://fcm.googleapis.com\t/a", " https://fcm.googleapis.com/a", "https://FCM.googleapis.com/a",
    "https://fcm.googleapis.com./a", "https://fcm.googleapis.com/" + "a" * 2048,
])  # fmt: skip
def test_an_endpoint_elsewhere_or_dressed_up_is_refused(endpoint):
    with pytest.raises(ValueError, match="endpoint"):
        push.check_subscription(endpoint, *KEYS)


def test_a_host_may_be_added_with_its_port_and_only_that_port():
    allowed = (*push.PUSH_HOSTS, "localhost:8443", "*.push.example:99")
    push.check_subscription("https://localhost:8443/push/a", *KEYS, allowed)
    push.check_subscription("https://a.push.example:99/b", *KEYS, allowed)
    for endpoint in ("https://localhost/push/a", "https://localhost:8444/push/a"):
        with pytest.raises(ValueError, match="endpoint"):
            push.check_subscription(endpoint, *KEYS, allowed)


@given(st.text(max_size=40), st.text(max_size=100), st.text(max_size=30))
def test_whatever_a_stranger_sends_is_a_value_error_or_fine(path, p256dh, auth):
    for keys in (KEYS, (p256dh, auth)):
        try:
            push.check_subscription("https://fcm.googleapis.com/" + path, *keys)
        except ValueError:
            continue
        assert keys == KEYS
        assert path.isascii() and path.isprintable() and " " not in path


def test_the_origin_of_an_endpoint_keeps_the_port():
    assert push.origin_of("https://localhost:8443/push/a?b=//c") == "https://localhost:8443"
    assert push.origin_of("https://fcm.googleapis.com/a") == "https://fcm.googleapis.com"
