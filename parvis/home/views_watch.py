"""What monitors and robots ask: alive, ready, how the work goes, where to report."""

from __future__ import annotations

import hmac
import ipaddress
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from parvis.core import latency
from parvis.home import measures
from parvis.residents.http import TownRequest

_migrated = False


def _text(content: str, status: int = 200) -> HttpResponse:
    response = HttpResponse(content, content_type="text/plain; charset=utf-8", status=status)
    response.headers["Cache-Control"] = "no-store"
    return response


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return _text("ok\n")


@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    """The database answers, and every migration has run."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        waiting = _waiting_migrations()
    except DatabaseError:
        return _text("database: away\n", 503)
    if waiting:
        return _text(f"migrations: {waiting} waiting\n", 503)
    return _text("ready\n")


def _waiting_migrations() -> int:
    """Looked up until none is left; a process never sees its own migrations undone."""
    global _migrated
    if _migrated:
        return 0
    executor = MigrationExecutor(connection)
    waiting = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    _migrated = waiting == 0
    return waiting


def may_measure(request: HttpRequest) -> bool:
    """Whoever has the token; without one configured, only this very machine."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    # Behind a proxy everyone comes from the loopback address, and says whom it speaks for.
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


@login_not_required
def metrics(request: HttpRequest) -> HttpResponse:
    if not may_measure(request):
        raise PermissionDenied
    response = HttpResponse(
        measures.exposition(now=timezone.now()) + latency.exposition(),
        content_type="text/plain; version=0.0.4; charset=utf-8",
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@login_not_required
def robots(request: TownRequest) -> HttpResponse:
    closed = ("/bureau/", "/compte/", "/moi/", "/mes-avis/", "/live/", "/chercher/")
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in closed)]
    if request.municipality.demonstration:
        lines = ["User-agent: *", "Disallow: /"]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@login_not_required
def security(request: TownRequest) -> HttpResponse:
    """Where to report a weakness (RFC 9116)."""
    town = request.municipality
    contact = town.contact_email or town.privacy_email
    lines = [f"Contact: mailto:{contact}"] if contact else []
    lines += [
        f"Contact: {request.scheme}://{request.get_host()}/aide/",
        f"Expires: {(timezone.now() + timedelta(days=180)).strftime('%Y-%m-%dT00:00:00Z')}",
        "Preferred-Languages: fr, en",
        f"Canonical: {request.scheme}://{request.get_host()}/.well-known/security.txt",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
