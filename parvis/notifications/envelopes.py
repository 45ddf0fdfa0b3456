"""Envelopes: what sealing a push costs most, done for civil security while nothing happens.

Of a message to a device only the words are missing from its envelope. An envelope serves one
message: it is taken, with the digest of those words, in a committed transaction before anything is
sealed with it. A chunk that is taken up again after a crash finds the same block and sends the same
bytes; if the words are others by then, or on any later attempt, the message is sealed from new.
"""

from __future__ import annotations

import hashlib
import logging
import os
import struct
import time
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import IntegrityError, connection
from django.utils import timezone

from parvis.core import secret
from parvis.core.db import as_town, id_array
from parvis.municipalities.models import Municipality
from parvis.notifications.channels import Keeper, Parcel
from parvis.notifications.channels.webpush_crypto import arm
from parvis.notifications.models import Device, Envelope, EnvelopeBlock, Lane, Work

logger = logging.getLogger("parvis.notifications")
AT_ONCE = 100
"""Devices armed in one step, some ten milliseconds: an alert that comes in between hardly waits."""
WINDOW = 5000
REST = 600.0
"""Seconds between two passes over all devices."""
LOCK = 7_203_911
"""One process at a time arms (a PostgreSQL advisory lock, of any number that is ours alone)."""
_ENTRY = struct.Struct("!q32s157s")
# The block is put together where its parts lie: a hundred and sixty kilobytes do not travel there.
_TAKE = """
WITH asked AS (
  SELECT device_id, word FROM unnest(%(devices)s::bigint[], %(words)s::bigint[]) w(device_id, word)
), found AS (
  SELECT id FROM notifications_envelope WHERE device_id = ANY(%(devices)s::bigint[])
  ORDER BY id FOR UPDATE SKIP LOCKED
), taken AS (
  DELETE FROM notifications_envelope e USING found WHERE e.id = found.id
  RETURNING e.device_id, e.secret
)
INSERT INTO notifications_envelopeblock (municipality_id, chunk_id, held)
SELECT %(town)s, %(chunk)s,
  string_agg(int8send(device_id) || (%(digests)s::bytea[])[word] || secret, ''::bytea)
FROM taken JOIN asked USING (device_id) HAVING count(*) > 0
RETURNING held
"""
_NEAR = """
SELECT count(*), max(id) FROM (
  SELECT id FROM notifications_device WHERE municipality_id = %s AND id > %s ORDER BY id LIMIT %s
) near
"""
_UNARMED = """
SELECT id, p256dh, auth FROM notifications_device d
WHERE municipality_id = %s AND id > %s AND id <= %s AND removed_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM notifications_envelope e WHERE e.device_id = d.id)
ORDER BY id LIMIT %s
"""
_KEEP = """
INSERT INTO notifications_envelope (municipality_id, device_id, secret)
SELECT %s, * FROM unnest(%s::bigint[], %s::bytea[]) ON CONFLICT DO NOTHING
"""
_TIDY = """
DELETE FROM notifications_envelope e USING notifications_device d
WHERE d.id = e.device_id AND d.municipality_id = %s AND d.removed_at IS NOT NULL
"""


def digest(plaintext: bytes) -> bytes:
    return hashlib.sha256(plaintext).digest()


class Safe:
    """Envelopes enciphered at rest, each bound to its device and to the keys of that moment."""

    def __init__(self) -> None:
        self._cipher = AESGCM(secret.key("envelopes"))

    def close(self, envelope: bytes, *, device_id: int, p256dh: bytes, auth: bytes) -> bytes:
        nonce = os.urandom(12)
        bound = struct.pack("!q", device_id) + p256dh + auth
        return nonce + self._cipher.encrypt(nonce, envelope, bound)

    def open(self, kept: bytes, *, device_id: int, p256dh: bytes, auth: bytes) -> bytes | None:
        """The envelope; None when the device has other keys since, or the instance another one."""
        bound = struct.pack("!q", device_id) + p256dh + auth
        try:
            return self._cipher.decrypt(kept[:12], kept[12:], bound)
        except InvalidTag:
            return None


