"""The dispatcher: claims a chunk under a lease, calls its channel, writes down what happened.

`python -m parvis.notifications --lanes emergency`. Any number may run, on any number of
machines: a chunk has one holder at a time, and closing it needs the token of its lease. Killed at
any moment, what it held is taken up again when the lease runs out.
"""

from __future__ import annotations

import logging
import signal
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from django.db import Error, connection, transaction
from django.utils import timezone

from parvis.core.db import as_town
from parvis.core.live import conninfo
from parvis.municipalities.models import Municipality
from parvis.notifications import channels, outcomes, rules, steps
from parvis.notifications.channels import Parcel, Result, State
from parvis.notifications.envelopes import Armourer
from parvis.notifications.models import Channel, Chunk, EnvelopeBlock, Lane, Message, Work
from parvis.notifications.wake import CHANNEL

logger = logging.getLogger("parvis.notifications")
CLAIM = """
WITH open AS (
  SELECT id, row_number() OVER (PARTITION BY municipality_id ORDER BY lane, not_before, id) AS place
  FROM notifications_work
  WHERE channel = %(channel)s AND lane = ANY(%(lanes)s) AND state <> 'done'
    AND not_before <= now() AND (state = 'waiting' OR leased_until < now())
    -- What follows another message waits for what is being handed over of that one.
    AND (after_message_ids IS NULL OR NOT EXISTS (
      SELECT 1 FROM notifications_work e
      WHERE e.message_id = ANY(notifications_work.after_message_ids)
        AND e.channel = %(channel)s AND e.state = 'leased' AND e.leased_until >= now()))
), turn AS (
  -- The towns in turn: a large town's notice delays no other's. Several places of each, so that
  -- a dispatcher whose neighbour is just claiming the first takes the second and does not wait.
  SELECT w.id FROM open JOIN notifications_work w USING (id)
  WHERE place <= 8 AND w.state <> 'done' AND (w.state = 'waiting' OR w.leased_until < now())
  ORDER BY w.lane, place, random() LIMIT 1 FOR UPDATE OF w SKIP LOCKED
)
UPDATE notifications_work w SET state = 'leased', lease = %(token)s, claims = w.claims + 1,
  leased_until = now() + make_interval(secs => %(lease)s)
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


def claim(channel: str, lanes: Sequence[int]) -> Claim | None:
    """Lease the next chunk of the channel, emergencies first and towns in turn; or None."""
    token, seconds = uuid.uuid4(), rules.LEASE.total_seconds()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            CLAIM,
            {"channel": channel, "lanes": list(lanes), "token": token, "lease": seconds},
        )
        row = cursor.fetchone()
    if row is None:
        return None
    work_id, municipality_id, chunk_id, message_id, claims = row
    return Claim(work_id, municipality_id, chunk_id, message_id, claims, token)


class Holder:
    """A held chunk: proves the lease at every write, and closes the chunk in one transaction."""

    def __init__(self, held: Claim) -> None:
        self.held = held
        self.lost = False
        self.stopped = False
        self.municipality = Municipality.objects.get(pk=held.municipality_id)
        self.settled: set[int] = set()

    @contextmanager
    def as_holder(self) -> Iterator[bool]:
        """A transaction as the town, with the lease proved and renewed; False when it is lost."""
        with as_town(self.held.municipality_id):
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE notifications_work "
                    "SET leased_until = now() + make_interval(secs => %s) "
                    "WHERE id = %s AND lease = %s AND state = 'leased'",
                    [rules.LEASE.total_seconds(), self.held.work_id, self.held.token],
                )
                self.lost = cursor.rowcount != 1
            yield not self.lost

    def intend(self, contact_ids: Sequence[int]) -> bool:
        """Nothing more is begun once the message was stopped: the rest of the chunk ends so."""
        with self.as_holder() as ours:
            if ours:
                self.stopped = self.was_stopped()
            if ours and not self.stopped:
                Chunk.objects.of(self.held.municipality_id).filter(pk=self.held.chunk_id).update(
                    intent=list(contact_ids)
                )
        return not (self.lost or self.stopped)

    def spare(self, contact_ids: Sequence[int]) -> set[int]:
        """Those to whom nothing more goes: their owner confirmed by another channel meanwhile.

        Asked as each group begins: who confirms while the chunk is under way is spared too.
        """
        if self.chunk.message.step_minutes is None:
            return set()
        with self.as_holder() as ours:
            if not ours:
                return set()
            return set(contact_ids) - set(self.without_confirmed(contact_ids))

    def without_confirmed(self, contact_ids: Sequence[int]) -> list[int]:
        """These contacts but for whose owner confirmed; of those, write down that it ended."""
        chunk = self.chunk
        done = steps.confirmed(chunk.message, chunk.channel, contact_ids)
        self.write(
            [
                Result(pk, State.SPARED, "confirmed", resident_id=who)
                for pk, who in sorted(done.items())
            ]
        )
        return [pk for pk in contact_ids if pk not in done]

    def was_stopped(self) -> bool:
        return (
            Message.objects.of(self.held.municipality_id)
            .filter(pk=self.held.message_id, stopped_at__isnull=False)
            .exists()
        )

    def settle(self, results: Sequence[Result]) -> bool:
        with self.as_holder() as ours:
            if ours:
                self.write(results)
                Chunk.objects.of(self.held.municipality_id).filter(pk=self.held.chunk_id).update(
                    intent=[]
                )
        return not self.lost

    def write(self, results: Sequence[Result]) -> None:
        """Append the outcomes, and act on those that say something about the contact."""
        fresh = [result for result in results if result.contact_id not in self.settled]
        self.settled.update(result.contact_id for result in fresh)
        outcomes.write(self.municipality, self.chunk, fresh, now=timezone.now())

    def open(self) -> Parcel | None:
        """Read the chunk; settle what a crash left in doubt; answer the parcel, or None."""
        now = timezone.now()
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
            # Of pushes that nobody held before, nothing can have come; were it otherwise, the
            # second outcome would be refused by the table, and seen by the next claim.
            first = self.chunk.attempt == 0 and self.held.claims == 1
            fresh = first and self.chunk.channel == Channel.PUSH
            done = set() if fresh else outcomes.final(self.chunk)
            left = [pk for pk in self.chunk.recipients if pk not in done]
            if self.chunk.intent and not urgent:
                doubtful = set(self.chunk.intent) & set(left)
                self.write([Result(pk, State.UNCERTAIN, "in_doubt") for pk in sorted(doubtful)])
                left = [pk for pk in left if pk not in doubtful]
            if not message.stopped_at:
                left = self.without_confirmed(left)
            if message.stopped_at or message.deadline_at <= now:
                reason = "stopped" if message.stopped_at else "too_late"
                self.write([Result(pk, State.EXPIRED, reason) for pk in left])
                left = []
        return Parcel(
            municipality=self.municipality, message=message, chunk=self.chunk, recipients=left,
            now=now, lease_seconds=rules.LEASE.total_seconds(), urgent=urgent,
        )  # fmt: skip

    def close(self, results: Sequence[Result]) -> bool:
        """Write what is not yet written, plan the next attempts, end the chunk: all or nothing."""
        with self.as_holder() as ours:
            if not ours:
                logger.warning("work %s: the lease was lost", self.held.work_id)
                return False
            self.write(results)
            if self.stopped:
                told = {result.contact_id for result in results} | outcomes.final(self.chunk)
                left = [pk for pk in self.chunk.recipients if pk not in told]
                self.write([Result(pk, State.EXPIRED, "stopped") for pk in left])
            # What the chunk sealed with is spent: nothing of it is left to be used again.
            EnvelopeBlock.objects.of(self.held.municipality_id).filter(
                chunk_id=self.held.chunk_id
            ).delete()
            outcomes.plan_retries(self.municipality, self.chunk, results, now=timezone.now())
            if self.chunk.intent:
                Chunk.objects.of(self.held.municipality_id).filter(pk=self.chunk.pk).update(
                    intent=[]
                )
            Work.objects.filter(pk=self.held.work_id).update(
                state=Work.State.DONE, closed_at=timezone.now(), lease=None, leased_until=None
            )
            outcomes.tell(self.municipality, self.chunk)
        return True


def deliver_one(channel: str, lanes: Sequence[int]) -> bool:
    """Take one chunk from claim to close; False when none was waiting."""
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
    pause = float(min(2**held.claims, 600))
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE notifications_work SET state = 'waiting', lease = NULL, "
                "leased_until = NULL, not_before = now() + make_interval(secs => %s) "
                "WHERE id = %s AND lease = %s",
                [pause, held.work_id, held.token],
            )
    except Exception:
        logger.exception("work %s stays leased until its lease runs out", held.work_id)


def drain(
    channels: Sequence[str] = ("inapp", "email", "push", "text", "voice"), *, most: int = 10_000
) -> int:
    """Deliver everything that waits, here and now; answer how many chunks. For tests and tools."""
    done = 0
    for channel in channels:
        while done < most and deliver_one(channel, range(4)):
            done += 1
    return done


def serve(channel: str, lanes: Sequence[int], stop: threading.Event, wake: threading.Event) -> None:
    """One channel's loop, in a thread of its own: a slow mail server delays no push.

    Who serves civil security alone fills envelopes while nothing happens.
    """
    prepare = getattr(channels.load(channel), "prepare", None)
    if prepare is not None:
        prepare()
    armourer = Armourer() if channel == "push" and list(lanes) == [Lane.EMERGENCY] else None
    while not stop.is_set():
        try:
            if deliver_one(channel, lanes) or (armourer and armourer.step()):
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
    while not stop.is_set():
        try:
            with psycopg.connect(conninfo(), autocommit=True) as conn:
                conn.execute(f"LISTEN {CHANNEL}")
                while not stop.is_set():
                    for _note in conn.notifies(timeout=1.0, stop_after=1):
                        for wake in wakes:
                            wake.set()
        except psycopg.Error as error:
            logger.warning("listening again in 1 s: %s", error)
            stop.wait(1)


def run(names: Sequence[str], lanes: Sequence[int]) -> int:
    """Serve these channels until SIGTERM; 1 when a loop ended by itself."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    wakes = {name: threading.Event() for name in names}
    threads = [
        threading.Thread(
            target=serve, args=(name, lanes, stop, wakes[name]), name=name, daemon=True
        )
        for name in names
    ]
    threads.append(
        threading.Thread(
            target=listen, args=(list(wakes.values()), stop), name="listen", daemon=True
        )
    )
    for thread in threads:
        thread.start()
    while not stop.wait(0.2):
        if not all(thread.is_alive() for thread in threads):
            logger.error("a loop ended: %s", [t.name for t in threads if not t.is_alive()])
            return 1
    # Closing a held chunk takes seconds at most; what is not closed is taken up again.
    for thread in threads:
        thread.join(timeout=15)
    return 0
