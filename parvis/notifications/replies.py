"""What people answer to texts: written down once, obeyed, and answered in their language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from parvis.core import live
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality
from parvis.notifications import reports, sms_text
from parvis.notifications.models import Channel, Chunk, ClosedNumber, Lane, Reply
from parvis.notifications.sms_text import Answer
from parvis.notifications.urls_of import origin
from parvis.residents.models import Phone

ASKED_WITHIN = timedelta(days=7)
"""An answer later than this is about no message any more."""


@dataclass(frozen=True, slots=True)
class Taken:
    """An answer as it was understood, and what to say back; nothing when it came before."""

    answer: Answer
    language: str = "fr"
    is_new: bool = False
    about: int | None = None
    """The message that had asked."""


@transaction.atomic
def take_text(
    *, municipality: Municipality, number: str, words: str, identity: str, now: datetime
) -> Taken | None:
    """Write down what came from this number, and obey it; None when nobody here has it.

    The provider brings the same text again when our answer was late: it is one reply.
    """
    answer = sms_text.read_answer(words)
    phones = list(
        Phone.objects.of(municipality)
        .filter(number=number, verified_at__isnull=False, resident__is_active=True)
        .select_related("resident")
        .order_by("pk")
    )
    if not phones:
        return None
    about = {phone.pk: last_asked(phone, now=now) for phone in phones}
    new = take(
        phones, channel=Channel.TEXT, answer=answer, words=words, identity=identity, about=about,
        now=now,
    )  # fmt: skip
    if new and answer is Answer.STOP:
        stop_texts(phones, now=now)
    if new and answer is Answer.START:
        resume_texts(phones, now=now)
    # Two accounts may share the number: what one was asked is what is answered.
    asked = max((pk for pk in about.values() if pk is not None), default=None)
    return Taken(answer, phones[0].resident.language, new, asked)


def take(
    phones: Sequence[Phone], *, channel: str, answer: Answer, words: str, identity: str,
    about: dict[int, int | None], now: datetime,
) -> bool:  # fmt: skip
    """Write one row for each account that has the number; False when all stood already."""
    kept = words[:320] if answer in {Answer.OTHER, Answer.HELP} else ""
    fresh = []
    for phone in phones:
        _row, made = Reply.objects.of(phone.municipality_id).get_or_create(
            identity=identity[:64],
            phone=phone,
            defaults={
                "municipality_id": phone.municipality_id,
                "resident_id": phone.resident_id,
                "channel": channel,
                "answer": answer.value,
                "words": kept,
                "message_id": about[phone.pk],
                "at": now,
            },
        )
        if made:
            fresh.append(phone)
            record(
                "notifications.replied", municipality=phone.municipality_id,
                actor=phone.resident, phone=phone.pk, channel=channel, answer=answer.value,
                message=about[phone.pk],
            )  # fmt: skip
    for message_id in {about[phone.pk] for phone in fresh} - {None}:
        live.publish(fresh[0].municipality_id, f"message:{message_id}")
    return bool(fresh)


def last_asked(phone: Phone, *, now: datetime) -> int | None:
    """The newest message planned to this number that asks for an answer: civil security's do.

    Planned, not handed over: people answer within seconds, before the group's outcomes are
    written, and also where the provider's own answer was lost.
    """
    asking = Chunk.objects.of(phone.municipality_id).filter(
        channel__in=[Channel.TEXT, Channel.VOICE],
        recipients__contains=[phone.pk],
        message__lane=Lane.EMERGENCY,
        message__created_at__gte=now - ASKED_WITHIN,
    )
    found: int | None = asking.order_by("-message_id").values_list("message_id", flat=True).first()
    return found


@transaction.atomic
def stop_texts(phones: Sequence[Phone], *, now: datetime) -> None:
    """End routine texts to these numbers at once. Emergencies go on; twice is once."""
    for phone in phones:
        reports.close(phone, channel=Channel.TEXT, reason=ClosedNumber.Reason.ASKED, now=now)


@transaction.atomic
def resume_texts(phones: Sequence[Phone], *, now: datetime) -> None:
    """Send routine texts again to numbers whose owner had stopped them."""
    for phone in phones:
        changed = (
            ClosedNumber.objects.of(phone.municipality_id)
            .filter(
                phone=phone,
                channel=Channel.TEXT,
                reopened_at__isnull=True,
                reason__in=ClosedNumber.ROUTINE_ONLY,
            )
            .update(reopened_at=now)
        )
        if changed:
            record(
                "notifications.number_reopened", municipality=phone.municipality_id,
                actor=phone.resident, phone=phone.pk, channel=Channel.TEXT.value,
            )  # fmt: skip


SAID: dict[str, dict[Answer, str]] = {
    "fr": {
        Answer.SEEN: "{town}\u00a0: merci, c’est noté.",
        Answer.HELP: (
            "{town}\u00a0: votre besoin d’aide est noté. Ce texto ne remplace pas le 911\u00a0: si "
            "votre vie est en danger, composez le 911."
        ),
        Answer.STOP: (
            "{town}\u00a0: plus de textos courants à ce numéro. Les alertes de sécurité civile "
            "continuent. REPRENDRE pour les ravoir."
        ),
        Answer.START: "{town}\u00a0: les textos reprennent à ce numéro. ARRET pour cesser.",
        Answer.ABOUT: (
            "{town}\u00a0: avis de la Ville. Vos choix\u00a0: {choices} "
            "Renseignements\u00a0: {phone}. ARRET pour cesser. En danger, composez le 911."
        ),
        Answer.OTHER: (
            "{town}\u00a0: ce numéro n’est pas lu. Renseignements\u00a0: {phone}. "
            "Urgence\u00a0: 911."
        ),
    },
    "en": {
        Answer.SEEN: "{town}: thank you, noted.",
        Answer.HELP: (
            "{town}: your need for help is noted. This text does not replace 911: if your life is "
            "in danger, call 911."
        ),
        Answer.STOP: (
            "{town}: no more routine texts to this number. Civil security alerts continue. START "
            "to have them back."
        ),
        Answer.START: "{town}: texts resume to this number. STOP to end.",
        Answer.ABOUT: (
            "{town}: notices from the Town. Your choices: {choices} Information: {phone}. STOP to "
            "end. In danger, call 911."
        ),
        Answer.OTHER: "{town}: this number is not read. Information: {phone}. Emergency: 911.",
    },
}  # fmt: skip
"""In the alphabet of texts, French and English, outside the catalogue: no page shows them."""
KEPT_TO_READ = {
    "fr": (
        "{town}\u00a0: réponse notée. Répondez 1 = vu, 2 = besoin d’aide. "
        "En danger, composez le 911."
    ),
    "en": "{town}: noted. Reply 1 = seen, 2 = need help. In danger, call 911.",
}

NOT_READ_NOW = {
    "fr": ("{town}\u00a0: ce numéro n’est pas lu en ce moment. En danger, composez le 911."),
    "en": "{town}: this number is not read at the moment. In danger, call 911.",
}
"""To a need for help that no message asked about: no page would show it to anyone."""


def answer_to(taken: Taken, municipality: Municipality) -> str:
    """What to text back, in one or two segments."""
    language = taken.language if taken.language in SAID else "fr"
    said = SAID[language][taken.answer]
    if taken.answer is Answer.OTHER and taken.about is not None:
        said = KEPT_TO_READ[language]
    if taken.answer is Answer.SEEN and taken.about is None:
        said = SAID[language][Answer.OTHER]
    if taken.answer is Answer.HELP and taken.about is None:
        said = NOT_READ_NOW[language]
    return sms_text.carried(
        said.format(
            town=municipality.name,
            choices=f"{origin(municipality)}/mes-avis/",
            phone=municipality.help_phone or municipality.contact_email or origin(municipality),
        )
    )
