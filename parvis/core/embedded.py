"""A PostgreSQL server of our own, for the demonstration, development and small towns.

Only the programs of the wheel are used, never its Python part (docs/why/0002).
"""

import errno
import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import psycopg

from parvis.core import embedded_conf, embedded_place
from parvis.core.embedded_place import EmbeddedError, Place, binaries, write_closed
from parvis.core.embedded_roles import NAMES, Role, prepare_database, prepare_roles

__all__ = [
    "DATABASE",
    "Cluster",
    "EmbeddedError",
    "binaries",
    "prepare_database",
    "prepare_roles",
    "start",
    "status",
    "stop",
]

DATABASE = "parvis"
# After a crash with gigabytes of log to replay a healthy server needs minutes, not seconds.
PATIENCE = 600
_REASONS = {
    errno.EACCES: "accès refusé",
    errno.EPERM: "accès refusé",
    errno.ENOSPC: "disque plein",
    errno.EROFS: "disque en lecture seule",
    errno.ENOENT: "fichier introuvable",
}


def _print(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


@dataclass(frozen=True)
class Cluster:
    """How to connect to a running server."""

    host: str
    port: int
    passwords: Mapping[Role, str] = field(repr=False)

    def dsn(self, role: Role, database: str = DATABASE) -> str:
        password, host = quote(self.passwords[role], safe=""), quote(self.host, safe="")
        return f"postgresql://{NAMES[role]}:{password}@/{database}?host={host}&port={self.port}"

    def params(self, role: Role, database: str = DATABASE) -> dict[str, str]:
        """The connection as Django's DATABASES spells it."""
        return {
            "HOST": self.host,
            "PORT": str(self.port),
            "USER": NAMES[role],
            "PASSWORD": self.passwords[role],
            "NAME": database,
        }


def start(data: Path, *, fsync: bool = True, say: Callable[[str], None] = _print) -> Cluster:
    """Start the server of this data directory or join the one that runs, or raise EmbeddedError.

    When it returns, a query of the application's role was answered. Two may start at once, a
    server that was killed recovers, and the server outlives its starter. Without fsync, which is
    for tests only, a power cut loses data.
    """
    data = data.resolve()
    try:
        # Open for passage only, so that the server's account reaches its part.
        data.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        with _alone(data, say):
            return _start(embedded_place.settle(data), fsync=fsync, say=say)
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror)
        raise EmbeddedError(
            f"La base de données n’a pas pu démarrer\u00a0: {reason} ({error.filename})."
        ) from error


def stop(data: Path, *, mode: Literal["fast", "immediate"] = "fast") -> None:
    """Stop the server if it runs; "immediate" leaves it to recover at the next start."""
    data = data.resolve()
    if data.exists():
        with _alone(data, _print):
            _stop(embedded_place.home_of(data), mode)


def status(data: Path) -> Cluster | None:
    """How to connect to the server if it answers now."""
    home = embedded_place.home_of(data.resolve())
    try:
        if embedded_place.postmaster(home) is None:
            return None
        cluster = _connection(home)
        _query(cluster)
    except (OSError, EmbeddedError, psycopg.OperationalError):
        return None
    return cluster


@contextmanager
def _alone(data: Path, say: Callable[[str], None]) -> Iterator[None]:
    # Not inherited by the server (Python opens files close-on-exec), so it ends with us.
    # Closed to others, who could hold it for ever.
    with open(os.open(data / ".pg.lock", os.O_RDWR | os.O_CREAT, 0o600), "r+") as lock:
        tick = _ticker(say, "Un autre démarrage ou arrêt de la base de données est en cours…")
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                tick()
                time.sleep(0.05)
        yield


def _ticker(say: Callable[[str], None], sentence: str) -> Callable[[], float]:
    """Say the sentence each five seconds, and tell how long it has been."""
    began = last = time.monotonic()

    def tick() -> float:
        nonlocal last
        now = time.monotonic()
        if now - last >= 5:
            last = now
            say(f"{sentence} ({now - began:.0f}\u00a0s)")
        return now - began

    return tick


