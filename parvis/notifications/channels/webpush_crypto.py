"""Web push as bytes: subscriptions checked, messages sealed (8291), senders named (8292)."""

import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from os import urandom
from struct import pack
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

# RFC 8030 lets a push service refuse a body over 4096 bytes: 86 of header, 1 of padding, 16 of tag.
MAX_PLAINTEXT: Final = 3993
# RFC 8292 allows 24 hours; half of it leaves room for a clock that is wrong.
MAX_TOKEN_SECONDS: Final = 12 * 3600

# The services behind Chrome, Firefox, Safari and Edge.
PUSH_HOSTS: Final = (
    "fcm.googleapis.com",
    "android.googleapis.com",
    "jmt17.google.com",
    "*.push.services.mozilla.com",
    "*.push.apple.com",
    "*.notify.windows.com",
)

_P256 = ec.SECP256R1()
_ECDH = ec.ECDH()
_ES256 = ec.ECDSA(hashes.SHA256())
_RECORD_SIZE_AND_KEY_LENGTH = pack("!IB", 4096, 65)
_JWT_HEADER = urlsafe_b64encode(b'{"typ":"JWT","alg":"ES256"}').rstrip(b"=")

# Stricter than a URL parser, so that Python and curl cannot read one address in two ways.
_ENDPOINT = re.compile(
    r"https://(?P<host>[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?P<port>:[1-9][0-9]{0,4})?"
    r"/[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%|-]*",
    re.ASCII,
)
_ORIGIN = re.compile(r"https://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[1-9][0-9]{0,4})?", re.ASCII)
# Apple answers 403 to anything but a bare address: no name, no angle brackets, no space.
_SUBJECT = re.compile(
    r"mailto:[^\s<>@,;:\"]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+|https://[a-z0-9-]+(?:\.[a-z0-9-]+)+[^\s<>\"]*",
    re.IGNORECASE,
)
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*={0,2}", re.ASCII)
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)
_URGENCIES = ("very-low", "low", "normal", "high")


def encode(raw: bytes) -> str:
    """Base64url without padding, as browsers and push services write it."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Bytes from base64url, or raise ValueError; the standard alphabet is not accepted."""
    if not _BASE64URL.fullmatch(text):
        raise ValueError("not base64url")
    text = text.rstrip("=")
    if len(text) % 4 == 1:
        raise ValueError("not base64url: length")
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def generate_vapid_key() -> bytes:
    """Private key of a sender: the 32-byte scalar."""
    return ec.generate_private_key(_P256).private_numbers().private_value.to_bytes(32, "big")


def public_key(private: bytes) -> str:
    """What the browser takes as applicationServerKey."""
    return encode(_point(_private(private).public_key()))


def vapid_token(private_key: bytes, audience: str, *, subject: str, now: float, ttl: float) -> str:
    """Signed statement of who sends, good for one push service; `now` in seconds since 1970."""
    if not _ORIGIN.fullmatch(audience):
        raise ValueError("the audience is an https origin without a path")
    if not _SUBJECT.fullmatch(subject):
        raise ValueError("the subject is a bare mailto: or https: address")
    if not 0 < ttl <= MAX_TOKEN_SECONDS:
        raise ValueError("a token lives at most 12 hours")
    claims = {"aud": audience, "exp": int(now + ttl), "sub": subject}
    written = json.dumps(claims, separators=(",", ":")).encode()
    signed = _JWT_HEADER + b"." + urlsafe_b64encode(written).rstrip(b"=")
    r, s = decode_dss_signature(_private(private_key).sign(signed, _ES256))
    return f"{signed.decode('ascii')}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


class VapidTokens:
    """One Authorization header per push service, signed anew only when the last grows old."""

    MOST_ORIGINS: Final = 1000

    def __init__(
        self,
        private_key: bytes,
        subject: str,
        *,
        ttl: float = MAX_TOKEN_SECONDS,
        spare: float = 3600,
    ) -> None:
        if not 0 <= spare < ttl:
            raise ValueError("a token is renewed before it ends")
        self._private_key = private_key
        self._subject = subject
        self._ttl = ttl
        self._spare = spare
        self._public_key = public_key(private_key)
        self._held: dict[str, tuple[float, str]] = {}
        self.authorization("https://push.example.net", now=0)  # A bad subject stops the start.
        self._held.clear()

    def authorization(self, origin: str, *, now: float) -> str:
        expires, header = self._held.get(origin, (0.0, ""))
        # The second half is for a clock set back: the old token would end too far ahead.
        if self._spare < expires - now <= self._ttl:
            return header
        # Wildcard hosts let strangers invent origins: what is kept must not grow for ever.
        if len(self._held) >= self.MOST_ORIGINS:
            self._held.clear()
        token = vapid_token(
            self._private_key, origin, subject=self._subject, now=now, ttl=self._ttl
        )
        header = f"vapid t={token}, k={self._public_key}"
        self._held[origin] = (now + self._ttl, header)
        return header


