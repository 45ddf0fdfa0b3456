"""One valid case; tests name only what they are about."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from parvis.cases import actions
from parvis.cases.models import Case, Event, Message
from parvis.municipalities.models import AuditLine, Municipality
from parvis.municipalities.tests.make import NOW
from parvis.notifications import models as notifications
from parvis.residents.tests import make as people

SUBJECT = "Heures de la patinoire"
BODY = "À quelle heure ferme la patinoire du parc\u202f?"


def case(town: Municipality, *, author: Any = None, now: datetime = NOW, **facts: Any) -> Case:
    """A question of a resident. The town must be set."""
    author = author or people.resident(town)
    facts.setdefault("kind", "cases.question")
    facts.setdefault("subject", SUBJECT)
    facts.setdefault("body", BODY)
    facts.setdefault("by", None if isinstance(author, actions.Caller) else author)
    return actions.open_case(municipality=town, author=author, now=now, **facts)


def answer(case: Case, *, now: datetime = NOW, by: Any = None, **facts: Any) -> Message:
    """The town's answer."""
    facts.setdefault("text", "Elle ferme à 21 h.")
    return actions.add_message(case, side=Message.Side.TOWN, by=by, now=now, **facts)


def reply(case: Case, *, now: datetime = NOW, by: Any = None, **facts: Any) -> Message:
    """A message of the person."""
    facts.setdefault("text", "Merci, et le dimanche\u202f?")
    return actions.add_message(case, side=Message.Side.RESIDENT, by=by, now=now, **facts)


def note(case: Case, *, now: datetime = NOW, by: Any = None, **facts: Any) -> Message:
    facts.setdefault("text", "Vérifier avec les loisirs.")
    return actions.add_message(case, side=Message.Side.NOTE, by=by, now=now, **facts)


def deeds(town, prefix="cases."):
    """Audit lines of the room, in their order."""
    lines = AuditLine.objects.of(town).filter(deed__startswith=prefix).order_by("pk")
    return list(lines.values_list("deed", flat=True))


def timeline(case):
    """Kinds of the timeline's lines; a move as from>to."""
    return [
        one.kind if one.kind != "moved" else f"{one.from_state}>{one.to_state}"
        for one in Event.objects.of(case.municipality_id).filter(case=case)
    ]


def told(town):
    """(kind, persons) of each message that the room planned."""
    return list(
        notifications.Message.objects.of(town)
        .filter(kind__startswith="cases.")
        .order_by("pk")
        .values_list("kind", "targeted")
    )


def state(case):
    return Case.objects.of(case.municipality_id).get(pk=case.pk).state
