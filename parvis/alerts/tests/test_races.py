"""What happens at the same instant: two approvals send once; two rescuers, one goes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from parvis.alerts import actions, answers, audience, drafts
from parvis.alerts.models import Revision
from parvis.alerts.tests import alerts
from parvis.core.db import as_town
from parvis.core.errors import Refused
from parvis.municipalities.tests import make as towns
from parvis.municipalities.tests.make import NOW
from parvis.notifications.models import Message
from parvis.residents.tests import make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def together(town, *deeds) -> list[str]:
    """Each deed in a thread and transaction of its own, begun at one instant."""
    gate = threading.Barrier(len(deeds))

    def run(deed) -> str:
        try:
            with as_town(town.pk):
                gate.wait()
                deed()
            return "done"
        except Refused as refused:
            return str(refused)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))


@pytest.fixture
def open_town():
    return towns.municipality("alma")


@pytest.mark.parametrize("turn", range(20))
def test_two_approvals_at_once_send_once(open_town, turn):
    with as_town(open_town.pk):
        revision = alerts.proposed(open_town)
        members = [alerts.authority(open_town), alerts.authority(open_town)]
    ends = together(
        open_town, *(lambda member=member: alerts.approve(revision, member) for member in members)
    )
    assert sorted(end == "done" for end in ends) == [False, True]
    assert "déjà parti" in next(end for end in ends if end != "done")
    with as_town(open_town.pk):
        assert Message.objects.of(open_town).count() == 1
        assert Revision.objects.of(open_town).get().state == "sent"


def test_without_the_lock_both_would_send(open_town, monkeypatch):
    """The control: the guard is taken away, and two messages are planned."""
    with as_town(open_town.pk):
        revision = alerts.proposed(open_town)
        members = [alerts.authority(open_town), alerts.authority(open_town)]
        audience.emergency_subject(open_town)
    gate = threading.Barrier(2)

    def unlocked(given):
        row = Revision.objects.of(given.municipality_id).select_related("alert", "municipality")
        found = row.get(pk=given.pk)
        gate.wait()
        return found

    monkeypatch.setattr(actions, "locked", unlocked)
    planned, said = [], []
    real = actions.send_message

    def counted(**facts):
        planned.append(real(**facts))
        return planned[-1]

    monkeypatch.setattr(actions, "send_message", counted)

    def approve(member) -> None:
        try:
            with as_town(open_town.pk):
                alerts.approve(revision, member)
        except Exception as error:
            # The table itself refuses the second: it is the last guard.
            said.append(str(error))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(approve, members))
    assert len(planned) == 2, said
    assert "a sent revision stays" in said[0]
    with as_town(open_town.pk):
        # Even so: what was sent never changes, so the second was undone whole.
        assert Message.objects.of(open_town).count() == 1


@pytest.mark.parametrize("turn", range(20))
def test_approved_and_taken_back_at_once_is_one_of_both(open_town, turn):
    with as_town(open_town.pk):
        revision = alerts.proposed(open_town)
        member = alerts.authority(open_town)
    ends = together(
        open_town,
        lambda: alerts.approve(revision, member),
        lambda: drafts.take_back(revision, actor=None, now=NOW),
    )
    assert ends.count("done") == 1
    with as_town(open_town.pk):
        sent = Revision.objects.of(open_town).get().state == "sent"
        assert Message.objects.of(open_town).count() == int(sent) == int(ends[0] == "done")


@pytest.mark.parametrize("turn", range(20))
def test_two_rescuers_at_once_one_goes(open_town, turn):
    with as_town(open_town.pk):
        person = make.resident(open_town)
        alert = alerts.sent(open_town)
        asked = answers.answer(alert, resident=person, kind="help", now=NOW)
        members = [make.staff(open_town, roles={"rescue": "act"}) for _ in range(2)]
    ends = together(
        open_town,
        *(lambda one=one: answers.take(asked, member=one, now=NOW) for one in members),
    )
    assert sorted(end == "done" for end in ends) == [False, True]
