"""The proof of an alert, against a real mail server: who was reached, who was not, and how fast."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from parvis.alerts import answers, figures, rules
from parvis.alerts.models import Revision
from parvis.alerts.tests import alerts
from parvis.announcements.tests import make as places
from parvis.core.db import as_town
from parvis.notifications import dispatch
from parvis.notifications.models import Lane, Work
from parvis.notifications.tests.conftest import mailbox, open_town  # noqa: F401
from parvis.residents.models import Household, HouseholdMember
from parvis.residents.tests import make

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_person_and_address_is_counted_once(open_town, mailbox):  # noqa: F811
    now = timezone.now()
    with as_town(open_town.pk):
        north, south = places.sector(open_town, "Nord"), places.sector(open_town, "Sud", at=1)
        homes = [places.address(open_town, sector=north) for _ in range(5)]
        reached = make.resident(open_town, address=homes[0])
        refused = make.resident(open_town, address=homes[1])
        speaks = make.resident(open_town, email="", address=homes[2])
        shared = make.resident(open_town)
        home = Household.objects.create(municipality=open_town, address=homes[3], created_at=now)
        HouseholdMember.objects.create(
            municipality=open_town, household=home, resident=shared, role="tenant",
            created_at=now, accepted_at=now,
        )  # fmt: skip
        make.resident(open_town, address=places.address(open_town, sector=south, at=(1.5, 1.5)))
        mailbox.refusals[refused.email] = "550 5.1.1 No such user"
        alert = alerts.sent(open_town, now=now, sector_ids=[north.pk])
    dispatch.drain(("inapp", "email"))
    with as_town(open_town.pk):
        answers.answer(alert, resident=speaks, kind="safe", now=now)
        answers.answer(alert, resident=reached, kind="help", now=now)
        found = figures.reach(alert)
        assert (found.targeted, found.handed, found.confirmed) == (4, 2, 2)
        assert (found.not_reached, found.help, found.help_open) == (1, 1, 1)
        revision = Revision.objects.of(open_town).get()
        # Refused by its server, and nobody else there; and the house where nobody has an account.
        left = figures.unreached(alert, revision)
        assert [(one.pk, one.known) for one in left] == [(homes[1].pk, True), (homes[4].pk, False)]
        assert figures.unreached_count(alert, revision) == 2
        sectors = figures.by_sector(alert, revision)
        assert [(one.name, one.persons, one.handed, one.confirmed) for one in sectors] == [
            ("Nord", 4, 2, 2)
        ]
        curve = figures.curve(alert, now + timedelta(minutes=5))
        assert curve.handed.endswith("L480 50.0")
        assert curve.confirmed.endswith("L480 50.0")
        # A second message to the same people counts nobody twice.
        alerts.continued(alert, rules.UPDATE, now=now + timedelta(seconds=1))
    dispatch.drain(("inapp", "email"))
    with as_town(open_town.pk):
        again = figures.reach(alert)
        assert (again.targeted, again.handed, again.confirmed) == (4, 2, 2)


def test_nothing_is_counted_before_anything_is_handed_over(open_town):  # noqa: F811
    now = timezone.now()
    with as_town(open_town.pk):
        make.resident(open_town)
        alert = alerts.sent(open_town, now=now)
        assert figures.reach(alert).handed == 0
        assert figures.curve(alert, now) is None


def test_the_first_letter_leaves_within_a_second_of_the_approval(open_town, mailbox):  # noqa: F811
    """A dispatcher as in production, woken by the database. The best of three: neighbours of the
    machine slow a single one."""
    with as_town(open_town.pk):
        for _ in range(20):
            make.resident(open_town)
        member = alerts.authority(open_town)
    stop, wake = threading.Event(), threading.Event()
    threads = [
        threading.Thread(target=dispatch.serve, args=("email", [Lane.EMERGENCY], stop, wake)),
        threading.Thread(target=dispatch.listen, args=([wake], stop)),
    ]
    for thread in threads:
        thread.start()
    delays = []
    try:
        stop.wait(1.5)
        for _ in range(3):
            mailbox.letters.clear()
            with as_town(open_town.pk):
                revision = alerts.proposed(open_town, now=timezone.now())
            committed: list[float] = []
            with as_town(open_town.pk):
                transaction.on_commit(lambda: committed.append(time.monotonic()))  # noqa: B023
                alerts.approve(revision, member, now=timezone.now())
            while not mailbox.letters and time.monotonic() < committed[0] + 10:
                stop.wait(0.01)
            delays.append(time.monotonic() - committed[0])
            while dispatch_is_busy():
                stop.wait(0.05)
    finally:
        stop.set()
        wake.set()
        for thread in threads:
            thread.join(10)
    assert min(delays) <= 1, delays
    text = mailbox.letters[0].get_body(("plain",)).get_content()
    assert "Portez l’eau à gros bouillons" in text
    assert "moi=" in text


def dispatch_is_busy() -> bool:
    return Work.objects.filter(channel="email").exclude(state="done").exists()
