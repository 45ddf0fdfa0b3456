"""Letters both ways: out with a signed address, back over a real IMAP server into their case."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from parvis.cases import actions, addresses, mail, rules
from parvis.cases.models import Attachment, Case, Message, StrayLetter
from parvis.cases.tests import letters, make
from parvis.cases.tests.make import state
from parvis.core.db import as_town
from parvis.municipalities.tests import make as towns
from parvis.notifications import dispatch
from parvis.notifications.tests import make as notify
from parvis.notifications.tests.push_service import write_certificates
from parvis.notifications.tests.test_mailboxes import (
    connect,
    deposit,
    free_port,
    over_tls,
)
from parvis.notifications.tests.test_mailboxes import letters as found_in
from parvis.residents.tests import make as people

TOWN, CASE, PERSON = 7, 4711, 90210


# --- the address ----------------------------------------------------------------------------------


@given(*[st.integers(0, 2**63 - 1)] * 3)
def test_an_address_is_read_as_it_was_signed_in_any_case_and_fits(town, case, person):
    address = addresses.sign(town, case, person)
    assert len(address.partition("@")[0]) <= 64
    for written in (address, address.upper(), address.title()):
        assert addresses.read(written) == (town, case, person)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.data())
def test_an_address_that_was_changed_is_not_ours(town, case, person, data):
    local = addresses.sign(town, case, person).partition("@")[0]
    place = data.draw(st.integers(8, len(local) - 1))
    letter = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789."))
    changed = local[:place] + letter + local[place + 1 :]
    if changed != local:
        assert addresses.read(f"{changed}@localhost") != (town, case, person)
        assert addresses.read(f"{changed}@localhost") is None


@pytest.mark.parametrize("address", ["", "reponse@x", "reponse+1.2.3@x", "retour+1.2.3.abc@x", "@"])
def test_what_is_no_address_of_ours_is_not_read(address):
    assert addresses.read(address) is None


def test_an_address_signed_with_another_key_is_not_ours(settings):
    address = addresses.sign(TOWN, CASE, PERSON)
    assert addresses.read(address) == (TOWN, CASE, PERSON)
    settings.SECRET_KEY = "another"
    assert addresses.read(address) is None


# --- into the case --------------------------------------------------------------------------------


@pytest.fixture
def open_town(transactional_db, settings, tmp_path):
    for name in ("new", "cur", "tmp"):
        (tmp_path / "Maildir" / name).mkdir(parents=True)
    settings.REPLY_MAILDIR = str(tmp_path / "Maildir")
    return towns.municipality("alma")


@pytest.fixture
def waiting(open_town):
    """A case in which the town awaits a word of Agathe."""
    with as_town(open_town.pk):
        person = people.resident(open_town, email="agathe@exemple.ca")
        case = make.case(open_town, author=person, now=timezone.now())
        make.answer(case, now=timezone.now(), to=rules.WAITING)
    return case


def to(case):
    return addresses.sign(case.municipality_id, case.pk, case.resident_id or 0)


def arrive(settings, *raws):
    """Put letters into the mailbox, read it, and answer (how many counted, what stayed)."""
    folder = Path(settings.REPLY_MAILDIR)
    for number, raw in enumerate(raws):
        (folder / "new" / f"{number}.a").write_bytes(raw)
    noted = mail.collect(timezone.now())
    assert not list((folder / "new").iterdir())
    kept = len(list((folder / "cur").iterdir()))
    for each in (folder / "cur").iterdir():
        each.unlink()
    return noted, kept


def thread(case):
    with as_town(case.municipality_id):
        rows = Message.objects.of(case.municipality_id).filter(case=case, via="email")
        return [(one.side, one.text) for one in rows]


def test_a_reply_goes_into_the_thread_and_the_case_back_to_work(waiting, settings):
    assert arrive(settings, letters.letter(to(waiting), letters.GMAIL)) == (1, 0)
    assert thread(waiting) == [("resident", "Le numéro est 4F-112.\n\nMerci beaucoup !")]
    with as_town(waiting.municipality_id):
        message = Message.objects.of(waiting.municipality_id).get(via="email")
        assert "Quel numéro de série" in message.whole
        assert message.author_id == waiting.resident_id
        assert state(waiting) == rules.WORKING


def test_the_same_letter_twice_is_written_once(waiting, settings):
    raw = letters.letter(to(waiting))
    assert arrive(settings, raw, raw) == (1, 0)
    assert arrive(settings, raw) == (0, 0)
    assert len(thread(waiting)) == 1


def test_a_forged_or_unsigned_letter_stays_in_the_mailbox(waiting, settings, caplog):
    forged = addresses.sign(waiting.municipality_id, waiting.pk, waiting.resident_id + 1)
    other = to(waiting)[:-14] + "aa" + to(waiting)[-12:]
    assert arrive(
        settings, letters.letter(forged), letters.letter(other), letters.letter("avis@localhost")
    ) == (0, 3)
    assert thread(waiting) == []
    assert caplog.text.count("that we signed") == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"}, {"Subject": "Absence du bureau"},
        {"X_Parvis_Message": "1"}, {"Precedence": "bulk"},
    ],
)  # fmt: skip
def test_an_automatic_answer_stays_in_the_mailbox_and_moves_nothing(waiting, settings, headers):
    assert arrive(settings, letters.letter(to(waiting), **headers)) == (0, 1)
    assert thread(waiting) == []
    with as_town(waiting.municipality_id):
        assert state(waiting) == rules.WAITING


def test_two_machines_that_answer_each_other_are_stopped(waiting, settings):
    raws = [letters.letter(to(waiting), f"Message {n}") for n in range(mail.AN_HOUR + 5)]
    noted, kept = arrive(settings, *raws)
    assert (noted, kept) == (mail.AN_HOUR, 5)


def test_a_letter_from_a_foreign_address_is_set_aside_for_the_staff(waiting, settings):
    town = waiting.municipality_id
    raw = letters.letter(to(waiting), sender="Luc <luc@ailleurs.ca>")
    assert arrive(settings, raw, raw) == (0, 0)
    assert thread(waiting) == []
    with as_town(town):
        stray = StrayLetter.objects.of(town).get()
        assert (stray.sender, stray.name, stray.reason) == ("luc@ailleurs.ca", "Luc", "foreign")
        clerk = people.staff(waiting.municipality, roles={"cases": "act"}).person
        people.sign_in(desk := Client(), clerk, second_factor=True)
        page = f"/bureau/demandes/{waiting.pk}/"
        assert "luc@ailleurs.ca" in desk.get(page).content.decode()
        assert "1 courriel mis de côté" in desk.get("/bureau/").content.decode()
        assert waiting.number in desk.get("/bureau/demandes/?file=courriels").content.decode()
        for _press in range(2):
            desk.post(f"{page}courriels/{stray.pk}/", {"verser": "1"})
        assert "mis de côté" not in desk.get(page).content.decode()
        assert state(waiting) == rules.WORKING
    assert thread(waiting) == [("resident", "Le numéro est 4F-112.")]


def test_a_letter_that_was_set_aside_can_be_left_out(waiting, settings):
    town = waiting.municipality_id
    arrive(settings, letters.letter(to(waiting), sender="luc@ailleurs.ca"))
    with as_town(town):
        stray = StrayLetter.objects.of(town).get()
        stray = mail.settle(stray, file=False, by=None, now=timezone.now())
        assert (stray.filed, state(waiting)) == (False, rules.WAITING)
        mail.settle(stray, file=True, by=None, now=timezone.now())
    assert thread(waiting) == []


def test_an_address_that_is_not_verified_is_foreign(waiting, settings):
    with as_town(waiting.municipality_id):
        EmailAddress.objects.create(user=waiting.resident, email="neuf@exemple.ca", verified=False)
    assert arrive(settings, letters.letter(to(waiting), sender="neuf@exemple.ca")) == (0, 0)
    with as_town(waiting.municipality_id):
        EmailAddress.objects.filter(email="neuf@exemple.ca").update(verified=True)
    assert arrive(settings, letters.letter(to(waiting), sender="NEUF@exemple.ca")) == (1, 0)


def test_a_reply_after_thirty_days_is_set_aside(open_town, settings):
    with as_town(open_town.pk):
        person = people.resident(open_town, email="agathe@exemple.ca")
        case = make.case(open_town, author=person, now=timezone.now() - timedelta(days=40))
        make.answer(case, now=timezone.now() - timedelta(days=31))
    assert arrive(settings, letters.letter(to(case))) == (0, 0)
    with as_town(open_town.pk):
        assert StrayLetter.objects.of(open_town).get().reason == "over"
        assert state(case) == rules.ANSWERED


def test_files_are_kept_by_content_and_what_is_refused_stays_in_the_mailbox(waiting, settings):
    fine = (("notes.txt", b"Bonjour"),)
    assert arrive(settings, letters.letter(to(waiting), files=fine)) == (1, 0)
    mixed = letters.letter(to(waiting), "", files=(("a.txt", b"Oui"), ("virus.exe", b"MZ")))
    assert arrive(settings, mixed) == (0, 1)
    assert thread(waiting)[1] == ("resident", "Courriel sans texte.")
    side, text = thread(waiting)[2]
    assert side == "note" and "virus.exe" in text
    with as_town(waiting.municipality_id):
        rows = Attachment.objects.of(waiting.municipality_id)
        assert [one.name for one in rows.order_by("pk")] == ["notes.txt", "a.txt"]


def test_a_caller_without_an_account_answers_by_the_same_way(open_town, settings):
    with as_town(open_town.pk):
        caller = actions.Caller("Rita", email="rita@exemple.ca")
        case = make.case(open_town, author=caller, now=timezone.now(), via="phone")
    assert arrive(settings, letters.letter(to(case), sender="Rita@exemple.ca")) == (1, 0)
    assert arrive(settings, letters.letter(to(case), sender="luc@exemple.ca")) == (0, 0)
    assert len(thread(case)) == 1


def test_a_letter_to_an_erased_persons_case_is_not_kept(waiting, settings):
    from parvis.residents.erasure import erase_resident

    arrive(settings, letters.letter(to(waiting), sender="luc@ailleurs.ca"))
    address = to(waiting)
    with as_town(waiting.municipality_id):
        erase_resident(waiting.resident, actor=waiting.resident, now=timezone.now())
        assert not StrayLetter.objects.of(waiting.municipality_id).exists()
    assert arrive(settings, letters.letter(address)) == (0, 1)


# --- over real servers ----------------------------------------------------------------------------


@pytest.fixture
def imap_server(tmp_path, settings, monkeypatch):
    """A real IMAP server behind TLS; answers a plain connection, for the test's own eyes."""
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
            settings.REPLY_IMAP_URL = (
                f"imaps://retour%40localhost:se%2Fcr%40t@localhost:{front}/INBOX"
            )
            yield plain
        plain.logout()
    finally:
        server.terminate()
        server.wait(10)


