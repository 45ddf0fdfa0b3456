"""Publishing to 50,000 subscribers: how long planning takes, against one row per recipient."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from bench.town import RESIDENTS, town
from parvis.core.db import as_town
from parvis.notifications import actions
from parvis.notifications.models import Outcome, Subject

NAME = "publish"
CONTENT = {"fr": {"title": "L’eau peut être brune", "body": "Bonne à boire.", "url": "/avis/1/"}}


class Undo(Exception):
    """Roll the round back: each begins on the same database."""


def plan(made: Any, subject: Subject) -> tuple[float, int]:
    began = time.perf_counter()
    try:
        with as_town(made.pk):
            message = actions.send_message(
                municipality=made, kind="announcements.published", content=CONTENT,
                subject=subject, now=timezone.now(),
            )  # fmt: skip
            took = time.perf_counter() - began
            raise Undo
    except Undo:
        return took, message.targeted


def naive(made: Any, subject: Subject) -> float:
    """One row per recipient and channel by bulk_create, as most suites do."""
    began = time.perf_counter()
    try:
        with as_town(made.pk), transaction.atomic():
            people = list(
                subject.subscriptions.values_list("resident_id", "channel").order_by("resident_id")
            )
            Outcome.objects.bulk_create(
                [
                    Outcome(
                        municipality=made,
                        message_id=1,
                        chunk_id=1,
                        resident_id=resident,
                        channel=channel,
                        contact_id=resident,
                        state="retry",
                        is_final=False,
                        at=timezone.now(),
                    )  # fmt: skip
                    for resident, channel in people
                ],
                batch_size=2000,
            )
            raise Undo
    except Undo:
        return time.perf_counter() - began


def run() -> dict[str, Any]:
    """Median of five plannings; the plain way once, in the same run."""
    made = town()
    with as_town(made.pk):
        subject = Subject.objects.of(made).get(name="Eau")
    rounds = [plan(made, subject) for _ in range(5)]
    plain = naive(made, subject)
    connection.close()
    planned = median(took for took, _count in rounds)
    return {
        "recipients": rounds[0][1],
        "residents": RESIDENTS,
        "planned_s": round(planned, 3),
        "naive_s": round(plain, 3),
        "ratio": round(plain / planned, 1),
        "promise": "planned_s <= 1",
        "kept": planned <= 1,
    }
