"""The dispatcher: claims a chunk under a lease, calls its channel, writes down what happened.

`python -m parvis.notifications.dispatch --lanes emergency`. Any number may run, on any number of
machines: a chunk has one holder at a time, and closing it needs the token of its lease. Killed at
any moment, what it held is taken up again when the lease runs out.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

logger = logging.getLogger("parvis.notifications")
CLAIM = """
WITH open AS (
  SELECT DISTINCT ON (municipality_id) id, lane FROM notifications_work
  WHERE channel = %(channel)s AND lane = ANY(%(lanes)s) AND state <> 'done'
    AND not_before <= now() AND (state = 'waiting' OR leased_until < now())
  ORDER BY municipality_id, lane, not_before, id
), turn AS (
  -- One chunk of each town in turn: a large town's notice delays no other's.
  SELECT w.id FROM open JOIN notifications_work w USING (id)
  WHERE w.state <> 'done' AND (w.state = 'waiting' OR w.leased_until < now())
  ORDER BY w.lane, random() LIMIT 1 FOR UPDATE OF w SKIP LOCKED
)
UPDATE notifications_work w SET state = 'leased', lease = %(token)s, claims = w.claims + 1,
  leased_until = now() + %(lease)s
FROM turn WHERE w.id = turn.id
RETURNING w.id, w.municipality_id, w.chunk_id, w.message_id, w.claims
"""


@dataclass(frozen=True)
class Claim:
    """A chunk that this dispatcher holds until the lease runs out."""

    work_id: int
    municipality_id: int
    chunk_id: int
    message_id: int
    claims: int
    token: uuid.UUID
    seconds: float


def claim(channel: str, lanes: Sequence[int]) -> Claim | None:
    """Lease the next chunk of the channel, emergencies first and towns in turn; or None."""
    from django.db import connection, transaction

    from parvis.notifications import rules

    token = uuid.uuid4()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            CLAIM,
            {"channel": channel, "lanes": list(lanes), "token": token, "lease": rules.LEASE},
        )
        row = cursor.fetchone()
    return Claim(*row, token, rules.LEASE.total_seconds()) if row else None


class Holder:
    """A held chunk: proves the lease at every write, and closes the chunk in one transaction."""

    def __init__(self, held: Claim) -> None:
        from parvis.municipalities.models import Municipality

        self.held = held
        self.lost = False
        self.municipality = Municipality.objects.get(pk=held.municipality_id)
        self.settled: set[int] = set()

    @contextmanager
    def as_holder(self) -> Iterator[bool]:
        """A transaction as the town, with the lease proved and renewed; False when it is lost."""
        from django.db import connection

        from parvis.core.db import as_town
        from parvis.notifications import rules

        with as_town(self.held.municipality_id):
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE notifications_work SET leased_until = now() + %s "
                    "WHERE id = %s AND lease = %s AND state = 'leased'",
                    [rules.LEASE, self.held.work_id, self.held.token],
                )
                self.lost = cursor.rowcount != 1
            yield not self.lost

    def intend(self, contact_ids: Sequence[int]) -> bool:
        from parvis.notifications.models import Chunk

        with self.as_holder() as ours:
            if ours:
                Chunk.objects.of(self.held.municipality_id).filter(pk=self.held.chunk_id).update(
                    intent=list(contact_ids)
                )
        return not self.lost

    def settle(self, results: Sequence[Any]) -> bool:
        from parvis.notifications.models import Chunk

        with self.as_holder() as ours:
            if ours:
                self.write(results)
                Chunk.objects.of(self.held.municipality_id).filter(pk=self.held.chunk_id).update(
                    intent=[]
                )
        return not self.lost

    def write(self, results: Sequence[Any]) -> None:
        """Append the outcomes, and act on those that say something about the contact."""
        from parvis.notifications import outcomes

        fresh = [result for result in results if result.contact_id not in self.settled]
        self.settled.update(result.contact_id for result in fresh)
        outcomes.write(self.municipality, self.chunk, fresh, now=self.now())

    def now(self) -> datetime:
        from django.utils import timezone

        return timezone.now()

    def open(self) -> Any:
        """Read the chunk; settle what a crash left in doubt; answer the parcel, or None."""
        from parvis.notifications import outcomes, rules
        from parvis.notifications.channels import Parcel, Result, State
        from parvis.notifications.models import Chunk, Lane

        now = self.now()
        with self.as_holder() as ours:
            if not ours:
                return None
            self.chunk = (
                Chunk.objects.of(self.held.municipality_id)
                .select_related("message__subject")
                .get(pk=self.held.chunk_id)
            )
            message = self.chunk.message
            urgent = message.lane == Lane.EMERGENCY
            done = outcomes.final(self.chunk)
            left = [pk for pk in self.chunk.recipients if pk not in done]
            if self.chunk.intent and not urgent:
                doubtful = set(self.chunk.intent) & set(left)
                self.write([Result(pk, State.UNCERTAIN, "in_doubt") for pk in sorted(doubtful)])
                left = [pk for pk in left if pk not in doubtful]
            if message.stopped_at or message.deadline_at <= now:
                reason = "stopped" if message.stopped_at else "too_late"
                self.write([Result(pk, State.EXPIRED, reason) for pk in left])
                left = []
        return Parcel(
            municipality=self.municipality, message=message, chunk=self.chunk, recipients=left,
            now=now, lease_seconds=rules.LEASE.total_seconds(), urgent=urgent,
        )  # fmt: skip

    def close(self, results: Sequence[Any]) -> bool:
        """Write what is not yet written, plan the next attempts, and end the chunk. All or nothing."""
        from parvis.notifications import outcomes
        from parvis.notifications.models import Chunk, Work

        with self.as_holder() as ours:
            if not ours:
                logger.warning("work %s: the lease was lost", self.held.work_id)
                return False
            self.write(results)
            outcomes.plan_retries(self.municipality, self.chunk, results, now=self.now())
            if self.chunk.intent:
                Chunk.objects.of(self.held.municipality_id).filter(pk=self.chunk.pk).update(
                    intent=[]
                )
            Work.objects.filter(pk=self.held.work_id).update(
                state=Work.State.DONE, closed_at=self.now(), lease=None, leased_until=None
            )
            outcomes.tell(self.municipality, self.chunk)
        return True


def deliver_one(channel: str, lanes: Sequence[int]) -> bool:
    """Take one chunk from claim to close; False when none was waiting."""
    from parvis.notifications import channels

    held = claim(channel, lanes)
    if held is None:
        return False
    try:
        holder = Holder(held)
        parcel = holder.open()
        if parcel is not None:
            results = []
            if parcel.recipients:
                results = list(channels.load(channel).deliver(parcel, holder))
            if not holder.lost:
                holder.close(results)
    except Exception:
        # The outer edge of the work: log it, and let another attempt come, each time later.
        logger.exception("work %s failed", held.work_id)
        release(held)
    return True


def release(held: Claim) -> None:
    """Put a chunk that failed back, to be claimed again later."""
    from django.db import connection, transaction

    pause = timedelta(seconds=min(2**held.claims, 600))
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE notifications_work SET state = 'waiting', lease = NULL, leased_until = NULL, "
                "not_before = now() + %s WHERE id = %s AND lease = %s",
                [pause, held.work_id, held.token],
            )
    except Exception:
        logger.exception("work %s stays leased until its lease runs out", held.work_id)


def drain(channels: Sequence[str] = ("inapp", "email", "push"), *, most: int = 10_000) -> int:
    """Deliver everything that waits, here and now; answer how many chunks. For tests and tools."""
    done = 0
    for channel in channels:
        while done < most and deliver_one(channel, range(4)):
            done += 1
    return done


def serve(channel: str, lanes: Sequence[int], stop: threading.Event, wake: threading.Event) -> None:
    """One channel's loop, in a thread of its own: a slow mail server delays no push."""
    from django.db import Error, connection

    while not stop.is_set():
        try:
            if deliver_one(channel, lanes):
                continue
        except Error as error:
            logger.warning("database: %s; again in 1 s", error)
            connection.close()
            stop.wait(1)
            continue
        wake.wait(1.0)
        wake.clear()


