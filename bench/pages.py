"""Server time and queries of the resident's home page and of the search, in a full-sized town."""

from __future__ import annotations

import time
from statistics import median, quantiles
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench.town import WORDS, town
from parvis.core.db import as_town
from parvis.residents.models import Resident

NAME = "pages"
ROUNDS = 60


def timed(client: Client, path: str) -> float:
    began = time.perf_counter()
    answer = client.get(path)
    took = time.perf_counter() - began
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status_code}")
    return took * 1000


def run() -> dict[str, Any]:
    """Milliseconds in the process that answers, templates and database included."""
    made = town()
    client = Client(HTTP_HOST=f"{made.slug}.localhost")
    with as_town(made.pk):
        person = Resident.objects.of(made).order_by("pk").first()
        client.force_login(person, backend=settings.AUTHENTICATION_BACKENDS[0])
    for _ in range(5):
        timed(client, "/")
    home = [timed(client, "/") for _ in range(ROUNDS)]
    with CaptureQueriesContext(connection) as queries:
        client.get("/")
    for word in WORDS[:5]:
        timed(client, f"/chercher/?q={word}")
    search = [timed(client, f"/chercher/?q={WORDS[n % len(WORDS)]}") for n in range(ROUNDS)]
    found = {
        "home_ms": round(median(home), 1),
        "home_queries": len(queries),
        "search_p95_ms": round(quantiles(search, n=20)[-1], 1),
    }
    return {
        **found,
        "promise": "home_ms <= 25, home_queries <= 15, search_p95_ms <= 60",
        "kept": found["home_ms"] <= 25
        and found["home_queries"] <= 15
        and found["search_p95_ms"] <= 60,
    }
