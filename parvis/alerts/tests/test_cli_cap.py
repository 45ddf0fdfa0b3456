"""`parvis cap check`, as a person types it: no settings, no database, no instance."""

from __future__ import annotations

import os
import subprocess
import sys

from parvis.alerts.tests.make import FLOOD, changed
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
    assert run(tmp_path, "-", given=FLOOD.encode())[:2] == (0, "entrée standard\u00a0: valide.\n")
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
