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
    one = command("doctor", doctor, "Dit ce qui ne va pas, et quoi faire.")
    one.add_argument("--watch", action="store_true", help="surveiller et donner l’alarme")
    one.add_argument(
        "--every", type=float, default=30, metavar="S", help="secondes entre deux tours"
    )
    one.add_argument("--alarm", default="", metavar="CMD", help="commande qui reçoit chaque alarme")
    one.add_argument("--rounds", type=int, default=0, metavar="N", help="nombre de tours")

    one = command("town", nothing, "Ouvre une ville, l’exporte, l’importe.")
    deeds = one.add_subparsers(metavar="ACTION", required=True)
    same = Parser(add_help=False)
    same.add_argument("--data", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    two = deeds.add_parser("create", help="ouvrir une ville", parents=[same])
    two.set_defaults(deed=in_django(create))
    two.add_argument("slug", help="identifiant court, par exemple alma")
    two.add_argument("--name", required=True, help="nom complet")
    two.add_argument("--host", required=True, help="nom d’hôte du portail")
    two.add_argument("--admin", default="", metavar="COURRIEL", help="personne à inviter")
    two.add_argument("--brand", default="#34468f", metavar="COULEUR")
    two.add_argument(
        "--code", default="", metavar="NNNNN", help="code géographique, par exemple 93042"
    )
    two = deeds.add_parser("host", help="accepter un nom d’hôte demandé", parents=[same])
    two.set_defaults(deed=in_django(host))
    two.add_argument("what", choices=("list", "accept", "refuse"), metavar="list|accept|refuse")
    two.add_argument("slug", nargs="?", default="", metavar="VILLE")
    two.add_argument("name", nargs="?", default="", metavar="NOM")
    two = deeds.add_parser("export", help="écrire une ville dans un fichier", parents=[same])
    two.set_defaults(deed=in_django(export))
    two.add_argument("slug")
    two.add_argument("file", type=Path, metavar="FICHIER")
    two = deeds.add_parser("import", help="amener une ville exportée", parents=[same])
    two.set_defaults(deed=in_django(bring_town))
    two.add_argument("file", type=Path, metavar="FICHIER")

    one = command("import", in_django(bring_in), "Amène des secteurs, des adresses ou le rôle.")
    one.add_argument(
        "kind", choices=("sectors", "addresses", "roll"), metavar="sectors|addresses|roll"
    )
    one.add_argument("--town", required=True, metavar="VILLE")
    one.add_argument("file", type=Path, metavar="FICHIER")

    one = command("audit", in_django(verify), "Vérifie le registre des actions.")
    one.add_argument("verify", choices=("verify",))
    one.add_argument("--town", default="", metavar="VILLE")

    one = command("cap", nothing, "Vérifie, écoute et signe des messages d’alerte CAP.")
    deeds = one.add_subparsers(metavar="ACTION", required=True)
    two = deeds.add_parser("check", help="dire ce qui n’est pas du CAP 1.2 ou du CAP-CP valide")
    two.set_defaults(deed=check_cap)
    two.add_argument(
        "files", nargs="+", metavar="FICHIER", help="«\u00a0-\u00a0»\u00a0: entrée standard"
    )
    trusting(two)
    two = deeds.add_parser(
        "watch", help="dire les messages qui arrivent, sans rien en renvoyer", parents=[same]
    )
    two.set_defaults(deed=watch_cap)
    two.add_argument(
        "sources",
        nargs="+",
        metavar="HÔTE:PORT|ADRESSE",
        help="flux TCP, ou adresse d’un flux Atom de messages CAP",
    )
    two.add_argument(
        "--archive",
        action="append",
        default=[],
        metavar="ADRESSE",
        help="où chercher les messages manquants, répétable",
    )
    trusting(two)
    two.add_argument(
        "--silence", type=float, default=150, metavar="S", help="secondes sans battement"
    )
    two.add_argument("--every", type=float, default=60, metavar="S", help="entre deux lectures")
    two.add_argument("--code", default="", metavar="N", help="code de lieu, par exemple 2493042")
    two.add_argument(
        "--town",
        action="append",
        default=[],
        metavar="VILLE",
        help="proposer au Bureau de cette ville ce qui la concerne, répétable",
    )
    two.add_argument("--keep", type=Path, metavar="DOSSIER", help="y garder chaque message")
    two.add_argument("--alarm", default="", metavar="CMD", help="commande qui reçoit l’alarme")
    two.add_argument("--count", type=int, default=0, metavar="N", help="arrêter après N messages")

    two = deeds.add_parser(
        "key", help="montrer ou renouveler le certificat d’une ville", parents=[same]
    )
    two.set_defaults(deed=in_django(cap_key))
    two.add_argument("--town", required=True, metavar="VILLE")
    two.add_argument("--renew", action="store_true", help="faire une nouvelle clé")

    one = command("backup", backup, "Sauvegarde tout dans un fichier.")
    one.add_argument("file", type=Path, metavar="FICHIER")
    one = command("restore", restore, "Restaure une sauvegarde dans une instance vide.")
    one.add_argument("file", type=Path, metavar="FICHIER")
    command("seal", seal)
    return top


def trusting(one: Parser) -> None:
    """Whose signatures hold."""
    one.add_argument(
        "--certificate",
        action="append",
        default=[],
        metavar="FICHIER",
        help="certificat d’un signataire admis (PEM ou DER), répétable",
    )
    one.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="FICHIER",
        help="certificat d’une autorité qui répond des signataires, répétable",
    )