def _start(place: Place, *, fsync: bool, say: Callable[[str], None]) -> Cluster:
    if not place.cluster.exists():
        _create(place, fsync=fsync, say=say)
    _check_version(place)
    pid = embedded_place.postmaster(place.home)
    if pid is not None and _must_restart(place, fsync=fsync):
        _stop(place.home, "fast")
        pid = None
    launched = pid is None
    if launched:
        _launch(place, fsync=fsync, say=say)
    cluster = _connection(place.home)
    _await_answer(place, cluster, prepare=launched, say=say)
    return cluster


def _create(place: Place, *, fsync: bool, say: Callable[[str], None]) -> None:
    say("Création de la base de données…")
    keep = place.home / "passwords.json"
    if not keep.exists():
        words = {role: secrets.token_urlsafe(24) for role in NAMES}
        write_closed(keep, json.dumps(words))
    for left in place.home.glob("cluster.new-*"):
        shutil.rmtree(left)
    # Under another name until it is whole: a start that is killed leaves no half cluster.
    new = Path(tempfile.mkdtemp(prefix="cluster.new-", dir=place.home))
    place.give(new)
    password = place.home / "initdb-password"
    write_closed(password, _passwords(place.home)["superuser"])
    place.give(password)
    try:
        # C.UTF-8 knows upper from lower in French; C is there where the system has no other.
        for locale in ("C.UTF-8", "C"):
            options = ["--encoding=UTF8", f"--locale={locale}", "--data-checksums"]
            options += ["--auth=scram-sha-256", f"--pwfile={password}", "--username=postgres"]
            options += [] if fsync else ["--no-sync"]
            done = place.run(place.bin / "initdb", *options, "--pgdata", new)
            if done.returncode == 0:
                break
        else:
            raise EmbeddedError(
                f"La base de données n’a pas pu être créée\u00a0: {_last_line(done.stderr)}"
            )
    finally:
        password.unlink()
    with open(new / "postgresql.conf", "a") as conf:
        conf.write("include_dir = '../conf.d'\n")
    new.rename(place.cluster)


def _check_version(place: Place) -> None:
    made_by = (place.cluster / "PG_VERSION").read_text().strip()
    ours = embedded_place.version(place.bin).split(".")[0]
    if made_by != ours:
        raise EmbeddedError(
            f"La base de données a été créée par PostgreSQL\u00a0{made_by}, et cette version de "
            f"Parvis contient PostgreSQL\u00a0{ours}. Restaurez-la à partir d’une sauvegarde, ou "
            f"revenez à la version de Parvis qui l’a créée."
        )


def _must_restart(place: Place, *, fsync: bool) -> bool:
    """Whether the running server cannot serve: its socket is gone, or a crash would lose data."""
    lines = (place.cluster / "postmaster.pid").read_text().split("\n")
    if len(lines) < 8 or lines[7].strip() != "ready":
        return False
    lost = not embedded_place.socket(place.home).exists()
    return lost or (fsync and embedded_conf.is_volatile(place))


def _launch(place: Place, *, fsync: bool, say: Callable[[str], None]) -> None:
    embedded_place.make_socket_directory(place)
    _sweep(place, say)
    if fsync and embedded_conf.is_volatile(place):
        place.run(place.bin / "initdb", "--sync-only", "--pgdata", place.cluster)
    embedded_conf.configure(place, fsync=fsync)
    journal = place.log / "start.log"
    journal.unlink(missing_ok=True)
    command = [place.bin / "pg_ctl", "start", "-D", place.cluster, "-w", "-t", str(PATIENCE)]
    command += ["-s", "-l", journal]
    # Files, not pipes: the server inherits them and would keep a pipe open for ever.
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=embedded_place.environment(),
            # Ctrl-C in the terminal must not reach the server: we stop it last, in order.
            start_new_session=True,
            user=place.account.uid if place.account else None,
            group=place.account.gid if place.account else None,
            extra_groups=[] if place.account else None,
        )
        tick = _ticker(say, "La base de données démarre\u00a0; après une panne, c’est plus long…")
        while child.poll() is None:
            tick()
            time.sleep(0.02)
        if child.returncode != 0:
            raise EmbeddedError(_why_not(place, journal))


