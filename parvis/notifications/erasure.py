"""What is kept of a person here, given to them on request, and forgotten when they leave."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.db import transaction

from parvis.municipalities.actions import record
from parvis.notifications.models import (
    BadAddress,
    Chunk,
    ClosedNumber,
    Device,
    Message,
    Opening,
    Outcome,
    Preference,
    Reply,
    Subscription,
)
from parvis.residents.models import Resident

Rows = list[dict[str, Any]]


@transaction.atomic
def forget(resident: Resident, *, now: datetime) -> None:
    """Remove all that names or reaches the person. Outcomes stay: numbers without a name."""
    town = resident.municipality_id
    addresses = list(EmailAddress.objects.filter(user=resident).values_list("email", flat=True))
    Subscription.objects.of(town).filter(resident=resident).delete()
    Preference.objects.of(town).filter(resident=resident).delete()
    Device.objects.of(town).filter(resident=resident).delete()
    BadAddress.objects.of(town).filter(resident=resident).delete()
    Opening.objects.of(town).filter(resident_id=resident.pk).delete()
    ClosedNumber.objects.of(town).filter(resident=resident).delete()
    Reply.objects.of(town).filter(resident=resident).delete()
    letters = Chunk.objects.of(town).filter(address__in=[*addresses, resident.email or "-"])
    # The words of a letter may name the person as well: greeting, invitation.
    Message.objects.of(town).filter(pk__in=letters.values("message_id")).update(content={"fr": {}})
    letters.update(address="")


@transaction.atomic
def forget_words(town_id: int, references: Sequence[str]) -> int:
    """Wipe what personal messages about these things said; answer how many. Outcomes stay."""
    said = Message.objects.of(town_id).filter(reference__in=references)
    return int(said.update(content={"fr": {"title": ""}}))


LETTER_DAYS = 30


@transaction.atomic
def forget_letters(town_id: int, *, now: datetime) -> int:
    """Forget where old letters went and what they said; answer how many.

    Some went to people who never had an account, and so can never ask for its erasure.
    """
    old = Chunk.objects.of(town_id).filter(
        message__created_at__lte=now - timedelta(days=LETTER_DAYS)
    )
    letters = old.exclude(address="")
    Message.objects.of(town_id).filter(pk__in=letters.values("message_id")).update(
        content={"fr": {}}
    )
    return int(letters.update(address=""))


@transaction.atomic
def settle_device(
    resident: Resident, endpoint_hash: str, *, keep_emergencies: bool, now: datetime
) -> None:
    """After sign-out the device belongs to nobody: it keeps emergencies, or nothing."""
    device = (
        Device.objects.of(resident.municipality_id)
        .filter(resident=resident, endpoint_hash=endpoint_hash, removed_at__isnull=True)
        .first()
    )
    if device is None:
        return
    if keep_emergencies:
        device.resident, device.emergencies_only = None, True
    else:
        device.removed_at, device.removed_why = now, "signed_out"
    device.save(update_fields=["resident", "emergencies_only", "removed_at", "removed_why"])
    record(
        "notifications.device_kept" if keep_emergencies else "notifications.device_removed",
        municipality=resident.municipality_id,
        actor=resident,
        device=device.pk,
    )


def subscriptions_of(resident: Resident) -> Rows:
    """Place, subject, channel and pace of each subscription."""
    return [
        {
            "place_id": one.place_id,
            "subject": one.subject.name,
            "channel": one.channel,
            "pace": one.pace,
            "created_at": one.created_at,
        }
        for one in Subscription.objects.of(resident.municipality_id)
        .filter(resident=resident)
        .select_related("subject")
        .order_by("pk")
    ]


def preferences_of(resident: Resident) -> Rows:
    return list(
        Preference.objects.of(resident.municipality_id)
        .filter(resident=resident)
        .values("quiet_from", "quiet_until", "paused_until", "emergency_order")
    )


def devices_of(resident: Resident) -> Rows:
    """Devices without their keys: an endpoint and its keys let others write to the device."""
    return list(
        Device.objects.of(resident.municipality_id)
        .filter(resident=resident)
        .order_by("pk")
        .values("label", "created_at", "seen_at", "removed_at", "removed_why")
    )


def received_by(resident: Resident) -> Rows:
    """Every outcome that concerns the person, with the title of its message."""
    outcomes = list(
        Outcome.objects.of(resident.municipality_id)
        .filter(resident_id=resident.pk)
        .order_by("pk")
        .values("message_id", "channel", "state", "reason", "at")
    )
    titles = {
        message.pk: message.content.get("fr", {}).get("title", "")
        for message in Message.objects.of(resident.municipality_id).filter(
            pk__in={row["message_id"] for row in outcomes}
        )
    }
    return [{**row, "title": titles.get(row["message_id"], "")} for row in outcomes]


def openings_of(resident: Resident) -> Rows:
    return list(
        Opening.objects.of(resident.municipality_id)
        .filter(resident_id=resident.pk)
        .order_by("pk")
        .values("message_id", "channel", "at")
    )


def replies_of(resident: Resident) -> Rows:
    """What the person answered to texts and calls."""
    return list(
        Reply.objects.of(resident.municipality_id)
        .filter(resident=resident)
        .order_by("pk")
        .values("message_id", "phone__number", "channel", "answer", "words", "at")
    )


def closures_of(resident: Resident) -> Rows:
    """Numbers that take no texts, since when and why."""
    return list(
        ClosedNumber.objects.of(resident.municipality_id)
        .filter(resident=resident)
        .order_by("pk")
        .values("phone__number", "channel", "reason", "since", "reopened_at")
    )