def encrypt(
    plaintext: bytes,
    p256dh: bytes,
    auth: bytes,
    *,
    sender_private: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """Body of one push message, which only this subscription can read.

    Every message has a key pair and a salt of its own (RFC 8291, section 3.1). The two
    arguments for them exist for the examples of the RFC.
    """
    receiver = _receiver(p256dh, auth)
    if salt is None:
        salt = urandom(16)
    elif len(salt) != 16:
        raise ValueError("the salt is 16 bytes")
    sender = ec.generate_private_key(_P256) if sender_private is None else sender_private
    point, keying = _agree(sender, receiver, p256dh, auth)
    return _seal(plaintext, salt, point, keying)


def arm(p256dh: bytes, auth: bytes) -> bytes:
    """All of a message to this subscription but its words: an envelope of 129 bytes.

    It holds the sender's point (65), the keying material (32) and a secret of its own (32). Nine
    tenths of the work of sealing are then done. It is a secret, and serves one message.
    """
    receiver = _receiver(p256dh, auth)
    point, keying = _agree(ec.generate_private_key(_P256), receiver, p256dh, auth)
    return point + keying + urandom(32)


def seal(envelope: bytes, plaintext: bytes) -> bytes:
    """Body of one push message, from an envelope that `arm` made.

    The salt, which RFC 8188 (section 2.1) asks to be unlike any other, comes from the words by the
    envelope's secret. The same words give the same bytes, so that a repeat after a crash is the
    same message; should an envelope ever meet other words, from a copy of the database for
    instance, it would have another key and nonce.
    """
    point, keying, secret = envelope[:65], envelope[65:97], envelope[97:]
    if len(secret) != 32:
        raise ValueError("an envelope is 129 bytes")
    return _seal(plaintext, hmac.digest(secret, plaintext, "sha256")[:16], point, keying)


def push_headers(
    authorization: str, *, ttl: int, urgency: str = "normal", topic: str | None = None
) -> tuple[str, ...]:
    """Header lines that go with a sealed body, the same for all messages to one service."""
    if ttl < 0 or urgency not in _URGENCIES:
        raise ValueError("unknown urgency or negative lifetime")
    lines = [
        f"Authorization: {authorization}",
        f"TTL: {ttl}",
        f"Urgency: {urgency}",
        "Content-Encoding: aes128gcm",
        "Content-Type: application/octet-stream",
    ]
    if topic is not None:
        if not _TOPIC.fullmatch(topic):
            raise ValueError("a topic is 1 to 32 characters of base64url")
        lines.append(f"Topic: {topic}")
    return tuple(lines)


def origin_of(endpoint: str) -> str:
    """Scheme and host of a checked endpoint: what a token and a rate belong to."""
    scheme, _, rest = endpoint.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def check_subscription(
    endpoint: str, p256dh: str, auth: str, allowed_hosts: Iterable[str] = PUSH_HOSTS
) -> None:
    """Raise ValueError unless a message may be sent to this subscription.

    A browser hands these three in, so anyone can: the endpoint must be https, at a push
    service that is named (`host`, `*.domain`, or `host:port`), and the keys must be usable.
    """
    found = _ENDPOINT.fullmatch(endpoint) if len(endpoint) <= 2048 else None
    if not found:
        raise ValueError("the endpoint is not an https address of a push service")
    host, port = found["host"], found["port"] or ""
    if not any(_covers(pattern, host, port) for pattern in allowed_hosts):
        raise ValueError("the endpoint is at no push service that is allowed")
    _receiver(decode(p256dh), decode(auth))


def _covers(pattern: str, host: str, port: str) -> bool:
    named, _, number = pattern.partition(":")
    if port != (f":{number}" if number else ""):
        return False
    if named.startswith("*."):
        return host.endswith(named[1:]) and len(host) > len(named) - 1 and ".." not in host
    return host == named


def _agree(
    sender: ec.EllipticCurvePrivateKey,
    receiver: ec.EllipticCurvePublicKey,
    p256dh: bytes,
    auth: bytes,
) -> tuple[bytes, bytes]:
    """The sender's point, and what both ends can compute (RFC 8291, section 3.3)."""
    point = _point(sender.public_key())
    # HKDF (RFC 5869) written out: every output here fits in one block of SHA-256.
    shared = hmac.digest(auth, sender.exchange(_ECDH, receiver), "sha256")
    return point, hmac.digest(shared, b"WebPush: info\x00" + p256dh + point + b"\x01", "sha256")


def _seal(plaintext: bytes, salt: bytes, point: bytes, keying: bytes) -> bytes:
    if len(plaintext) > MAX_PLAINTEXT:
        raise ValueError(f"a push message holds at most {MAX_PLAINTEXT} bytes")
    seed = hmac.digest(salt, keying, "sha256")
    key = hmac.digest(seed, b"Content-Encoding: aes128gcm\x00\x01", "sha256")[:16]
    nonce = hmac.digest(seed, b"Content-Encoding: nonce\x00\x01", "sha256")[:12]
    # 0x02 ends the last, here the only, record (RFC 8188).
    sealed = AESGCM(key).encrypt(nonce, plaintext + b"\x02", None)
    return b"".join((salt, _RECORD_SIZE_AND_KEY_LENGTH, point, sealed))


def _receiver(p256dh: bytes, auth: bytes) -> ec.EllipticCurvePublicKey:
    if len(auth) != 16:
        raise ValueError("the authentication secret is 16 bytes")
    if len(p256dh) != 65 or p256dh[0] != 4:
        raise ValueError("the receiver's key is an uncompressed point of 65 bytes")
    return ec.EllipticCurvePublicKey.from_encoded_point(_P256, p256dh)


def _private(scalar: bytes) -> ec.EllipticCurvePrivateKey:
    if len(scalar) != 32:
        raise ValueError("a private key is 32 bytes")
    return ec.derive_private_key(int.from_bytes(scalar, "big"), _P256)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
