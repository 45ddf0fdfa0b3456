"""Addresses in a CSV file, as towns' software writes them: pure."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator

from django.utils.translation import gettext as _

from parvis.core.errors import Refused
from parvis.territory import rules
from parvis.territory.rows import Report, Row, clean

HEADERS = {
    "number": "numero no nocivique numerocivique civique civicnumber housenumber num nociv "
    "numerociv addrhousenumber",
    "type": "type typevoie typederue generique typedevoie typerue codegenerique",
    "link": "liaison particule lien",
    "street": "rue voie nomrue nomdelarue nomvoie nomdelavoie odonyme street streetname "
    "specifique nomspecifique addrstreet",
    "cardinal": "orientation pointcardinal direction",
    "unit": "app appartement apt unite unit local suite noapp numeroappartement appart addrunit",
    "postal_code": "codepostal cp postalcode zip addrpostcode",
    "matricule": "matricule matricule18 nomatricule",
    "dwellings": "logements nblogements nombredelogements nblogement logement dwellings",
    "longitude": "longitude lon long lng x coordx",
    "latitude": "latitude lat y coordy",
    "sector": "secteur nomsecteur district sector",
    "address": "adresse adressecomplete adressecivique address fulladdress",
}
COLUMNS = {word: name for name, words in HEADERS.items() for word in words.split()}
WHOLE = re.compile(
    r"\s*(?P<number>\d+\s?[A-Za-z]?(?:\s?(?:-|–|à)\s?\d+[A-Za-z]?)?(?:\s\d/\d)?)[\s,]+(?P<street>.+?)"
    r"(?:,?\s+(?:app(?:t|artement)?\.?|apt\.?|bureau|local|unité|suite|#)\s*(?P<unit>[\w-]+))?\s*",
    re.IGNORECASE,
)
LONGEST = 4_000


def decode(raw: bytes) -> str:
    """The text, whether UTF-8, UTF-16 or Windows-1252, or raise Refused."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if raw.startswith(mark):
            return _decoded(raw, encoding)
    start = raw[:2000]
    if start.count(0) > len(start) // 4:
        return _decoded(
            raw, "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"
        )
    if 0 in start:
        raise Refused(_("Ce fichier n’est pas un fichier texte. Enregistrez la liste en CSV."))
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return _decoded(raw, "cp1252")


def _decoded(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise Refused(
            _("Les lettres du fichier ne sont pas lisibles. Enregistrez-le en CSV UTF-8.")
        ) from error


def read(
    raw: bytes, report: Report, progress: Callable[[float], None] | None = None
) -> Iterator[tuple[int, Row]]:
    """Line number and address of each good row; bad ones go to the report. Or raise Refused."""
    text = decode(raw)
    if text.startswith("PK\x03\x04") or "\x00" in text[:2000]:
        raise Refused(_("Ce fichier n’est pas un fichier texte. Enregistrez la liste en CSV."))
    lines = text.count("\n") + 1
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=_delimiter(text),
        strict=True,
        skipinitialspace=True,
    )
    try:
        columns = _columns(next(reader, []))
        before = reader.line_num
        for cells in reader:
            line, before = before + 1, reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if progress and line % 2000 < 2:
                progress(line / lines)
            try:
                row = _row(columns, cells)
                row.check()
            except Refused as refused:
                report.refuse(line, str(refused))
            else:
                yield line, row
    except csv.Error as error:
        raise Refused(
            _("Ligne %(line)s\u00a0: un guillemet est de trop ou manque. Rien n’a été importé.")
            % {"line": reader.line_num}
        ) from error


def _delimiter(text: str) -> str:
    first = re.sub(r'"[^"]*"', "", text.lstrip("\r\n").split("\n", 1)[0])
    return max(";,\t|", key=first.count)


def _columns(header: list[str]) -> list[str]:
    """What each column holds; unknown ones are passed over. Or raise Refused."""
    columns = [COLUMNS.get(re.sub(r"[^a-z0-9]", "", rules.fold(cell)), "") for cell in header]
    if "street" not in columns and "address" not in columns:
        raise Refused(
            _(
                "La première ligne doit nommer les colonnes\u00a0: au moins «\u00a0numero\u00a0» "
                "et «\u00a0rue\u00a0», ou «\u00a0adresse\u00a0»."
            )
        )
    twice = {name for name in columns if name and columns.count(name) > 1}
    if twice:
        named = ", ".join(cell for cell, name in zip(header, columns, strict=True) if name in twice)
        raise Refused(_("Deux colonnes disent la même chose\u00a0: %(named)s.") % {"named": named})
    return columns


def _row(columns: list[str], cells: list[str]) -> Row:
    if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
        raise Refused(_("la ligne a plus de colonnes que l’en-tête."))
    if any(len(cell) > LONGEST for cell in cells):
        raise Refused(_("une case contient plus de 4\u00a0000 caractères."))
    told = {name: clean(cell) for name, cell in zip(columns, cells, strict=False) if name}
    if not told.get("street") and told.get("address"):
        found = WHOLE.fullmatch(told["address"])
        if not found:
            raise Refused(
                _("«\u00a0%(text)s\u00a0» n’est pas une adresse.") % {"text": told["address"][:40]}
            )
        told |= {name: value or "" for name, value in found.groupdict().items()}
    kind = told.get("type", "")
    street = " ".join(
        part
        for part in (
            rules.ABBREVIATIONS.get(rules.fold(kind).strip(". "), kind),
            told.get("link", ""),
            told.get("street", ""),
            told.get("cardinal", ""),
        )
        if part
    )
    return Row(
        number=told.get("number", ""),
        street=street.replace("’ ", "’"),
        unit=told.get("unit", ""),
        postal_code=told.get("postal_code", ""),
        matricule=told.get("matricule", ""),
        dwellings=_whole_number(told.get("dwellings", "")),
        longitude=_degrees(told.get("longitude", "")),
        latitude=_degrees(told.get("latitude", "")),
        sector=told.get("sector", ""),
    )


def _degrees(text: str) -> float | None:
    text = text.replace(",", ".").replace("−", "-")
    if not text:
        return None
    if not re.fullmatch(r"-?\d{1,3}(\.\d{1,15})?", text):
        raise Refused(
            _("«\u00a0%(text)s\u00a0» n’est pas un angle en degrés.") % {"text": text[:20]}
        )
    return round(float(text), 6)


def _whole_number(text: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"\d{1,5}", text):
        raise Refused(
            _("«\u00a0%(text)s\u00a0» n’est pas un nombre de logements.") % {"text": text[:20]}
        )
    return int(text)
