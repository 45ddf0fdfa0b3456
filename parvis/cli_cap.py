"""`parvis cap check FILE…`: no instance, no database, no settings."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime

from parvis.alerts.cap_certificates import Trust, read_certificates
from parvis.alerts.cap_file import LARGEST
from parvis.alerts.cap_rules import check as findings_of
from parvis.alerts.cap_schema import Finding
from parvis.alerts.cap_signature import State, Verdict, verify
from parvis.cli_place import Stop, fail, say
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
        who = f" par {one.signer}" if one.signer else ""
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