def take(keeper: Keeper, parcel: Parcel, wanted: Mapping[int, bytes]) -> dict[int, bytes] | None:
    """Take the envelopes of these devices for this chunk; device → envelope as it is kept.

    `wanted`: device → digest of the words that it will be sent. What is not answered is sealed
    from new: no envelope stood ready, or it was taken for other words. None: the lease was lost,
    and another has the chunk.
    """
    if not (settings.PUSH_ARMED and parcel.urgent and parcel.chunk.attempt == 0):
        return {}
    with keeper.as_holder() as ours:
        if not ours:
            return None
        block = EnvelopeBlock.objects.of(parcel.municipality).filter(chunk=parcel.chunk).first()
        if block is not None:
            entries = [*_ENTRY.iter_unpack(bytes(block.held))]
            return {pk: kept for pk, words, kept in entries if wanted.get(pk) == words}
        digests = sorted(set(wanted.values()))
        place = {words: number for number, words in enumerate(digests, 1)}
        with connection.cursor() as cursor:
            cursor.execute(
                _TAKE,
                {
                    "town": parcel.municipality.pk, "chunk": parcel.chunk.pk, "digests": digests,
                    "devices": id_array(wanted), "words": id_array(map(place.get, wanted.values())),
                },
            )  # fmt: skip
            row = cursor.fetchone()
        entries = [*_ENTRY.iter_unpack(bytes(row[0]))] if row else []
    # Only now, with the taking committed, may anything be sealed.
    return {pk: kept for pk, _words, kept in entries}


def drop(device: Device) -> None:
    """What was prepared for the keys that a device had before is of no use."""
    Envelope.objects.of(device.municipality_id).filter(device=device).delete()


class Armourer:
    """Fills envelopes for devices that have none, a few at a time, town after town."""

    def __init__(self) -> None:
        self._towns: list[int] = []
        self._after = 0
        self._rest_until = 0.0
        self._safe = Safe()

    def step(self) -> bool:
        """Arm a few devices; False when there is nothing to do for now."""
        if not settings.PUSH_ARMED or time.monotonic() < self._rest_until:
            return False
        # While an alert goes out, all power is its own.
        waiting = Work.objects.filter(lane=Lane.EMERGENCY, not_before__lte=timezone.now())
        if waiting.exclude(state=Work.State.DONE).exists():
            return False
        if not self._towns:
            self._towns = list(Municipality.objects.order_by("pk").values_list("pk", flat=True))
            self._after = 0
        if self._towns:
            try:
                done = self._arm_some(self._towns[0])
            except IntegrityError:  # A device went away in between: look again.
                return True
            if done:
                self._towns.pop(0)
                self._after = 0
        if not self._towns:
            self._rest_until = time.monotonic() + REST
        return bool(self._towns)

    def _arm_some(self, town_id: int) -> bool:
        """Arm the next devices of this town; True at its end, or when another process is at it."""
        with as_town(town_id), connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
            if not cursor.fetchone()[0]:
                return True
            cursor.execute(_NEAR, [town_id, self._after, WINDOW])
            count, end = cursor.fetchone()
            if not count:
                cursor.execute(_TIDY, [town_id])
                return True
            cursor.execute(_UNARMED, [town_id, self._after, end, AT_ONCE])
            found = cursor.fetchall()
            made: dict[int, bytes] = {}
            for pk, p256dh, auth in found:
                keys = {"p256dh": bytes(p256dh), "auth": bytes(auth)}
                try:
                    made[pk] = self._safe.close(arm(**keys), device_id=pk, **keys)
                except ValueError as error:
                    logger.warning("device %s cannot be written to: %s", pk, error)
            cursor.execute(_KEEP, [town_id, list(made), list(made.values())])
            self._after = found[-1][0] if len(found) == AT_ONCE else end
        return False
