"""Files that people hand in: known by their content, kept apart for each town, served harmlessly.

On disk: MEDIA_ROOT/<town>/<area>/<folder>/<name>. An area belongs to one room, which says by its
`door` who may open a folder. A folder's name is random and nothing in it is ever written twice.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from parvis.core import images
from parvis.core.errors import Refused

FILE_MAX = 20 * 1024 * 1024
PICTURE_MAX = 15 * 1024 * 1024
UNPACKED_MAX = 200 * 1024 * 1024
NAME_MAX = 100

FOLDER = re.compile(r"[A-Za-z0-9_-]{16,64}")
AREA = re.compile(r"[a-z]{2,20}")


@dataclass(frozen=True)
class Kind:
    content_type: str
    inline: bool = False


KINDS = {
    "pdf": Kind("application/pdf", inline=True),
    "png": Kind("image/png", inline=True),
    "jpg": Kind("image/jpeg", inline=True),
    "webp": Kind("image/webp", inline=True),
    "odt": Kind("application/vnd.oasis.opendocument.text"),
    "ods": Kind("application/vnd.oasis.opendocument.spreadsheet"),
    "docx": Kind("application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "xlsx": Kind("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "csv": Kind("text/csv; charset=utf-8"),
    "txt": Kind("text/plain; charset=utf-8"),
}
"""What may be kept, by extension; everything else is refused."""

ACCEPTED = ".pdf,.odt,.ods,.docx,.xlsx,.csv,.txt,.png,.jpg,.jpeg,.webp"
"""For the `accept` attribute of a form; the content decides."""


class Access(Enum):
    """Who may open a folder: anyone, those whom the door let in, nobody."""

    PUBLIC = "public"
    PRIVATE = "private"
    NONE = "none"


Door = Callable[[HttpRequest, str], Access]
_doors: dict[str, Door] = {}


def door(area: str) -> Callable[[Door], Door]:
    """Say who may open files of this area; the function is given the request and the folder."""
    if not AREA.fullmatch(area):
        raise ValueError(f"not the name of an area: {area}")

    def keep_door(function: Door) -> Door:
        _doors[area] = function
        return function

    return keep_door


def door_of(area: str) -> Door | None:
    return _doors.get(area)


@dataclass(frozen=True)
class Stored:
    """A file as it was kept."""

    folder: str
    name: str
    kind: str
    size: int
    sha256: str


@dataclass(frozen=True)
class StoredPicture:
    """An image that we drew again; `widths` lists the files, the last the largest."""

    folder: str
    width: int
    height: int
    widths: list[int]


def place(town_id: int, area: str, folder: str) -> Path:
    if not (AREA.fullmatch(area) and FOLDER.fullmatch(folder)):
        raise ValueError("not a place for files")
    return Path(settings.MEDIA_ROOT) / str(int(town_id)) / area / folder


def url(area: str, folder: str, name: str) -> str:
    return reverse("files:file", args=[area, folder, name])


def picture_url(area: str, folder: str, width: int) -> str:
    return url(area, folder, f"{width}.webp")


def safe_name(name: str, kind: str) -> str:
    """The file's name without path, marks or odd characters, with the extension of its content."""
    stem = unicodedata.normalize("NFC", name.replace("\\", "/").rsplit("/", 1)[-1])
    if "." in stem:
        stem = stem.rsplit(".", 1)[0]
    stem = "".join(
        char if unicodedata.category(char)[0] in "LN" or char in "-_ ’'()" else " " for char in stem
    )
    stem = re.sub(r"\s+", "-", stem.replace("'", "’")).strip("-_")
    # Names on disk are limited in bytes, and a letter may take four.
    while len(stem.encode()) > NAME_MAX:
        stem = stem[:-1]
    return f"{stem or _('fichier')}.{kind}"


@contextmanager
def _new_folder(town_id: int, area: str) -> Iterator[tuple[str, Path]]:
    """A folder that appears whole or not at all."""
    folder = secrets.token_urlsafe(18)
    final = place(town_id, area, folder)
    draft = final.with_name(f".{folder}")
    draft.mkdir(parents=True, mode=0o750)
    try:
        yield folder, draft
        os.rename(draft, final)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def forget(town_id: int, area: str, folder: str) -> None:
    """Remove a folder once the transaction that no longer needs it is committed."""
    gone = place(town_id, area, folder)
    transaction.on_commit(lambda: shutil.rmtree(gone, ignore_errors=True))