def _sweep(place: Place, say: Callable[[str], None]) -> None:
    """Clear away what a killed server left: its last processes, then its lock files."""
    tick = _ticker(say, "Les derniers processus de la base de données se terminent…")
    while left := list(embedded_place.processes(place.home)):
        waited = tick()
        # Their postmaster is dead: they leave by themselves, unless they are stuck.
        if waited > 1:
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGQUIT if waited < 10 else signal.SIGKILL)
        time.sleep(0.1)
    (place.cluster / "postmaster.pid").unlink(missing_ok=True)
    socket = embedded_place.socket(place.home)
    for path in (socket, socket.with_name(f"{socket.name}.lock")):
        path.unlink(missing_ok=True)


def _why_not(place: Place, journal: Path) -> str:
    logs = sorted(place.log.glob("*.log"), key=lambda path: path.stat().st_mtime)
    text = "".join(path.read_text(errors="replace")[-20_000:] for path in (journal, *logs[-1:]))
    if "No space left on device" in text:
        return (
            "Le disque est plein, et la base de données ne peut pas démarrer. Supprimez "
            f"{place.home / 'ballast'}, recommencez, puis libérez de l’espace."
        )
    fatal = [line for line in text.splitlines() if "FATAL" in line or "PANIC" in line]
    reason = fatal[-1] if fatal else _last_line(text)
    return f"La base de données n’a pas pu démarrer\u00a0: {reason} (journal\u00a0: {place.log})"


def _await_answer(
    place: Place, cluster: Cluster, *, prepare: bool, say: Callable[[str], None]
) -> None:
    tick = _ticker(say, "La base de données ne répond pas encore…")
    while True:
        try:
            if prepare:
                prepare_roles(cluster.dsn("superuser", "postgres"), DATABASE, cluster.passwords)
            _query(cluster)
            return
        except psycopg.OperationalError as error:
            # A starter killed half-way leaves a server without our roles.
            if prepare and "password authentication failed" in str(error):
                raise EmbeddedError(
                    f"Les mots de passe de {place.home / 'passwords.json'} ne sont pas ceux de "
                    "la base de données\u202f; restaurez ce fichier."
                ) from error
            prepare = True
            if tick() > PATIENCE or embedded_place.postmaster(place.home) is None:
                raise EmbeddedError(_why_not(place, place.log / "start.log")) from error
            time.sleep(0.1)


def _query(cluster: Cluster) -> None:
    with closing(psycopg.connect(cluster.dsn("app"), connect_timeout=5)) as connection:
        connection.execute("SELECT 1")


def _connection(home: Path) -> Cluster:
    host = str(embedded_place.socket(home).parent)
    return Cluster(host=host, port=embedded_place.PORT, passwords=_passwords(home))


def _stop(home: Path, mode: Literal["fast", "immediate"]) -> None:
    pid = embedded_place.postmaster(home)
    if pid is None:
        return
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT if mode == "fast" else signal.SIGQUIT)
    tick = _ticker(_print, "La base de données s’arrête…")
    while embedded_place.postmaster(home) == pid:
        if tick() > PATIENCE:
            raise EmbeddedError("La base de données ne s’est pas arrêtée.")
        time.sleep(0.02)


def _passwords(home: Path) -> dict[Role, str]:
    try:
        words: dict[Role, str] = json.loads((home / "passwords.json").read_text())
    except (FileNotFoundError, ValueError) as error:
        raise EmbeddedError(
            f"Les mots de passe de la base de données manquent\u00a0: {home / 'passwords.json'}. "
            "Restaurez ce fichier à partir d’une sauvegarde."
        ) from error
    return words


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "aucune explication"
