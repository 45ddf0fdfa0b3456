"""`parvis backup` and `parvis restore`: the whole instance in one file, and back.

The file holds the database (pg_dump, as the backup role), the files, the heads of the audit trails
and the secrets. Its manifest counts the rows and names the walls, which a restore must find again.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from parvis.cli_place import Stop, instance, say
from parvis.core import embedded

FORMAT = 1
FOLDERS = ("files", "audit", "secrets")
FLEETING = (
    "django_session", "core_cache", "notifications_envelope", "notifications_envelopeblock"
)  # fmt: skip
"""Left empty: a session's key lets whoever reads it in, counters of attempts end in minutes, and an
envelope serves once, here."""
DUMP, MANIFEST = "database.dump", "manifest.json"
COUNTED = """
    SELECT c.relname, c.relforcerowsecurity FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') ORDER BY 1
"""


def url(name: str) -> str:
    """A connection string of the environment, or of the file that it points to."""
    path = os.environ.get(f"{name}_FILE")
    return Path(path).read_text().strip() if path else os.environ.get(name, "")


def backup_url() -> str:
    found = url("PARVIS_BACKUP_URL")
    if not found:
        raise Stop(
            "PARVIS_BACKUP_URL manque\u00a0: donnez la connexion du rôle de sauvegarde "
            "(parvis_backup). Les autres rôles ne voient pas toutes les lignes."
        )
    return found


def program(name: str, dsn: str) -> str:
    """pg_dump or pg_restore of the wheel or of this machine: one as new as the server, or newer."""
    with psycopg.connect(dsn) as connection:
        needed = connection.info.server_version // 10000
    for path in (str(embedded.binaries() / name), shutil.which(name)):
        if path is None:
            continue
        said = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
        found = re.search(r"(\d+)(\.\d+)?", said)
        if found and int(found[1]) >= needed:
            return path
    raise Stop(
        f"Il faut {name} en version {needed} ou plus récente, comme le serveur\u00a0: installez "
        f"postgresql-client-{needed}."
    )


def run_program(name: str, *arguments: str, dsn: str) -> None:
    """Run a PostgreSQL program; the password goes by the environment, never by the command line."""
    parts = conninfo_to_dict(dsn)
    password = str(parts.pop("password", "") or "")
    command = [program(name, dsn), "--dbname", make_conninfo("", **parts), *arguments]
    environment = {**os.environ, "PGPASSWORD": password, "LC_ALL": "C"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise Stop(f"{name} a échoué\u00a0: {done.stderr.strip()[-600:]}")


def tables(dsn: str) -> dict[str, dict[str, Any]]:
    """Table → number of rows, and whether a wall stands on it; as a role that sees every row."""
    with psycopg.connect(dsn) as connection:
        return counted(connection)


def counted(connection: psycopg.Connection) -> dict[str, dict[str, Any]]:
    found = {}
    for name, walled in connection.execute(COUNTED).fetchall():
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))
        row = connection.execute(query).fetchone()
        found[name] = {"rows": row[0] if row else 0, "walled": walled}
    return found


def dump_database(dsn: str, dump: Path) -> dict[str, dict[str, Any]]:
    """Write the dump; answer what it holds. People go on writing: both look at one instant."""
    with psycopg.connect(dsn) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        without = [f"--exclude-table-data=public.{name}" for name in FLEETING]
        run_program(
            "pg_dump", "--format=custom", "--no-owner", f"--snapshot={row[0] if row else ''}",
            *without, f"--file={dump}", dsn=dsn,
        )  # fmt: skip
        held = counted(connection)
    for name in FLEETING:
        held[name]["rows"] = 0
    return held


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def backup(data: Path, target: Path) -> int:
    """Write everything into one file, whole or not at all."""
    with instance(data) as place:
        dsn = backup_url()
        partial = target.with_name(f".{target.name}.partial")
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place, prefix=".backup-") as scratch:
            dump = Path(scratch) / DUMP
            say("Copie de la base de données…")
            held = dump_database(dsn, dump)
            # After the dump: a file that a row names is then in the backup, unless it was removed.
            members = [(DUMP, dump), *_files(place)]
            say(f"Copie de {len(members) - 1} fichiers…")
            manifest = {
                "format": FORMAT,
                "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
                "tables": held,
                "files": {name: digest(path) for name, path in members},
            }
            try:
                descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with (
                    os.fdopen(descriptor, "wb") as raw,
                    tarfile.open(fileobj=raw, mode="w:gz", compresslevel=1) as archive,
                ):
                    _add(archive, MANIFEST, json.dumps(manifest, indent=1).encode())
                    for name, path in members:
                        archive.add(path, arcname=name, recursive=False)
                    archive.close()
                    raw.flush()
                    os.fsync(raw.fileno())
                os.replace(partial, target)
            finally:
                partial.unlink(missing_ok=True)
        _note_backup(place, target)
    if not any(name.startswith("secrets/") for name, _path in members):
        say(
            "La SECRET_KEY de cette instance vient de l’environnement\u00a0: gardez-la aussi, sans "
            "elle les clés et les seconds facteurs sont illisibles."
        )
    rows = sum(table["rows"] for table in held.values())
    say(
        f"Sauvegarde écrite\u00a0: {target} ({target.stat().st_size // 1024}\u00a0ko, {rows} "
        "lignes). Elle contient des renseignements personnels et les secrets de l’instance\u00a0: "
        "gardez-la fermée, ailleurs que sur ce serveur."
    )
    return 0


def _files(place: Path) -> list[tuple[str, Path]]:
    return [
        (str(path.relative_to(place)), path)
        for folder in FOLDERS
        for path in sorted((place / folder).rglob("*"))
        if path.is_file() and not path.is_symlink()
    ]


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    archive.addfile(member, io.BytesIO(content))


def _note_backup(place: Path, target: Path) -> None:
    folder = place / "run"
    folder.mkdir(mode=0o700, exist_ok=True)
    line = {"at": datetime.now(UTC).isoformat(), "file": str(target.resolve())}
    (folder / "backup.json").write_text(json.dumps(line))


@contextmanager
def opened(source: Path, into: Path) -> Iterator[dict[str, Any]]:
    """The manifest of a backup unpacked into a folder, each file checked, or raise Stop."""
    try:
        with tarfile.open(source, "r:gz") as archive:
            archive.extractall(into, filter="data")
        manifest: dict[str, Any] = json.loads((into / MANIFEST).read_text())
    except (OSError, tarfile.TarError, ValueError, EOFError) as error:
        raise Stop(f"{source} n’est pas une sauvegarde lisible de Parvis ({error}).") from error
    if manifest.get("format") != FORMAT:
        raise Stop("Cette sauvegarde vient d’une autre version de Parvis.")
    for name, expected in manifest["files"].items():
        path = into / name
        if not path.is_file() or digest(path) != expected:
            raise Stop(f"La sauvegarde est abîmée\u00a0: {name} n’est pas celui qui a été écrit.")
    yield manifest


def restore(data: Path, source: Path) -> int:
    """Fill an empty instance from a backup, or raise Stop and leave what stands."""
    data = data.resolve()
    data.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    for folder in ("files", "secrets"):
        if any((data / folder).rglob("*")):
            raise Stop(
                f"{data / folder} n’est pas vide. Une sauvegarde se restaure dans un dossier neuf "
                "(--data), jamais par-dessus des données."
            )
    with (
        tempfile.TemporaryDirectory(dir=data, prefix=".restore-") as scratch,
        opened(source, Path(scratch)) as manifest,
    ):
        for folder in FOLDERS:
            if (Path(scratch) / folder).exists():
                (data / folder).mkdir(mode=0o700, exist_ok=True)
                shutil.copytree(Path(scratch) / folder, data / folder, dirs_exist_ok=True)
        _close(data / "secrets")
        with instance(data):
            owner = url("DATABASE_OWNER_URL") or url("DATABASE_URL")
            check_empty(owner)
            say("Remise en place de la base de données…")
            load_dump(Path(scratch) / DUMP, owner)
            check_restored(manifest, backup_url())
    rows = sum(table["rows"] for table in manifest["tables"].values())
    say(
        f"Restauré\u00a0: {rows} lignes et {len(manifest['files']) - 1} fichiers, sauvegardés le "
        f"{manifest['made_at']}. Lancez «\u00a0parvis migrate\u00a0», puis «\u00a0parvis "
        "doctor\u00a0»."
    )
    return 0


def _close(folder: Path) -> None:
    if not folder.exists():
        return  # The secret came by the environment, and is kept where that is.
    folder.chmod(0o700)
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)


def check_empty(owner: str) -> None:
    with psycopg.connect(owner) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone()
    if row and row[0]:
        raise Stop(
            "La base de données n’est pas vide. Une sauvegarde se restaure dans une base neuve."
        )


def load_dump(dump: Path, owner: str) -> None:
    # The rights of the dump must stand alone: those given by default to new tables would add to
    # them, and give back what a migration took away. The dump sets the defaults again at its end.
    with psycopg.connect(owner) as connection:
        row = connection.execute("SELECT current_user").fetchone()
        for kind in ("TABLES", "SEQUENCES"):
            connection.execute(
                sql.SQL(
                    "ALTER DEFAULT PRIVILEGES FOR ROLE {role} IN SCHEMA public "
                    "REVOKE ALL ON {kind} FROM parvis_app, parvis_backup"
                ).format(role=sql.Identifier(row[0] if row else ""), kind=sql.SQL(kind))
            )
    run_program(
        "pg_restore", "--no-owner", "--single-transaction", "--exit-on-error", str(dump), dsn=owner
    )


def check_restored(manifest: dict[str, Any], dsn: str) -> None:
    """Every row and every wall of the backup must be there again."""
    found = tables(dsn)
    for name, expected in manifest["tables"].items():
        if found.get(name) != expected:
            raise Stop(
                f"La table {name} n’est pas comme dans la sauvegarde\u00a0: {expected} attendu, "
                f"{found.get(name)} trouvé. Ne mettez pas cette instance en service."
            )
