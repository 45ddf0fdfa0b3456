"""A push service for tests: it believes nothing, keeps what it accepts, and fails on request."""

import base64
import hashlib
import json
import re
import secrets
import socket
import ssl
import tempfile
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import http_ece
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# drop: no answer, nothing kept. drop_after: kept, but the answer is lost. lie: 201, nothing kept.
Mode = Literal[
    "ok",
    "gone410",
    "notfound404",
    "busy429",
    "error500",
    "slow",
    "drop",
    "drop_after",
    "lie",
    "flaky",
]
MAX_BODY = 4096


class Rejected(Exception):
    """The request breaks a rule of the protocol: the status and the reason of the answer."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True)
class Message:
    body: bytes
    ttl: int
    urgency: str
    topic: str
    sender_key: str
    # Of the ciphertext: the same digest twice is the same bytes sent twice.
    digest: str


@dataclass
class Subscription:
    private: ec.EllipticCurvePrivateKey
    auth: bytes
    sender_key: str | None
    mode: Mode = "ok"
    seconds: float = 0.0
    # Answers of the mode that are still to come; None is for ever.
    times: int | None = None
    requests: int = 0
    messages: list[Message] = field(default_factory=list)


def unpadded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_unpadded(text: str) -> bytes:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        raise ValueError("not base64url")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verify_vapid(authorization: str, *, origin: str, now: float) -> tuple[dict[str, Any], str]:
    """Claims and key of a sender, or Rejected (RFC 8292)."""
    found = re.fullmatch(r"vapid t=([\w-]+)\.([\w-]+)\.([\w-]+), ?k=([\w-]+)", authorization)
    if not found:
        raise Rejected(401, "no vapid credentials")
    head, claims, signature, key = found.groups()
    try:
        if json.loads(from_unpadded(head)).get("alg") != "ES256":
            raise Rejected(401, "not ES256")
        said = json.loads(from_unpadded(claims))
        raw = from_unpadded(signature)
        if len(raw) != 64:
            raise Rejected(401, "signature is not 64 bytes")
        der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_unpadded(key)).verify(
            der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256())
        )
    except (ValueError, InvalidSignature) as error:
        raise Rejected(403, f"bad token: {error}") from error
    if said.get("aud") != origin:
        raise Rejected(403, "aud is another service")
    if not isinstance(said.get("exp"), int) or not now < said["exp"] <= now + 86400:
        raise Rejected(403, "exp is past or more than a day ahead")
    if not re.fullmatch(r"mailto:[^\s<>]+@[^\s<>]+|https://[^\s<>]+", said.get("sub", "")):
        raise Rejected(403, "sub is not a bare address")
    return said, key


class PushService:
    """HTTPS server on the loopback, with an authority of its own (`ca_file`).

    >>> with PushService() as service:
    ...     endpoint, p256dh, auth = service.new_subscription()
    """

    def __init__(self, host: str = "localhost") -> None:
        self._host = host
        self._lock = threading.Lock()
        self._subscriptions: dict[str, Subscription] = {}
        # Every request turned away for a fault of the sender: (status, reason).
        self.faults: list[tuple[int, str]] = []
        # Every message that could be read, kept or not: the sender's point, and the bytes' digest.
        self.sealed: list[tuple[bytes, str]] = []
        self.connections = 0

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="push-service-")
        folder = Path(self._folder.name)
        self.ca_file = str(folder / "ca.pem")
        write_certificates(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem")
        self._server = _Server(self, context)
        self.port: int = self._server.server_address[1]
        self.origin = f"https://{self._host}:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._server.hang_up()
        self._folder.cleanup()

    def new_subscription(self, *, sender_key: str | None = None) -> tuple[str, str, str]:
        """Endpoint, p256dh and auth; with `sender_key`, for that sender alone."""
        private = ec.generate_private_key(ec.SECP256R1())
        auth, name = secrets.token_bytes(16), secrets.token_urlsafe(24)
        with self._lock:
            self._subscriptions[name] = Subscription(private, auth, sender_key)
        point = private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return f"{self.origin}/push/{name}", unpadded(point), unpadded(auth)

    def set_mode(
        self, endpoint: str, mode: Mode, *, seconds: float = 0.0, times: int | None = None
    ) -> None:
        """`seconds`: Retry-After or slowness. `times`: answers until it is ok again."""
        with self._lock:
            subscription = self._subscription(endpoint)
            subscription.mode, subscription.seconds = mode, seconds
            subscription.times = 1 if mode == "flaky" and times is None else times

    def messages(self, endpoint: str) -> list[Message]:
        with self._lock:
            return list(self._subscription(endpoint).messages)

    def requests(self, endpoint: str) -> int:
        with self._lock:
            return self._subscription(endpoint).requests

    def _subscription(self, endpoint: str) -> Subscription:
        return self._subscriptions[endpoint.rpartition("/")[2]]

    def serve(self, handler: "_Handler") -> None:
        """One POST: fault, failure on request, or 201."""
        body = handler.read_body()
        path = urlsplit(handler.path).path
        with self._lock:
            subscription = self._subscriptions.get(path.removeprefix("/push/"))
            if subscription is None or not path.startswith("/push/"):
                return handler.answer(404)
            subscription.requests += 1
            mode, seconds = subscription.mode, subscription.seconds
            if subscription.times is not None and mode != "ok":
                subscription.times -= 1
                if subscription.times <= 0:
                    subscription.mode, subscription.times = "ok", None
        # A sender's fault is told even by a service that is about to fail.
        try:
            message = self._opened(handler, subscription, body)
        except Rejected as rejected:
            with self._lock:
                self.faults.append((rejected.status, rejected.reason))
            return handler.answer(rejected.status, text=rejected.reason)
        if mode == "slow":
            time.sleep(seconds)
        elif mode == "gone410":
            return handler.answer(410)
        elif mode == "notfound404":
            return handler.answer(404)
        elif mode == "busy429":
            return handler.answer(429, {"Retry-After": str(int(seconds))})
        elif mode in ("error500", "flaky"):
            return handler.answer(500, text="internal error")
        elif mode == "drop":
            return handler.vanish()
        if mode != "lie":
            with self._lock:
                # RFC 8030, section 5.4: a topic replaces what is not delivered yet.
                subscription.messages = [
                    m for m in subscription.messages if not m.topic or m.topic != message.topic
                ]
                subscription.messages.append(message)
        if mode == "drop_after":
            return handler.vanish()
        return handler.answer(201, {"Location": f"{self.origin}/message/{secrets.token_hex(8)}"})

    def _opened(self, handler: "_Handler", subscription: Subscription, body: bytes) -> Message:
        headers = handler.headers
        _claims, key = verify_vapid(
            headers.get("Authorization", ""), origin=self.origin, now=time.time()
        )
        if subscription.sender_key not in (None, key):
            raise Rejected(403, "another sender's subscription")
        if not re.fullmatch(r"[0-9]{1,9}", headers.get("TTL", "")):
            raise Rejected(400, "TTL is missing or not a number")
        urgency, topic = headers.get("Urgency", "normal"), headers.get("Topic", "")
        if urgency not in ("very-low", "low", "normal", "high"):
            raise Rejected(400, "unknown urgency")
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,32}", topic):
            raise Rejected(400, "topic is not up to 32 characters of base64url")
        if headers.get("Content-Encoding") != "aes128gcm":
            raise Rejected(415, "not aes128gcm")
        if len(body) > MAX_BODY:
            raise Rejected(413, "over 4096 bytes")
        try:
            plaintext = http_ece.decrypt(
                body, private_key=subscription.private, auth_secret=subscription.auth
            )
        except Exception as error:  # http_ece raises whatever struct and cryptography do
            raise Rejected(400, f"cannot be decrypted: {error!r}") from error
        digest = hashlib.sha256(body).hexdigest()
        with self._lock:
            self.sealed.append((body[21:86], digest))
        return Message(plaintext, int(headers["TTL"]), urgency, topic, key, digest)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Handlers asleep in a slow answer must not hold up the end of a test.
    block_on_close = False
    request_queue_size = 256

    def __init__(self, service: PushService, context: ssl.SSLContext) -> None:
        self.service = service
        self._context = context
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        # In the handler's thread: a client slow to greet delays nobody else.
        try:
            request.settimeout(30)
            with self._context.wrap_socket(request, server_side=True) as secured:
                with self._open_lock:
                    self.service.connections += 1
                    self._open.add(secured)
                try:
                    super().finish_request(secured, client_address)
                finally:
                    with self._open_lock:
                        self._open.discard(secured)
        except OSError:
            pass  # The client went away, or does not trust us: its affair.

    def hang_up(self) -> None:
        with self._open_lock:
            for secured in self._open:
                try:
                    secured.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    disable_nagle_algorithm = True
    # One segment for headers and text.
    wbufsize = -1

    def do_POST(self) -> None:
        self.server.service.serve(self)

    def read_body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > 1_000_000:
            self.close_connection = True
            return b""
        return self.rfile.read(int(length))

    def answer(self, status: int, headers: dict[str, str] | None = None, *, text: str = "") -> None:
        written = text.encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(written)))
        self.end_headers()
        self.wfile.write(written)

    def vanish(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: Any) -> None:
        pass


def write_certificates(folder: Path) -> None:
    """An authority (`ca.pem`) and, signed by it, localhost (`server.pem`, key included)."""
    start = datetime.now(UTC) - timedelta(minutes=5)

    def begun(name: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=2))
        )

    authority, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = begun("Test authority", authority)
    root = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(authority.public_key())
    root = root.add_extension(identifier, critical=False)
    uses = dict.fromkeys(
        ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
         "key_agreement", "encipher_only", "decipher_only"), False,
    )  # fmt: skip
    root = root.add_extension(
        x509.KeyUsage(key_cert_sign=True, crl_sign=True, **uses), critical=True
    )
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    leaf = begun("localhost", server)
    leaf = leaf.add_extension(x509.SubjectAlternativeName(names), critical=False)
    leaf = leaf.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    leaf = leaf.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False
    )
    server_auth = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    leaf = leaf.add_extension(server_auth, critical=False)
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(root.sign(authority, hashes.SHA256()).public_bytes(pem))
    (folder / "server.pem").write_bytes(
        server.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + leaf.sign(authority, hashes.SHA256()).public_bytes(pem)
    )
