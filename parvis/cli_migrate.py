"""`parvis migrate`, and the collecting of static files: what comes before a start."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from parvis.cli_place import Stop, say

# One migration at a time, on however many machines it is asked for.
LOCK = 7302
LOCK_TIMEOUT = "5s"
PATIENCE = 300


def waiting_migrations() -> list[str]:
    from django.db import connections
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connections["owner"])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def migrate() -> int:
    """Bring the tables up to date as their owner; answer how many migrations were applied.

    A migration that waits behind a long transaction gives up after five seconds, rather than hold
    up every request behind itself.
    """
    from django.core.management import call_command
    from django.db import OperationalError, connections

    owner = connections["owner"]
    waiting = waiting_migrations()
    if not waiting:
        owner.close()
        return 0
    say(f"Mise à jour de la base de données ({len(waiting)} étapes)…")
    began = time.monotonic()
    with owner.cursor() as cursor:
        while True:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
            if cursor.fetchone()[0]:
                break
            if time.monotonic() - began > PATIENCE:
                raise Stop("Une autre mise à jour de la base de données ne se termine pas.")
            time.sleep(0.5)
        cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
    try:
        call_command("migrate", database="owner", verbosity=0, interactive=False)
    except OperationalError as error:
        raise Stop(
            f"La mise à jour de la base de données n’a pas abouti\u00a0: {error}. "
            "Rien n’est perdu\u202f; recommencez à une heure calme."
        ) from error
    finally:
        # Closing ends the session, and with it the lock.
        owner.close()
    say(f"Base de données à jour ({time.monotonic() - began:.1f}\u00a0s).")
    return len(waiting)


def _sources_digest() -> str:
    from django.conf import settings
    from django.contrib.staticfiles.finders import get_finders

    digest = hashlib.sha256(str(settings.STORAGES["staticfiles"]).encode())
    for finder in get_finders():
        for path, storage in finder.list([]):
            found = os.stat(storage.path(path))
            digest.update(f"{path} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def collect_static() -> None:
    """Copy, fingerprint and compress style sheets, scripts and fonts, unless they stand already."""
    from django.conf import settings
    from django.core.management import call_command

    root = Path(settings.STATIC_ROOT)
    stamp, digest = root / ".collected", _sources_digest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    say("Préparation des feuilles de style et des polices…")
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(digest)
