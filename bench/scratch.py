"""A database for one benchmark, made before and dropped after."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def scratch_database(name: str, *, pooled: bool = False) -> Iterator[Any]:
    """Answer a function that gives the connection string of a role («app», «owner»).

    Sets Django up on it, as the application's role: the wall stands, as in production.
    """
    import psycopg

    sys.path.insert(0, str(ROOT))
    from parvis.core import embedded

    data = Path(os.environ.get("PARVIS_BENCH_DATA", ROOT / "var" / "bench"))
    data.mkdir(parents=True, exist_ok=True)
    cluster = embedded.start(data, say=lambda sentence: None)
    superuser = cluster.dsn("superuser", "postgres")
    with psycopg.connect(superuser, autocommit=True) as conn:
        conn.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    embedded.prepare_database(superuser, name)
    os.environ.update(
        DJANGO_SETTINGS_MODULE="parvis.settings",
        PARVIS_DEBUG="1",
        PARVIS_HTTPS="0",
        PARVIS_DATA=str(data / name),
        SECRET_KEY="secret-of-the-bench",
        DATABASE_POOLED=str(int(pooled)),
        DATABASE_URL=cluster.dsn("app", name),
        DATABASE_OWNER_URL=cluster.dsn("owner", name),
    )
    import django
    from django.conf import settings

    django.setup()
    settings.DEBUG = False  # Django keeps every query when it is on.
    from django.core.management import call_command
    from django.db import connections

    try:
        call_command("migrate", database="owner", verbosity=0)
        yield lambda role: cluster.dsn(role, name)
    finally:
        connections.close_all()
        with psycopg.connect(superuser, autocommit=True) as conn:
            conn.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        embedded.stop(data)
