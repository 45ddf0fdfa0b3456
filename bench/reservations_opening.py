"""An opening morning: 5,000 residents ask for 500 places within 60 s, over HTTP.

The real server and a database of its own. Each resident sends the form of the second step, as the
page does in a browser (htmx, compressed), when their turn comes in the minute, whether earlier ones
were answered or not: a server that is late is not spared. Pages looked at before are not counted.
What is measured runs from the moment when a request was due to the end of its answer.
PARVIS_OPENING_RESIDENTS asks fewer, at the same pace for each second (5,000 in 60), over a shorter
time.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import urlencode

from bench.portal import ROOT, free_port
from bench.scratch import scratch_database

NAME = "reservations_opening"
RESIDENTS, PLACES, WINDOW = 5_000, 500, 60.0
PATIENCE = 120.0
"""Seconds after which a request is given up, and counted as never answered."""
AT_ONCE = 1_000
"""Connections that clients hold open at most; beyond it a request waits, and its clock runs."""
TOKEN = "a" * 32
TAKEN = "vient d’être prise".encode()
WORKERS = 2


def asked() -> tuple[int, float]:
    """How many residents, and over how many seconds: the pace is always that of the promise."""
    many = int(os.environ.get("PARVIS_OPENING_RESIDENTS", str(RESIDENTS)))
    return many, WINDOW * many / RESIDENTS


def make_residents(town: Any, many: int) -> list[str]:
    """Residents signed in, as the cookies of their sessions."""
    from datetime import timedelta as length

    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session
    from django.utils import timezone

    from parvis.residents.models import Place, Resident

    now = timezone.now()
    rows = Resident.objects.bulk_create(
        Resident(
            municipality=town, email=f"p{n}@exemple.ca", first_name="Prénom", last_name=f"Nom{n}",
            password="!", joined_at=now,
        )
        for n in range(many)
    )  # fmt: skip
    Place.objects.bulk_create(
        Place(municipality=town, resident=one, kind="home", created_at=now) for one in rows
    )
    store = SessionStore()
    sessions = []
    for one in rows:
        facts = {
            SESSION_KEY: str(one.pk),
            BACKEND_SESSION_KEY: "allauth.account.auth_backends.AuthenticationBackend",
            HASH_SESSION_KEY: one.get_session_auth_hash(),
        }
        sessions.append(
            Session(
                session_key=f"{one.pk:032x}", session_data=store.encode(facts),
                expire_date=now + length(days=1),
            )
        )  # fmt: skip
    Session.objects.bulk_create(sessions, batch_size=1000)
    return [one.session_key for one in sessions]


def make_places(town: Any, many: int) -> list[dict[str, str]]:
    """So many hours of twenty courts, as the form names them."""
    from django.utils import timezone

    from parvis.reservations import weeks
    from parvis.reservations.tests import make

    today = timezone.localdate()
    courts = [make.space(town, f"Terrain {n + 1}", days_ahead=700) for n in range(20)]
    found = []
    for n in range(many):
        court, turn = courts[n % 20], n // 20
        when = make.span_on(today + timedelta(days=3 + turn // 7), 8 + 2 * (turn % 7))
        found.append(
            {"lieu": str(court.pk), "du": weeks.key(when.start), "au": weeks.key(when.end)}
        )
    return found


def read(answer: bytes) -> int:
    """The status of an answer: 302 for a booking made, 422 for a refusal that says why, 0: none."""
    head, _end, body = answer.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1]) if head else 0
    if status == 200 and b"hx-redirect: /reserver/mes-reservations/" in head.lower():
        return 302
    if status == 422 and b"gzip" in head and TAKEN not in gzip.decompress(body):
        return 400
    return status


async def ask(port: int, cookie: str, facts: dict[str, str], due: float) -> tuple[int, float]:
    """One resident's request: the status of its answer (0: none) and the seconds since it was due.

    HTTP written by hand: a client that weighs as much as the server would measure itself.
    """
    body = urlencode({**facts, "csrfmiddlewaretoken": TOKEN}).encode()
    head = (
        "POST /reserver/confirmer/ HTTP/1.1\r\nHost: banc.localhost\r\n"
        f"Cookie: session={cookie}; csrf={TOKEN}\r\nConnection: close\r\nAccept-Encoding: gzip\r\n"
        "HX-Request: true\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    status = 0
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head.encode() + body)
            answer = await reader.read()
            writer.close()
            status = read(answer)
    except (OSError, TimeoutError):
        pass
    return status, time.perf_counter() - due


async def morning(
    port: int, cookies: list[str], places: list[dict[str, str]], window: float
) -> list[tuple[int, float]]:
    """Everyone at a moment of the window that chance chose; places as chance chose them too."""
    chance = random.Random(2026)
    moments = sorted(chance.uniform(0, window) for _one in cookies)
    gate = asyncio.Semaphore(AT_ONCE)
    began = time.perf_counter() + 0.2

    async def one(moment: float, cookie: str, number: int) -> tuple[int, float]:
        await asyncio.sleep(max(0.0, began + moment - time.perf_counter()))
        facts = chance.choice(places) | {"key": f"matin-{number}", "seen": "0.00+0.00"}
        async with gate:
            return await ask(port, cookie, facts | {"people": "4"}, began + moment)

    return await asyncio.gather(
        *(one(m, c, n) for n, (m, c) in enumerate(zip(moments, cookies, strict=True)))
    )


def start_web(data: Path, static: str) -> tuple[Any, int]:
    """The pages as `parvis serve` starts them."""
    import subprocess

    from bench.pages import answers
    from parvis.cli_run import web_child

    os.environ.update(PARVIS_DEBUG="0", DATABASE_POOLED="1", PARVIS_STATIC=static)
    collect = [sys.executable, "-m", "django", "collectstatic", "--noinput", "-v", "0"]
    subprocess.run(collect, cwd=ROOT, check=True)
    port = free_port()
    web = web_child("127.0.0.1", port, data=data, workers=WORKERS)
    web.start("bench")
    limit = time.monotonic() + 60
    while not answers(port):
        if time.monotonic() > limit:
            raise RuntimeError("the pages do not start")
        time.sleep(0.2)
    return web, port


def spent(web: Any) -> float:
    """Processor seconds of the pages' processes so far."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(words[2]) == web.process.pid:  # Its process group.
                total += int(words[11]) + int(words[12])
    return total / ticks


