"""A storm of bookings over HTTP while the pages and the database are killed; prints what stands.

Run by test_book.py in a process and on a database cluster of its own: `python -m tests.crash.book
FOLDER KILLS guarded|unguarded`. Every request has a key and is sent again, with the same key,
until it is answered: 302 is an acknowledged booking, 422 a refusal, anything else is no answer.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import random
import re
import signal
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

folder, kills, guarded = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "guarded"
chance = random.Random(7)

from bench.portal import free_port  # noqa: E402
from parvis.core import embedded, embedded_place  # noqa: E402

quiet = {"say": lambda sentence: None}
data = folder / "data"
cluster = embedded.start(data, **quiet)
os.environ.update(
    PARVIS_DEBUG="0", PARVIS_HTTPS="0", SECRET_KEY="of-the-storm", PARVIS_DATA=str(data),
    PARVIS_STATIC=str(folder / "static"), DATABASE_POOLED="0",
    DATABASE_URL=cluster.dsn("app"), DATABASE_OWNER_URL=cluster.dsn("owner"),
    DJANGO_SETTINGS_MODULE="parvis.settings", LOG_LEVEL="CRITICAL",
)  # fmt: skip

import django  # noqa: E402

django.setup()

import psycopg  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from parvis.cli_processes import Child, kill_group  # noqa: E402
from parvis.cli_run import web_child  # noqa: E402
from parvis.core.db import as_town  # noqa: E402
from parvis.municipalities.tests import make as towns  # noqa: E402
from parvis.reservations import weeks  # noqa: E402
from parvis.reservations.tests import make  # noqa: E402
from parvis.residents.tests import make as people  # noqa: E402

LANES = 3
STORM = 60.0
"""Seconds of storm at the most, whatever was killed by then."""
PATIENCE = 30.0
"""Seconds after which a request that nobody answers is counted as such."""
TOKEN = "a" * 32
TAKEN = re.compile("vient d’être prise|reste plus|Il en reste")
REFUSAL = re.compile(r'role="alert".*?</', re.DOTALL)


class Request:
    """What one person asks for with one key, and every answer to it."""

    def __init__(self, cookie: str, facts: dict[str, str]) -> None:
        self.cookie, self.facts = cookie, facts
        self.bookings: set[int] = set()
        self.refused = self.unanswered = False
        self.tries = 0

    def send(self) -> None:
        """Ask until there is an answer."""
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit:
            self.tries += 1
            with suppress(OSError, http.client.HTTPException):
                if self._answered():
                    return
            time.sleep(0.15)
        self.unanswered = True

    def _answered(self) -> bool:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            body = urlencode({**self.facts, "csrfmiddlewaretoken": TOKEN})
            head = {
                "Host": "alma.localhost", "Cookie": f"{self.cookie}; csrf={TOKEN}",
                "Content-Type": "application/x-www-form-urlencoded",
            }  # fmt: skip
            line.request("POST", "/reserver/confirmer/", body, head)
            answer = line.getresponse()
            page = answer.read().decode()
        finally:
            line.close()
        where = re.search(r"/reserver/mes-reservations/(\d+)/", answer.headers["Location"] or "")
        if answer.status == 302 and where:
            self.bookings.add(int(where[1]))
            return True
        if answer.status == 422 and TAKEN.search(unescape(page)):
            self.refused = True
            return True
        statuses[answer.status] += 1
        if answer.status < 500:
            strange.append(f"{answer.status} {REFUSAL.findall(page)[:2]}")
        return False


statuses: Counter[int] = Counter()
"""Answers that are none, by status."""
strange: list[str] = []
requests: list[Request] = []
over = threading.Event()


def lane(number: int) -> None:
    """Two persons who want the same place at the same instant, time after time."""
    pair = cookies[2 * number : 2 * number + 2]
    days = itertools.product(range(3, 400), range(8, 22, 2))
    with ThreadPoolExecutor(2) as both:
        for turn, (day, hour) in enumerate(days):
            if over.is_set():
                return
            when = make.span_on(today + timedelta(days=day), hour)
            # Two want two of the three tables; or one place.
            what = {f"q{tables.pk}": "2"} if turn % 3 == 2 else {"lieu": str(rooms[number].pk)}
            asked = [
                Request(cookie, {
                    **what, "du": weeks.key(when.start), "au": weeks.key(when.end),
                    "key": f"{number}-{turn}-{place}", "seen": "0.00+0.00", "people": "4",
                })
                for place, cookie in enumerate(pair)
            ]  # fmt: skip
            list(both.map(Request.send, asked))
            requests.extend(asked)
            if turn % 4 == 0:
                # An answer that was read twice, or a page sent again.
                list(both.map(Request.send, [one for one in asked if one.bookings]))


def kill_database() -> None:
    """kill -9 of the server and all its children, as a power cut would."""
    for pid in list(embedded_place.processes(embedded_place.home_of(data))):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def kill_web(web: Child) -> None:
    assert web.process is not None
    kill_group(web.process.pid)
    web.process.wait()


def acknowledged() -> int:
    return sum(bool(one.bookings) for one in requests)


def storm(web: Child) -> Counter[str]:
    """Kill in turn the pages, the database, both; each time once bookings are going in again."""
    died: Counter[str] = Counter()
    began, seen = time.monotonic(), 0
    with ThreadPoolExecutor(LANES) as lanes:
        running = [lanes.submit(lane, number) for number in range(LANES)]
        try:
            while sum(died.values()) < kills and time.monotonic() - began < STORM:
                time.sleep(chance.uniform(0.05, 0.4))
                if acknowledged() < seen + 8:
                    continue
                what = ("web", "database", "both")[sum(died.values()) % 3]
                if what != "web":
                    kill_database()
                if what != "database":
                    kill_web(web)
                if what != "web":
                    embedded.start(data, **quiet)
                if what != "database":
                    web.start("storm")
                died[what] += 1
                seen = acknowledged()
            while acknowledged() < seen + 8 and time.monotonic() - began < STORM + 10:
                time.sleep(0.1)
        finally:
            over.set()
        for each in running:
            each.result()
    return died


def unguard() -> None:
    """Take away what keeps a booking: the constraints, the trigger, the flush at commit."""
    with psycopg.connect(cluster.dsn("superuser"), autocommit=True) as conn:
        conn.execute("ALTER TABLE reservations_taking DROP CONSTRAINT unit_taken_once")
        conn.execute("ALTER TABLE reservations_taking DISABLE TRIGGER never_more")
        conn.execute("DROP INDEX one_booking_per_key")
        conn.execute("ALTER SYSTEM SET synchronous_commit = off")
        conn.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
        conn.execute("ALTER SYSTEM SET wal_writer_flush_after = '100MB'")
        conn.execute("SELECT pg_reload_conf()")


def stands() -> dict[str, int]:
    """What the database holds once it is calm, against what was answered."""

    def one(sql: str) -> int:
        row = conn.execute(sql).fetchone()
        return int(row[0]) if row else 0

    answered = {pk for each in requests for pk in each.bookings}
    with psycopg.connect(cluster.dsn("superuser")) as conn:
        held = {
            row[0]
            for row in conn.execute(
                "SELECT id FROM reservations_booking WHERE state = 'confirmed'"
            ).fetchall()
        }
        return {
            "lost": len(answered - held),
            "unasked": len(held - answered),
            "overlaps": one(
                "SELECT count(*) FROM reservations_taking a JOIN reservations_taking b "
                "ON a.unit_id = b.unit_id AND a.id < b.id AND a.blocked && b.blocked "
                "WHERE a.stands AND b.stands"
            ),
            "too_many_tables": one(
                "SELECT count(*) FROM (SELECT sum(b.quantity) AS out FROM reservations_taking a "
                "JOIN reservations_taking b ON b.resource_id = a.resource_id AND b.stands "
                "AND b.blocked @> lower(a.blocked) WHERE a.stands AND a.unit_id IS NULL "
                f"GROUP BY a.id) t WHERE out > {tables.total}"
            ),
            "halves": one(
                "SELECT count(*) FROM reservations_booking b WHERE (SELECT count(*) FROM "
                "reservations_taking t WHERE t.booking_id = b.id AND t.stands) <> 1 OR (SELECT "
                "count(*) FROM municipalities_auditline l WHERE l.deed = 'reservations.booked' "
                "AND (l.facts->>'booking')::bigint = b.id) <> 1"
            ),
            "untold": one(
                "SELECT (SELECT count(*) FROM reservations_booking) - (SELECT count(*) FROM "
                "notifications_message WHERE kind = 'reservations.booked')"
            ),
        }


call_command("migrate", database="owner", verbosity=0)
call_command("collectstatic", interactive=False, verbosity=0)
connections["owner"].close()
town = towns.municipality("alma")
today = timezone.localdate()
cookies = []
with as_town(town.pk):
    rooms = [make.space(town, days_ahead=700) for _lane in range(LANES)]
    tables = make.equipment(town, total=3, days_ahead=700)
    for _person in range(2 * LANES):
        client = people.sign_in(Client(), people.resident(town))
        name = settings.SESSION_COOKIE_NAME
        cookies.append(f"{name}={client.cookies[name].value}")
connections["default"].close()
if not guarded:
    unguard()
port = free_port()
web = web_child("127.0.0.1", port, data=data)
if not guarded:
    web.command = [
        "tests.crash.unguarded:app" if w == "parvis.asgi:app" else w for w in web.command
    ]
began = time.monotonic()
web.start("storm")
try:
    died = storm(web)
    took = time.monotonic() - began
    # Calm again, every page that was acknowledged is sent once more.
    again = [each for each in requests if each.bookings]
    with ThreadPoolExecutor(2 * LANES) as everyone:
        list(everyone.map(Request.send, again))
    found = stands()
finally:
    kill_web(web)
    embedded.stop(data, mode="immediate")
print(  # noqa: T201
    json.dumps(
        {
            "took_s": round(took, 1),
            "asked": len(requests),
            "acknowledged": acknowledged(),
            "refused": sum(each.refused and not each.bookings for each in requests),
            "unanswered": sum(each.unanswered for each in requests),
            "sent_again": sum(each.tries > 1 for each in requests),
            "key_with_two": sum(len(each.bookings) > 1 for each in requests),
            "key_then_refused": sum(each.refused and bool(each.bookings) for each in requests),
            "no_answers": statuses,
            "strange": strange[:3],
            "killed": died,
            **found,
        }
    )
)
