"""What is read of a letter, without a database."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parvis.cases import letter_file
from parvis.cases.tests import letters

WORDS = "Le numéro est 4F-112.\n\nMerci beaucoup !"


@pytest.mark.parametrize(
    "text",
    [
        letters.GMAIL, letters.OUTLOOK, letters.OUTLOOK_PLAIN, letters.IPHONE, letters.SIGNED,
        letters.ENGLISH,
    ],
    ids=["gmail", "outlook", "outlook-plain", "iphone", "signed", "english"],
)  # fmt: skip
def test_what_is_quoted_and_the_signature_are_cut_and_the_whole_is_kept(text):
    found = letter_file.read(letters.letter("reponse@localhost", text))
    assert found.text == WORDS
    assert found.whole == letter_file.tidy(text)


def test_words_between_and_below_the_quoted_ones_are_kept():
    found = letter_file.read(letters.letter("x@localhost", letters.BELOW))
    assert found.text == "Le numéro est 4F-112.\nMerci beaucoup !"
    assert "Quel numéro" in found.whole


@pytest.mark.parametrize(
    "text",
    [
        "De : la rue des Bouleaux jusqu’au pont, tout est noir.",
        "Le maire a écrit\nque la rue serait réparée :\nquand ?",
        "Trois points :\n\n> un\nmais deux aussi.",
        "Avant\n--\u00a0après",
    ],
)
def test_a_text_that_only_looks_quoted_is_not_cut(text):
    found = letter_file.read(letters.letter("x@localhost", text))
    assert found.text == letter_file.tidy(text)
    assert found.whole == ""


def test_a_letter_in_html_alone_is_read_without_its_quotation():
    page = (
        "<html><head><style>p{}</style></head><body><p>Le num&eacute;ro&nbsp;est <b>4F</b>.</p>"
        "<div>Merci</div><blockquote>Quel numéro ?</blockquote><script>x()</script></body></html>"
    )
    found = letter_file.read(letters.letter("x@localhost", "", html=page))
    assert found.text == "Le numéro est 4F.\n\nMerci"
    both = letter_file.read(letters.letter("x@localhost", "En mots.", html=page))
    assert both.text == "En mots."


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"}, {"Auto_Submitted": "auto-generated"},
        {"Precedence": "bulk"}, {"Precedence": "list"}, {"X_Autoreply": "yes"},
        {"X_Parvis_Message": "1"}, {"Return_Path": "<>"}, {"Subject": "Absence du bureau : RE"},
        {"Subject": "Réponse automatique"}, {"Subject": "Out of office"},
        {"sender": "MAILER-DAEMON@exemple.ca"}, {"sender": "no-reply@exemple.ca"},
    ],
)  # fmt: skip
def test_what_no_person_wrote_is_known(headers):
    assert letter_file.read(letters.letter("x@localhost", **headers)).automatic
    assert not letter_file.read(letters.letter("x@localhost", Auto_Submitted="no")).automatic


def test_files_are_read_by_name_and_a_logo_is_left_out():
    found = letter_file.read(
        letters.letter("x@localhost", files=(("Bac brisé.txt", b"Bonjour"), ("b.pdf", b"%PDF-")))
    )
    assert found.files == [("Bac brisé.txt", b"Bonjour"), ("b.pdf", b"%PDF-")]
    logo = (
        b"From: a@exemple.ca\nTo: x@localhost\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/related; boundary="b"\n\n--b\nContent-Type: text/plain\n\nOui\n'
        b"--b\nContent-Type: image/png; name=logo.png\nContent-ID: <1>\n"
        b"Content-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--b--\n"
    )
    assert letter_file.read(logo).files == []


def test_an_address_is_found_wherever_servers_leave_it():
    raw = letters.letter("reponse+1.2.3.X@localhost", Delivered_To="Autre@LOCALHOST")
    assert letter_file.read(raw).addresses == ["autre@localhost", "reponse+1.2.3.x@localhost"]


def test_a_letter_without_identity_gets_one_of_its_content():
    raw = b"From: a@exemple.ca\n\nBonjour"
    first, again, other = (
        letter_file.read(each).letter_id for each in (raw, raw, raw + b" encore")
    )
    assert first == again != other


def test_a_letter_that_is_built_to_cost_is_not_read():
    nested = b"From: a@b.ca\n" + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" * 200
    assert letter_file.read(nested) is None


def test_what_would_cost_quadratic_time_is_read_at_once():
    began = time.process_time()
    for text in (">\n" * 300_000 + "fin", "On xxxx wrote" + " " * 400_000 + "x", "le " * 200_000):
        assert letter_file.read(letters.letter("x@localhost", text)) is not None
    letter_file.read(letters.letter("x@localhost", "", html="<a " * 100_000))
    long_name = b"From: a@b.ca\nContent-Disposition: a" + b";" * 500_000 + b"\n\nx"
    assert letter_file.read(long_name) is None
    # Each of these took minutes; this is far above what they take now, and far below that.
    assert time.process_time() - began < 30


@pytest.mark.parametrize(
    "header",
    [
        "=?utf-8?q?V_=3Cvictime=40ex.ca=3E=2C?= <x@evil.example>",
        "victime@ex.ca, x@evil.example",
        "victime@ex.ca)(x@evil.example",
        '"victime@ex.ca" <x@evil.example>',
        "x@evil.example\nFrom: victime@ex.ca",
    ],
)
def test_nobody_writes_in_anothers_name_by_a_trick_of_the_header(header):
    raw = f"From: {header}\nTo: x@localhost\n\nBonjour".encode()
    assert letter_file.read(raw).sender in {"", "x@evil.example"}


def test_an_encoded_name_is_read_and_its_address_too():
    raw = b"From: =?utf-8?q?Agathe_C=C3=B4t=C3=A9?= <Agathe@exemple.ca>\n\nBonjour"
    found = letter_file.read(raw)
    assert (found.name, found.sender) == ("Agathe Côté", "agathe@exemple.ca")


@given(st.binary(max_size=2000))
def test_no_bytes_make_it_fail(raw):
    letter_file.read(raw)
    letter_file.read(b"From: a@exemple.ca\nContent-Type: text/html; charset=x\n\n" + raw)


@given(st.text(max_size=500))
def test_cutting_loses_nothing_of_a_text_that_quotes_nothing(text):
    plain = letter_file.tidy("".join(each for each in text if each not in ">-_:")).strip()
    lines = [line for line in plain.split("\n") if len(line) < 3]
    assert letter_file.cut("\n".join(lines)) == letter_file.tidy("\n".join(lines))
