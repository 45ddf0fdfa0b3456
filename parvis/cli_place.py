"""Where an instance keeps its data, its secret and its database: set before Django is loaded."""

from __future__ import annotations

import fcntl
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from parvis.core import embedded

ROOT = Path(__file__).resolve().parent.parent


class Stop(Exception):
    """The command cannot go on; the message is a sentence for whoever typed it."""


def say(sentence: str) -> None:
    print(sentence, flush=True)


def default_data(*, demo: bool = False) -> Path:
    """PARVIS_DATA, or where this kind of instance lives on this machine."""
    given = os.environ.get("PARVIS_DATA")
    if given:
        return Path(given)
    if demo:
        return Path("var") / "demo"
    if os.geteuid() == 0:
        return Path("/var/lib/parvis/data")
    return Path.home() / ".local" / "share" / "parvis"


def secret_key(data: Path) -> str:
    """The instance's own secret, made once and readable by its account alone."""
    path = data / "secrets" / "secret_key"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50))
    return path.read_text().strip()


@contextmanager
def instance(data: Path, *, stop_database: bool = True) -> Iterator[Path]:
    """Set the environment of this instance, its database running; stop the latter when last out.

    Several commands may use one embedded database at once: each holds a shared lock, and who can
    turn it into an exclusive one is alone.
    """
    data = data.resolve()
    data.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    os.environ["PARVIS_DATA"] = str(data)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "parvis.settings")
    if not (os.environ.get("SECRET_KEY") or os.environ.get("SECRET_KEY_FILE")):
        os.environ["SECRET_KEY"] = secret_key(data)
    os.environ.setdefault("PARVIS_STATIC", str(data / "static"))
    if os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE"):
        yield data
        return
    with open(os.open(data / ".users.lock", os.O_RDWR | os.O_CREAT, 0o600), "r+") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            cluster = embedded.start(data, say=say)
            os.environ.update(
                DATABASE_URL=cluster.dsn("app"),
                DATABASE_OWNER_URL=cluster.dsn("owner"),
                PARVIS_BACKUP_URL=cluster.dsn("backup"),
            )
            yield data
        finally:
            for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "PARVIS_BACKUP_URL"):
                os.environ.pop(name, None)
            with suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if stop_database:
                    embedded.stop(data)


def load_django() -> None:
    import django

    django.setup()


def close_connections() -> None:
    """Let go of the database before it stops: a pool would try to come back to it."""
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        connection.close()
        pool = getattr(connection, "close_pool", None)
        if pool is not None and connection.alias == "default":
            pool()


def fail(sentence: str) -> int:
    print(sentence, file=sys.stderr, flush=True)
    return 1
