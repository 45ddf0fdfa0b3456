"""Looking after the queue: jobs that a dead worker held go back, and finished ones are removed."""

from __future__ import annotations

import logging
from datetime import datetime

from django.core.management import call_command
from procrastinate import sql
from procrastinate.contrib.django import app

logger = logging.getLogger("parvis.upkeep")
SILENCE = 30.0
"""Seconds without a heartbeat after which a worker counts as dead."""
KEPT_HOURS = 72


def retry_stalled_jobs(*, now: datetime) -> int:
    """Give back the jobs whose worker is dead; answer how many. Nothing else does (pitfall)."""
    connector = app.connector.get_sync_connector()
    stalled = connector.execute_query_all(
        query=sql.queries["select_stalled_jobs_by_heartbeat"],
        queue=None,
        task_name=None,
        seconds_since_heartbeat=SILENCE,
    )
    for row in stalled:
        logger.warning("job %s was held by a dead worker, trying it again", row["id"])
        app.job_manager.retry_job_by_id(row["id"], retry_at=now)
    return len(stalled)


def remove_old_jobs() -> None:
    """Remove what ended three days ago and more; failures stay a while longer, to be read."""
    connector = app.connector.get_sync_connector()
    for hours, statuses in ((KEPT_HOURS, ["succeeded"]), (24 * 30, ["failed", "cancelled"])):
        connector.execute_query(
            query=sql.queries["delete_old_jobs"], nb_hours=hours, queue=None, statuses=statuses
        )


def hourly() -> None:
    remove_old_jobs()
    call_command("clearsessions")
