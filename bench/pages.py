"""Server time and queries of a signed-in resident's pages and of the search, in a full-sized town.

Wall time is what is promised, and what a busy machine spoils; processor time of the process that
answers stands beside it. The last figures come through the real server.
"""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from bench.portal import ROOT, free_port
from bench.scratch import scratch_database

NAME = "pages"
ROUNDS = 60
PATIENCE = 60.0


def rounds(get: Callable[[str], int], paths: list[str]) -> tuple[list[float], list[float]]:
    """Milliseconds by the clock and of the processor, for each visit in turn."""
    walls, processors = [], []
    for n in range(ROUNDS):
        path = paths[n % len(paths)]
        wall, processor = time.perf_counter(), time.process_time()
        status = get(path)
        processors.append((time.process_time() - processor) * 1000)
        walls.append((time.perf_counter() - wall) * 1000)
        if status != 200:
            raise RuntimeError(f"{path}: {status}")
    return walls, processors


def count_queries(get: Callable[[str], int], path: str) -> int:
    """The statements of one visit, the one that sets the town included."""
    from django.db import connection

    statements: list[str] = []

    def note(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        statements.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        get(path)
    return len(statements)


@contextmanager
def server() -> Iterator[int]:
    """The pages as production serves them: granian, the pool, compressed and hashed files."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "PARVIS_DEBUG": "0",
            "DATABASE_POOLED": "1",
            "PARVIS_STATIC": f"{folder}/static",
        }
        subprocess.run(
            [sys.executable, "-m", "django", "collectstatic", "--noinput", "-v", "0"],
            env=environment, cwd=ROOT, check=True,
        )  # fmt: skip
        with open(Path(folder) / "log", "w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "granian", "parvis.asgi:app", "--interface", "asgi"]
                + ["--port", str(port), "--workers", "1", "--no-ws", "--log-level", "warning"],
                env=environment, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            limit = time.monotonic() + PATIENCE
            while not answers(port):
                if process.poll() is not None or time.monotonic() > limit:
                    raise RuntimeError((Path(folder) / "log").read_text())
                time.sleep(0.2)
            yield port
        finally:
            process.terminate()
            process.wait(20)


def answers(port: int) -> bool:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        line.request("GET", "/healthz")
        return line.getresponse().status == 200
    except OSError:
        return False
    finally:
        line.close()


def through_the_server(host: str, cookie: str, words: list[str]) -> dict[str, Any]:
    """The same visits over one HTTP connection, compression included."""
    head = {"Host": host, "Cookie": cookie, "Accept-Encoding": "gzip"}
    with server() as port:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

        def get(path: str) -> int:
            line.request("GET", path, headers=head)
            answer = line.getresponse()
            answer.read()
            return answer.status

        searches = [f"/chercher/?q={word}" for word in words]
        for path in ["/"] * 20 + searches[:8]:
            get(path)
        home, _processor = rounds(get, ["/"])
        search, _processor = rounds(get, searches)
        line.close()
    return {
        "home_ms": round(median(home), 1),
        # What the machine does when nothing else asks for it.
        "home_best_tenth_ms": round(quantiles(home, n=10)[0], 1),
        "search_p95_ms": round(quantiles(search, n=20)[-1], 1),
    }


def run() -> dict[str, Any]:
    # As in production: a connection is kept from one visit to the next.
    with scratch_database("bench_pages", pooled=True):
        return measure()


def measure() -> dict[str, Any]:
    from urllib.parse import quote

    from django.conf import settings
    from django.test import Client

    from bench.town import WORDS, town
    from parvis.announcements.models import Announcement
    from parvis.core.db import as_town
    from parvis.residents.models import Resident

    made = town()
    host = f"{made.slug}.localhost"
    client = Client(HTTP_HOST=host)
    with as_town(made.pk):
        person = Resident.objects.of(made).order_by("pk").first()
        client.force_login(person, backend=settings.AUTHENTICATION_BACKENDS[0])
        one = Announcement.objects.of(made).filter(takes_force=True).first()
        address = one.get_absolute_url() if one else "/avis/"

    def get(path: str) -> int:
        return client.get(path).status_code

    words = [quote(word) for word in WORDS]
    pages = {"home": "/", "list": "/avis/", "announcement": address, "mine": "/mes-avis/"}
    found: dict[str, Any] = {}
    for name, path in pages.items():
        for _ in range(5):
            get(path)
        walls, processors = rounds(get, [path])
        found[f"{name}_ms"] = round(median(walls), 1)
        found[f"{name}_cpu_ms"] = round(median(processors), 1)
        found[f"{name}_queries"] = count_queries(get, path)
    searches = [f"/chercher/?q={word}" for word in words]
    rounds(get, searches)
    walls, processors = rounds(get, searches)
    found["search_p95_ms"] = round(quantiles(walls, n=20)[-1], 1)
    found["search_cpu_ms"] = round(median(processors), 1)
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    found["served"] = served = through_the_server(host, cookie, words)
    return {
        **found,
        "load": round(os.getloadavg()[0], 1),
        "promise": "served: home_ms <= 25, search_p95_ms <= 60; home_queries <= 15",
        "kept": served["home_ms"] <= 25
        and found["home_queries"] <= 15
        and served["search_p95_ms"] <= 60,
    }
