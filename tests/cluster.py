"""Plugin of the test run: starts the database before the settings are read (`-p tests.cluster`)."""

from __future__ import annotations

import os
from pathlib import Path

from parvis.core import embedded

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("PARVIS_TEST_DATA", ROOT / "var" / "test"))
# WhiteNoise warns when its folder is not there.
(DATA / "static").mkdir(parents=True, exist_ok=True)

cluster = embedded.start(DATA, fsync=False, say=lambda sentence: None)
name = f"test_parvis_{os.environ.get('PYTEST_XDIST_WORKER', '')}{os.getpid()}"

os.environ.update(
    PARVIS_DEBUG="1",
    PARVIS_TESTS="1",
    PARVIS_HTTPS="0",
    PARVIS_DATA=str(DATA / "run" / name),
    PARVIS_STATIC=str(DATA / "static"),
    SECRET_KEY="secret-of-the-tests",
    DATABASE_POOLED="0",
    DATABASE_URL=cluster.dsn("app", name),
    DATABASE_OWNER_URL=cluster.dsn("owner", name),
    PARVIS_BACKUP_URL=cluster.dsn("backup", name),
    # The synchronous Playwright runs an event loop in the test's thread, beside the ORM.
    DJANGO_ALLOW_ASYNC_UNSAFE="1",
)
