"""Two workers at once: one publication, one message."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from parvis.announcements import actions, drafts
from parvis.announcements.models import Announcement, Version
from parvis.announcements.tests import make
from parvis.core.db import as_town
from parvis.core.errors import Refused
from parvis.municipalities.tests import make as towns
from parvis.municipalities.tests.make import NOW
from parvis.notifications.models import Message

ROUNDS = int(os.environ.get("RACE_RUNS", "20"))
pytestmark = pytest.mark.race
LATER = NOW + timedelta(hours=1)


def both(deed):
    """Run the deed in two threads that begin together; what each answered."""
    gate = Barrier(2)

    def run(_number):
        gate.wait()
        try:
            return deed()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, range(2)))


@pytest.mark.django_db(transaction=True)
def test_two_workers_publish_once():
    town = towns.municipality()
    for _round in range(ROUNDS):
        with as_town(town.pk):
            row = make.draft(town)
            actions.schedule(row, publish_at=LATER, actor=None, now=NOW)
        done = both(lambda: actions.keep_time(LATER))
        with as_town(town.pk):
            assert sorted(done) == [0, 1]
            assert Message.objects.of(town).filter(reference=row.reference).count() == 1
            assert Version.objects.of(town).filter(announcement=row).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_clerk_and_a_worker_publish_once():
    town = towns.municipality()
    for _round in range(ROUNDS):
        with as_town(town.pk):
            row = make.draft(town)
            actions.schedule(row, publish_at=LATER, actor=None, now=NOW)

        def press(row=row):
            with as_town(town.pk):
                try:
                    actions.publish(row, actor=None, now=LATER)
                except Refused:
                    return 0
                return 1

        turns = iter([press, lambda: actions.keep_time(LATER)])
        done = both(lambda turns=turns: next(turns)())
        with as_town(town.pk):
            assert sorted(done) == [0, 1]
            assert Message.objects.of(town).filter(reference=row.reference).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_a_reminder_once():
    town = towns.municipality()
    for _round in range(ROUNDS):
        with as_town(town.pk):
            row = make.published(town, concerns_at=NOW + timedelta(hours=2), notify=False)
            drafts.plan_reminder(row, actor=None, now=NOW, minutes_before=90)
        done = both(lambda: actions.keep_time(LATER))
        with as_town(town.pk):
            assert sorted(done) == [0, 1]
            assert Message.objects.of(town).filter(reference=row.reference).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_editors_at_once_and_one_is_told():
    town = towns.municipality()
    for _round in range(ROUNDS):
        with as_town(town.pk):
            row = make.draft(town)
        titles = iter(["Un", "Deux"])

        def write(row=row, titles=titles):
            with as_town(town.pk):
                try:
                    drafts.revise_draft(
                        row, actor=None, token=row.token, now=NOW, title=next(titles)
                    )
                except Refused:
                    return 0
                return 1

        assert sorted(both(write)) == [0, 1]
        with as_town(town.pk):
            assert Announcement.objects.of(town).get(pk=row.pk).token == row.token + 1
