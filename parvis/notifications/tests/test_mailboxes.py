"""The mailbox of returned letters, from a letter sent to the figure on the proof page."""

from __future__ import annotations

import imaplib
import os
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from parvis.core import live
from parvis.core.db import as_town
from parvis.notifications import mailboxes
from parvis.notifications.channels.email import bounce_address
from parvis.notifications.models import BadAddress
from parvis.notifications.tests import make as notify
from parvis.notifications.tests import returns
from parvis.notifications.tests.push_service import write_certificates
from parvis.notifications.tests.test_bounces import email_figures, send, ways_back

# Signed by us, and beyond what PostgreSQL can hold: no reader foresees it.
POISON = returns.report(bounce_address(10**30, 1, 1))
VACATION = returns.VACATION.format(way_back="x@localhost").encode()


@pytest.fixture
def open_town(transactional_db):
    from parvis.municipalities.tests import make as towns

    return towns.municipality("alma")


@pytest.fixture
def mailbox():
    with notify.mail_server() as box:
        yield box


@pytest.fixture
def maildir(settings, tmp_path):
    for name in ("new", "cur", "tmp"):
        (tmp_path / name).mkdir()
    settings.BOUNCE_MAILDIR = str(tmp_path)
    return tmp_path


def drop(maildir, name, raw):
    (maildir / "new" / name).write_bytes(raw)


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_a_letter_that_comes_back_to_the_maildir_changes_the_proof(open_town, mailbox, maildir):
    message = send(open_town, "rita@exemple.cmo", "lise@exemple.ca")
    assert email_figures(message) == ((2, 0, 0), (2, 0))
    drop(maildir, "1.a", returns.report(ways_back(mailbox)["rita@exemple.cmo"]))
    with psycopg.connect(live.conninfo(), autocommit=True) as watcher:
        watcher.execute(f"LISTEN {live.CHANNEL}")
        assert mailboxes.collect(timezone.now()) == 1
        (note,) = watcher.notifies(timeout=5, stop_after=1)
    assert note.payload == f"{open_town.pk}:message:{message.pk}"
    assert email_figures(message) == ((1, 1, 0), (1, 1))
    assert names(maildir / "new") == names(maildir / "cur") == []
    with as_town(open_town.pk):
        assert BadAddress.objects.of(open_town).get().reason == "bounced"
    assert mailboxes.collect(timezone.now()) == 0


def test_one_that_cannot_be_read_is_set_aside_and_the_rest_go_on(
    open_town, mailbox, maildir, caplog
):
    message = send(open_town, "rita@exemple.cmo")
    drop(maildir, "1.poison", POISON)
    (maildir / "new" / "2.folder").mkdir()
    drop(maildir, "3.vacation", VACATION)
    drop(maildir, "4.report", returns.report(ways_back(mailbox)["rita@exemple.cmo"]))
    assert mailboxes.collect(timezone.now()) == 1
    assert email_figures(message)[0] == (0, 1, 0)
    assert names(maildir / "new") == []
    assert names(maildir / "cur") == ["3.vacation:2,S"]
    assert names(maildir / ".parvis-set-aside" / "new") == ["1.poison", "2.folder"]
    assert caplog.text.count("set aside") == 2


def test_nothing_leaves_the_mailbox_before_the_database_has_it(open_town, mailbox, maildir):
    message = send(open_town, "rita@exemple.cmo")
    drop(maildir, "1.a", returns.report(ways_back(mailbox)["rita@exemple.cmo"]))
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as other:
        other.execute("LOCK TABLE notifications_outcome IN SHARE MODE")
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")
        assert mailboxes.collect(timezone.now()) == 0
        assert names(maildir / "new") == ["1.a"]
    with connection.cursor() as cursor:
        cursor.execute("RESET lock_timeout")
    assert mailboxes.collect(timezone.now()) == 1
    assert email_figures(message)[0] == (0, 1, 0)
    assert names(maildir / "new") == []


def test_inside_a_transaction_nothing_is_taken(open_town, mailbox, maildir):
    """A letter removed there could be undone in the database alone."""
    send(open_town, "rita@exemple.cmo")
    drop(maildir, "1.a", returns.report(ways_back(mailbox)["rita@exemple.cmo"]))
    with as_town(open_town.pk), pytest.raises(RuntimeError):
        mailboxes.collect(timezone.now())
    assert names(maildir / "new") == ["1.a"]


