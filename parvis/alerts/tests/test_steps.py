"""An alert's channels come one after the other, but for lives in danger; an answer ends them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from parvis.alerts import answers, audience, figures
from parvis.alerts.tests import alerts
from parvis.core.db import as_town
from parvis.core.errors import Refused
from parvis.municipalities import actions as towns_actions
from parvis.municipalities.tests import make as towns
from parvis.municipalities.tests.make import NOW
from parvis.notifications import dispatch
from parvis.notifications.models import Chunk, Work
from parvis.notifications.tests import texting
from parvis.notifications.tests.phone_service import PhoneService
from parvis.residents.tests import make


@pytest.fixture
def texts(settings):
    with PhoneService() as service:
        settings.TELEPHONY = (service.provider,)
        yield service


def text_of(alert):
    message = alert.revisions.sent().order_by("-number").first().message
    return Chunk.objects.of(alert.municipality_id).get(message=message, channel="text")


@pytest.mark.django_db
@pytest.mark.parametrize(("severity", "waits"), [("Severe", 7), ("Minor", 7), ("Extreme", 0)])
def test_the_town_sets_the_step_and_an_extreme_alert_has_none(town, texts, severity, waits):
    texting.phone(make.resident(town))
    towns_actions.change_town(town, actor=None, step_minutes=7)
    town.refresh_from_db()
    alert = alerts.sent(town, severity=severity)
    assert text_of(alert).not_before == NOW + timedelta(minutes=waits)


@pytest.mark.django_db
@pytest.mark.parametrize("minutes", [0, 61, -5])
def test_a_step_of_no_length_or_over_an_hour_is_refused(town, minutes):
    with pytest.raises(Refused, match="1 à 60"):
        towns_actions.change_town(town, actor=None, step_minutes=minutes)


@pytest.mark.django_db
def test_who_decides_reads_the_count_that_leaves(town, texts):
    texting.phone(make.resident(town))
    revision = alerts.proposed(town)
    found = audience.count(revision, [], now=NOW)
    alerts.approve(revision, alerts.authority(town))
    planned = Chunk.objects.of(town).filter(message__kind="alerts.sent")
    assert found.by_channel["text"] == len(planned.get(channel="text").recipients) == 1


@pytest.fixture
def under_way(transactional_db, texts):
    """An alert in force, its texts still to come to somebody who answers and somebody silent."""
    town, now = towns.municipality("alma"), timezone.now()
    with as_town(town.pk):
        phones = [texting.phone(make.resident(town)) for _ in range(2)]
        alert = alerts.sent(town, now=now)
    dispatch.drain(["inapp"])
    return town, alert, phones, now


@pytest.mark.parametrize("kind", ["seen", "safe", "help"])
def test_whoever_answers_on_the_alerts_page_gets_no_further_step(under_way, texts, kind):
    town, alert, (one, silent), now = under_way
    dispatch.drain(["text"])
    assert texts.taken == []
    with as_town(town.pk):
        answers.answer(alert, resident=one.resident, kind=kind, now=now)
    texting.at_once(town)
    dispatch.drain(["text"])
    assert [len(texts.to(each.number)) for each in (one, silent)] == [0, 1]
    with as_town(town.pk):
        reach = figures.reach(alert)
        everyone = reach.targeted
        # One answered, one was texted, and nobody else is left but those who decided.
        assert (reach.handed, reach.confirmed, reach.joined) == (1, 1, 2)
        assert reach.not_reached == everyone - 2


def test_seen_again_confirms_what_the_update_says(under_way, texts):
    town, alert, (one, silent), now = under_way
    with as_town(town.pk):
        answers.answer(alert, resident=one.resident, kind="seen", now=now)
        alerts.continued(alert, "update", now=now)
        answers.answer(alert, resident=one.resident, kind="seen", now=now)
    texting.at_once(town)
    dispatch.drain(["text"])
    assert [len(texts.to(each.number)) for each in (one, silent)] == [0, 1]


def test_an_update_is_told_to_whoever_confirmed_only_what_came_before(under_way, texts):
    town, alert, (one, silent), now = under_way
    with as_town(town.pk):
        answers.answer(alert, resident=one.resident, kind="seen", now=now)
        alerts.continued(alert, "update", now=now)
    texting.at_once(town)
    dispatch.drain(["text"])
    assert [len(texts.to(each.number)) for each in (one, silent)] == [1, 1]


@pytest.mark.parametrize("kind", ["lift", "cancel"])
def test_the_end_of_an_alert_stops_the_steps_that_are_to_come(under_way, texts, kind):
    town, alert, phones, now = under_way
    with as_town(town.pk):
        first = alert.revisions.get().message_id
        alerts.continued(alert, kind, now=now)
    dispatch.drain(["text"])
    assert texts.taken == []
    assert not Work.objects.filter(message_id=first).exclude(state="done").exclude(
        channel__in=["email", "push", "voice", "inapp"]
    ).exists()  # fmt: skip
    texting.at_once(town)
    dispatch.drain(["text"])
    # Only the end itself is texted.
    assert [len(texts.to(each.number)) for each in phones] == [1, 1]