def test_a_letter_leaves_by_smtp_is_answered_and_comes_back_by_imap(
    open_town, settings, imap_server
):
    settings.REPLY_MAILDIR = ""
    with notify.mail_server() as box:
        with as_town(open_town.pk):
            person = people.resident(open_town, email="agathe@exemple.ca")
            case = make.case(open_town, author=person, now=timezone.now(), tell=False)
            make.answer(case, now=timezone.now(), text="Quel numéro\u202f?", to=rules.WAITING)
        dispatch.drain(["email"])
        (sent,) = box.letters
    assert sent["Reply-To"] == to(case)
    # No list that one could leave, nor one that a mail program would file it under.
    assert not {"List-Unsubscribe", "List-Id", "Precedence"} & set(sent.keys())
    assert "Quel numéro" in sent.get_body(("plain",)).get_content()
    deposit(imap_server, letters.letter(sent["Reply-To"], letters.OUTLOOK))
    deposit(imap_server, letters.letter("reponse+forge@localhost"))
    assert mail.collect(timezone.now()) == 1
    assert thread(case) == [("resident", "Le numéro est 4F-112.\n\nMerci beaucoup !")]
    assert (found_in(imap_server, "INBOX", "ALL"), found_in(imap_server, "INBOX", "SEEN")) == (1, 1)
    with as_town(open_town.pk):
        assert state(case) == rules.WORKING
    assert mail.collect(timezone.now()) == 0


def test_without_a_mailbox_no_address_is_given_that_nobody_reads(town, settings):
    settings.REPLY_MAILDIR = settings.REPLY_IMAP_URL = ""
    case = make.case(town)
    assert addresses.reply_address(case) == ""
    settings.REPLY_IMAP_URL = "imaps://x"
    assert addresses.reply_address(case) == to(case)
    assert Case.objects.of(town).count() == 1
