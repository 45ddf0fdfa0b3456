"""Files that people hand in: what is kept, what is refused, and in which sentence."""

from __future__ import annotations

import contextlib
import io
import struct
import zipfile
import zlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from parvis.core import files, images
from parvis.core.errors import Refused

SCRIPT = b"<script>alert(document.domain)</script>"


@pytest.fixture(autouse=True)
def store(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def upload(content: bytes, name: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def photo(width=1800, height=1200, kind="JPEG", mode="RGB", **options) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (width, height), "teal" if mode != "RGBA" else (0, 9, 9, 90)).save(
        file, kind, **options
    )
    return file.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be very large; its pixels do not even exist."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def picture(content: bytes) -> files.StoredPicture:
    return files.keep_picture(upload(content, "photo.jpg"), town_id=1, area="avis")


def folder_of(kept) -> dict[str, bytes]:
    place = files.place(1, "avis", kept.folder)
    return {file.name: file.read_bytes() for file in place.iterdir()}


def test_a_photo_is_drawn_in_three_widths_and_a_jpeg_to_share():
    kept = picture(photo())
    assert (kept.width, kept.height, kept.widths) == (1600, 1067, [480, 960, 1600])
    made = folder_of(kept)
    assert sorted(made) == ["1600.webp", "480.webp", "960.webp", images.SOCIAL]
    assert [Image.open(io.BytesIO(made[f"{w}.webp"])).width for w in kept.widths] == kept.widths


def test_a_small_image_is_never_enlarged():
    kept = picture(photo(300, 200))
    assert (kept.width, kept.height, kept.widths) == (300, 200, [300])


def test_a_photo_taken_on_its_side_stands_up_and_forgets_where_it_was_taken():
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Appareil de Luc"
    exif.get_ifd(0x8825)[1] = "N"
    kept = picture(photo(1000, 500, exif=exif))
    assert (kept.width, kept.height) == (500, 1000)
    for content in folder_of(kept).values():
        assert b"Appareil de Luc" not in content
        assert not Image.open(io.BytesIO(content)).getexif()


def test_a_transparent_image_stays_so_and_is_shared_on_white():
    made = folder_of(picture(photo(600, 400, "PNG", "RGBA")))
    assert Image.open(io.BytesIO(made["480.webp"])).mode == "RGBA"
    assert Image.open(io.BytesIO(made[images.SOCIAL])).mode == "RGB"


@pytest.mark.parametrize(
    "content",
    [photo() + SCRIPT, photo(comment=SCRIPT), photo(kind="PNG") + b"PK\x03\x04" + SCRIPT,
     photo(kind="GIF") + SCRIPT],
)  # fmt: skip
def test_what_hides_in_an_image_does_not_survive(content):
    assert SCRIPT in content
    for made in folder_of(picture(content)).values():
        assert SCRIPT not in made


@pytest.mark.parametrize("size", [(8000, 5000), (65000, 65000), (2_000_000_000, 2_000_000_000)])
def test_a_bomb_is_refused_before_it_is_decoded(size):
    with pytest.raises(Refused, match="40 millions de pixels"):
        picture(bomb(*size))


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a", b"\xff\xd8\xff" + b"x" * 900, SCRIPT, photo()[:900], bomb(200, 200),
     b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7"],
)  # fmt: skip
def test_a_false_image_is_refused_in_a_sentence(content, store):
    with pytest.raises(Refused, match="pas une image"):
        picture(content)
    assert list(store.glob("1/avis/*")) == []


@pytest.mark.parametrize("size", [(8, 900), (20, 1000)])
def test_an_image_too_narrow_to_show_is_refused(size):
    with pytest.raises(Refused, match="trop étroite"):
        picture(photo(*size))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(at=st.integers(0, 400), byte=st.integers(0, 255), cut=st.integers(20, 2000))
def test_a_damaged_image_is_drawn_or_refused_and_nothing_else(at, byte, cut):
    content = bytearray(photo(64, 48, "PNG"))[:cut]
    content[at % len(content)] = byte
    with contextlib.suppress(Refused):
        picture(bytes(content))


