"""A provider of texts on loopback that speaks Twilio's protocol, and can behave badly.

It keeps what it took, lists it, and can be told to be late, busy, broken, or to take a text and
never say so. Reports and answers are signed as the real one signs them.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter, deque
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from twilio.request_validator import RequestValidator

from parvis.notifications.providers import Provider

TOKEN = "of-the-tests"


class PhoneService:
    """`behave(number, ...)` says what happens to the next texts to this number, in order."""

    def __init__(self, name: str = "principal", **facts):
        self.name = name
        self.taken: list[dict[str, str]] = []
        self.asked: list[str] = []
        self.listed: list[str] = []
        self.plans: dict[str, deque[str]] = {}
        self.always = ""
        self.lists = True
        self.delay = 0.0
        self.lock = threading.Lock()
        service = self

        class Doors(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                """Silence."""

            def do_GET(self):
                service.list_messages(self)

            def do_POST(self):
                service.create(self)

        class Server(ThreadingHTTPServer):
            request_queue_size = 128

        self.server = Server(("127.0.0.1", 0), Doors)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        defaults = {
            "name": name, "account": f"AC{name}", "token": TOKEN, "per_second": 1000.0,
            "routine": "+14185550100", "emergency": "+14185550199", "voice": "+14185550198",
        }  # fmt: skip
        base = f"http://127.0.0.1:{self.server.server_port}"
        self.provider = Provider(base=base, **{**defaults, **facts})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def setting(self) -> str:
        """TELEPHONY for another process."""
        facts = {
            field: getattr(self.provider, field)
            for field in (
                "name", "account", "token", "base", "routine", "emergency", "voice", "per_second",
            )
        }  # fmt: skip
        return json.dumps([facts])

    def behave(self, number: str, *plan: str) -> None:
        self.plans[number] = deque(plan)

    def to(self, number: str) -> list[dict[str, str]]:
        return [one for one in self.taken if one["To"] == number]

    def most_for_one(self) -> int:
        return max(Counter(one["To"] for one in self.taken).values(), default=0)

    # --- the protocol -------------------------------------------------------------------------

    def create(self, door: BaseHTTPRequestHandler) -> None:
        length = int(door.headers.get("Content-Length", 0))
        raw = door.rfile.read(length)
        if len(raw) < length:
            # Whoever asked was killed in the middle: nothing was asked.
            door.close_connection = True
            return None
        text = {key: values[0] for key, values in parse_qs(raw.decode()).items()}
        number = text.get("To", "")
        with self.lock:
            self.asked.append(number)
            plan = self.plans.get(number)
            how = plan.popleft() if plan else self.always
        time.sleep(self.delay)
        word, _, detail = how.partition(":")
        if word == "refuse":
            return self.answer(door, 400, {"code": int(detail), "message": "no", "status": 400})
        if word == "status":
            return self.answer(door, int(detail), {"message": "broken", "code": 20500})
        if word == "busy":
            return self.answer(
                door, 429, {"code": 20429, "message": "slow down"}, {"Retry-After": detail}
            )
        if word == "close":
            return self.hang_up(door)
        if word == "late":
            time.sleep(float(detail))
            with self.lock:
                self.keep(text)
            return self.answer(door, 201, self.taken[-1])
        with self.lock:
            kept = self.keep(text)
        if word == "lost":
            return self.hang_up(door)
        if word == "junk":
            return self.answer(door, 201, None)
        return self.answer(door, 201, kept)

    def keep(self, text: dict[str, str]) -> dict[str, str]:
        sid = f"SM{self.name}{len(self.taken):028d}"
        self.taken.append({"sid": sid, "at": datetime.now(UTC).isoformat(), **text})
        return self.taken[-1]

    # --- calls --------------------------------------------------------------------------------

    def answer_call(self, client, call: dict[str, str], by: str = "human"):
        """Somebody, or a machine, takes the call; what the portal has said."""
        return self.post(client, call["Url"], {"CallSid": call["sid"], "AnsweredBy": by})

    def press(self, client, said, call: dict[str, str], digits: str):
        """Press a key, at the address that the portal gave with its words."""
        action = re.search(r'action="([^"]+)"', said.content.decode())[1].replace("&amp;", "&")
        parts = urlsplit(call["Url"])
        url = f"{parts.scheme}://{parts.netloc}{action}"
        return self.post(client, url, {"CallSid": call["sid"], "Digits": digits})

    def hang_up_call(self, client, call: dict[str, str], status: str, by: str = "", **facts):
        fields = {"CallSid": call["sid"], "CallStatus": status}
        if by:
            fields["AnsweredBy"] = by
        return self.post(client, call["StatusCallback"], fields, **facts)

    def list_messages(self, door: BaseHTTPRequestHandler) -> None:
        query = parse_qs(urlsplit(door.path).query)
        number = query.get("To", [""])[0]
        with self.lock:
            self.listed.append(number)
            found = self.to(number)
        if not self.lists:
            return self.answer(door, 503, {"message": "broken", "code": 20503})
        rows = [
            {
                "sid": one["sid"], "to": one["To"], "body": one["Body"], "status": "sent",
                "date_created": datetime.fromisoformat(one["at"]).strftime(
                    "%a, %d %b %Y %H:%M:%S +0000"
                ),
            }
            for one in found
        ]  # fmt: skip
        return self.answer(door, 200, {"messages": rows, "next_page_uri": None, "page": 0})

    def answer(self, door, status: int, body, headers: dict[str, str] | None = None) -> None:
        raw = b"<html>?" if body is None else json.dumps(body).encode()
        with suppress(OSError):
            door.send_response(status)
            for key, value in (headers or {}).items():
                door.send_header(key, value)
            door.send_header("Content-Type", "application/json")
            door.send_header("Content-Length", str(len(raw)))
            door.end_headers()
            door.wfile.write(raw)

    def hang_up(self, door) -> None:
        door.close_connection = True
        with suppress(OSError):
            door.connection.shutdown(2)

    # --- what it tells us ---------------------------------------------------------------------

    def report(self, client, text: dict[str, str], status: str, code: str = "", **facts):
        """Tell the portal how this text ended, signed (or signed badly)."""
        fields = {"MessageSid": text["sid"], "MessageStatus": status}
        if code:
            fields["ErrorCode"] = code
        return self.post(client, text["StatusCallback"], fields, **facts)

    def bring(self, client, url: str, number: str, words: str, sid: str = "SMin1", **facts):
        """Bring the portal a text that someone sent."""
        fields = {"MessageSid": sid, "From": number, "To": "+14185550100", "Body": words}
        return self.post(client, url, {**fields, **facts.pop("fields", {})}, **facts)

    def post(self, client, url: str, fields: dict[str, str], *, token: str = TOKEN):
        parts = urlsplit(url)
        signature = RequestValidator(token).compute_signature(url, fields)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        return client.post(path, fields, HTTP_HOST=parts.netloc, HTTP_X_TWILIO_SIGNATURE=signature)