def keep_file(upload: File[bytes], *, town_id: int, area: str, name: str = "") -> Stored:
    """Keep a file of a known kind, or raise Refused. Images are drawn again, without their EXIF."""
    name = name or upload.name or ""
    if (upload.size or 0) > FILE_MAX:
        raise Refused(
            _("Ce fichier dépasse {n}\u00a0Mo. Réduisez-le ou divisez-le.").format(n=FILE_MAX >> 20)
        )
    with _new_folder(town_id, area) as (folder, path):
        raw = path / "recu"
        _copy(upload, raw)
        kind = known_kind(raw, name)
        final = path / safe_name(name, kind)
        if kind in images.FORMATS:
            with raw.open("rb") as source:
                images.redraw(source, final, kind)
            raw.unlink()
        elif kind in {"csv", "txt"}:
            _write_text(raw, final)
        else:
            os.rename(raw, final)
        return Stored(
            folder=folder,
            name=final.name,
            kind=kind,
            size=final.stat().st_size,
            sha256=hashlib.sha256(final.read_bytes()).hexdigest(),
        )


def keep_picture(upload: File[bytes], *, town_id: int, area: str) -> StoredPicture:
    """Keep an image in our widths, or raise Refused. Nothing of the file itself is kept."""
    if (upload.size or 0) > PICTURE_MAX:
        raise Refused(
            _("Cette image dépasse {n}\u00a0Mo. Réduisez-la avant de la joindre.").format(
                n=PICTURE_MAX >> 20
            )
        )
    upload.seek(0)
    with _new_folder(town_id, area) as (folder, path):
        width, height, widths = images.draw_widths(upload, path)
        return StoredPicture(folder=folder, width=width, height=height, widths=widths)


def _copy(upload: File[bytes], to: Path) -> None:
    """Copy in pieces, and stop at the limit whatever size was announced."""
    total = 0
    upload.seek(0)
    with to.open("wb") as target:
        while piece := upload.read(256 * 1024):
            total += len(piece)
            if total > FILE_MAX:
                raise Refused(
                    _("Ce fichier dépasse {n}\u00a0Mo. Réduisez-le ou divisez-le.").format(
                        n=FILE_MAX >> 20
                    )
                )
            target.write(piece)
    if total == 0:
        raise Refused(_("Ce fichier est vide."))


def known_kind(path: Path, name: str) -> str:
    """The kind that the content shows and the name announces, or raise Refused."""
    announced = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    announced = {"jpeg": "jpg", "jpe": "jpg"}.get(announced, announced)
    if announced not in KINDS:
        raise Refused(
            _(
                "Ce type de fichier n’est pas accepté. Joignez un PDF, un ODT, un DOCX, un XLSX, "
                "un CSV ou une image."
            )
        )
    with path.open("rb") as source:
        found = sniff(source)
    if found == announced or (found == "txt" and announced == "csv"):
        return announced
    raise Refused(
        _(
            "Le contenu de ce fichier n’est pas celui qu’annonce son nom "
            "(«\u00a0.{kind}\u00a0»). Enregistrez-le de nouveau, puis joignez-le."
        ).format(kind=announced)
    )


def sniff(source: IO[bytes]) -> str:
    """What the content is: a kind of ours, or nothing."""
    head = source.read(4096)
    if head.startswith(b"%PDF-"):
        return "pdf"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head.startswith(b"PK\x03\x04"):
        source.seek(0)
        return _office(source)
    source.seek(0)
    return "txt" if _as_text(source.read(FILE_MAX)) is not None else ""


def _office(source: IO[bytes]) -> str:
    """Which office document a zip is; one with macros, or that swells, is none."""
    try:
        with zipfile.ZipFile(source) as archive:
            members = archive.infolist()
            names = {member.filename for member in members}
            if len(members) > 5000 or sum(m.file_size for m in members) > UNPACKED_MAX:
                return ""
            if any("vbaproject" in n.lower() or n.lower().endswith(".bin") for n in names):
                return ""
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                declared = archive.read("mimetype").decode("ascii", "replace").strip()
                macros = any(n.startswith(("Basic/", "Scripts/")) for n in names)
                kinds = {KINDS[k].content_type: k for k in ("odt", "ods")}
                return "" if macros else kinds.get(declared, "")
            if "[Content_Types].xml" not in names:
                return ""
            if "word/document.xml" in names:
                return "docx"
            return "xlsx" if "xl/workbook.xml" in names else ""
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError):
        return ""


def _as_text(content: bytes) -> str | None:
    """The text of a file in UTF-8, UTF-16 with its mark, or Windows-1252; None if it is no text."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        # A page or a script under another name has no business here.
        if re.search(r"[\x00-\x08\x0e-\x1f]", text) or re.match(
            r"\s*<(?:!doctype|html|script|svg|\?xml|head|body)", text, re.IGNORECASE
        ):
            return None
        return text
    return None


def _write_text(raw: Path, final: Path) -> None:
    """Text is kept in UTF-8, marked so that spreadsheets read its accents."""
    text = _as_text(raw.read_bytes()) or ""
    final.write_text(text, encoding="utf-8-sig" if final.suffix == ".csv" else "utf-8", newline="")
    raw.unlink()