def stands(town: Any) -> tuple[int, int]:
    """Places lent, and pairs of bookings that share one."""
    from django.db import connection

    from parvis.core.db import as_town

    with as_town(town.pk), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM reservations_taking WHERE stands")
        lent = cursor.fetchone()[0]
        cursor.execute(
            "SELECT count(*) FROM reservations_taking a JOIN reservations_taking b ON a.id < b.id "
            "AND a.unit_id = b.unit_id AND a.blocked && b.blocked WHERE a.stands AND b.stands"
        )
        return lent, cursor.fetchone()[0]


def run() -> dict[str, Any]:
    many, window = asked()
    with (
        scratch_database("bench_reservations_opening") as _dsn,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
    ):
        from django.db import connection, connections
        from django.utils import timezone

        from parvis.core.db import as_town
        from parvis.municipalities import actions

        town = actions.open_town(
            slug="banc", name="Ville de Banc", host="banc.localhost", now=timezone.now()
        )
        with as_town(town.pk):
            cookies = make_residents(town, many)
            places = make_places(town, PLACES * many // RESIDENTS)
        with connections["owner"].cursor() as cursor:
            cursor.execute("ANALYZE")
        connections["owner"].close()
        connection.close()
        load = os.getloadavg()[0]
        web, port = start_web(Path(folder), f"{folder}/static")
        try:
            warm = {"lieu": "0", "key": "chaud"}
            for _n in range(4 * WORKERS):
                asyncio.run(ask(port, cookies[0], warm, time.perf_counter()))
            processor = spent(web)
            began = time.perf_counter()
            answers = asyncio.run(morning(port, cookies, places, window))
            took = time.perf_counter() - began
            processor = spent(web) - processor
        finally:
            web.end()
        lent, shared = stands(town)
    statuses = Counter(status for status, _seconds in answers)
    seconds = sorted(s for _status, s in answers)
    p99 = quantiles(seconds, n=100)[-1]
    failures = sum(n for status, n in statuses.items() if status >= 500 or status == 0)
    # Refused in words is an answer; two bookings of one hour, or one more than there are, are not.
    oversold = shared + max(0, lent - len(places))
    return {
        "residents": many,
        "places": len(places),
        "window_s": round(window, 1),
        "opening_p50_s": round(median(seconds), 3),
        "opening_p99_s": round(p99, 3),
        "longest_s": round(seconds[-1], 3),
        "took_s": round(took, 1),
        "answered_per_second": round(many / took, 1),
        "web_ms_per_request": round(1000 * processor / many, 1),
        "reserved": statuses[302],
        "refused": statuses[422],
        "lent": lent,
        "failures": failures,
        "others": {str(k): n for k, n in statuses.items() if k not in {302, 422}},
        "oversold": oversold,
        "lost": statuses[302] - lent,
        "load_before": round(load, 1),
        "promise": "5,000 residents: oversold == 0, failures == 0, opening_p99_s <= 1",
        "kept": many >= RESIDENTS
        and oversold == 0
        and failures == 0
        and statuses[302] == lent
        and p99 <= 1,
    }


if __name__ == "__main__":
    os.chdir(ROOT)
    print(json.dumps(run(), indent=1))
