"""What a request may claim, and what of an answer may be kept."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.test import Client

from parvis import asgi


def ask(path: str, headers: list[tuple[bytes, bytes]]) -> int:
    """Status of a request that comes through the server's own door, from this machine."""
    scope = {
        "type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers,
        "http_version": "1.1", "scheme": "http", "client": ("127.0.0.1", 5000),
    }  # fmt: skip
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    # In a thread of its own: the browser of other tests keeps a loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(asgi.app(scope, receive, send))).result()
    return int(sent[0]["status"])


@pytest.mark.django_db(transaction=True)
def test_a_header_that_only_looks_like_the_proxys_is_not_heard():
    # The measures are for this very machine, and for nobody whom a proxy speaks for.
    assert ask("/metrics", [(b"x-forwarded-for", b"192.0.2.7")]) == 403
    assert ask("/metrics", [(b"x_forwarded_for", b"192.0.2.7")]) == 200


@pytest.mark.django_db
def test_a_page_that_gives_its_first_cookie_is_not_kept_by_a_shared_cache(town):
    first = Client(headers={"host": "alma.localhost"}).get("/bureau/invitation/jeton/")
    assert first.cookies
    assert first["Cache-Control"] == "private, no-store"
