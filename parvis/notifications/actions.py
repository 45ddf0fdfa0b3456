"""Everything that sends: planning a message, stopping it, noting that it was opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from parvis.core import live
from parvis.core.db import as_town
from parvis.core.jobs import each
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality
from parvis.notifications import calls, digests, erasure, mailboxes, rules
from parvis.notifications.audience import plan_chunks
from parvis.notifications.models import Channel, Chunk, Lane, Message, Opening, Subject, Work
from parvis.notifications.telephony import channels_of
from parvis.notifications.wake import wake_dispatchers


@transaction.atomic
def send_message(
    *,
    municipality: Municipality,
    kind: str,
    content: Mapping[str, Mapping[str, str]],
    now: datetime,
    subject: Subject | None = None,
    lane: int | None = None,
    deadline: datetime | None = None,
    author: Any = None,
    reference: str = "",
    topic: str = "",
    sector_ids: Sequence[int] | None = None,
    address_ids: Sequence[int] | None = None,
    channels: Sequence[str] | None = None,
    resident_ids: Sequence[int] | None = None,
    after: Sequence[Message] = (),
    step_minutes: int | None = None,
) -> Message:
    """Plan a message to those whom it concerns, in the caller's transaction.

    `content` is language → {title, body, url, text?, html?, reply_to?}; French must stand. Without
    sectors and addresses it concerns the whole town; `resident_ids` makes it personal. The
    recipients are fixed now; they are reached by a dispatcher, at least once each, repeats
    harmless.

    `after`: earlier messages whose place it takes. What is unsent of them stops, and nobody is
    handed this one by a channel while one of them is being handed over there.

    `step_minutes`: for an emergency, each person's channels come one after the other, so many
    minutes apart, until the person confirms. None: all at once.
    """
    if "fr" not in content or not content["fr"].get("title"):
        raise ValueError("a message has a French title")
    if lane is None:
        emergency = subject is not None and subject.is_emergency
        personal = resident_ids is not None
        lane = Lane.EMERGENCY if emergency else Lane.PERSONAL if personal else Lane.NOTICE
    message = Message.objects.create(
        municipality=municipality,
        kind=kind,
        lane=lane,
        subject=subject,
        reference=reference,
        topic=topic or (rules.topic_of(f"{municipality.pk}:{reference}") if reference else ""),
        content={key: dict(words) for key, words in content.items()},
        sector_ids=list(sector_ids) if sector_ids is not None else None,
        address_ids=list(address_ids) if address_ids is not None else None,
        channels=list(channels) if channels is not None else channels_of(municipality),
        created_at=now,
        deadline_at=rules.deadline(now, lane, deadline),
        author_id=author.pk if author is not None else None,
        step_minutes=step_minutes if lane == Lane.EMERGENCY else None,
    )
    message.targeted = plan_chunks(
        message, municipality=municipality, subject=subject, now=now, resident_ids=resident_ids
    )
    message.save(update_fields=["targeted"])
    if after:
        for earlier in after:
            stop_message(earlier, actor=author, now=now)
        Work.objects.filter(municipality_id=municipality.pk, message_id=message.pk).update(
            after_message_ids=[earlier.pk for earlier in after]
        )
    record(
        "notifications.planned", municipality=municipality, actor=author, message=message.pk,
        kind=kind, targeted=message.targeted,
    )  # fmt: skip
    wake_dispatchers()
    return message


@transaction.atomic
def send_letter(
    *, municipality: Municipality, to: str, content: Mapping[str, str], now: datetime
) -> Message:
    """Plan one letter to an address that may have no account: a code, an invitation.

    Its words are wiped once it is handed over: a code must not stay in the database.
    """
    message = Message.objects.create(
        municipality=municipality,
        kind="letter",
        lane=Lane.PERSONAL,
        content={"fr": dict(content)},
        channels=[Channel.EMAIL],
        created_at=now,
        deadline_at=rules.deadline(now, Lane.PERSONAL, None),
        targeted=1,
    )
    chunk = Chunk.objects.create(
        municipality=municipality, message=message, channel=Channel.EMAIL, recipients=[0],
        address=to, not_before=now,
    )  # fmt: skip
    Work.objects.create(
        municipality=municipality, chunk_id=chunk.pk, message_id=message.pk,
        channel=Channel.EMAIL, lane=Lane.PERSONAL, not_before=now,
    )  # fmt: skip
    wake_dispatchers()
    return message


@transaction.atomic
def stop_message(message: Message, *, actor: Any, now: datetime) -> None:
    """Send nothing more of this message; what is already handed over stays so."""
    stopped = (
        Message.objects.of(message.municipality_id)
        .filter(pk=message.pk, stopped_at__isnull=True)
        .update(stopped_at=now)
    )
    if stopped:
        # What waited for quiet hours or a retry ends now as well.
        Work.objects.filter(
            municipality_id=message.municipality_id, message_id=message.pk, state=Work.State.WAITING
        ).update(not_before=now)
        record(
            "notifications.stopped", municipality=message.municipality_id, actor=actor,
            message=message.pk,
        )  # fmt: skip
        wake_dispatchers()


def mark_opened(
    *, municipality: Municipality, message_id: int, resident_id: int, channel: str, now: datetime
) -> None:
    """Note that the resident opened a message, once for each channel."""
    Opening.objects.bulk_create(
        [
            Opening(
                municipality=municipality,
                message_id=message_id,
                resident_id=resident_id,
                channel=channel,
                at=now,
            )  # fmt: skip
        ],
        ignore_conflicts=True,
    )
    live.publish(municipality.pk, f"message:{message_id}")


@each("*/5 * * * *")
def plan_digests(*, at: int) -> None:
    """Plan the digests that are due, town by town."""
    for municipality in Municipality.objects.order_by("pk"):
        with as_town(municipality.pk):
            for pace in digests.PACES:
                if digests.plan(municipality, pace=pace, now=timezone.now()):
                    wake_dispatchers()


@each("17 8 * * *")
def sweep_work(*, at: int) -> None:
    """Remove work closed a week ago, and the addresses of letters; outcomes stay."""
    now = datetime.fromtimestamp(at, UTC)
    Work.objects.filter(state=Work.State.DONE, closed_at__lt=now - timedelta(days=7)).delete()
    for town_id in Municipality.objects.order_by("pk").values_list("pk", flat=True):
        with as_town(town_id):
            erasure.forget_letters(town_id, now=now)


@each("*/5 * * * *")
def settle_calls(*, at: int) -> None:
    """Calls whose end nobody reported are in doubt."""
    for town_id in Municipality.objects.order_by("pk").values_list("pk", flat=True):
        calls.settle_silent(town_id, now=timezone.now())


@each("* * * * *")
def collect_returns(*, at: int) -> None:
    """Read the letters that came back since the last minute."""
    mailboxes.collect(timezone.now())
