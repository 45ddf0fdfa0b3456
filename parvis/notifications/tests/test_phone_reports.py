"""What a provider reports of texts later: signed, once, in any order, with its reason."""

from __future__ import annotations

import pytest

from parvis.core.db import as_town
from parvis.notifications import dispatch
from parvis.notifications.models import ClosedNumber, Outcome
from parvis.notifications.tests.texting import at_once, states


@pytest.fixture
def handed(planned, texts):
    message, (one,) = planned()
    dispatch.drain(["text"])
    return message, one, texts.to(one.number)[0]


def test_a_report_says_that_it_arrived_once_however_often_it_comes(handed, texts, client):
    message, one, sent = handed
    for status in ("sent", "delivered", "delivered", "sent"):
        assert texts.report(client, sent, status).status_code == 204
    assert states(message) == {one.pk: ["handed", "reached"]}


@pytest.mark.parametrize(
    ("code", "reason", "closes"),
    [
        ("30003", "unreachable", False), ("30005", "unknown_number", True),
        ("30006", "landline", True), ("30007", "filtered", False),
        ("21610", "unsubscribed", True), ("39999", "carrier_fault", False),
        ("", "carrier_fault", False),
    ],
)  # fmt: skip
def test_a_failure_reported_later_has_its_reason_and_closes_a_number_at_fault(
    handed, texts, client, open_town, code, reason, closes
):
    message, one, sent = handed
    assert texts.report(client, sent, "undelivered", code).status_code == 204
    assert states(message) == {one.pk: ["handed", "bounced"]}
    with as_town(open_town.pk):
        assert Outcome.objects.of(open_town).get(state="bounced").reason == reason
        assert ClosedNumber.objects.of(open_town).exists() == closes


def test_reports_out_of_order_leave_the_first_that_says_how_it_ended(handed, texts, client):
    message, one, sent = handed
    texts.report(client, sent, "delivered")
    texts.report(client, sent, "undelivered", "30007")
    assert states(message) == {one.pk: ["handed", "reached"]}


def test_a_report_with_another_signature_or_about_what_we_did_not_sign_changes_nothing(
    handed, texts, client
):
    message, one, sent = handed
    assert texts.report(client, sent, "undelivered", "30005", token="x").status_code == 403
    forged = {**sent, "StatusCallback": sent["StatusCallback"].replace("/suivi/text.", "/suivi/t.")}
    assert forged != sent
    assert texts.report(client, forged, "delivered").status_code == 204
    unknown = client.post("/mes-avis/telephone/inconnu/suivi/x/", HTTP_HOST="alma.localhost")
    assert unknown.status_code == 403
    assert states(message) == {one.pk: ["handed"]}
    texts.report(client, sent, "delivered")
    assert states(message) == {one.pk: ["handed", "reached"]}


def test_a_report_that_comes_before_our_own_answer_settles_what_a_crash_left_in_doubt(
    planned, texts, client, open_town
):
    message, (one,) = planned()
    texts.behave(one.number, "lost")
    texts.lists = False
    dispatch.drain(["text"])
    texts.report(client, texts.to(one.number)[0], "delivered")
    at_once(open_town)
    dispatch.drain(["text"])
    assert states(message) == {one.pk: ["retry", "reached", "handed"]}
    assert len(texts.to(one.number)) == 1
