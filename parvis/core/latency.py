"""How long requests took, by page: counted as each is answered, told to Prometheus by `/metrics`.

Several processes answer the pages; `parvis serve` gives them one folder for their counts
(PROMETHEUS_MULTIPROC_DIR), so that whichever is asked tells of all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from prometheus_client import Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import CollectorRegistry

Next = Callable[[HttpRequest], HttpResponse]
REGISTRY = CollectorRegistry(auto_describe=False)
SECONDS = Histogram(
    "parvis_request_seconds",
    "Time from a request's arrival in Django to its answer",
    ["page", "status"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=REGISTRY,
)


def timed(get_response: Next) -> Next:
    """Count each request by the name of its page, never by its address: that may name someone."""

    def middleware(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = get_response(request)
        match = request.resolver_match
        page = (match.view_name if match else "") or "other"
        status = f"{response.status_code // 100}xx"
        SECONDS.labels(page, status).observe(time.perf_counter() - began)
        return response

    return middleware


def exposition() -> bytes:
    """What all processes of this machine counted, as text for Prometheus."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest(REGISTRY)
    everyone = CollectorRegistry(auto_describe=False)
    MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]
    return generate_latest(everyone)
