"""The loop that seals every town's audit trail, and notes the heads outside the database."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, close_old_connections
from django.utils import timezone

from parvis.core import upkeep
from parvis.core.db import as_town
from parvis.municipalities import actions
from parvis.municipalities.models import Municipality

logger = logging.getLogger("parvis.sealer")
EVERY = 5.0
HEADS_EVERY = timedelta(hours=1)


def seal_all(*, now: datetime, heads: bool = False) -> int:
    """Seal what waits in each town, each in a transaction of its own; answer how many lines."""
    sealed = 0
    for town_id in list(Municipality.objects.order_by("pk").values_list("pk", flat=True)):
        with as_town(town_id):
            sealed += actions.seal_lines(town_id, now=now)
            if heads:
                actions.note_head(town_id, now=now)
    return sealed


def run(stop: threading.Event) -> None:
    """Seal every five seconds until asked to stop; what fails now is sealed the next time."""
    noted_at: datetime | None = None
    while not stop.is_set():
        now = timezone.now()
        due = noted_at is None or now - noted_at >= HEADS_EVERY
        try:
            seal_all(now=now, heads=due)
            upkeep.retry_stalled_jobs(now=now)
            if due:
                upkeep.hourly()
                noted_at = now
        except (DatabaseError, InterfaceError) as error:
            logger.warning("trying again in %s s: %s", EVERY, error)
        close_old_connections()
        stop.wait(EVERY)
