"""The proof of a send adds up; digests and letters to one address."""

from __future__ import annotations

from django.utils import timezone

from parvis.core.db import as_town
from parvis.notifications import actions, digests, dispatch
from parvis.notifications.models import Message, Work
from parvis.notifications.tests import make as notify
from parvis.notifications.tests.test_sending import send
from parvis.residents.models import Consent
from parvis.residents.tests import make


def agree(person):
    Consent.objects.create(
        municipality_id=person.municipality_id, resident=person, purpose="openings", given=True,
        wording="Oui", at=notify.NOW,
    )  # fmt: skip


def test_a_digest_gathers_what_concerns_its_reader_once(open_town, mailbox):
    with as_town(open_town.pk):
        eau, rues = notify.subject(open_town), notify.subject(open_town, "Rues")
        reader = make.resident(open_town, email="rita@exemple.ca")
        notify.subscription(reader, eau, pace="daily")
        notify.subscription(make.resident(open_town), rues, pace="weekly")
        morning = timezone.now().astimezone(open_town.zone).replace(hour=9)
        for _ in range(2):
            send(open_town, eau, now=morning)
        send(open_town, rues, now=morning)
        evening = morning.replace(hour=17, minute=1)
        assert digests.plan(open_town, pace="daily", now=morning) is None
        assert digests.plan(open_town, pace="daily", now=evening).targeted == 1
        assert digests.plan(open_town, pace="daily", now=evening) is None
    Work.objects.update(not_before=timezone.now())
    dispatch.drain(["email"])
    (letter,) = mailbox.letters
    assert letter["To"] == "rita@exemple.ca"
    assert letter.get_body(("plain",)).get_content().count("L’eau peut être brune") == 2


def test_the_proof_adds_up(open_town, mailbox, service):
    from parvis.notifications import proof

    mailbox.refusals["rita@exemple.cmo"] = "550 5.1.1 User unknown"
    mailbox.refusals["marcel@exemple.ca"] = "451 later"
    with as_town(open_town.pk):
        eau = notify.subject(open_town)
        for email in ("rita@exemple.cmo", "marcel@exemple.ca", "lise@exemple.ca"):
            notify.subscription(make.resident(open_town, email=email), eau)
        reader = make.resident(open_town, email="paul@exemple.ca")
        notify.subscription(reader, eau)
        notify.subscription(reader, eau, "push")
        notify.device(reader, service)
        message = send(open_town, eau)
    dispatch.drain()
    with as_town(open_town.pk):
        silent = make.resident(open_town, email="sans-accord@exemple.ca")
        agree(reader)
        for who in (reader, reader, silent):
            actions.mark_opened(
                municipality=open_town, message_id=message.pk, resident_id=who.pk,
                channel="inapp", now=timezone.now(),
            )  # fmt: skip
        shown = proof.figures(message)
        assert (shown.targeted, shown.reached, shown.opened, shown.not_reached) == (4, 2, 1, 2)
        assert {c.channel: (c.targeted, c.handed, c.failed, c.waiting) for c in shown.channels} == {
            "inapp": (4, 4, 0, 0),
            "email": (4, 2, 1, 1),
            "push": (1, 1, 0, 0),
        }
        assert [(r.reason, r.count) for r in shown.reasons] == [("unknown_address", 1)]
        assert not shown.finished
        assert len(list(proof.export(message))) == 1 + 4 + 4 + 1


def test_a_letter_reaches_an_address_without_account_and_its_words_are_wiped(open_town, mailbox):
    from parvis.notifications.letters import send_letter

    with as_town(open_town.pk):
        send_letter(
            municipality=open_town, to="luc@exemple.ca", subject="Votre code", text="Code : 123456",
            html="<p>123456</p>", now=timezone.now(),
        )  # fmt: skip
    dispatch.drain()
    (letter,) = mailbox.to("luc@exemple.ca")
    assert "123456" in letter.get_body(("plain",)).get_content()
    assert letter["List-Unsubscribe"] is None
    with as_town(open_town.pk):
        assert "123456" not in str(Message.objects.of(open_town).get().content)
