"""A small OpenID Connect provider on loopback, which can be told to lie."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa


@dataclass
class Provider:
    """What it knows, what it was asked, and how it lies."""

    client_id: str = "parvis"
    secret: str = "secret-of-the-client"
    claims: dict[str, Any] = field(
        default_factory=lambda: {
            "sub": "agathe-1",
            "email": "agathe@exemple.ca",
            "email_verified": True,
            "given_name": "Agathe",
            "family_name": "Tremblay",
        }
    )
    lies: dict[str, Any] = field(default_factory=dict)
    """Claims of the token to change; also: signed_by_another, userinfo, down, no_key."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    url: str = ""
    while_asked: Callable[[], None] = lambda: None
    """Run before each answer, while the application waits for it."""
    key: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )

    def consent(self, authorize_url: str) -> str:
        """The person agrees at the authorization page: the URL their browser goes back to."""
        asked = {key: values[0] for key, values in parse_qs(urlsplit(authorize_url).query).items()}
        assert asked["client_id"] == self.client_id
        assert asked["code_challenge_method"] == "S256"
        assert asked["nonce"]
        code = secrets.token_urlsafe(12)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?code={code}&state={asked['state']}"

    def id_token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": self.client_id,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.claims,
            **{key: value for key, value in self.lies.items() if key in CLAIMS},
        }
        if self.lies.get("unsigned"):
            return jwt.encode(claims, None, algorithm="none", headers={"kid": "one"})
        key = self.key
        if self.lies.get("signed_by_another"):
            key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": "one"})

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        self.calls.append(path)
        self.while_asked()
        if self.lies.get("down") == path:
            return 503, {"error": "down"}
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "jwks_uri": f"{self.url}/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            }
        if path == "/keys":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
            return 200, {"keys": [{**public, "kid": "one", "use": "sig", "alg": "RS256"}]}
        if path == "/userinfo":
            return 200, {**self.claims, **self.lies.get("userinfo", {})}
        if path == "/token":
            return self.exchange(form)
        return 404, {}

    def exchange(self, form: dict[str, str]) -> tuple[int, Any]:
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or form.get("client_secret") != self.secret:
            return 400, {"error": "invalid_grant"}
        proof = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(proof).rstrip(b"=").decode() != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        token = {"access_token": "a", "token_type": "Bearer", "expires_in": 300}
        return 200, token | {"id_token": self.id_token(asked)}


CLAIMS = {"nonce", "exp", "iss", "aud", "sub"}


@contextmanager
def standing() -> Iterator[Provider]:
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.reply({key: values[0] for key, values in parse_qs(body).items()})

        def reply(self, form: dict[str, str]) -> None:
            status, found = provider.answer(urlsplit(self.path).path, form)
            content = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    provider.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
