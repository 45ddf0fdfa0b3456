"""Telephones, people who want texts, and what became of a message."""

from __future__ import annotations

import itertools

from django.utils import timezone

from parvis.core.db import as_town
from parvis.notifications import actions
from parvis.notifications.models import Line, Outcome, Work
from parvis.notifications.tests import make as notify
from parvis.residents.models import Phone
from parvis.residents.tests import make

CONTENT = {"fr": {"title": "L’eau peut être brune", "body": "", "url": "/avis/1/"}}
_numbers = itertools.count(100)


def phone(person, number: str = "", *, verified: bool = True, **facts) -> Phone:
    return Phone.objects.create(
        municipality_id=person.municipality_id, resident=person,
        number=number or f"+1418555{next(_numbers):04d}", created_at=notify.NOW,
        verified_at=notify.NOW if verified else None, **facts,
    )  # fmt: skip


def followers(town, count: int = 1, *, subject=None):
    """A subject and telephones of people who want it by text."""
    subject = subject or notify.subject(town)
    phones = []
    for _ in range(count):
        person = make.resident(town)
        if not subject.is_emergency:
            notify.subscription(person, subject, "text")
        phones.append(phone(person))
    return subject, phones


def send(town, subject, **facts):
    return actions.send_message(
        municipality=town, kind="announcements.published", content=CONTENT, subject=subject,
        channels=["text"], now=timezone.now(), **facts,
    )  # fmt: skip


def states(message) -> dict[int, list[str]]:
    """Contact → the states written down, in order."""
    found: dict[int, list[str]] = {}
    with as_town(message.municipality_id):
        rows = Outcome.objects.of(message.municipality_id).filter(message_id=message.pk)
        for contact, state in rows.order_by("pk").values_list("contact_id", "state"):
            found.setdefault(contact, []).append(state)
    return found


def at_once(town):
    """What waits for another attempt is due now, and no line rests."""
    Line.objects.update(resting_until=None, failures=0)
    Work.objects.filter(municipality=town, state="waiting").update(not_before=timezone.now())
