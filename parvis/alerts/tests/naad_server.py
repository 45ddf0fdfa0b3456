"""A distributor of the tests' own on loopback: streams, heartbeats, an archive, and its moods."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from parvis.alerts.cap_signature import sign
from parvis.alerts.cap_values import Reference
from parvis.alerts.naad import archive_address
from parvis.alerts.tests.make import FLOOD
from parvis.alerts.tests.signing import TOWN, TOWN_KEY

ZONE = timezone(timedelta(hours=-4))
BEGIN = datetime(2026, 4, 19, 5, 12, tzinfo=ZONE)
SENDER = "securite@val-des-brumes.example"
EARLIER = f"{SENDER},urn:oid:2.49.0.1.124.0041,2026-04-19T03:00:00-04:00"


def stamp(minute: int) -> str:
    return (BEGIN + timedelta(minutes=minute)).isoformat()


def named(number: int) -> Reference:
    return Reference(SENDER, f"2.49.0.1.124.{number:04d}", stamp(number))


def triple(number: int) -> str:
    one = named(number)
    return f"{one.sender},{one.identifier},{one.sent}"


def unsigned(number: int, *, follows: int | None = None, text: str = "") -> bytes:
    """The sample under another number: an Alert, or an Update of another one."""
    words = (
        FLOOD.replace("urn:oid:2.49.0.1.124.0042", named(number).identifier)
        .replace("<sent>2026-04-19T05:12:00-04:00", f"<sent>{stamp(number)}")
        .replace("<expires>2026-04-20", "<expires>2026-04-21")
    )
    if follows is None:
        words = words.replace("Update", "Alert").replace(
            f"  <references>{EARLIER}</references>\n", ""
        )
    else:
        words = words.replace(EARLIER, triple(follows))
    return words.replace("L’eau atteint", text or "L’eau atteint").encode()


def message(number: int, **facts) -> bytes:
    return sign(unsigned(number, **facts), key=TOWN_KEY, certificate=TOWN).rstrip()


def heartbeat(*numbers: int) -> bytes:
    triples = " ".join(map(triple, numbers))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>beat</identifier>'
        f"<sender>NAADS-Heartbeat</sender><sent>{BEGIN.isoformat()}</sent><status>System</status>"
        "<msgType>Alert</msgType><scope>Public</scope>"
        f"<references>{triples}</references></alert>"
    ).encode()


class Distributor:
    """Accepts connections, says what it is told to each of them, and cuts them."""

    def __init__(self, port: int = 0) -> None:
        self.listener = socket.create_server(("127.0.0.1", port), reuse_port=False)
        self.port = self.listener.getsockname()[1]
        self.lines: list[socket.socket] = []
        self.accepted = 0
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    @property
    def source(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                line, _peer = self.listener.accept()
            except OSError:
                return
            with self.changed:
                self.lines.append(line)
                self.accepted += 1
                self.changed.notify_all()

    def joined(self, times: int = 1) -> None:
        """Wait until so many connections were made in all."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.accepted >= times, timeout=20)

    def say(self, octets: bytes, *, pieces: int = 0) -> None:
        for line in list(self.lines):
            with suppress(OSError):
                if pieces:
                    for start in range(0, len(octets), pieces):
                        line.sendall(octets[start : start + pieces])
                else:
                    line.sendall(octets)

    def cut(self) -> None:
        for line in self.lines:
            line.close()
        self.lines.clear()

    def close(self) -> None:
        self.cut()
        # An accept under way is not woken by closing alone.
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)


class Web:
    """Files by path, each an answer of its own making; counts what was asked."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[str] = []
        web = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.asked.append(self.path)
                held = web.files.get(self.path)
                if callable(held):
                    return held(self)
                if held is None:
                    return self.send_error(404)
                etag = f'"{hash(held)}"'
                if self.headers.get("If-None-Match") == etag:
                    self.send_response(304)
                    return self.end_headers()
                self.send_response(200)
                self.send_header("ETag", etag)
                self.send_header("Content-Length", str(len(held)))
                self.end_headers()
                self.wfile.write(held)

            def log_message(self, *_said: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def keep(self, number: int, content: bytes) -> str:
        """In the archive, where the distributor would keep it."""
        path = archive_address(self.base, named(number)).removeprefix(self.base)
        self.files[path] = content
        return path

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)
