"""Plugin of the test run: starts the database before the settings are read (`-p tests.cluster`).

PARVIS_TEST_SERVER=postgresql://superuser:password@host:port/postgres takes a server of one's own.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg

from parvis.core import embedded
from parvis.core.embedded_roles import NAMES, Role, prepare_roles

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("PARVIS_TEST_DATA", ROOT / "var" / "test"))
# WhiteNoise warns when its folder is not there.
(DATA / "static").mkdir(parents=True, exist_ok=True)

OLDEST = 150000


@dataclass(frozen=True)
class OwnServer:
    """A server that somebody else started, with the interface of embedded.Cluster."""

    superuser: str

    def password(self, role: Role) -> str:
        # The same in every process of a run: each of them sets it.
        return hashlib.sha256(f"{role} {self.superuser}".encode()).hexdigest()[:24]

    def dsn(self, role: Role, database: str) -> str:
        parts = urlsplit(self.superuser)
        place = parts.netloc
        if role != "superuser":
            host = place.rpartition("@")[2]
            place = f"{NAMES[role]}:{self.password(role)}@{host}"
        return urlunsplit((parts.scheme, place, f"/{quote(database)}", parts.query, ""))

    def prepare(self) -> None:
        """Make the roles, or stop: their passwords change, which a server in use must not bear."""
        with psycopg.connect(self.dsn("superuser", "postgres")) as conn:
            if conn.info.server_version < OLDEST:
                raise SystemExit("PARVIS_TEST_SERVER: PostgreSQL 15 or newer is needed.")
            in_use = conn.execute(
                "SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = 'parvis_owner' "
                r"AND datname !~ '^(test_parvis|template_|draft_test_parvis)'"
            ).fetchall()
        if in_use:
            raise SystemExit(f"PARVIS_TEST_SERVER: {in_use[0][0]} is there; take another server.")
        roles: tuple[Role, ...] = ("owner", "app", "backup")
        passwords = {role: self.password(role) for role in roles}
        prepare_roles(self.dsn("superuser", "postgres"), "test_parvis", passwords)


def take() -> embedded.Cluster | OwnServer:
    given = os.environ.get("PARVIS_TEST_SERVER", "")
    if not given:
        return embedded.start(DATA, fsync=False, say=lambda sentence: None)
    own = OwnServer(given)
    own.prepare()
    return own


cluster = take()
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