def listen(wakes: Sequence[threading.Event], stop: threading.Event) -> None:
    """Wake the loops when work is planned; a poll each second covers what is missed."""
    from parvis.core.live import conninfo
    from parvis.notifications.actions import WAKE

    while not stop.is_set():
        try:
            with psycopg.connect(conninfo(), autocommit=True) as conn:
                conn.execute(f"LISTEN {WAKE}")
                while not stop.is_set():
                    for _note in conn.notifies(timeout=1.0, stop_after=1):
                        for wake in wakes:
                            wake.set()
        except psycopg.Error as error:
            logger.warning("listening again in 1 s: %s", error)
            stop.wait(1)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="parvis dispatch")
    parser.add_argument("--lanes", choices=["emergency", "ordinary", "all"], default="all")
    parser.add_argument("--channels", default="inapp,email,push")
    options = parser.parse_args(argv)
    lanes = {"emergency": [0], "ordinary": [1, 2, 3], "all": [0, 1, 2, 3]}[options.lanes]

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "parvis.settings")
    django.setup()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    names = options.channels.split(",")
    wakes = {name: threading.Event() for name in names}
    threads = [
        threading.Thread(target=serve, args=(name, lanes, stop, wakes[name]), name=name)
        for name in names
    ]
    threads.append(
        threading.Thread(target=listen, args=(list(wakes.values()), stop), name="listen")
    )
    for thread in threads:
        thread.daemon = True
        thread.start()
    while not stop.is_set():
        if not all(thread.is_alive() for thread in threads):
            logger.error("a thread ended: %s", [t.name for t in threads if not t.is_alive()])
            return 1
        time.sleep(0.2)
    # Closing a held chunk takes seconds at most; what is not closed is taken up again.
    for thread in threads:
        thread.join(timeout=15)
    return 0


if __name__ == "__main__":
    sys.exit(main())

__all__ = ["claim", "deliver_one", "drain", "main"]