def test_a_maildir_that_is_not_there_is_said_and_stops_nothing(settings, tmp_path, caplog):
    settings.BOUNCE_MAILDIR = str(tmp_path / "absent")
    assert mailboxes.collect(timezone.now()) == 0
    assert "absent" in caplog.text


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def over_tls(certificates: Path, target: int):
    """The TLS front of a server that has none: `imaps`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem")

    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return

    class Front(socketserver.BaseRequestHandler):
        def handle(self):
            try:
                inner = context.wrap_socket(self.request, server_side=True)
            except OSError:
                return
            with inner, socket.create_connection(("127.0.0.1", target)) as server:
                back = threading.Thread(target=pump, args=(server, inner), daemon=True)
                back.start()
                pump(inner, server)
                back.join(5)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Front) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def imap_server(tmp_path, settings, monkeypatch):
    """A real IMAP server; answers a plain connection to it, for the test's own eyes."""
    pytest.importorskip("pymap", reason="pymap, the IMAP server of this test, is not installed")
    write_certificates(tmp_path)
    port = free_port()
    server = subprocess.Popen(
        [Path(sys.executable).parent / "pymap", "--host", "127.0.0.1", "--port", str(port),
         "--no-tls", "dict", "--demo-user", "retour@localhost", "--demo-password", "se/cr@t"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        plain = connect(port)
        with over_tls(tmp_path, port) as front:
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
            settings.BOUNCE_IMAP_URL = (
                f"imaps://retour%40localhost:se%2Fcr%40t@localhost:{front}/INBOX"
            )
            yield plain
        plain.logout()
    finally:
        server.terminate()
        server.wait(10)


def connect(port):
    for _ in range(100):
        try:
            plain = imaplib.IMAP4("127.0.0.1", port, timeout=10)
        except OSError:
            time.sleep(0.1)
            continue
        plain.login("retour@localhost", "se/cr@t")
        return plain
    raise AssertionError("the IMAP server does not answer")


def deposit(plain, raw):
    status, _answer = plain.append("INBOX", None, None, raw.replace(b"\n", b"\r\n"))
    assert status == "OK"


def letters(plain, folder, *criteria):
    plain.select(folder, readonly=True)
    return len(plain.search(None, *criteria)[1][0].split())


def test_a_letter_that_comes_back_to_an_imap_folder_changes_the_proof(
    open_town, mailbox, imap_server
):
    message = send(open_town, "rita@exemple.cmo")
    deposit(imap_server, POISON)
    deposit(imap_server, VACATION)
    deposit(imap_server, returns.report(ways_back(mailbox)["rita@exemple.cmo"]))
    assert mailboxes.collect(timezone.now()) == 1
    assert email_figures(message) == ((0, 1, 0), (0, 1))
    # What people wrote stays, seen; the report is gone; the poison stands apart.
    assert (letters(imap_server, "INBOX", "ALL"), letters(imap_server, "INBOX", "SEEN")) == (1, 1)
    assert letters(imap_server, "parvis-set-aside", "ALL") == 1
    assert mailboxes.collect(timezone.now()) == 0


def test_a_server_whose_certificate_is_not_trusted_is_not_signed_in_to(
    open_town, mailbox, imap_server, monkeypatch, caplog
):
    message = send(open_town, "rita@exemple.cmo")
    deposit(imap_server, returns.report(ways_back(mailbox)["rita@exemple.cmo"]))
    monkeypatch.delenv("SSL_CERT_FILE")
    assert mailboxes.collect(timezone.now()) == 0
    assert "certificate verify failed" in caplog.text
    assert "se/cr@t" not in caplog.text
    assert letters(imap_server, "INBOX", "UNSEEN") == 1
    assert email_figures(message)[0] == (1, 0, 0)


@pytest.mark.parametrize("change", [("se%2Fcr", "wrong"), ("/INBOX", "/Absent")])
def test_a_wrong_password_or_folder_is_said_and_stops_nothing(
    imap_server, settings, caplog, change
):
    settings.BOUNCE_IMAP_URL = settings.BOUNCE_IMAP_URL.replace(*change)
    assert mailboxes.collect(timezone.now()) == 0
    assert "IMAP mailbox" in caplog.text


@pytest.mark.parametrize("url", ["imap://a:b@localhost/INBOX", "imaps:///INBOX", "https://x/"])
def test_only_an_encrypted_connection_is_accepted(settings, caplog, url):
    settings.BOUNCE_IMAP_URL = url
    assert mailboxes.collect(timezone.now()) == 0
    assert "imaps://user:password@host/folder" in caplog.text
