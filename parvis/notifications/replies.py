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
from parvis.notifications.models import Channel, ClosedNumber, Lane, Message, Outcome, Reply
from parvis.notifications.sms_text import Answer
from parvis.notifications.urls_of import origin
from parvis.residents.models import Phone

ASKED_WITHIN = timedelta(days=7)
"""An answer later than this is about no message any more."""
REOPENED_BY_START = (ClosedNumber.Reason.ASKED, ClosedNumber.Reason.UNSUBSCRIBED)


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
    about = {phone.pk: last_asked(phone, channel=Channel.TEXT, now=now) for phone in phones}
    new = take(
        phones, channel=Channel.TEXT, answer=answer, words=words, identity=identity, about=about,
        now=now,
    )  # fmt: skip
    if new and answer is Answer.STOP:
        stop_texts(phones, now=now)
    if new and answer is Answer.START:
        resume_texts(phones, now=now)
    return Taken(answer, phones[0].resident.language, new, about[phones[0].pk])


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


def last_asked(phone: Phone, *, channel: str, now: datetime) -> int | None:
    """The newest message to this number that asked for an answer: those of civil security do."""
    town = phone.municipality_id
    came = (
        Outcome.objects.of(town)
        .filter(
            channel=channel,
            contact_id=phone.pk,
            is_final=True,
            state__in=[Outcome.State.HANDED_OVER, Outcome.State.UNCERTAIN],
            at__gte=now - ASKED_WITHIN,
        )
        .values("message_id")
    )
    asking = Message.objects.of(town).filter(pk__in=came, lane=Lane.EMERGENCY)
    found: int | None = asking.order_by("-pk").values_list("pk", flat=True).first()
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
                reason__in=REOPENED_BY_START,
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


def answer_to(taken: Taken, municipality: Municipality) -> str:
    """What to text back, in one or two segments."""
    language = taken.language if taken.language in SAID else "fr"
    said = SAID[language][taken.answer]
    if taken.answer is Answer.OTHER and taken.about is not None:
        said = KEPT_TO_READ[language]
    if taken.answer is Answer.SEEN and taken.about is None:
        said = SAID[language][Answer.OTHER]
    return sms_text.carried(
        said.format(
            town=municipality.name,
            choices=f"{origin(municipality)}/mes-avis/",
            phone=municipality.help_phone or municipality.contact_email or origin(municipality),
        )
    )
