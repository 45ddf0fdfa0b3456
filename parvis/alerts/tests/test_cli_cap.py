"""`parvis cap check`, as a person types it: no settings, no database, no instance."""

from __future__ import annotations

import os
import subprocess
import sys

from cryptography.hazmat.primitives.serialization import Encoding

from parvis.alerts.cap_signature import sign
from parvis.alerts.tests.make import FLOOD, changed
from parvis.alerts.tests.signing import (
    MESSAGE,
    RSA_CERTIFICATE,
    RSA_KEY,
    TOWN,
    TOWN_KEY,
    distributor_signs,
    stranger_signs,
)
from tests.cluster import ROOT


def run(folder, *words: str, given: bytes = b"") -> tuple[int, str, str]:
    """In an environment that names no secret, no database and no data folder."""
    bare = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT),
            "LANG": "C.UTF-8"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "parvis.cli", "cap", "check", *words],
        cwd=folder, env=bare, input=given, capture_output=True, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_valid_files_end_well_and_leave_nothing_behind(tmp_path):
    (tmp_path / "a.xml").write_text(FLOOD)
    (tmp_path / "b.xml").write_bytes(changed("CAP-CP:0.4<", "CAP-CP:1.0<"))
    code, said, wrong = run(tmp_path, "a.xml", "b.xml")
    assert (code, wrong) == (0, "")
    assert "a.xml\u00a0: valide.\n" in said
    assert "b.xml:11\u00a0: conseil [cap-cp.version] alert/code[1]\u00a0: CAP-CP 1.0" in said
    assert "b.xml\u00a0: valide, 1\u00a0conseil.\n" in said
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.xml", "b.xml"]


def test_one_bad_file_fails_the_command_and_says_rule_line_and_reason(tmp_path):
    (tmp_path / "bad.xml").write_bytes(changed("05:12:00-04:00</sent>", "05:12:00Z</sent>"))
    (tmp_path / "good.xml").write_text(FLOOD)
    code, said, _wrong = run(tmp_path, "bad.xml", "good.xml")
    assert code == 1
    assert "bad.xml:6\u00a0: faute [cap.valeur] alert/sent\u00a0: «\u00a0sent\u00a0» vaut" in said
    assert "bad.xml\u00a0: non valide, 1\u00a0faute.\n" in said
    assert "good.xml\u00a0: valide.\n" in said


def test_a_dash_reads_the_standard_input(tmp_path):
    said = "entrée standard\u00a0: non signé.\nentrée standard\u00a0: valide.\n"
    assert run(tmp_path, "-", given=FLOOD.encode())[:2] == (0, said)
    assert run(tmp_path, "-", given=b"")[0] == 1


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path):
    (tmp_path / "good.xml").write_text(FLOOD)
    code, said, wrong = run(tmp_path, "absent.xml", str(tmp_path), "good.xml")
    assert code == 1
    assert "Le fichier «\u00a0absent.xml\u00a0» n’existe pas." in wrong
    assert "est un dossier" in wrong and "Traceback" not in wrong
    assert "good.xml\u00a0: valide." in said


def test_the_profile_binds_who_declares_it(tmp_path):
    (tmp_path / "cp.xml").write_bytes(changed("<value>flood", "<value>tornado"))
    (tmp_path / "plain.xml").write_bytes(changed("<value>flood", "<value>tornado", plain=True))
    assert run(tmp_path, "cp.xml")[0] == 1
    assert run(tmp_path, "plain.xml")[0] == 0


def test_a_large_file_is_refused_before_it_is_read_whole(tmp_path):
    with open(tmp_path / "large.xml", "wb") as file:
        file.truncate(10**11)
    code, said, _wrong = run(tmp_path, "large.xml")
    assert code == 1 and "2\u00a0Mo" in said


def test_a_signature_is_said_and_a_bad_one_fails(tmp_path):
    signed = sign(MESSAGE, key=TOWN_KEY, certificate=TOWN)
    (tmp_path / "a.xml").write_bytes(signed)
    (tmp_path / "b.xml").write_bytes(signed.replace(b"gymnase", b"sous-sol"))
    (tmp_path / "town.pem").write_bytes(TOWN.public_bytes(Encoding.PEM))
    (tmp_path / "other.der").write_bytes(RSA_CERTIFICATE.public_bytes(Encoding.DER))
    code, said, _wrong = run(tmp_path, "a.xml")
    assert code == 0
    assert "a.xml\u00a0: signé par Ville de Val-des-Brumes\u00a0: elle tient, mais" in said
    code, said, _wrong = run(tmp_path, "a.xml", "--certificate", "town.pem")
    assert code == 0 and "par Ville de Val-des-Brumes\u00a0: elle tient.\n" in said
    code, said, _wrong = run(tmp_path, "a.xml", "--certificate", "other.der")
    assert code == 1 and "Aucune signature n’est d’un signataire admis" in said
    for named in ([], ["--certificate", "town.pem"]):
        code, said, _wrong = run(tmp_path, "b.xml", "a.xml", *named)
        assert code == 1
        assert "faute [cap.signature] alert/Signature\u00a0: " in said
        assert "b.xml\u00a0: signé\u00a0: le message a été modifié" in said
        assert "a.xml\u00a0: valide.\n" in said


def test_no_signature_is_no_fault_and_one_that_proves_nothing_only_advice(tmp_path):
    (tmp_path / "town.pem").write_bytes(TOWN.public_bytes(Encoding.PEM))
    (tmp_path / "rsa.pem").write_bytes(RSA_CERTIFICATE.public_bytes(Encoding.PEM))
    (tmp_path / "plain.xml").write_bytes(MESSAGE)
    assert run(tmp_path, "plain.xml", "--trust", "town.pem")[0] == 0
    old = stranger_signs(MESSAGE, RSA_KEY, [RSA_CERTIFICATE], signature="rsa-sha1")
    (tmp_path / "old.xml").write_bytes(old)
    code, said, _wrong = run(tmp_path, "old.xml")
    assert code == 0
    assert "conseil [cap.signature]" in said and "SHA-1" in said
    assert run(tmp_path, "old.xml", "--certificate", "rsa.pem")[0] == 1


def test_both_signatures_of_the_distributor_are_said(tmp_path):
    signed = distributor_signs(
        sign(MESSAGE, key=TOWN_KEY, certificate=TOWN), RSA_KEY, [RSA_CERTIFICATE]
    )
    (tmp_path / "two.xml").write_bytes(signed)
    (tmp_path / "both.pem").write_bytes(
        TOWN.public_bytes(Encoding.PEM) + RSA_CERTIFICATE.public_bytes(Encoding.PEM)
    )
    code, said, _wrong = run(tmp_path, "two.xml", "--certificate", "both.pem")
    assert code == 0
    assert "two.xml\u00a0: signature 1 par Diffuseur inventé\u00a0: elle tient.\n" in said
    assert "two.xml\u00a0: signature 2 par Ville de Val-des-Brumes\u00a0: elle tient.\n" in said


def test_a_certificate_that_cannot_be_read_is_a_sentence(tmp_path):
    (tmp_path / "a.xml").write_bytes(MESSAGE)
    for named, why in (("absent.pem", "n’existe pas"), ("a.xml", "pas de certificat lisible")):
        code, _said, wrong = run(tmp_path, "a.xml", "--certificate", named)
        assert code == 1 and why in wrong and "Traceback" not in wrong
