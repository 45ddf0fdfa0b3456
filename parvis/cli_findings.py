"""What `parvis doctor` says: one sentence for each thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something that was looked at. Grave findings make the command fail."""

    good: bool
    said: str
    grave: bool = True


def good(said: str) -> Finding:
    return Finding(True, said)


def bad(said: str) -> Finding:
    return Finding(False, said)


def warn(said: str) -> Finding:
    return Finding(False, said, grave=False)
