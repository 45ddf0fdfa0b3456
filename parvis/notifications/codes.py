"""Codes that show whose a telephone is: they leave by the same path as every message."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.db import transaction
from django.utils.translation import gettext as _

from parvis.notifications import sms_text, telephony
from parvis.notifications.models import Channel, Chunk, ClosedNumber, Lane, Message, Work
from parvis.notifications.rules import CODE
from parvis.notifications.urls_of import origin
from parvis.notifications.wake import wake_dispatchers
from parvis.residents.models import Phone
from parvis.residents.rules import CODE_MINUTES


def ways_to(phone: Phone) -> list[str]:
    """How a code can come to this number: by text, unless it is known to take none; aloud."""
    aloud = [Channel.VOICE.value] if telephony.has_calls(phone.municipality) else []
    if not telephony.has_texts(phone.municipality):
        return aloud
    refused = ClosedNumber.objects.of(phone.municipality_id).filter(
        phone_id=phone.pk,
        channel=Channel.TEXT,
        reopened_at__isnull=True,
        reason__in=[ClosedNumber.Reason.LANDLINE, ClosedNumber.Reason.UNKNOWN],
    )
    return aloud if phone.pk and refused.exists() else [Channel.TEXT.value, *aloud]


@transaction.atomic
def send_code(phone: Phone, *, code: str, way: str, now: datetime) -> Message:
    """Plan the text or the call that brings a code. Its words are wiped once it is handed over."""
    town = phone.municipality
    words = sms_text.code_text(
        sender=town.name, code=code, minutes=CODE_MINUTES, language=phone.resident.language,
        host=urlsplit(origin(town)).hostname or "",
    )  # fmt: skip
    message = Message.objects.create(
        municipality=town,
        kind=CODE,
        lane=Lane.PERSONAL,
        content={
            "fr": {"title": _("Code de vérification"), "text_message": words, "voice_code": code}
        },
        channels=[way],
        created_at=now,
        # A code that comes when it serves no more would only confuse.
        deadline_at=now + timedelta(minutes=CODE_MINUTES),
        targeted=1,
    )
    chunk = Chunk.objects.create(
        municipality=town, message=message, channel=way, recipients=[phone.pk], not_before=now
    )
    Work.objects.create(
        municipality=town, chunk_id=chunk.pk, message_id=message.pk, channel=way,
        lane=Lane.PERSONAL, not_before=now,
    )  # fmt: skip
    wake_dispatchers()
    return message


@transaction.atomic
def reopen(phone: Phone, *, how: str, now: datetime) -> int:
    """Send to a number again: it was corrected, or a text has just shown that it takes texts.

    What its owner stopped stays stopped, unless the number is another one.
    """
    closed = ClosedNumber.objects.of(phone.municipality_id).filter(
        phone_id=phone.pk, reopened_at__isnull=True
    )
    if how:
        closed = closed.filter(channel=how).exclude(reason=ClosedNumber.Reason.ASKED)
    return int(closed.update(reopened_at=now))
