"""Work that runs later: procrastinate jobs, committed with the rows they concern."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from parvis.core.db import as_town

Job = Callable[..., None]
AGAIN = RetryStrategy(max_attempts=8, exponential_wait=4)


def town_job(*, queue: str = "ordinary") -> Callable[[Job], Any]:
    """A job of one town: `job.defer(municipality_id=…, …ids)`; runs in a transaction as that town.

    Arguments are identifiers, never names or addresses: the queue's tables are not walled.
    A job may run twice.
    """

    def decorate(function: Job) -> Any:
        @wraps(function)
        def run(*, municipality_id: int, **ids: Any) -> None:
            with as_town(municipality_id):
                function(municipality_id=municipality_id, **ids)

        return app.task(
            queue=queue, retry=AGAIN, name=f"{function.__module__}.{function.__name__}"
        )(run)

    return decorate


def each(cron: str, *, queue: str = "ordinary") -> Callable[[Job], Any]:
    """A job that comes round by the clock (UTC), for all towns: `def job(*, at: int)`."""

    def decorate(function: Job) -> Any:
        @wraps(function)
        def run(timestamp: int) -> None:
            function(at=timestamp)

        task = app.task(
            queue=queue,
            name=f"{function.__module__}.{function.__name__}",
            queueing_lock=f"{function.__module__}.{function.__name__}",
            pass_context=False,
        )(run)
        return app.periodic(cron=cron)(task)

    return decorate
