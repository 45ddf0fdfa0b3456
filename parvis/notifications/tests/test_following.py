"""A message that takes the place of an earlier one: nothing old after it, nothing new before."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection
from django.utils import timezone

from parvis.core.db import as_town
from parvis.notifications import actions, dispatch
from parvis.notifications.audience import count_audience
from parvis.notifications.models import Lane, Outcome, Work
from parvis.notifications.tests import make as notify
from parvis.residents.models import Household, HouseholdMember
from parvis.residents.tests import make
from parvis.territory.models import Address

LANES = [Lane.EMERGENCY]


def send(town, subject, title: str, **facts):
    return actions.send_message(
        municipality=town, kind="alerts.sent", content={"fr": {"title": title, "url": "/"}},
        subject=subject, now=timezone.now(), channels=["email"], **facts,
    )  # fmt: skip


@pytest.fixture
def urgences(open_town):
    with as_town(open_town.pk):
        return notify.subject(open_town, "Urgences", is_emergency=True)


def states(message) -> list[str]:
    with as_town(message.municipality_id):
        rows = Outcome.objects.of(message.municipality_id).filter(message_id=message.pk)
        return sorted(rows.values_list("state", flat=True))


def test_what_follows_waits_for_what_is_in_hand_and_the_rest_stops(open_town, mailbox, urgences):
    with as_town(open_town.pk):
        for _ in range(2):
            make.resident(open_town)
        first = send(open_town, urgences, "Premier")
    held = dispatch.claim("email", LANES)
    with as_town(open_town.pk):
        second = send(open_town, urgences, "Second", after=[first])
    # A chunk of the first is in someone's hands: the second is not given out.
    assert held.message_id == first.pk
    assert dispatch.claim("email", LANES) is None
    # The control: without what it follows, it would be given out at once.
    kept = Work.objects.filter(message_id=second.pk)
    kept.update(after_message_ids=None)
    taken = dispatch.claim("email", LANES)
    assert taken is not None and taken.message_id == second.pk
    kept.update(after_message_ids=[first.pk], state="waiting", lease=None, leased_until=None)
    holder = dispatch.Holder(held)
    parcel = holder.open()
    assert parcel.recipients == []
    holder.close([])
    while dispatch.deliver_one("email", LANES):
        pass
    assert states(first) == ["expired", "expired"]
    assert states(second) == ["handed", "handed"]
    assert [str(letter["Subject"]) for letter in mailbox.letters] == ["Second", "Second"]


def test_a_third_message_waits_for_the_first_as_well(open_town, mailbox, urgences):
    with as_town(open_town.pk):
        make.resident(open_town)
        first = send(open_town, urgences, "Premier")
    held = dispatch.claim("email", LANES)
    with as_town(open_town.pk):
        second = send(open_town, urgences, "Second", after=[first])
        third = send(open_town, urgences, "Troisième", after=[first, second])
    stopped = dispatch.claim("email", LANES)
    assert stopped is None, "the second is stopped, but the first is still in someone's hands"
    Work.objects.filter(pk=held.work_id).update(state="done", lease=None)
    while dispatch.deliver_one("email", LANES):
        pass
    assert states(second) == ["expired"]
    assert states(third) == ["handed"]


def test_a_stopped_message_stops_between_two_letters_of_a_chunk(open_town, mailbox, urgences):
    """A slow mail server, a chunk of a hundred letters: within two seconds nothing more leaves."""
    taken = mailbox.handle_DATA

    async def slowly(server, session, envelope):
        import asyncio

        await asyncio.sleep(0.03)
        return await taken(server, session, envelope)

    mailbox.handle_DATA = slowly
    with as_town(open_town.pk):
        for _ in range(100):
            make.resident(open_town)
        message = send(open_town, urgences, "Erreur")

    def dispatcher() -> None:
        dispatch.deliver_one("email", LANES)
        connection.close()

    worker = threading.Thread(target=dispatcher)
    worker.start()
    while len(mailbox.letters) < 5:
        time.sleep(0.01)
    with as_town(open_town.pk):
        actions.stop_message(message, actor=None, now=timezone.now())
    stopped = time.monotonic()
    worker.join(20)
    assert time.monotonic() - stopped <= 2
    left = len(mailbox.letters)
    assert 5 <= left < 60
    ends = states(message)
    assert ends == ["expired"] * (100 - left) + ["handed"] * left


@pytest.mark.django_db
def test_an_emergency_reaches_the_household_of_a_home_concerned_and_a_notice_does_not(town):
    urgences = notify.subject(town, "Urgences", is_emergency=True)
    eau = notify.subject(town, "Eau")
    here = Address.objects.create(municipality=town, number="415", street="rue des Bouleaux")
    son = make.resident(town)  # Studies elsewhere; belongs to the household.
    home = Household.objects.create(municipality=town, address=here, created_at=notify.NOW)
    member = HouseholdMember.objects.create(
        municipality=town, household=home, resident=son, role="child", created_at=notify.NOW,
        accepted_at=notify.NOW,
    )  # fmt: skip

    def persons(subject) -> int:
        return count_audience(
            municipality=town, subject=subject, now=notify.NOW, sector_ids=[],
            address_ids=[here.pk],
        ).persons  # fmt: skip

    notify.subscription(son, eau)
    assert (persons(urgences), persons(eau)) == (1, 0)
    member.accepted_at = None
    member.save()
    assert persons(urgences) == 0
