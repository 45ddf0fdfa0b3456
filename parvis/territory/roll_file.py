"""The assessment roll of the ministry, `RL<code>_<year>.xml`, read as a stream: pure.

Each `RLUEx` is one unit of assessment. No document type is accepted, so that no entity can
swell; nothing but the unit being read is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO
from xml.parsers import expat

from django.utils.translation import gettext as _

from parvis.core.errors import Refused
from parvis.territory import rules
from parvis.territory.rows import Report, Row

STREET_TYPES = {
    "AL": "allée", "AR": "ancienne route", "AT": "autoroute", "AU": "autoroute", "AV": "avenue",
    "BD": "boulevard", "BO": "boulevard", "CA": "carré", "CE": "cercle", "CH": "chemin",
    "CI": "cercle", "CO": "côte", "CR": "croissant", "CT": "cour", "IM": "impasse",
    "MO": "montée", "PA": "passage", "PL": "place", "PR": "promenade", "QU": "quai",
    "RA": "rang", "RG": "rang", "RL": "ruelle", "RO": "route", "RT": "route", "RU": "rue",
    "SE": "sentier", "SQ": "square", "TE": "terrasse", "TR": "terrasse",
    "ALL": "allée", "BOUL": "boulevard", "CAR": "carré", "COTE": "côte", "CRT": "croissant",
    "IMP": "impasse", "MTEE": "montée", "PAS": "passage", "PROM": "promenade", "RANG": "rang",
    "RTE": "route", "RUE": "rue", "TSSE": "terrasse",
}  # fmt: skip
"""Words for the codes of RL0101Ex, as seen in published rolls. A town may add its own."""
CARDINALS = {"N": "Nord", "S": "Sud", "E": "Est", "O": "Ouest", "W": "Ouest",
             "NE": "Nord-Est", "NO": "Nord-Ouest", "SE": "Sud-Est", "SO": "Sud-Ouest"}  # fmt: skip
CHUNK = 1 << 16
DEEPEST = 24
LONGEST = 2_000
MOST_ELEMENTS = 20_000
KEPT = frozenset({"RL0311A", *(f"RL0104{letter}" for letter in "ABCDEF")})


def read(
    file: BinaryIO,
    report: Report,
    *,
    town_code: str,
    types: Mapping[str, str] | None = None,
    progress: Callable[[float], None] | None = None,
    size: int = 0,
) -> Iterator[tuple[int, Row]]:
    """Line number and address of each unit that has one, or raise Refused.

    What was yielded before a refusal must not be kept.
    """
    reader = _Reader(report, town_code, dict(STREET_TYPES) | dict(types or {}))
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _no_doctype
    parser.EntityDeclHandler = _no_doctype
    parser.buffer_text = True
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    reader.parser = parser
    done = 0
    try:
        while chunk := file.read(CHUNK):
            done += len(chunk)
            parser.Parse(chunk, False)
            yield from reader.take()
            if progress and size:
                progress(min(done / size, 1.0))
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        if not done:
            raise Refused(_("Le fichier est vide.")) from error
        raise Refused(
            _("Le fichier XML est coupé ou abîmé à la ligne %(line)s. Rien n’a été importé.")
            % {"line": error.lineno}
        ) from error
    except (LookupError, ValueError) as error:
        # An encoding that expat does not know.
        raise Refused(_("L’encodage du fichier XML n’est pas reconnu.")) from error
    yield from reader.take()
    reader.check_whole()
    if reader.unknown:
        report.notes.append(
            _("Types de voie inconnus, laissés de côté\u00a0: %(codes)s.")
            % {"codes": ", ".join(sorted(reader.unknown)[:20])}
        )


def _no_doctype(*_declared: object) -> None:
    raise Refused(
        _("Ce fichier XML contient une déclaration interdite (DOCTYPE). Rien n’a été importé.")
    )


class _Reader:
    """The unit being read. Tags outside of those known are passed over."""

    def __init__(self, report: Report, town_code: str, types: dict[str, str]) -> None:
        self.report, self.town_code = report, town_code
        self.types = {code.upper(): word for code, word in types.items()}
        self.parser: expat.XMLParserType | None = None
        self.path: list[str] = []
        self.letters: list[str] = []
        self.length = 0
        self.code = ""
        self.units = self.elements = self.line = 0
        self.facts: dict[str, str] = {}
        self.places: list[dict[str, str]] = []
        self.rows: list[tuple[int, Row]] = []
        self.unknown: set[str] = set()

    def start(self, tag: str, _attributes: object) -> None:
        if not self.path and tag != "RL":
            raise Refused(
                _("Ce fichier n’est pas un rôle d’évaluation du ministère (balise RL attendue).")
            )
        self.path.append(tag)
        if len(self.path) > DEEPEST:
            raise Refused(_("Le fichier XML est anormalement profond. Rien n’a été importé."))
        self.letters, self.length = [], 0
        self.elements += 1
        if self.elements > MOST_ELEMENTS:
            raise Refused(_("Une unité du fichier est anormalement longue. Rien n’a été importé."))
        if tag == "RLUEx":
            if not self.code:
                raise Refused(_("Le fichier ne dit pas de quelle municipalité il est (RLM01A)."))
            self.facts, self.places = {}, [{}]
            self.elements = 0
            self.line = self.parser.CurrentLineNumber if self.parser else 0
        elif tag == "RL0101x" and self.places[-1:] != [{}]:
            self.places.append({})

    def text(self, letters: str) -> None:
        self.length += len(letters)
        if self.length > LONGEST and letters.strip():
            raise Refused(_("Une valeur du fichier est anormalement longue. Rien n’a été importé."))
        self.letters.append(letters)

    def end(self, tag: str) -> None:
        value = "".join(self.letters).strip()[:LONGEST]
        self.letters, self.length = [], 0
        self.path.pop()
        if tag == "RLM01A":
            self.code = value
            if self.town_code and value.lstrip("0") != self.town_code.lstrip("0"):
                raise Refused(
                    _(
                        "Ce rôle est celui d’une autre municipalité\u00a0: code %(found)s, "
                        "attendu %(wanted)s."
                    )
                    % {"found": value[:10], "wanted": self.town_code}
                )
        elif tag == "RLUEx":
            self.elements = 0
            self.units += 1
            self.unit()
        elif tag.startswith("RL0101") and len(tag) == 8 and self.places:
            self.places[-1][tag[6]] = value
        elif value and tag in KEPT:
            self.facts[tag] = value

    def take(self) -> list[tuple[int, Row]]:
        rows, self.rows = self.rows, []
        return rows

    def check_whole(self) -> None:
        if not self.units:
            raise Refused(_("Le fichier ne contient aucune unité d’évaluation."))

    def unit(self) -> None:
        places = [place for place in self.places if place.get("A") and place.get("G")]
        self.places = []
        if not places:
            self.report.ignored += 1
            return
        dwellings = self.facts.get("RL0311A", "")
        count = int(dwellings) if dwellings.isdecimal() and len(dwellings) < 6 else 0
        for rank, place in enumerate(places):
            share = count // len(places) + (rank < count % len(places))
            row = Row(
                number=_number(place),
                street=self.street(place),
                unit=" ".join(part for part in (place.get("I", ""), place.get("J", "")) if part),
                matricule=matricule(self.facts),
                dwellings=share,
            )
            try:
                row.check()
            except Refused as refused:
                self.report.refuse(self.line, str(refused))
            else:
                self.rows.append((self.line, row))

    def street(self, place: dict[str, str]) -> str:
        name, code = place["G"], place.get("E", "").upper()
        kind = self.types.get(code, "")
        if code and not kind:
            if len(code) > 4:
                kind = place["E"].lower()
            else:
                self.unknown.add(code)
        inner = re.fullmatch(r"(.+?)\s*\(([^()]+)\)", name)
        if inner:
            name, kind = inner[1], kind or inner[2].lower()
        link = place.get("F", "")
        link = link.lower() if set(rules.split(link)) <= rules.LINKS else ""
        cardinal = CARDINALS.get(place.get("H", "").upper(), place.get("H", ""))
        if re.fullmatch(r"\d+(?:e|er|re|ère|ème|ième)", name, re.IGNORECASE) and kind:
            words = [name.lower(), kind.capitalize(), cardinal]
        else:
            words = [kind, link, proper(name), cardinal]
        return " ".join(word for word in words if word).replace("’ ", "’").replace("' ", "’")


def _number(place: dict[str, str]) -> str:
    low = place["A"].lstrip("0") + place.get("B", "").strip()
    high = place.get("C", "").lstrip("0")
    if high and high != place["A"].lstrip("0"):
        return f"{low}-{high}{place.get('D', '').strip()}"
    return low


def matricule(facts: Mapping[str, str]) -> str:
    """«0568-97-9054-0-000-0000»: parts that are missing are zeros."""
    parts = [facts.get(f"RL0104{letter}", "") for letter in "ABCDEF"]
    if not all(parts[:3]):
        return ""
    widths = (4, 2, 4, 1, 3, 4)
    return "-".join(part.zfill(width) for part, width in zip(parts, widths, strict=True))


def proper(name: str) -> str:
    """«SACRÉ-COEUR DE JÉSUS» is «Sacré-Coeur de Jésus»; mixed capitals are left as they are."""
    if name != name.upper():
        return name
    small = {"de", "du", "des", "la", "le", "les", "l", "d", "à", "au", "aux", "et"}
    words = re.split(r"([\s\-'’]+)", name.lower())
    return "".join(
        word if word in small or not word[:1].isalpha() else word[0].upper() + word[1:]
        for word in words
    )
