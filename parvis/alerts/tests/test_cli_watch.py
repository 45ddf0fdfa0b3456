"""`parvis cap watch`, as a person runs it, beside a distributor of the tests' own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from parvis.alerts.tests.naad_server import Distributor, Web, heartbeat, message, named, unsigned
from parvis.alerts.tests.signing import TOWN
from tests.cluster import ROOT


def begin(folder, *words: str) -> subprocess.Popen[str]:
    bare = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT),
            "LANG": "C.UTF-8", "no_proxy": "*"}  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "parvis.cli", "cap", "watch", *words],
        cwd=folder, env=bare, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture
def side():
    made = Distributor()
    yield made
    made.close()


@pytest.fixture
def web():
    made = Web()
    yield made
    made.close()


def test_what_arrives_is_said_and_kept_and_what_was_missed_is_filled(tmp_path, side, web):
    (tmp_path / "town.pem").write_bytes(TOWN.public_bytes(Encoding.PEM))
    web.keep(2, message(2))
    running = begin(
        tmp_path, side.source, "--archive", web.base, "--certificate", "town.pem", "--count", "3",
        "--keep", "kept",
    )  # fmt: skip
    side.joined()
    first_message = message(1)
    side.say(first_message + heartbeat(1, 2) + unsigned(3, text="\x85\u202eIci"))
    said, wrong = running.communicate(timeout=60)
    assert (running.returncode, wrong) == (0, "")
    lines = [line.partition(" ")[2] for line in said.splitlines()]
    assert lines[0] == f"{side.source}\u00a0: relié."
    first = next(line for line in lines if named(1).identifier in line)
    assert first == (
        f"{side.source}\u00a0: Alert Actual {named(1).identifier} — "
        "«\u00a0Évacuation de la rue des Saules\u00a0» de Ville de Val-des-Brumes — "
        "Immediate, Severe, Observed — Rue des Saules — "
        "signé par Ville de Val-des-Brumes\u00a0: elle tient"
    )
    assert any(line.startswith(f"{web.base}\u00a0: Alert Actual") for line in lines)
    assert any(line.endswith("non signé") for line in lines)
    assert sorted(one.name for one in (tmp_path / "kept").iterdir()) == [
        "20260419T051300-2_49_0_1_124_0001.cap.xml",
        "20260419T051400-2_49_0_1_124_0002.cap.xml",
        "20260419T051500-2_49_0_1_124_0003.cap.xml",
    ]
    kept = tmp_path / "kept" / "20260419T051300-2_49_0_1_124_0001.cap.xml"
    assert kept.read_bytes() == first_message


def test_silence_calls_the_alarm_and_a_signal_ends_it_well(tmp_path, side):
    running = begin(tmp_path, side.source, "--silence", "0.5", "--alarm", "cat > alarm.txt")
    side.joined(2)
    assert f"ALARME {side.source}\u00a0: aucun battement" in running.stderr.readline()
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=30)
    assert running.returncode == 0
    assert "ALARME" in (tmp_path / "alarm.txt").read_text()


def test_only_what_concerns_the_town_is_said(tmp_path, side):
    running = begin(tmp_path, side.source, "--code", "2493042", "--count", "1")
    side.joined()
    side.say(unsigned(1) + unsigned(2).replace(b">2499999<", b">24<"))
    said, _wrong = running.communicate(timeout=60)
    assert named(2).identifier in said and named(1).identifier not in said


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["ville"], "n’est ni HÔTE:PORT"),
        (["ville:99999"], "le port 99999 n’existe pas"),
        (["a:1", "--silence", "0"], "plus que zéro"),
        (["https://a.example/", "--silence", "10"], "--silence doit dépasser --every"),
        (["a:1", "--archive", "ftp://a"], "n’est pas une adresse http"),
        (["a:1", "--trust", "absent"], "n’existe pas"),
    ],
)
def test_what_cannot_be_watched_is_a_sentence(tmp_path, words, why):
    running = begin(tmp_path, *words)
    _said, wrong = running.communicate(timeout=60)
    assert running.returncode == 1
    assert why in wrong and "Traceback" not in wrong
