"""The `parvis` command: it starts, watches, ends, and says what is wrong."""

from __future__ import annotations

import http.client
import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import psycopg
import pytest
from django.utils import timezone

from parvis import cli_doctor, cli_run, cli_watch
from parvis.cli_place import Stop, secret_key
from parvis.cli_processes import MARK, Child, end_leftovers
from parvis.demo import mailbox
from parvis.municipalities.tests import make
from parvis.notifications.models import Work
from tests.cluster import ROOT


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def until(condition, *, seconds: float = 15.0) -> bool:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if condition():
            return True
        time.sleep(0.05)
    return False


# --- processes ------------------------------------------------------------------------------------

# A supervisor of our own, in a process of its own: signals are its business.
FAMILY = """
import sys
from parvis.cli_processes import Child, Supervisor, python
family = Supervisor("mark-of-the-test")
family.add(Child("dort", python("-c", "import time; time.sleep(100)")))
if "failing" in sys.argv:
    family.add(Child("tombe", python("-c", "print('encore', flush=True)")))
if "needed" in sys.argv:
    family.add(Child("pages", python("-c", "pass"), needed=True))
print("pid", family.children[0].process.pid, flush=True)
code = family.watch()
family.end()
sys.exit(code)
"""


def family(*words: str) -> tuple[subprocess.Popen, int]:
    parent = subprocess.Popen(
        [sys.executable, "-c", FAMILY, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    for line in parent.stdout:
        if line.startswith("pid"):
            return parent, int(line.split()[1])
    raise AssertionError("the family did not start")


def test_children_end_in_order_on_a_signal():
    parent, child = family()
    assert alive(child)
    parent.send_signal(signal.SIGTERM)
    assert parent.wait(20) == 0
    assert not alive(child)


def test_children_end_with_a_parent_that_was_killed():
    parent, child = family()
    parent.kill()
    parent.wait()
    assert until(lambda: not alive(child))


def test_a_child_that_ends_is_started_again():
    parent, _child = family("failing")
    said = [parent.stdout.readline() for _ in range(3)]
    parent.terminate()
    parent.wait(20)
    assert [line for line in said if "encore" in line], said
    assert [line for line in said if "nouveau départ" in line], said


def test_without_a_needed_child_the_whole_ends_with_a_sentence():
    parent, child = family("needed")
    said = parent.stdout.read()
    assert parent.wait(20) == 1
    assert "«\u00a0pages\u00a0» s’est arrêté de lui-même" in said
    assert not alive(child)


def test_what_an_earlier_run_left_is_ended_and_nothing_else(tmp_path):
    sleep = [sys.executable, "-c", "import time; time.sleep(100)"]
    left = subprocess.Popen(sleep, env={**os.environ, MARK: "of-yesterday"})
    other = subprocess.Popen(sleep, env={**os.environ, MARK: "of-another"})
    note = tmp_path / "demo.mark"
    note.write_text("of-yesterday")
    # The processes carry their mark once they run their own program.
    assert until(lambda: b"of-yesterday" in Path(f"/proc/{left.pid}/environ").read_bytes())
    end_leftovers(note)
    assert left.wait(10) == -signal.SIGTERM
    assert other.poll() is None
    other.kill()
    other.wait()
    assert not note.exists()


def test_a_child_that_does_not_listen_is_ended_all_the_same():
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1); time.sleep(100)"
    child = Child("sourd", [sys.executable, "-c", deaf])
    child.start("mark")
    pid = child.process.pid
    time.sleep(0.5)
    child.end(patience=0.5)
    assert not alive(pid)


def test_a_second_one_on_the_same_data_and_a_port_that_is_taken_are_refused(tmp_path):
    first, second = cli_run.only_one(tmp_path, "demo"), cli_run.only_one(tmp_path, "demo")
    with first, pytest.raises(Stop, match="tourne déjà"), second:
        pass
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(Stop, match="déjà pris"):
        cli_run.check_port("127.0.0.1", taken.getsockname()[1])


def test_the_secret_is_made_once_and_closed_to_others(tmp_path):
    first = secret_key(tmp_path)
    assert secret_key(tmp_path) == first and len(first) > 40
    path = tmp_path / "secrets" / "secret_key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


# --- the demonstration ----------------------------------------------------------------------------


def page(port: int, path: str, host: str = "alma.localhost") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers={"Host": f"{host}:{port}"})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def started(data: Path, port: int) -> subprocess.Popen:
    # An installation of its own: nothing of the test's settings may reach it.
    clean = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PARVIS_", "DATABASE_", "SECRET_KEY", "DJANGO_"))
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "parvis.cli", "demo", "--port", str(port), "--data", str(data)],
        cwd=ROOT,
        env=clean,
        stdout=subprocess.PIPE,
        text=True,
    )
    said = ""
    for line in process.stdout:
        said += line
        if line.rstrip() == f"Parvis est prêt : http://alma.localhost:{port}":
            return process
    raise AssertionError(f"not ready: {said}")