def office(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


TYPES = {"[Content_Types].xml": b"<Types/>"}
DOCX = office({**TYPES, "word/document.xml": b"<w/>"})
XLSX = office({**TYPES, "xl/workbook.xml": b"<w/>"})
ODT = office({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b"<o/>"})


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("plan.pdf", b"%PDF-1.7\n", "pdf"),
        ("avis.DOCX", DOCX, "docx"),
        ("liste.xlsx", XLSX, "xlsx"),
        ("avis.odt", ODT, "odt"),
        ("rues.csv", "Numéro;Rue\n1;Hêtre".encode("cp1252"), "csv"),
        ("note.txt", "Été".encode(), "txt"),
        ("photo.JPEG", photo(), "jpg"),
        ("carte.png", photo(kind="PNG"), "png"),
    ],
)
def test_a_file_of_a_known_kind_is_kept(name, content, kind):
    kept = files.keep_file(upload(content, name), town_id=1, area="avis")
    assert kept.kind == kind
    assert kept.name == f"{name.rsplit('.', 1)[0]}.{kind}"
    assert list(folder_of(kept)) == [kept.name]


def test_a_csv_in_windows_1252_is_kept_in_utf_8():
    csv = "Numéro;Rue\r\n1;Hêtre".encode("cp1252")
    kept = files.keep_file(upload(csv, "rues.csv"), town_id=1, area="avis")
    assert folder_of(kept)["rues.csv"].decode("utf-8-sig") == "Numéro;Rue\r\n1;Hêtre"


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("page.html", b"<p>", "pas accepté"),
        ("virus.exe", b"MZ", "pas accepté"),
        ("dessin.svg", b"<svg/>", "pas accepté"),
        ("sans", b"texte", "pas accepté"),
        ("plan.pdf", SCRIPT, "n’est pas celui"),
        ("plan.pdf", b"\n%PDF-1.7", "n’est pas celui"),
        ("note.txt", b"<!DOCTYPE html><p>", "n’est pas celui"),
        ("note.txt", b"MZ\x00\x01", "n’est pas celui"),
        ("avis.docx", XLSX, "n’est pas celui"),
        ("avis.docx", b"PK\x03\x04", "n’est pas celui"),
        ("avis.docx", office({**TYPES, "word/document.xml": b"", "word/vbaProject.bin": b"1"}),
         "n’est pas celui"),
        ("avis.odt", office({"mimetype": b"application/zip"}), "n’est pas celui"),
        ("photo.jpg", photo(kind="PNG"), "n’est pas celui"),
        ("note.txt", b"", "vide"),
    ],
)  # fmt: skip
def test_any_other_file_is_refused_in_a_sentence(name, content, sentence, store):
    with pytest.raises(Refused, match=sentence):
        files.keep_file(upload(content, name), town_id=1, area="avis")
    assert list(store.glob("1/avis/*")) == []


def test_a_zip_that_swells_is_refused():
    swollen = office({**TYPES, "word/document.xml": b"0" * (files.UNPACKED_MAX + 1)})
    assert len(swollen) < files.FILE_MAX
    with pytest.raises(Refused):
        files.keep_file(upload(swollen, "avis.docx"), town_id=1, area="avis")


def test_a_file_larger_than_it_said_is_refused():
    large = upload(b"%PDF-" + b"0" * files.FILE_MAX, "plan.pdf")
    large.size = 10
    with pytest.raises(Refused, match="20"):
        files.keep_file(large, town_id=1, area="avis")


@given(name=st.text(max_size=300))
def test_a_kept_name_is_always_a_plain_name(name):
    safe = files.safe_name(name, "pdf")
    assert safe.endswith(".pdf")
    assert not set(safe) & set('/\\\x00\n"<>|:*?')
    assert not safe.startswith((".", "-"))
    assert len(safe.encode()) < 120


@pytest.mark.parametrize("folder", ["..", "../../etc/passwd", "a" * 15, "x/y" * 9, "a" * 20 + "\n"])
def test_no_folder_leads_out_of_the_store(folder):
    with pytest.raises(ValueError, match="not a place"):
        files.place(1, "avis", folder)
