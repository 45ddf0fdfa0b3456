"""One origin: streams are answered natively, everything else by Django in a pool of threads."""

import os
from typing import Any

from a2wsgi import WSGIMiddleware
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "parvis.settings")
pages = WSGIMiddleware(get_wsgi_application(), workers=8)  # type: ignore[arg-type]

from parvis.core import live  # noqa: E402 - Django must be set up before
from parvis.core.live import Receive, Scope, Send  # noqa: E402


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["type"] == "http" and scope["path"].startswith("/live/"):
        await live.app(scope, receive, send)
    else:
        await pages(unambiguous(scope), as_coroutine(receive), send)  # type: ignore[arg-type]


def unambiguous(scope: Scope) -> Scope:
    """Without headers such as X_Forwarded_For, which WSGI cannot tell from X-Forwarded-For.

    A proxy overwrites the one that it knows and lets a stranger's other one through.
    """
    headers = scope.get("headers", ())
    return {**scope, "headers": [each for each in headers if b"_" not in each[0]]}


def as_coroutine(receive: Receive) -> Receive:
    """What a2wsgi needs to read a body: granian's own `receive` is awaitable, not a coroutine."""

    async def received() -> dict[str, Any]:
        message: dict[str, Any] = await receive()
        return message

    return received


async def lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await send({"type": "lifespan.shutdown.complete"})
            return
