"""Web push (RFC 8030, 8291, 8292): to every device that asked for it."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterator
from typing import NamedTuple

from django.conf import settings
from django.db import connection

from parvis.core import secret
from parvis.core.db import as_town, id_array
from parvis.municipalities.models import PushKey
from parvis.notifications import envelopes, inbox, rules
from parvis.notifications.channels import Keeper, Parcel, Result, State, rates
from parvis.notifications.channels.http_pool import HttpPool, PushRequest
from parvis.notifications.channels.webpush_crypto import (
    VapidTokens,
    encrypt,
    origin_of,
    push_headers,
    seal,
)
from parvis.notifications.models import Lane
from parvis.notifications.urls_of import absolute

logger = logging.getLogger("parvis.notifications")
CONCURRENCY = 500
MARGIN = 10.0
"""Seconds of the lease kept for writing the outcomes down."""


class Reader(NamedTuple):
    """A device as this chunk needs it."""

    pk: int
    endpoint: str
    p256dh: bytes
    auth: bytes
    key_id: int
    resident_id: int | None
    language: str | None

    @property
    def speaks(self) -> str:
        return self.language or "fr"


READERS = """
SELECT d.id, d.endpoint, d.p256dh, d.auth, d.key_id, d.resident_id, r.language
FROM unnest(%s::bigint[]) wanted(id) JOIN notifications_device d USING (id)
LEFT JOIN residents_resident r ON r.id = d.resident_id
WHERE d.municipality_id = %s AND d.removed_at IS NULL
"""

_throttle = rates.Throttle()
_pool: HttpPool | None = None
_tokens: dict[str, VapidTokens] = {}


def prepare() -> None:
    """Load what the first message would otherwise wait for: all addresses of the portal."""
    inbox.open_path(0, "push")


def pool() -> HttpPool:
    """One pool for the dispatcher's push thread: connections are kept between chunks."""
    global _pool
    if _pool is None:
        _pool = HttpPool(
            ca_file=settings.PUSH_CA_FILE or None, allow_private=settings.PUSH_PRIVATE_ADDRESSES
        )
    return _pool


def tokens(key: PushKey) -> VapidTokens:
    if key.public not in _tokens:
        private = secret.decipher("vapid", bytes(key.private))
        _tokens[key.public] = VapidTokens(private, settings.PUSH_CONTACT)
    return _tokens[key.public]


def deliver(parcel: Parcel, keeper: Keeper) -> Iterator[Result]:
    """Seal for each device, from its envelope or just in time; post all; read the answers."""
    town, message = parcel.municipality, parcel.message
    with as_town(town.pk):
        # Rows as they come: a thousand model instances cost as much as sealing half as many.
        with connection.cursor() as cursor:
            cursor.execute(READERS, [id_array(parcel.recipients), town.pk])
            devices = {row[0]: Reader(*row) for row in cursor.fetchall()}
        keys = {key.pk: key for key in PushKey.objects.of(town)}
    for contact_id in parcel.recipients:
        if contact_id not in devices:
            yield Result(contact_id, State.WITHDRAWN, "withdrawn")
    payloads = {
        language: payload(parcel, language)
        for language in {reader.speaks for reader in devices.values()}
    }
    words = {language: envelopes.digest(plaintext) for language, plaintext in payloads.items()}
    taken = envelopes.take(keeper, parcel, {pk: words[d.speaks] for pk, d in devices.items()})
    if taken is None:
        return
    safe = envelopes.Safe()
    remaining = (message.deadline_at - parcel.now).total_seconds()
    urgency = "high" if message.lane <= Lane.PERSONAL else "normal"
    headers: dict[tuple[int, str], tuple[str, ...]] = {}
    failed: list[Result] = []

    def requests() -> Iterator[PushRequest]:
        wall = time.time()
        for pk, device in devices.items():
            where = origin_of(device.endpoint)
            try:
                if (device.key_id, where) not in headers:
                    headers[device.key_id, where] = push_headers(
                        tokens(keys[device.key_id]).authorization(where, now=wall),
                        ttl=max(0, int(remaining)),
                        urgency=urgency,
                        topic=message.topic or None,
                    )
                body = sealed(payloads[device.speaks], device, taken.get(pk), safe)
            except (ValueError, KeyError) as error:
                # One unusable subscription must not end the posting of the others.
                logger.warning("device %s cannot be written to: %s", pk, error)
                failed.append(Result(pk, State.UNDELIVERABLE, "push_refused"))
                continue
            yield PushRequest(pk, device.endpoint, headers[device.key_id, where], body)

    answered: set[int] = set()
    deadline = time.monotonic() + parcel.lease_seconds - MARGIN
    for answer in pool().post_many(
        requests(), concurrency=CONCURRENCY, deadline=deadline, throttle=_throttle
    ):
        answered.add(answer.key)
        who = devices[answer.key].resident_id
        attempt = parcel.chunk.attempt + 1
        fate = rates.decide(
            answer.status, answer.retry_after, attempt, jitter=random.random(), remaining=remaining
        )
        match fate.outcome:
            case rates.Outcome.HANDED_OVER:
                yield Result(answer.key, State.HANDED_OVER, resident_id=who)
            case rates.Outcome.GONE:
                yield Result(answer.key, State.UNDELIVERABLE, "device_gone", resident_id=who)
            case rates.Outcome.FAULT_OURS:
                logger.error("push refused with %s: %s", answer.status, answer.error)
                yield Result(answer.key, State.UNDELIVERABLE, "push_refused", resident_id=who)
            case rates.Outcome.EXPIRED:
                yield Result(answer.key, State.EXPIRED, "too_late", resident_id=who)
            case _:
                yield Result(answer.key, State.RETRY, "push_busy", fate.after, resident_id=who)
    yield from failed
    answered.update(result.contact_id for result in failed)
    for pk, device in devices.items():
        if pk not in answered:  # Never drawn before the lease ran out.
            yield Result(pk, State.RETRY, "push_busy", resident_id=device.resident_id)


def sealed(plaintext: bytes, device: Reader, kept: bytes | None, safe: envelopes.Safe) -> bytes:
    """The body for this device, from its envelope where one was taken that is good."""
    p256dh, auth = bytes(device.p256dh), bytes(device.auth)
    if kept:
        envelope = safe.open(kept, device_id=device.pk, p256dh=p256dh, auth=auth)
        if envelope:
            return seal(envelope, plaintext)
    return encrypt(plaintext, p256dh, auth)


def payload(parcel: Parcel, language: str) -> bytes:
    message = parcel.message
    spoken, words = rules.content_for(message.content, language)
    return rules.push_payload(
        words,
        language=spoken,
        url=absolute(parcel.municipality, inbox.open_path(message.pk, "push")),
        tag=message.topic or str(message.identity),
        identity=str(message.identity),
        urgent=parcel.urgent,
    )
