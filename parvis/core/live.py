"""Pages that change while one looks: server-sent events, one listening connection per process.

`publish` sends a hint in the transaction; the browser then fetches the fragment again through the
ordinary view. A stream holds no database connection and no town: what it may carry was signed by
the page that opened it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import psycopg
from django.conf import settings
from django.core import signing
from django.db import connection

logger = logging.getLogger("parvis.live")
CHANNEL = "parvis_live"
SALT = "parvis.live"
TICKET_HOURS = 24
HEARTBEAT = 20.0
MOST_TICKETS = 8


def publish(municipality_id: int, topic: str) -> None:
    """Tell everyone who watches this topic to look again. Sent on commit, lost on rollback."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, f"{municipality_id}:{topic}"])


def ticket(host: str, municipality_id: int, *topics: str) -> str:
    """Signed right to watch topics of a town from pages of this host; put it in a page's link."""
    return signing.dumps([host, municipality_id, list(topics)], salt=SALT, compress=True)


def link(host: str, municipality_id: int, *topics: str) -> str:
    return f"/live/?t={ticket(host, municipality_id, *topics)}"


class Watchers:
    """Who waits for which topic, in this process."""

    def __init__(self) -> None:
        self.queues: dict[str, set[asyncio.Queue[str]]] = {}
        self.task: asyncio.Task[None] | None = None

    def add(self, keys: list[str]) -> asyncio.Queue[str]:
        queue: asyncio.Queue[str] = asyncio.Queue(maxsize=64)
        for key in keys:
            self.queues.setdefault(key, set()).add(queue)
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self.listen())
        return queue

    def remove(self, keys: list[str], queue: asyncio.Queue[str]) -> None:
        for key in keys:
            waiting = self.queues.get(key, set())
            waiting.discard(queue)
            if not waiting:
                self.queues.pop(key, None)

    def tell(self, key: str) -> None:
        for queue in self.queues.get(key, ()):
            # A full queue already says «look again»; one more would say nothing new.
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(key)

    async def listen(self) -> None:
        """Keep one LISTEN connection; after a break tell everyone, since hints may be lost."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    conninfo(), autocommit=True
                ) as conn:
                    await conn.execute(f"LISTEN {CHANNEL}")
                    for key in list(self.queues):
                        self.tell(key)
                    async for note in conn.notifies():
                        self.tell(note.payload)
            except psycopg.Error as error:
                logger.warning("listening again in 1 s: %s", error)
                await asyncio.sleep(1)


def conninfo() -> str:
    """Connection string of the application's role, for connections outside Django's pool."""
    db = settings.DATABASES["default"]
    parameters = {key: value for key, value in db["OPTIONS"].items() if key != "pool"}
    return psycopg.conninfo.make_conninfo(
        "",
        dbname=db["NAME"],
        user=db["USER"],
        password=db["PASSWORD"],
        host=db["HOST"],
        port=db["PORT"],
        **parameters,
    )


watchers = Watchers()
Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


def keys_of(scope: Scope) -> list[list[str]] | None:
    """Topics that each ticket in this request gives a right to, or None when one gives none."""
    headers = {name.lower(): value for name, value in scope["headers"]}
    host = headers.get(b"host", b"").decode("latin-1")
    given = parse_qs(scope["query_string"].decode("latin-1")).get("t", [""])
    found = []
    for each in given[:MOST_TICKETS]:
        try:
            signed_host, municipality_id, topics = signing.loads(
                each, salt=SALT, max_age=TICKET_HOURS * 3600
            )
        except (signing.BadSignature, ValueError, TypeError):
            return None
        if signed_host != host:
            return None
        found.append([f"{municipality_id}:{topic}" for topic in topics])
    return found


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer /live/: a stream of «look again» for the topics of signed tickets.

    Each says in its `id` which tickets it is for, as they stand in the request.
    """
    tickets = keys_of(scope)
    if tickets is None:
        await send({"type": "http.response.start", "status": 403, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    headers = [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    keys = list(dict.fromkeys(key for each in tickets for key in each))
    queue = watchers.add(keys)
    gone = asyncio.create_task(until_gone(receive))
    try:
        await send_text(send, "retry: 3000\n\n")
        while not gone.done():
            key = ""
            with contextlib.suppress(asyncio.TimeoutError):
                key = await asyncio.wait_for(queue.get(), HEARTBEAT)
            if not key:
                await send_text(send, ": ici\n\n")
                continue
            whose = ",".join(str(nth) for nth, each in enumerate(tickets) if key in each)
            topic = json.dumps(key.split(":", 1)[1])
            await send_text(send, f"event: look\nid: {whose}\ndata: {topic}\n\n")
    except (OSError, RuntimeError):
        pass  # The browser went away while we wrote.
    finally:
        gone.cancel()
        watchers.remove(keys, queue)


async def send_text(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
