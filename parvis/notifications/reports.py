"""What a provider reports of a text after it took it: arrived, or failed and why. Written once.

Reports come twice, late and in any order; each bears the identity that we signed into its address.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from django.core import signing
from django.db import connection
from django.urls import reverse

from parvis.core import live
from parvis.core.db import as_town
from parvis.municipalities.actions import record
from parvis.notifications import instead
from parvis.notifications.models import Channel, Chunk, ClosedNumber, Outcome
from parvis.notifications.providers import CALLED_INSTEAD, CLOSES, reason_of
from parvis.residents.models import Phone

logger = logging.getLogger("parvis.notifications")
SALT = "parvis.telephone"
ARRIVED = {"delivered", "read"}
FAILED = {"undelivered", "failed"}


@dataclass(frozen=True, slots=True)
class Report:
    """How one text ended."""

    town_id: int
    message_id: int
    contact_id: int
    channel: str
    state: str
    reason: str = ""


def path_for(provider: str, town_id: int, message_id: int, contact_id: int, channel: str) -> str:
    """Address for reports of this message to this contact; its signature is its identity."""
    about = f"{channel}.{town_id}.{message_id}.{contact_id}"
    token = signing.Signer(salt=SALT, sep=".").sign(about)
    return reverse("notifications:phone_report", args=[provider, token])


def read_token(token: str) -> tuple[str, int, int, int] | None:
    """(channel, town, message, contact) of an address that we signed, or None."""
    try:
        about = signing.Signer(salt=SALT, sep=".").unsign(token)
    except signing.BadSignature:
        return None
    channel, town_id, message_id, contact_id = about.split(".")
    return channel, int(town_id), int(message_id), int(contact_id)


def read_text_report(token: str, status: str, code: str) -> Report | None:
    """What a status callback says; None when it says nothing final, or is not about ours."""
    about = read_token(token)
    if about is None or about[0] != "text":
        return None
    channel, town_id, message_id, contact_id = about
    if status in ARRIVED:
        state, reason = Outcome.State.DELIVERED, ""
    elif status in FAILED:
        number = int(code) if code.isdecimal() and len(code) < 9 else 0
        state, reason = Outcome.State.BOUNCED, reason_of(number)
    else:
        return None
    return Report(town_id, message_id, contact_id, channel, state, reason)


def note(report: Report, *, now: datetime) -> bool:
    """Write how it ended, and close a number that takes no texts; False when it was known.

    The constraint on outcomes keeps the first report, whichever comes again or after it.
    """
    town = report.town_id
    with as_town(town):
        chunk = (
            Chunk.objects.of(town)
            .filter(
                message_id=report.message_id,
                channel=report.channel,
                recipients__contains=[report.contact_id],
            )
            .select_related("message__municipality")
            .order_by("-attempt", "-pk")
            .first()
        )
        if chunk is None:
            logger.info("a report about a message no longer known: %s", report.message_id)
            return False
        phone = Phone.objects.of(town).filter(pk=report.contact_id).first()
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO notifications_outcome (municipality_id, message_id, chunk_id, channel,"
                " attempt, at, contact_id, resident_id, state, is_final, reason) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, false, %s) ON CONFLICT DO NOTHING",
                [
                    town, report.message_id, chunk.pk, report.channel, chunk.attempt, now,
                    report.contact_id, phone.resident_id if phone else None, report.state,
                    report.reason,
                ],
            )  # fmt: skip
            if cursor.rowcount != 1:
                return False
        if phone is not None and report.reason in CLOSES:
            close(phone, channel=report.channel, reason=report.reason, now=now)
        if report.channel == Channel.TEXT and report.reason in CALLED_INSTEAD:
            instead.call(chunk.message, [report.contact_id], now=now)
        live.publish(town, f"message:{report.message_id}")
        return True


def close(phone: Phone, *, channel: str, reason: str, now: datetime) -> None:
    """Send this number nothing more by this channel until it is corrected. Twice is once."""
    made = ClosedNumber.objects.bulk_create(
        [
            ClosedNumber(
                municipality_id=phone.municipality_id, phone=phone, resident_id=phone.resident_id,
                channel=channel, reason=reason, since=now,
            )
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    if made:
        record(
            "notifications.number_closed", municipality=phone.municipality_id,
            resident=phone.resident_id, phone=phone.pk, channel=channel, reason=reason,
        )  # fmt: skip
