"""A letter that is a later step."""

from __future__ import annotations

from django.utils import timezone

from parvis.core.db import as_town
from parvis.notifications import dispatch
from parvis.notifications.models import Outcome
from parvis.notifications.tests.test_steps import opened, prefer, send, urgent
from parvis.notifications.tests.texting import at_once, phone
from parvis.residents.tests import make


def test_a_letter_as_a_later_step_is_spared_as_well(open_town, texts, mailbox):
    with as_town(open_town.pk):
        person = make.resident(open_town)
        prefer(person, ["text", "email"])
        one = phone(person)
        message = send(open_town, urgent(open_town), now=timezone.now())
    dispatch.drain(["text", "email"])
    assert mailbox.letters == []
    opened(message, one)
    at_once(open_town)
    dispatch.drain(["email"])
    assert mailbox.letters == []
    with as_town(open_town.pk):
        row = Outcome.objects.of(open_town).get(channel="email")
        assert (row.state, row.resident_id, row.is_final) == ("spared", person.pk, True)
