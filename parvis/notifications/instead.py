"""Who cannot have an emergency as a text is called: once, for the same message."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from parvis.notifications import rules
from parvis.notifications.models import Channel, Chunk, ClosedNumber, Lane, Message, Work
from parvis.notifications.telephony import has_calls
from parvis.notifications.wake import wake_dispatchers
from parvis.residents.models import Phone


def call(message: Message, contact_ids: Collection[int], *, now: datetime) -> int:
    """Plan a call to these numbers, whose text failed for good; answer how many are new.

    Only where the message may be said aloud, is still worth saying, and no call of it is planned.
    Runs in the caller's transaction, with the failure that it follows from.
    """
    if not contact_ids or message.lane != Lane.EMERGENCY or message.kind == rules.CODE:
        return 0
    if Channel.VOICE not in message.channels or not has_calls(message.municipality):
        return 0
    if message.stopped_at is not None or message.deadline_at <= now:
        return 0
    town = message.municipality_id
    # The rows are held: two reports about one number at the same time plan one call.
    phones = (
        Phone.objects.of(town)
        .filter(pk__in=contact_ids, verified_at__isnull=False, resident__is_active=True)
        .select_for_update(of=("self",), no_key=True)
        .order_by("pk")
    )
    found = [phone.pk for phone in phones]
    planned = Chunk.objects.of(town).filter(message=message, channel=Channel.VOICE)
    called = {
        pk
        for one in planned.filter(recipients__overlap=found).values_list("recipients", flat=True)
        for pk in one
    }
    closed = ClosedNumber.objects.of(town).filter(
        phone_id__in=found, channel=Channel.VOICE, reopened_at__isnull=True
    )
    left = sorted(set(found) - called - set(closed.values_list("phone_id", flat=True)))
    if not left:
        return 0
    chunk = Chunk.objects.create(
        municipality_id=town, message=message, channel=Channel.VOICE, recipients=left,
        not_before=now,
    )  # fmt: skip
    Work.objects.create(
        municipality_id=town, chunk_id=chunk.pk, message_id=message.pk, channel=Channel.VOICE,
        lane=message.lane, not_before=now,
    )  # fmt: skip
    wake_dispatchers()
    return len(left)
