"""`parvis cap check` and `watch` need no instance; `key` shows and renews a town's."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from parvis.alerts import cap_values as values
from parvis.alerts.cap_certificates import Trust, read_certificates
from parvis.alerts.cap_file import LARGEST
from parvis.alerts.cap_rules import check as findings_of
from parvis.alerts.cap_schema import Finding
from parvis.alerts.cap_signature import State, Verdict, verify
from parvis.alerts.naad import Beat, Desk, Message, Twice, Unreadable, concerns
from parvis.alerts.naad_stream import (
    Joined,
    Lost,
    News,
    Silent,
    Speaks,
    Unfetched,
    Watch,
    host_and_port,
    is_feed,
)
from parvis.cli_place import Stop, fail, say
from parvis.cli_watch import call
from parvis.core.errors import Refused


def check(
    files: Iterable[str], *, certificates: Iterable[str] = (), authorities: Iterable[str] = ()
) -> int:
    """0 when every file is valid and no signature is bad, else 1."""
    code = 0
    named = trust(certificates, authorities)
    for name in files:
        code = max(code, _check_one(name, named))
    return code


def trust(certificates: Iterable[str], authorities: Iterable[str]) -> Trust:
    """Whose signatures hold, by the files that the operator names; or raise Stop."""

    def read(names: Iterable[str]) -> Iterable[object]:
        for name in names:
            try:
                yield from read_certificates(_read(name))
            except OSError as error:
                raise Stop(_why(name, error)) from error
            except Refused as refused:
                raise Stop(f"{name}\u00a0: {refused}") from refused

    return Trust(tuple(read(certificates)), tuple(read(authorities)))  # type: ignore[arg-type]


def _check_one(name: str, named: Trust) -> int:
    shown = "entrée standard" if name == "-" else name
    try:
        content = _read(name)
    except OSError as error:
        return fail(_why(shown, error))
    found = findings_of(content)
    try:
        verdicts = verify(content, trust=named, now=datetime.now(UTC)).verdicts
    except Refused as refused:
        # A file that cannot be read at all has said so above.
        verdicts = ()
        if not found:
            found = [Finding(1, "alert", "cap.signature", str(refused))]
    else:
        found = sorted([*found, *signature_findings(verdicts, named)], key=lambda one: one.line)
    faults = sum(1 for one in found if one.fails)
    for one in found:
        say(f"{shown}:{_line(one)}")
    for line in signature_lines(verdicts):
        say(f"{shown}\u00a0: {line}")
    advice = len(found) - faults
    noted = f", {advice}\u00a0conseil{'s' if advice > 1 else ''}" if advice else ""
    if faults:
        say(f"{shown}\u00a0: non valide, {faults}\u00a0faute{'s' if faults > 1 else ''}{noted}.")
        return 1
    say(f"{shown}\u00a0: valide{noted}.")
    return 0


def signature_findings(verdicts: Iterable[Verdict], named: Trust) -> list[Finding]:
    """Faults and advice. Without named signers, only what does not compute fails a file."""
    verdicts = tuple(verdicts)
    found = [
        Finding(
            one.line,
            _place(number, len(verdicts)),
            "cap.signature",
            f"Cette signature ne compte pas\u00a0: {one.reason}.",
            fails=one.state is State.BROKEN,
        )
        for number, one in enumerate(verdicts)
        if one.state not in (State.HOLDS, State.STRANGER)
    ]
    if verdicts and named and not any(one.state is State.HOLDS for one in verdicts):
        said = "Aucune signature n’est d’un signataire admis."
        found.append(Finding(verdicts[0].line, "alert", "cap.signature", said))
    return found


def signature_lines(verdicts: Iterable[Verdict]) -> Iterable[str]:
    """Whether it is signed, by whom, and whether that holds."""
    verdicts = tuple(verdicts)
    if not verdicts:
        yield "non signé."
    for number, one in enumerate(verdicts):
        which = f"signature {number + 1}" if len(verdicts) > 1 else "signé"
        who = f" par {values.shown(one.signer)}" if one.signer else ""
        yield f"{which}{who}\u00a0: {one.reason}."


def _place(number: int, several: int) -> str:
    return f"alert/Signature[{number + 1}]" if several > 1 else "alert/Signature"


def _read(name: str) -> bytes:
    """One byte more than is admitted is enough to refuse."""
    if name == "-":
        return sys.stdin.buffer.read(LARGEST + 1)
    with open(name, "rb") as file:
        return file.read(LARGEST + 1)


def _line(one: Finding) -> str:
    kind = "faute" if one.fails else "conseil"
    return f"{one.line}\u00a0: {kind} [{one.rule}] {one.path}\u00a0: {one.reason}"


def _why(shown: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"Le fichier «\u00a0{shown}\u00a0» n’existe pas."
    if isinstance(error, IsADirectoryError):
        return f"«\u00a0{shown}\u00a0» est un dossier, pas un fichier."
    return f"Le fichier «\u00a0{shown}\u00a0» ne peut être lu\u00a0: vérifiez ses permissions."


# --- watching -------------------------------------------------------------------------------------


def watch(
    sources: list[str],
    *,
    archives: list[str],
    named: Trust,
    silence: float,
    every: float,
    code: str = "",
    keep: Path | None = None,
    alarm: str = "",
    count: int = 0,
    towns: Iterable[str] = (),
) -> int:
    """Say what arrives until stopped, or until so many messages have. Sends nothing on.

    With towns, what concerns one is kept at its Bureau, as a proposal.
    """
    for source in sources:
        try:
            if not is_feed(source):
                host_and_port(source)
        except ValueError as error:
            raise Stop(f"{error}.") from error
    for archive in archives:
        if not is_feed(archive):
            raise Stop(f"«\u00a0{archive}\u00a0» n’est pas une adresse http:// ou https://.")
    if silence <= 0 or every <= 0:
        raise Stop("--silence et --every demandent des secondes, plus que zéro.")
    if any(map(is_feed, sources)) and every >= silence:
        raise Stop("--silence doit dépasser --every\u00a0: sinon, un flux serait toujours muet.")
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    desk = Desk(trust=named, silence=timedelta(seconds=silence))
    watching = Watch(sources, desk=desk, archives=archives, every=every)
    signal.signal(signal.SIGTERM, lambda *_: watching.stop.set())
    told = 0
    propose = _proposing(towns, watching)

    def tell(news: News) -> bool:
        nonlocal told
        if isinstance(news, Silent | Speaks):
            call(_alarm(news), alarm)
        elif isinstance(news, Message):
            if keep is not None:
                _keep(news, keep)
            propose(news)
            if not code or concerns(news.alert, code):
                told += 1
                _say_now(message_line(news))
        elif line := _line_of(news):
            _say_now(line)
        return not count or told < count

    watching.run(tell)
    return 0


def _proposing(slugs: Iterable[str], watching: Watch) -> Callable[[Message], None]:
    """What hands a message to the Bureau of each town that it concerns."""
    slugs = tuple(slugs)
    if not slugs:
        return lambda _message: None
    from django.db import OperationalError, close_old_connections
    from django.utils import timezone

    from parvis.alerts import ingest
    from parvis.cli_town import find_town
    from parvis.core.db import as_town

    towns = [find_town(slug) for slug in slugs]
    for town in towns:
        if not town.code:
            raise Stop(f"{town.name} n’a pas de code géographique\u00a0: réglez-le au Bureau.")

    def hand(message: Message) -> None:
        for town in towns:
            # The database may be away for a while: what arrived is not lost for that.
            while not watching.stop.is_set():
                try:
                    close_old_connections()
                    with as_town(town.pk):
                        if ingest.take_in(town, message, now=timezone.now()):
                            _say_now(f"{town.slug}\u00a0: proposé au Bureau.")
                    break
                except OperationalError:
                    _say_now("base de données\u00a0: ne répond pas, nouvel essai.")
                    watching.stop.wait(2)

    return hand


def _say_now(line: str) -> None:
    say(f"{datetime.now().astimezone().isoformat(timespec='seconds')} {line}")


def _alarm(news: Silent | Speaks) -> str:
    if isinstance(news, Silent):
        return f"ALARME {news.source}\u00a0: aucun battement, des messages peuvent manquer."
    return f"RÉTABLI {news.source}"


def _line_of(news: News) -> str:
    """Nothing for what only says that all is well."""
    match news:
        case Joined(source):
            return f"{source}\u00a0: relié."
        case Lost(source, reason):
            return f"{values.shown(source)}\u00a0: perdu ({values.shown(reason)})."
        case Unfetched(reference):
            name = values.shown(reference.identifier)
            return f"{name}\u00a0: manque, et aucune archive ne l’a."
        case Unreadable():
            return f"{news.source}\u00a0: document illisible. {news.reason}"
        case Beat() | Twice():
            return ""
    return ""


def message_line(news: Message) -> str:
    """One message on one line, whatever its sender put in it."""
    alert = news.alert
    parts = [
        f"{news.source}\u00a0: {alert.msg_type} {alert.status} {values.shown(alert.identifier)}"
    ]
    if alert.infos:
        info = alert.infos[0]
        who = values.shown(info.sender_name or alert.sender)
        parts.append(f"{values.quoted(info.headline or info.event)} de {who}")
        parts.append(f"{info.urgency}, {info.severity}, {info.certainty}")
        if info.areas:
            parts.append(values.shown("; ".join(area.area_desc for area in info.areas)))
    else:
        parts.append(f"de {values.shown(alert.sender)}")
    parts += [line.rstrip(".") for line in signature_lines(news.verified.verdicts)]
    if news.contradicts:
        parts.append("CONTREDIT un message du même nom")
    if news.overtaken:
        parts.append("remplacé par un message déjà reçu")
    return " — ".join(parts)


def _keep(news: Message, folder: Path) -> None:
    """As it arrived, under its own name; another that poses as it stands beside it."""
    plain = re.sub(r"[^\w-]", "_", news.alert.identifier, flags=re.ASCII)[:100]
    base = f"{news.alert.sent:%Y%m%dT%H%M%S}-{plain}"
    for number in range(1, 100):
        name = f"{base}.cap.xml" if number == 1 else f"{base}-{number}.cap.xml"
        try:
            with open(folder / name, "xb") as file:
                file.write(news.content)
        except FileExistsError:
            if (folder / name).read_bytes() == news.content:
                return
            continue
        return


# --- the town's key -------------------------------------------------------------------------------


def key(slug: str, *, renew: bool) -> int:
    """Print the certificate that receivers are handed; with `renew`, that of a new key."""
    from django.utils import timezone

    from parvis.alerts import cap_files
    from parvis.cli_town import find_town
    from parvis.core.db import as_town

    town, now = find_town(slug), timezone.now()
    with as_town(town.pk):
        row = (
            cap_files.renew_signing_key(town, now=now)
            if renew
            else cap_files.signing_key(town, now=now)
        )
        certificate = row.certificate
    print(certificate, end="", flush=True)
    return 0
