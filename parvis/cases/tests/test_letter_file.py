"""What is read of a letter, without a database."""

from __future__ import annotations

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


@given(st.binary(max_size=2000))
def test_no_bytes_make_it_fail(raw):
    letter_file.read(raw)
    letter_file.read(b"From: a@exemple.ca\nContent-Type: text/html; charset=x\n\n" + raw)


@given(st.text(max_size=500))
def test_cutting_loses_nothing_of_a_text_that_quotes_nothing(text):
    plain = letter_file.tidy("".join(each for each in text if each not in ">-_:")).strip()
    lines = [line for line in plain.split("\n") if len(line) < 3]
    assert letter_file.cut("\n".join(lines)) == letter_file.tidy("\n".join(lines))
