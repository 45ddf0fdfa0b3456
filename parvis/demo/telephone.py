"""The demonstration's own provider of texts and calls: keeps them, reports, sends nothing on.

It speaks Twilio's protocol, as far as the portal does. Run as
`python -m parvis.demo.telephone <descriptor of a listening socket> <folder> <portal's port>`.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from email.utils import formatdate
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from twilio.request_validator import RequestValidator

BOOK = "texts.jsonl"
KEPT = 2000
ACCOUNT, TOKEN = "ACdemonstration", "of-the-demonstration"
ROUTINE, EMERGENCY, VOICE = "+14185550190", "+14185550191", "+14185550192"
LANDLINE = "34"
PATIENCE = 30.0
"""Seconds that an invented person takes to press a key."""
FAULTS = {"21": "30003", "34": "30006", "55": "30007", "89": "30005"}
"""Last digits of an invented number → how a text to it ends: proofs have something to show."""


def provider(port: int) -> str:
    """The setting TELEPHONY that leads to it."""
    return json.dumps(
        [
            {
                "name": "demonstration",
                "account": ACCOUNT,
                "token": TOKEN,
                "base": f"http://127.0.0.1:{port}",
                "routine": ROUTINE,
                "emergency": EMERGENCY,
                "voice": VOICE,
                "per_second": 50,
                "price": "0.0083",
            }
        ]
    )


class Book:
    """Texts in both directions, in a file that the pages read."""

    def __init__(self, folder: Path, portal: int) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / BOOK
        self.portal = portal
        self.lock = threading.Lock()
        self.live: dict[str, dict[str, str]] = {}
        """Number → the call that waits for a key there."""
        self.count = len(texts(folder, limit=KEPT))

    def write(self, **facts: str) -> dict[str, str]:
        with self.lock:
            self.count += 1
            line = {
                "sid": f"SM{time.time_ns():016x}{self.count:016d}",
                "at": repr(time.time()),
                **facts,
            }
            with self.path.open("a") as book:
                book.write(json.dumps(line, ensure_ascii=False) + "\n")
            if self.count % 500 == 0:
                kept = self.path.read_text().splitlines()[-KEPT:]
                fresh = self.path.with_suffix(".new")
                fresh.write_text("".join(f"{each}\n" for each in kept))
                os.replace(fresh, self.path)
        return line

    def take(self, fields: Mapping[str, str]) -> dict[str, str]:
        text = self.write(
            way="out",
            number=fields.get("To", ""),
            sender=fields.get("From", ""),
            body=fields.get("Body", ""),
        )
        if callback := fields.get("StatusCallback"):
            threading.Thread(target=self.report, args=(text, callback), daemon=True).start()
        return text

    def report(self, text: Mapping[str, str], callback: str) -> None:
        """A second later, how it ended."""
        time.sleep(1)
        code = FAULTS.get(text["number"][-2:], "")
        fields = {
            "MessageSid": text["sid"],
            "MessageStatus": "undelivered" if code else "delivered",
        }
        if code:
            fields["ErrorCode"] = code
        self.tell(callback, fields)

    def call(self, fields: Mapping[str, str]) -> dict[str, str]:
        sid = f"CA{time.time_ns():032x}"
        threading.Thread(target=self.ring, args=(sid, fields), daemon=True).start()
        return {"sid": sid, "number": fields.get("To", "")}

    def ring(self, sid: str, fields: Mapping[str, str]) -> None:
        """Two seconds later somebody takes it: nobody at some numbers, a machine at others."""
        time.sleep(2)
        number, callback = fields["To"], fields["StatusCallback"]
        if number[-2:] in FAULTS and number[-2:] != LANDLINE:
            self.tell(callback, {"CallSid": sid, "CallStatus": "no-answer"})
            return
        by = "machine_end_beep" if number.endswith("7") else "human"
        said = fields.get("Twiml") or self.tell(fields["Url"], {"CallSid": sid, "AnsweredBy": by})
        call = {"sid": sid, "number": number, "by": by, "callback": callback}
        self.hear({**call, "url": fields.get("Url", callback)}, said)

    def hear(self, call: dict[str, str], said: str) -> None:
        """Keep what was said, and wait for a key where one is asked for."""
        words = " ".join(unescape(each) for each in re.findall(r"<Say[^>]*>(.*?)</Say>", said))
        self.write(way="call", number=call["number"], sender=VOICE, body=words)
        asked = re.search(r'<Gather[^>]*action="([^"]+)"', said)
        if asked is None:
            self.tell(
                call["callback"],
                {"CallSid": call["sid"], "CallStatus": "completed", "AnsweredBy": call["by"]},
            )
            return
        parts = urlsplit(call["url"])
        action = f"{parts.scheme}://{parts.netloc}{unescape(asked[1])}"
        waiting = {**call, "action": action, "turn": str(time.time_ns())}
        with self.lock:
            self.live[call["number"]] = waiting
        threading.Timer(PATIENCE, self.press, (call["number"], "", waiting["turn"])).start()

    def press(self, number: str, digit: str, turn: str = "") -> bool:
        """Press a key in the call that waits at this number; False when none does."""
        with self.lock:
            call = self.live.get(number)
            if call is None or (turn and call["turn"] != turn):
                return False
            del self.live[number]
        if digit:
            self.write(way="in", number=number, sender=VOICE, body=f"Touche {digit}")
        self.hear(call, self.tell(call["action"], {"CallSid": call["sid"], "Digits": digit}))
        return True

    def bring(self, host: str, number: str, sender: str, body: str) -> None:
        """Bring the portal what somebody answered, and keep what it says back."""
        if len(body) == 1 and body.isdecimal() and self.press(number, body):
            return
        text = self.write(way="in", number=number, sender=sender, body=body)
        port = f":{self.portal}"
        url = f"http://{host}{port}/mes-avis/telephone/demonstration/recu/"
        said = self.tell(
            url, {"MessageSid": text["sid"], "From": number, "To": sender, "Body": body}
        )
        for back in re.findall(r"<Message>(.*?)</Message>", said, re.DOTALL):
            self.write(way="out", number=number, sender=sender, body=unescape(back))

    def tell(self, url: str, fields: dict[str, str]) -> str:
        """Post to the portal, signed. Hosts of the demonstration are all on this machine."""
        parts = urlsplit(url)
        signature = RequestValidator(TOKEN).compute_signature(url, fields)
        for _ in range(30):  # The pages may be starting.
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.portal), 1):
                break
            time.sleep(1)
        portal = http.client.HTTPConnection("127.0.0.1", self.portal, timeout=10)
        try:
            portal.request(
                "POST",
                parts.path + (f"?{parts.query}" if parts.query else ""),
                urlencode(fields),
                {
                    "Host": parts.netloc,
                    "Content-Type": "application/x-www-form-urlencoded",
                    "X-Twilio-Signature": signature,
                },
            )
            return portal.getresponse().read().decode("utf-8", "replace")
        except OSError as error:
            sys.stderr.write(f"telephone: the portal does not answer: {error}\n")
            return ""
        finally:
            portal.close()


def texts(folder: Path, *, number: str = "", limit: int = 100) -> list[dict[str, Any]]:
    """The newest texts last, those of one number where one is given."""
    try:
        lines = (folder / BOOK).read_text().splitlines()
    except FileNotFoundError:
        return []
    found = [json.loads(line) for line in lines]
    return [one for one in found if not number or one["number"] == number][-limit:]


def numbers(folder: Path, *, limit: int = 60) -> list[dict[str, Any]]:
    """Each number with its last text, the newest first."""
    last: OrderedDict[str, dict[str, Any]] = OrderedDict()
    for one in reversed(texts(folder, limit=KEPT)):
        last.setdefault(one["number"], one)
    return list(last.values())[:limit]


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True
    book: Book


class Doors(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the portal's own log tells."""

    def fields(self) -> dict[str, str]:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        return {key: values[0] for key, values in parse_qs(raw).items()}

    def do_POST(self) -> None:
        fields, book = self.fields(), self.server.book
        if self.path == "/reponse":
            book.bring(fields["host"], fields["number"], fields["sender"], fields["body"])
            return self.answer(200, {})
        taken = book.call(fields) if "/Calls" in self.path else book.take(fields)
        return self.answer(201, {"sid": taken["sid"], "status": "queued", "to": taken["number"]})

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        found = texts(self.server.book.path.parent, number=query.get("To", [""])[0])
        rows = [
            {
                "sid": one["sid"],
                "to": one["number"],
                "body": one["body"],
                "status": "delivered",
                "date_created": formatdate(float(one["at"])),
            }
            for one in found
            if one["way"] == "out"
        ]
        self.answer(200, {"messages": rows, "next_page_uri": None})

    def answer(self, status: int, body: Any) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def main() -> None:
    listening = socket.socket(fileno=int(sys.argv[1]))
    server = Server(("127.0.0.1", 0), Doors, bind_and_activate=False)
    server.socket.close()
    server.socket = listening
    server.server_address = listening.getsockname()
    server.book = Book(Path(sys.argv[2]), int(sys.argv[3]))
    server.serve_forever()


if __name__ == "__main__":
    main()
