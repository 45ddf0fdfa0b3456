"""The `parvis` command."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from parvis.cli_place import Stop, close_connections, default_data, fail, instance, load_django
from parvis.core.embedded import EmbeddedError

Parser = argparse.ArgumentParser
Deed = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    deed: Deed = arguments.deed
    try:
        return deed(arguments)
    except (Stop, EmbeddedError) as stop:
        return fail(str(stop))
    except KeyboardInterrupt:
        return fail("Interrompu.")


def parser() -> Parser:
    top = Parser(prog="parvis", description="Le portail citoyen ouvert des villes du Québec.")
    commands = top.add_subparsers(title="commandes", metavar="COMMANDE", required=True)

    def command(name: str, deed: Deed, text: str = "", *, demo: bool = False) -> Parser:
        # Without a text the command is for our own processes, and no help shows it.
        described = {"help": text, "description": text} if text else {}
        made = commands.add_parser(name, **described)  # type: ignore[arg-type]
        made.set_defaults(deed=deed)
        made.add_argument(
            "--data",
            type=Path,
            default=default_data(demo=demo),
            metavar="DOSSIER",
            help="dossier des données (par défaut\u00a0: %(default)s, ou PARVIS_DATA)",
        )
        return made

    one = command("demo", demo, "Démonstration complète, avec deux villes inventées.", demo=True)
    one.add_argument("--port", type=int, default=8000, metavar="N", help="port des pages")
    one = command("serve", serve, "Les pages seulement.")
    one.add_argument("--host", default="127.0.0.1", metavar="HÔTE")
    one.add_argument("--port", type=int, default=8000, metavar="N")
    one.add_argument("--processus", type=int, default=2, metavar="N")
    command("worker", worker, "Le travail d’arrière-plan\u00a0: envois, travaux, sceaux.")
    command("migrate", migrate, "Met la base de données à jour.")
    command("seal", seal)
    return top


def demo(arguments: argparse.Namespace) -> int:
    from parvis import cli_run

    return cli_run.demo(arguments.data, port=arguments.port)


def serve(arguments: argparse.Namespace) -> int:
    from parvis import cli_run

    return cli_run.serve(
        arguments.data, host=arguments.host, port=arguments.port, workers=arguments.processus
    )


def worker(arguments: argparse.Namespace) -> int:
    from parvis import cli_run

    return cli_run.worker(arguments.data)


def migrate(arguments: argparse.Namespace) -> int:
    from parvis import cli_migrate

    with instance(arguments.data):
        load_django()
        if not cli_migrate.migrate():
            print("La base de données est à jour.")
        close_connections()
    return 0


def seal(arguments: argparse.Namespace) -> int:
    with instance(arguments.data):
        load_django()
        from parvis.municipalities import sealer

        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        sealer.run(stop)
    return 0


if __name__ == "__main__":
    sys.exit(main())
