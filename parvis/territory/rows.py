"""One address as a file gives it, and how two sources agree on one address: pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from parvis.core.errors import Refused
from parvis.territory import rules
from parvis.territory.geometry import QUEBEC

RANK = {"roll": 1, "csv": 2, "hand": 3}
"""Whose word counts more: what someone wrote by hand, then the town's list, then the roll."""
POSTAL_CODE = re.compile(r"([ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z])[ -]?(\d[ABCEGHJ-NPRSTV-Z]\d)")
MATRICULE = re.compile(r"[0-9A-Z][0-9A-Z -]{5,23}")
MOST_FAULTS = 200


@dataclass(slots=True)
class Row:
    """An address on its way in. Empty means that the file does not say."""

    number: str
    street: str
    unit: str = ""
    postal_code: str = ""
    matricule: str = ""
    dwellings: int | None = None
    longitude: float | None = None
    latitude: float | None = None
    sector: str = ""
    key: str = ""

    def check(self) -> None:
        """Set the key, or raise Refused."""
        for name, most in (("number", 20), ("street", 120), ("unit", 20)):
            text = clean(getattr(self, name))
            if len(text) > most:
                raise Refused(
                    _("«\u00a0%(text)s…\u00a0» dépasse %(most)s caractères.")
                    % {"text": text[:20], "most": most}
                )
            setattr(self, name, text)
        if not rules.street_key(self.street):
            raise Refused(_("le nom de la rue manque."))
        if self.number and rules.number_span(self.number)[0] is None:
            raise Refused(
                _("«\u00a0%(number)s\u00a0» n’est pas un numéro civique.") % {"number": self.number}
            )
        self.postal_code = postal_code(self.postal_code)
        self.matricule = matricule(self.matricule)
        check_position(self.longitude, self.latitude)
        self.key = rules.address_key(self.number, self.street, self.unit)


def clean(text: str) -> str:
    """One line of visible letters: no control or direction marks, single spaces."""
    if not text.isprintable():
        text = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
        text = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Cs", "Co", "Cn"))
    return unicodedata.normalize("NFC", " ".join(text.split())).replace("'", "’")


def postal_code(text: str) -> str:
    """«g8b5v2» is «G8B 5V2», or raise Refused."""
    text = clean(text).upper()
    if not text:
        return ""
    found = POSTAL_CODE.fullmatch(text)
    if not found:
        raise Refused(_("«\u00a0%(text)s\u00a0» n’est pas un code postal.") % {"text": text[:12]})
    return f"{found[1]} {found[2]}"


def matricule(text: str) -> str:
    text = clean(text).upper()
    if text and not MATRICULE.fullmatch(text):
        raise Refused(_("«\u00a0%(text)s\u00a0» n’est pas un matricule.") % {"text": text[:24]})
    return text


def check_position(longitude: float | None, latitude: float | None) -> None:
    """Raise Refused unless both stand, in Québec, or neither."""
    if longitude is None and latitude is None:
        return
    if longitude is None or latitude is None:
        raise Refused(_("donnez la longitude et la latitude, ou ni l’une ni l’autre."))
    west, south, east, north = QUEBEC
    if not (west <= longitude <= east and south <= latitude <= north):
        raise Refused(_("la position est hors du Québec (longitude et latitude en degrés)."))


def agree(before: dict[str, Any], row: Row, source: str) -> dict[str, Any]:
    """What the row changes in the address that stands; empty when nothing.

    A source of equal or higher rank replaces what it states; a lower one only fills what is
    blank. No source empties what another stated.
    """
    stated: dict[str, Any] = {
        "number": row.number,
        "street": row.street,
        "unit": row.unit,
        "postal_code": row.postal_code,
        "matricule": row.matricule,
        "dwellings": row.dwellings,
        "longitude": row.longitude,
        "latitude": row.latitude,
    }
    counts = RANK[source] >= RANK.get(before["source"], 0)
    changes: dict[str, Any] = {}
    for name, value in stated.items():
        if value in ("", None) or value == before[name]:
            continue
        blank = before[name] in ("", None) or (name == "dwellings" and before[name] <= 1)
        if counts or blank:
            changes[name] = value
    if RANK[source] > RANK.get(before["source"], 0):
        changes["source"] = source
    return changes


@dataclass
class Report:
    """What came of a file."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    ignored: int = 0
    """Units of the roll without an address: vacant land, for the most part."""
    faults: list[tuple[int, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def refuse(self, line: int, reason: str) -> None:
        self.refused += 1
        if len(self.faults) < MOST_FAULTS:
            self.faults.append((line, reason))

    def as_dict(self) -> dict[str, Any]:
        return {
            "new": self.new,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "refused": self.refused,
            "ignored": self.ignored,
            "faults": [list(fault) for fault in self.faults],
            "notes": self.notes,
        }
