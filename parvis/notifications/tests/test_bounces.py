"""Letters that come back: what is read, what is not believed, and what it changes."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from parvis.core.db import as_town
from parvis.municipalities.models import AuditLine
from parvis.notifications import actions, bounces, dispatch, proof
from parvis.notifications.channels.email import bounce_address
from parvis.notifications.models import BadAddress, Outcome
from parvis.notifications.tests import make as notify
from parvis.notifications.tests import returns
from parvis.residents.tests import make

CONTENT = {"fr": {"title": "L’eau peut être brune", "body": "Elle reste bonne.", "url": "/"}}
OURS = bounce_address(1, 22, 333)


@pytest.mark.parametrize(
    "status, diagnostic, hard",
    [
        ("5.1.1", "smtp; 550 5.1.1 User unknown", True),
        ("5.1.10", "smtp; 550 5.1.10 RESOLVER.ADR.RecipientNotFound", True),
        ("5.4.4", "X-Postfix; Host or domain name not found", True),
        ("5.0.0", "smtp; 550 5.1.1 no such mailbox", True),
        ("5.0.0", "x-unix; user is gone", True),
        ("", "smtp; 550 No such user here", True),
        ("5.5.0", "smtp; 550 5.5.0 Requested action not taken: mailbox unavailable", True),
        ("5.2.2", "smtp; 552 5.2.2 Mailbox full", False),
        ("5.0.0", "smtp; 552 quota exceeded", False),
        ("5.7.1", "smtp; 550 5.7.1 Message rejected as spam", False),
        ("5.7.26", "smtp; 550 5.7.26 Unauthenticated email", False),
        ("5.3.4", "smtp; 552 5.3.4 Message too big", False),
        ("4.4.7", "smtp; 451 4.3.0 delivery time expired", False),
        ("", "smtp; connection timed out", False),
    ],
)
def test_a_report_is_hard_only_when_the_address_itself_is_at_fault(status, diagnostic, hard):
    found = bounces.read(returns.report(OURS, returns.block(status, diagnostic)))
    assert (found.town_id, found.message_id, found.contact_id) == (1, 22, 333)
    assert (found.is_hard, found.status) == (hard, status)


def test_behind_an_alias_one_mailbox_that_lives_keeps_the_address():
    dead, full = returns.block(), returns.block("5.2.2", "smtp; 552 full")
    assert bounces.read(returns.report(OURS, dead, dead)).is_hard
    assert not bounces.read(returns.report(OURS, dead, full)).is_hard


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded", "", "FAILED?"])
def test_a_letter_that_still_may_arrive_did_not_come_back(action):
    assert bounces.read(returns.report(OURS, returns.block("4.4.1", "", action))) is None


@pytest.mark.parametrize("text", [returns.VACATION, returns.CHALLENGE, returns.READ_RECEIPT])
def test_what_people_and_their_programs_answer_is_no_bounce(text):
    assert bounces.read(text.format(way_back=OURS).encode()) is None


@pytest.mark.parametrize("text", [returns.EXIM, returns.QMAIL])
@pytest.mark.parametrize(
    "reason, hard", [("550 5.1.1 unknown user", True), ("552 5.2.2 mailbox full", False)]
)
def test_servers_that_report_in_words_are_understood(text, reason, hard):
    found = bounces.read(text.format(way_back=OURS, reason=reason).encode())
    assert (found.contact_id, found.is_hard, found.status) == (333, hard, reason.split()[1])


def test_a_server_that_will_try_again_is_not_taken_for_a_failure():
    text = returns.QMAIL.format(way_back=OURS, reason="451 4.7.1 greylisted, I will retry")
    assert bounces.read(text.encode()) is None


@pytest.mark.parametrize(
    "facts",
    [
        {"way_back": "x@localhost", "to": OURS},
        {"way_back": OURS.upper()},
        {"way_back": "x@localhost", "original": OURS},
        {"way_back": "x@localhost", "to": f"Retour <{OURS}>, autre@exemple.ca"},
    ],
)
def test_the_way_back_is_found_wherever_servers_leave_it(facts):
    assert bounces.read(returns.report(**facts)).contact_id == 333


@pytest.mark.parametrize(
    "address",
    [
        OURS.replace("+1.22.", "+1.23."),
        OURS.replace("+1.", "+2."),
        "retour+1.22.333.aaaaaaaaaaaa@localhost",
        "retour+1.22.333@localhost",
        f"retour+1.22.{'9' * 90}.x@localhost",
        f"retour+{'9' * 6000}.22.333.aaaaaaaaaaaa@localhost",
    ],
)
def test_a_way_back_that_we_did_not_sign_is_ignored_and_logged(address, caplog):
    assert bounces.read(returns.report(address)) is None
    assert "ignored" in caplog.text
    assert address not in caplog.text


@given(raw=st.binary(max_size=2000))
def test_no_bytes_break_the_reader(raw):
    assert bounces.read(raw) is None


@given(
    cut=st.integers(0, 2000), length=st.integers(0, 300), noise=st.binary(max_size=60)
)  # fmt: skip
def test_no_damaged_report_breaks_the_reader(cut, length, noise):
    whole = returns.report(OURS)
    found = bounces.read(whole[:cut] + noise + whole[cut + length :])
    assert found is None or found.contact_id == 333


NESTED = b"".join(
    b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(4000)
)
DIGESTS = b"".join(
    b"Content-Type: multipart/digest; boundary=b%d\r\n\r\n--b%d\r\n\r\n" % (n, n) for n in range(99)
)


@pytest.mark.parametrize(
    "raw",
    [
        returns.report(OURS).replace(b"Elle reste", b"x" * 30_000_000),
        NESTED,
        DIGESTS,
        b"Content-Type: multipart/report; boundary=" + b'"' + b";" * 500_000 + b"\n\nx",
        b"Content-Type: multipart/report;" + b'\r "a;";' * 60_000 + b"\n\nx",
        b"X-Failed-Recipients: x\nTo: " + b"(" * 400_000,
        b"X-Failed-Recipients: x\nTo: " + b"retour+" * 60_000,
        b"X-Failed-Recipients: x\n" + b"To: retour+1@x\n" * 30_000,
        b"X-Failed-Recipients: x\n\n" + b"5.1." * 100_000,
    ],
    ids=[
        "huge",
        "nested",
        "digests",
        "quotes",
        "folded",
        "comments",
        "addresses",
        "headers",
        "codes",
    ],
)
def test_a_letter_built_to_cost_costs_little(raw):
    before = time.process_time()
    found = bounces.read(raw)
    assert found is None or found.contact_id == 333
    assert time.process_time() - before < 1.5


@pytest.fixture
def open_town(db):
    """A town that is not set: dispatchers and reports set the town themselves."""
    from parvis.municipalities.tests import make as towns

    return towns.municipality("alma")


@pytest.fixture
def mailbox():
    with notify.mail_server() as box:
        yield box


def send(town, *emails, channels=("email",)):
    """A message, handed over to these addresses."""
    with as_town(town.pk):
        eau = notify.subject(town)
        for email in emails:
            person = make.resident(town, email=email)
            for channel in channels:
                notify.subscription(person, eau, channel)
        message = actions.send_message(
            municipality=town, kind="announcements.published", content=CONTENT, subject=eau,
            now=timezone.now() - timedelta(hours=1), channels=list(channels),
        )  # fmt: skip
    dispatch.drain()
    return message


def ways_back(mailbox):
    """Address → the envelope sender that the mail server saw."""
    return {to[0]: sender for sender, to in mailbox.envelopes}


def note(raw):
    return bounces.note(bounces.read(raw), now=timezone.now())


def email_figures(message):
    with as_town(message.municipality_id):
        shown = proof.figures(message)
    (email,) = (one for one in shown.channels if one.channel == "email")
    return (email.handed, email.failed, email.waiting), (shown.reached, shown.not_reached)


def test_what_comes_back_counts_as_not_reached_once_however_often_reported(open_town, mailbox):
    message = send(open_town, "rita@exemple.cmo", "lise@exemple.ca")
    assert email_figures(message) == ((2, 0, 0), (2, 0))
    raw = returns.report(ways_back(mailbox)["rita@exemple.cmo"])
    assert [note(raw) for _ in range(3)] == [True, False, False]
    assert email_figures(message) == ((1, 1, 0), (1, 1))
    with as_town(open_town.pk):
        (reason,) = proof.figures(message).reasons
        assert (reason.channel, reason.reason, reason.count) == ("email", "bounced", 1)
        row = Outcome.objects.of(open_town).get(state="bounced")
        bad = BadAddress.objects.of(open_town).get()
        assert (row.contact_id, row.is_final, row.reason) == (bad.email_id, False, "bounced")
        assert row.resident_id == bad.resident_id
        line = AuditLine.objects.of(open_town).get(deed="notifications.bounced")
        assert line.facts == {
            "message": message.pk, "contact": row.contact_id, "hard": True, "status": "5.1.1",
        }  # fmt: skip


def test_a_person_reached_by_another_channel_is_reached(open_town, mailbox):
    message = send(open_town, "rita@exemple.cmo", channels=("email", "inapp"))
    note(returns.report(ways_back(mailbox)["rita@exemple.cmo"]))
    with as_town(open_town.pk):
        by_channel = {c.channel: (c.handed, c.failed) for c in proof.figures(message).channels}
    assert by_channel == {"email": (0, 1), "inapp": (1, 0)}


def test_a_soft_bounce_leaves_the_address_open(open_town, mailbox):
    message = send(open_town, "rita@exemple.ca")
    way_back = ways_back(mailbox)["rita@exemple.ca"]
    assert note(returns.report(way_back, returns.block("5.2.2", "smtp; 552 5.2.2 full")))
    assert email_figures(message) == ((0, 1, 0), (0, 1))
    with as_town(open_town.pk):
        assert BadAddress.objects.of(open_town).count() == 0


def test_an_address_corrected_since_the_letter_left_stays_open(open_town, mailbox):
    send(open_town, "rita@exemple.cmo")
    raw = returns.report(ways_back(mailbox)["rita@exemple.cmo"])
    now = timezone.now()
    with as_town(open_town.pk):
        email = bounces.read(raw).contact_id
        person = bounces.EmailAddress.objects.get(pk=email).user
        BadAddress.objects.create(
            municipality=open_town, email_id=email, resident=person, reason="bounced", since=now,
            corrected_at=now,
        )  # fmt: skip
    assert note(raw)
    with as_town(open_town.pk):
        assert not BadAddress.objects.of(open_town).filter(corrected_at__isnull=True).exists()


def test_a_report_changes_only_the_town_that_sent_the_letter(open_town, mailbox):
    from parvis.municipalities.tests import make as towns

    isle = towns.municipality("isle")
    send(open_town, "rita@exemple.cmo")
    theirs = send(isle, "rita@exemple.cmo")
    way_back = mailbox.envelopes[-1][0]
    with as_town(open_town.pk):
        assert note(returns.report(way_back))
        assert Outcome.objects.of(open_town).filter(state="bounced").count() == 0
        assert BadAddress.objects.of(open_town).count() == 0
    assert email_figures(theirs) == ((0, 1, 0), (0, 1))


@pytest.mark.parametrize("identity", [(10**6, 1, 1), (1, 10**6, 1), (1, 1, 10**6)])
def test_a_letter_no_longer_known_changes_nothing(open_town, mailbox, identity):
    send(open_town, "rita@exemple.ca")
    assert note(returns.report(bounce_address(*identity))) is False


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_reports_at_once_are_written_once(open_town, mailbox):
    message = send(open_town, *(f"rita{n}@exemple.cmo" for n in range(20)))
    for _sender, [to] in mailbox.envelopes:
        raw, gate = returns.report(ways_back(mailbox)[to]), Barrier(2)

        def report(_number, raw=raw, gate=gate):
            gate.wait()
            try:
                return note(raw)
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(report, range(2))) == [False, True]
    assert email_figures(message) == ((0, 20, 0), (0, 20))


def test_the_proof_costs_the_same_for_one_return_and_for_three(
    open_town, mailbox, django_assert_num_queries
):
    message = send(open_town, *(f"rita{n}@exemple.cmo" for n in range(3)))
    for count, way_back in enumerate(ways_back(mailbox).values(), start=1):
        note(returns.report(way_back))
        with as_town(open_town.pk), django_assert_num_queries(5):
            assert proof.figures(message).not_reached == count