def in_django(deed: Deed) -> Deed:
    """The deed with the database running and Django loaded."""

    def run(arguments: argparse.Namespace) -> int:
        with instance(arguments.data):
            load_django()
            try:
                return deed(arguments)
            finally:
                close_connections()

    return run


def nothing(arguments: argparse.Namespace) -> int:
    return 2


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

    def deed(_arguments: argparse.Namespace) -> int:
        if not cli_migrate.migrate():
            print("La base de données est à jour.")
        return 0

    return in_django(deed)(arguments)


def doctor(arguments: argparse.Namespace) -> int:
    from parvis import cli_doctor, cli_watch

    def deed(_arguments: argparse.Namespace) -> int:
        if arguments.watch:
            return cli_watch.watch(
                every=arguments.every, alarm=arguments.alarm, rounds=arguments.rounds
            )
        return cli_doctor.doctor()

    return in_django(deed)(arguments)


def create(arguments: argparse.Namespace) -> int:
    from parvis import cli_town

    return cli_town.create(
        slug=arguments.slug,
        name=arguments.name,
        host=arguments.host,
        email=arguments.admin,
        brand=arguments.brand,
        code=arguments.code,
    )


def host(arguments: argparse.Namespace) -> int:
    from parvis import cli_town

    return cli_town.host(arguments.what, slug=arguments.slug, name=arguments.name)


def export(arguments: argparse.Namespace) -> int:
    from parvis import cli_move

    return cli_move.export_town(arguments.slug, arguments.file)


def bring_town(arguments: argparse.Namespace) -> int:
    from parvis import cli_move

    return cli_move.import_town(arguments.file)


def bring_in(arguments: argparse.Namespace) -> int:
    from parvis import cli_town

    return cli_town.bring_in(arguments.kind, slug=arguments.town, file=arguments.file)


def verify(arguments: argparse.Namespace) -> int:
    from parvis import cli_town

    return cli_town.verify_audit(arguments.town)


def check_cap(arguments: argparse.Namespace) -> int:
    from parvis import cli_cap

    return cli_cap.check(
        arguments.files, certificates=arguments.certificate, authorities=arguments.trust
    )


def watch_cap(arguments: argparse.Namespace) -> int:
    # Only what is kept at a Bureau needs an instance.
    return in_django(_watch_cap)(arguments) if arguments.town else _watch_cap(arguments)


def _watch_cap(arguments: argparse.Namespace) -> int:
    from parvis import cli_cap

    return cli_cap.watch(
        arguments.sources,
        archives=arguments.archive,
        named=cli_cap.trust(arguments.certificate, arguments.trust),
        silence=arguments.silence,
        every=arguments.every,
        code=arguments.code,
        keep=arguments.keep,
        alarm=arguments.alarm,
        count=arguments.count,
        towns=arguments.town,
    )


def cap_key(arguments: argparse.Namespace) -> int:
    from parvis import cli_cap

    return cli_cap.key(arguments.town, renew=arguments.renew)


def backup(arguments: argparse.Namespace) -> int:
    from parvis import cli_backup

    return cli_backup.backup(arguments.data, arguments.file)


def restore(arguments: argparse.Namespace) -> int:
    from parvis import cli_backup

    return cli_backup.restore(arguments.data, arguments.file)


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
