"""`parvis cap check FILE…`: no instance, no database, no settings."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from parvis.alerts.cap_file import LARGEST
from parvis.alerts.cap_rules import check as findings_of
from parvis.alerts.cap_schema import Finding
from parvis.cli_place import fail, say


def check(files: Iterable[str]) -> int:
    """0 when every file is valid, else 1."""
    code = 0
    for name in files:
        code = max(code, _check_one(name))
    return code


def _check_one(name: str) -> int:
    shown = "entrée standard" if name == "-" else name
    try:
        content = _read(name)
    except OSError as error:
        return fail(_why(shown, error))
    found = findings_of(content)
    faults = sum(1 for one in found if one.fails)
    for one in found:
        say(f"{shown}:{_line(one)}")
    advice = len(found) - faults
    noted = f", {advice}\u00a0conseil{'s' if advice > 1 else ''}" if advice else ""
    if faults:
        say(f"{shown}\u00a0: non valide, {faults}\u00a0faute{'s' if faults > 1 else ''}{noted}.")
        return 1
    say(f"{shown}\u00a0: valide{noted}.")
    return 0


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
