"""What happened to each recipient: appended, never changed; and what follows from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.db import connection

from parvis.core import live
from parvis.core.db import id_array
from parvis.municipalities.models import Municipality
from parvis.notifications import instead, reports
from parvis.notifications.channels import Result, State
from parvis.notifications.models import BadAddress, Channel, Chunk, Device, Outcome, Work
from parvis.notifications.providers import CALLED_INSTEAD, CLOSES
from parvis.notifications.rules import CODE
from parvis.notifications.wake import wake_dispatchers
from parvis.residents.models import Phone

WIPED = {CODE}
"""Kinds whose words must not outlast their delivery."""
STEP = 15.0
"""Retries that fall in the same fifteen seconds go together."""


def final(chunk: Chunk) -> set[int]:
    """Recipients of this chunk's message and channel that already have a final outcome."""
    return set(
        Outcome.objects.of(chunk.municipality_id)
        .filter(
            message_id=chunk.message_id,
            channel=chunk.channel,
            is_final=True,
            contact_id__in=chunk.recipients,
        )  # fmt: skip
        .values_list("contact_id", flat=True)
    )


def write(
    municipality: Municipality, chunk: Chunk, results: Sequence[Result], *, now: datetime
) -> None:
    """Append the outcomes; a subscription that ended or a bad address is noted."""
    if not results:
        return
    append(municipality, chunk, results, now=now)
    gone = [r.contact_id for r in results if r.reason == "device_gone"]
    if gone:
        Device.objects.of(municipality).filter(pk__in=gone, removed_at__isnull=True).update(
            removed_at=now, removed_why="gone"
        )
    if chunk.channel in {Channel.TEXT, Channel.VOICE}:
        closing = CLOSES if chunk.channel == Channel.TEXT else {"unknown_number"}
        refused = {r.contact_id: r.reason for r in results if r.reason in closing}
        for phone in Phone.objects.of(municipality).filter(pk__in=refused):
            reports.close(phone, channel=chunk.channel, reason=refused[phone.pk], now=now)
    if chunk.channel == Channel.TEXT:
        mute = {r.contact_id for r in results if r.is_final and r.reason in CALLED_INSTEAD}
        instead.call(chunk.message, mute, now=now)
    bad = {r.contact_id: r for r in results if r.reason == "unknown_address" and r.contact_id}
    if bad and chunk.channel == Channel.EMAIL:
        note_bad_addresses(municipality, {pk: r.reason for pk, r in bad.items()}, now=now)


def append(
    municipality: Municipality, chunk: Chunk, results: Sequence[Result], *, now: datetime
) -> None:
    # One statement for those that ended alike: under row-level security PostgreSQL has no COPY
    # FROM. Numbers go as one text; taken apart by the driver they cost as much as sealing.
    alike: dict[tuple[str, bool, str], list[Result]] = defaultdict(list)
    for result in results:
        alike[str(result.state), result.is_final, result.reason].append(result)
    with connection.cursor() as cursor:
        for (state, is_final, reason), group in alike.items():
            cursor.execute(
                "INSERT INTO notifications_outcome (municipality_id, message_id, chunk_id, "
                "channel, attempt, at, state, is_final, reason, contact_id, resident_id) "
                "SELECT %s, %s, %s, %s, %s, %s, %s, %s, %s, * "
                "FROM unnest(%s::bigint[], %s::bigint[])",
                [
                    municipality.pk, chunk.message_id, chunk.pk, chunk.channel, chunk.attempt, now,
                    state, is_final, reason,
                    id_array(result.contact_id for result in group),
                    id_array(result.resident_id for result in group),
                ],
            )  # fmt: skip


def note_bad_addresses(
    municipality: Municipality, reasons: dict[int, str], *, now: datetime
) -> None:
    """Send nothing more to these addresses until someone corrects them."""
    owners = dict(EmailAddress.objects.filter(pk__in=reasons).values_list("pk", "user_id"))
    BadAddress.objects.bulk_create(
        [
            BadAddress(
                municipality=municipality,
                email_id=pk,
                resident_id=owners[pk],
                reason=reason,
                since=now,
            )  # fmt: skip
            for pk, reason in reasons.items()
            if pk in owners
        ],
        ignore_conflicts=True,
    )


def plan_retries(
    municipality: Municipality, chunk: Chunk, results: Sequence[Result], *, now: datetime
) -> None:
    """One new chunk for those to be tried again at about the same time."""
    groups: dict[int, list[Result]] = defaultdict(list)
    for result in results:
        if result.state == State.RETRY:
            groups[int(result.after // STEP)].append(result)
    for group in groups.values():
        at = now + timedelta(seconds=max(result.after for result in group))
        again = Chunk.objects.create(
            municipality=municipality,
            message_id=chunk.message_id,
            channel=chunk.channel,
            recipients=sorted(result.contact_id for result in group),
            address=chunk.address,
            attempt=min(chunk.attempt + 1, 1000),
            not_before=at,
        )
        Work.objects.create(
            municipality=municipality,
            chunk_id=again.pk,
            message_id=chunk.message_id,
            channel=chunk.channel,
            lane=chunk.message.lane,
            not_before=at,
        )
    if groups:
        wake_dispatchers()


def tell(municipality: Municipality, chunk: Chunk) -> None:
    """Pages that watch look again: the sender's proof, and the portal's own notices."""
    live.publish(municipality.pk, f"message:{chunk.message_id}")
    if chunk.channel == Channel.INAPP:
        live.publish(municipality.pk, "inbox")
    if chunk.address or chunk.message.kind in WIPED:
        # A code or a reset link must not stay readable in the database.
        message = chunk.message
        if (
            not Work.objects.filter(message_id=message.pk, municipality_id=municipality.pk)
            .exclude(state=Work.State.DONE)
            .exists()
        ):
            message.content = {"fr": {"title": message.content["fr"]["title"]}}
            message.save(update_fields=["content"])