def of_this_run(data: Path) -> list[int]:
    wanted = f"PARVIS_DATA={data}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.mark.crash
def test_the_demonstration_starts_serves_stops_whole_and_starts_again(tmp_path):
    data, port = tmp_path / "demo", free_port()
    first = started(data, port)
    try:
        assert page(port, "/")[0] == 200
        assert page(port, "/", host="isle.localhost")[0] == 200
        assert page(port, "/", host="inconnu.localhost")[0] == 404
        assert "faites bouillir" in page(port, "/avis/")[1].lower()
        assert page(port, "/demo/code")[0] == 200
        # What was published as it started arrives in the local mailbox.
        assert until(lambda: mailbox.letters(data / "mail", limit=1) != [], seconds=60)
        assert "exemple.ca" in page(port, "/demo/courriels")[1]
        assert len(of_this_run(data)) >= 7
        # Whichever process is asked tells what all of them answered.
        counted = 'parvis_request_seconds_count{page="announcements:index",status="2xx"} 1.0'
        for _each in range(6):
            assert counted in page(port, "/metrics")[1].splitlines()
        first.send_signal(signal.SIGTERM)
        assert first.wait(40) == 0
        assert of_this_run(data) == []
        again = started(data, port)
        assert page(port, "/")[0] == 200
        # Killed without a word, it leaves nothing that holds the next start up.
        again.kill()
        again.wait()
        third = started(data, port)
        third.send_signal(signal.SIGINT)
        assert third.wait(40) == 0
        assert of_this_run(data) == []
    finally:
        for pid in of_this_run(data):
            os.kill(pid, signal.SIGKILL)


# --- the local mail server ------------------------------------------------------------------------


def test_the_local_mail_server_keeps_letters_and_refuses_those_it_is_asked_to(tmp_path):
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "parvis.demo.mailbox", str(listening.fileno()), str(tmp_path)],
        cwd=ROOT,
        pass_fds=[listening.fileno()],
    )
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as server:
            letter = EmailMessage()
            letter["Subject"], letter["From"] = "Été à Alma", "avis@exemple.ca"
            letter["To"] = "agathe@exemple.ca"
            letter.set_content("Bonjour")
            server.send_message(letter)
            with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
                server.send_message(letter, to_addrs=["inconnu3@exemple.ca"])
            assert refused.value.recipients["inconnu3@exemple.ca"][0] == 550
    finally:
        process.terminate()
        assert process.wait(10) == 0
    (kept,) = mailbox.letters(tmp_path)
    assert (kept["subject"], kept["to"]) == ("Été à Alma", ["agathe@exemple.ca"])
    assert mailbox.letter(tmp_path, kept["name"])["From"] == "avis@exemple.ca"
    assert mailbox.letter(tmp_path, "../../etc/passwd") is None


# --- the doctor -----------------------------------------------------------------------------------


def said(check) -> tuple[list[str], list[str]]:
    found = list(check())
    return [f.said for f in found if f.good], [f.said for f in found if not f.good]


@pytest.mark.django_db(databases=["default", "owner"])
def test_a_healthy_database_has_nothing_against_it(town):
    for check in (cli_doctor.database, cli_doctor.walls, cli_doctor.migrations, cli_doctor.clock):
        good, bad = said(check)
        assert good and bad == []


@pytest.mark.django_db(transaction=True)
def test_a_wall_that_fell_is_said():
    table = "residents_resident"
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        try:
            good, bad = said(cli_doctor.walls)
        finally:
            owner.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    assert good == [] and table in bad[0]


@pytest.mark.django_db
def test_a_mail_server_that_is_down_is_said_with_what_to_do(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    good, bad = said(cli_doctor.mail)
    assert good == [] and "SMTP_HOST" in bad[0]


@pytest.mark.django_db(transaction=True)
def test_a_lane_that_stalls_raises_the_alarm_once_and_says_when_it_is_over(tmp_path, monkeypatch):
    monkeypatch.setattr(cli_watch, "WATCHED", (cli_doctor.lanes,))
    town, now = make.municipality(), timezone.now()
    heard = tmp_path / "heard"
    alarm = f"cat >> {heard}; echo >> {heard}"

    def work(**facts):
        return Work.objects.create(
            municipality=town, chunk_id=1, message_id=1, channel="email", lane=0, **facts
        )

    waiting = work(not_before=now - timedelta(seconds=5))
    assert cli_watch.watch(every=0, alarm=alarm, rounds=1) == 0, "five seconds are no stall"
    Work.objects.update(not_before=now - timedelta(seconds=60))
    assert cli_watch.watch(every=0, alarm=alarm, rounds=3) == 1
    lines = heard.read_text().splitlines()
    assert len(lines) == 1 and "sécurité civile" in lines[0]
    # What a dispatcher holds under a lease that still runs is being done.
    Work.objects.filter(pk=waiting.pk).update(
        state=Work.State.LEASED, leased_until=now + timedelta(minutes=5)
    )
    assert cli_watch.watch(every=0, alarm=alarm, rounds=1) == 0
