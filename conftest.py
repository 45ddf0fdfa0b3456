"""The test suite runs on a real PostgreSQL, as the application's role: the wall always stands.

The owner creates and migrates a template once for each state of the migrations; every run (and
every pytest-xdist worker) gets a copy. Only cleaning after a transactional test uses the owner.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.cluster import cluster, name

ROOT = Path(__file__).parent


def migrations_digest() -> str:
    files = sorted((ROOT / "parvis").glob("*/migrations/*.py")) + [ROOT / "requirements.txt"]
    files.append(ROOT / "parvis/core/db.py")
    digest = hashlib.sha256()
    for file in files:
        if file.exists():
            digest.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    return digest.hexdigest()[:12]


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker) -> Iterator[None]:
    from django.core.management import call_command
    from django.db import connections

    from parvis.core import embedded

    template = f"template_{migrations_digest()}"
    with psycopg.connect(cluster.dsn("superuser", "postgres"), autocommit=True) as conn:
        conn.execute("SELECT pg_advisory_lock(7300)")
        found = conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", [template]).fetchone()
        if not found:
            for (old,) in conn.execute(
                "SELECT datname FROM pg_database WHERE datname LIKE 'template\\_%' "
                "AND datname NOT IN ('template0', 'template1')"
            ).fetchall():
                conn.execute(f'DROP DATABASE IF EXISTS "{old}" WITH (FORCE)')
            draft = f"draft_{name}"
            conn.execute(f'DROP DATABASE IF EXISTS "{draft}" WITH (FORCE)')
            embedded.prepare_database(cluster.dsn("superuser", "postgres"), draft)
            settings_dict = connections["owner"].settings_dict
            settings_dict["NAME"] = draft
            with django_db_blocker.unblock():
                call_command("migrate", database="owner", verbosity=0)
                connections["owner"].close()
            settings_dict["NAME"] = name
            conn.execute(f'ALTER DATABASE "{draft}" RENAME TO "{template}"')
        conn.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        conn.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER parvis_owner')
        conn.execute(f'GRANT CONNECT ON DATABASE "{name}" TO parvis_app, parvis_backup')
    yield
    with django_db_blocker.unblock():
        connections.close_all()
    with psycopg.connect(cluster.dsn("superuser", "postgres"), autocommit=True) as conn:
        conn.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def empty_all_tables() -> None:
    """What Django's flush would do; the application's role may not TRUNCATE."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as conn:
        tables = [
            row[0]
            for row in conn.execute(
                "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' "
                "AND tablename NOT IN "
                "('django_migrations', 'django_content_type', 'auth_permission')"
            )
        ]
        for left in reversed(range(20)):
            # A portal of a journey may still be answering its last requests.
            try:
                conn.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE")
                return
            except psycopg.errors.DeadlockDetected:
                if not left:
                    raise


@pytest.fixture(autouse=True, scope="session")
def _flush_as_owner() -> None:
    from django.test import TransactionTestCase

    TransactionTestCase._fixture_teardown = lambda self: empty_all_tables()


@pytest.fixture
def town(db):
    """The town that most tests are about, set for the length of the test."""
    from parvis.core.db import as_town
    from parvis.municipalities.tests import make

    municipality = make.municipality("alma")
    with as_town(municipality.pk):
        yield municipality


@pytest.fixture
def other_town(db):
    """A second town, not set: its rows exist and must never be seen."""
    from parvis.municipalities.tests import make

    return make.municipality("isle")


@pytest.fixture(scope="session")
def browser():
    """One Chromium for all tests of this process: Playwright runs once in a thread."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=os.environ.get("PARVIS_CHROMIUM", "/usr/bin/chromium"),
            args=[
                "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--host-resolver-rules=MAP *.localhost 127.0.0.1",
            ],
        )  # fmt: skip
        yield chromium
        chromium.close()
