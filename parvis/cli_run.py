"""`parvis demo`, `parvis serve` and `parvis worker`: what stays in the foreground."""

from __future__ import annotations

import fcntl
import http.client
import importlib.util
import os
import secrets
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from parvis.cli_migrate import collect_static, migrate
from parvis.cli_place import Stop, close_connections, instance, load_django, say
from parvis.cli_processes import Child, Supervisor, end_leftovers, python

READY = "Parvis est prêt : http://{host}:{port}"
FIRST_PAGE_PATIENCE = 60.0


def web_child(host: str, port: int, *, data: Path, workers: int = 2) -> Child:
    figures = data / "run" / "figures"
    shutil.rmtree(figures, ignore_errors=True)
    figures.mkdir(mode=0o700, parents=True)
    return Child(
        "pages",
        [
            *python("-m", "granian", "parvis.asgi:app", "--interface", "asgi"),
            *("--host", host, "--port", str(port), "--workers", str(workers)),
            # Streams stay open for hours: a worker that is asked to stop does not wait for them.
            *("--no-ws", "--workers-kill-timeout", "3", "--log-level", "warning"),
            *("--respawn-failed-workers", "--respawn-interval", "1"),
        ],
        # Where the processes put together what each counted (core/latency.py).
        {"PROMETHEUS_MULTIPROC_DIR": str(figures)},
        needed=True,
    )


def worker_children() -> list[Child]:
    """What works behind the pages: deliveries, jobs, and the seal on the audit trail."""
    small = {"DATABASE_POOL": "4"}
    # One connection for each channel's loop, and for what its groups write meanwhile.
    loops = {"DATABASE_POOL": "8"}
    children = []
    if importlib.util.find_spec("parvis.notifications.__main__"):
        for lanes in ("emergency", "all"):
            command = python("-m", "parvis.notifications", "--lanes", lanes)
            children.append(Child(f"envois ({lanes})", command, loops))
    jobs = python("-m", "django", "procrastinate", "worker", "--concurrency", "2")
    children.append(Child("travaux", jobs, small))
    children.append(Child("sceaux", python("-m", "parvis.cli", "seal"), small))
    return children


@contextmanager
def only_one(data: Path, kind: str) -> Iterator[Path]:
    """Be the only process of this kind on this data, or raise Stop; answer its mark's file."""
    folder = data / "run"
    folder.mkdir(mode=0o700, exist_ok=True)
    with open(folder / f"{kind}.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Stop(
                f"«\u00a0parvis {kind}\u00a0» tourne déjà sur {data}. Arrêtez-le d’abord, ou "
                "donnez un autre dossier par --data."
            ) from error
        yield folder / f"{kind}.mark"


def supervisor(mark_file: Path) -> Supervisor:
    end_leftovers(mark_file)
    mark = secrets.token_hex(8)
    mark_file.write_text(mark)
    return Supervisor(mark)


def check_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Stop(
                f"Le port {port} est déjà pris. Choisissez-en un autre\u00a0: --port {port + 1}."
            ) from error


def answers(port: int, host_name: str, path: str = "/") -> bool:
    """Whether this page answers 200 at this host name, without asking a resolver for it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": f"{host_name}:{port}"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def demo(data: Path, *, port: int) -> int:
    """Everything in one foreground process tree, on invented towns."""
    os.environ.update(
        PARVIS_DEMO="1", PARVIS_DEBUG="0", PARVIS_HTTPS="0", PARVIS_PUBLIC_PORT=str(port)
    )
    from parvis.demo import telephone

    letters = socket.create_server(("127.0.0.1", 0))
    texts = socket.create_server(("127.0.0.1", 0), backlog=128)
    os.environ.update(
        TELEPHONY=telephone.provider(texts.getsockname()[1]),
        SMTP_HOST="127.0.0.1",
        SMTP_PORT=str(letters.getsockname()[1]),
        MAIL_DOMAIN="exemple.ca",
    )
    data.mkdir(mode=0o711, parents=True, exist_ok=True)
    with only_one(data.resolve(), "demo") as mark_file:
        check_port("127.0.0.1", port)
        family = supervisor(mark_file)
        # The supervisor is there first: a Ctrl-C from here on ends things in order.
        with instance(data):
            try:
                return _demo(family, data.resolve(), port, letters, texts)
            finally:
                say("Arrêt en cours…")
                family.end()
                if "django" in sys.modules:
                    close_connections()
                mark_file.unlink(missing_ok=True)
                say("Parvis est arrêté.")


def _demo(
    family: Supervisor, data: Path, port: int, letters: socket.socket, texts: socket.socket
) -> int:
    load_django()
    from parvis.demo import seed

    migrate()
    collect_static()
    seed.seed_once(say=say)
    if family.stopping:
        return 0
    mailbox = python("-m", "parvis.demo.mailbox", str(letters.fileno()), str(data / "mail"))
    telephone = python(
        "-m", "parvis.demo.telephone", str(texts.fileno()), str(data / "telephone"), str(port)
    )
    family.add(
        Child("courriels", mailbox, inherits=[letters.fileno()]),
        Child("téléphones", telephone, inherits=[texts.fileno()]),
        web_child("127.0.0.1", port, data=data),
        *worker_children(),
    )
    host = seed.FIRST_HOST
    if not family.wait_until(lambda: answers(port, host), patience=FIRST_PAGE_PATIENCE):
        if family.stopping:
            return 0
        raise Stop(
            f"La page d’accueil ne répond pas (http://127.0.0.1:{port}, hôte {host}). "
            "Les lignes ci-dessus disent pourquoi."
        )
    say(READY.format(host=host, port=port))
    say(seed.accounts_sheet(port))
    return family.watch()


def serve(data: Path, *, host: str, port: int, workers: int) -> int:
    """The pages alone; `parvis worker` runs beside, here or elsewhere."""
    data.mkdir(mode=0o711, parents=True, exist_ok=True)
    with only_one(data.resolve(), "serve") as mark_file:
        check_port(host, port)
        family = supervisor(mark_file)
        with instance(data):
            load_django()
            check_migrated()
            collect_static()
            close_connections()
            try:
                family.add(web_child(host, port, data=data.resolve(), workers=workers))
                if family.wait_until(lambda: _healthy(host, port), patience=FIRST_PAGE_PATIENCE):
                    say(f"Les pages répondent sur {host}:{port}.")
                return family.watch()
            finally:
                family.end()
                mark_file.unlink(missing_ok=True)


def _healthy(host: str, port: int) -> bool:
    where = "127.0.0.1" if host in {"0.0.0.0", "::"} else host
    connection = http.client.HTTPConnection(where, port, timeout=10)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def worker(data: Path) -> int:
    """Deliveries, jobs and seals; on as many machines as one likes."""
    data.mkdir(mode=0o711, parents=True, exist_ok=True)
    with only_one(data.resolve(), "worker") as mark_file:
        family = supervisor(mark_file)
        with instance(data):
            load_django()
            check_migrated()
            close_connections()
            try:
                family.add(*worker_children())
                say("Le travail d’arrière-plan tourne.")
                return family.watch()
            finally:
                family.end()
                mark_file.unlink(missing_ok=True)


def check_migrated() -> None:
    from parvis.cli_migrate import waiting_migrations

    waiting = waiting_migrations()
    if waiting:
        raise Stop(
            f"La base de données n’est pas à jour ({len(waiting)} changement(s) en attente). "
            "Lancez «\u00a0parvis migrate\u00a0»."
        )
