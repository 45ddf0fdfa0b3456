"""Calls: what is said, what the keys mean, and how a call ended. A call that nobody takes is made
again, by a table; a message left on a machine is not an answer.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from xml.sax.saxutils import escape, quoteattr

from django.core import signing
from django.db import connection, transaction
from django.urls import reverse

from parvis.core import live
from parvis.core.db import as_town
from parvis.notifications import outcomes, replies, rules
from parvis.notifications.channels import Result, State
from parvis.notifications.models import Channel, Chunk, Lane, Message, Outcome
from parvis.notifications.sms_text import Answer
from parvis.residents.models import Phone

logger = logging.getLogger("parvis.notifications")
SALT = "parvis.call"
SILENT = timedelta(minutes=15)
"""A call of which the provider reported nothing by then is in doubt."""


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt to reach one number, as the signature in its addresses says."""

    town_id: int
    message_id: int
    contact_id: int
    attempt: int

    @property
    def token(self) -> str:
        about = f"{self.town_id}.{self.message_id}.{self.contact_id}.{self.attempt}"
        return signing.Signer(salt=SALT, sep=".").sign(about)

    def path(self, provider: str, what: str) -> str:
        return reverse(f"notifications:call_{what}", args=[provider, self.token])


def read_token(token: str) -> Call | None:
    """The call that an address of ours is about, or None."""
    try:
        about = signing.Signer(salt=SALT, sep=".").unsign(token)
    except signing.BadSignature:
        return None
    return Call(*map(int, about.split(".")))


# --- what is said -----------------------------------------------------------------------------

WORDS = {
    "fr": {
        "from": "Message de {town}.",
        "emergency": "Message d’urgence de {town}.",
        "keys": (
            "Pour confirmer que vous avez entendu, faites le 1. Si vous avez besoin d’aide, faites "
            "le 2. Pour réentendre, faites le 9."
        ),
        "again": "Pour réentendre, faites le 9.",
        "more": "Renseignements\u00a0: {phone}.",
        "seen": "Merci, c’est noté. Au revoir.",
        "help": (
            "Votre besoin d’aide est noté. Cet appel ne remplace pas le 9 1 1\u00a0: si votre vie "
            "est en danger, raccrochez et composez le 9 1 1."
        ),
        "bye": "Au revoir.",
        "code": "Votre code est\u00a0: {code}. Je répète\u00a0: {code}. Ne le donnez à personne.",
    },
    "en": {
        "from": "Message from {town}.",
        "emergency": "Emergency message from {town}.",
        "keys": (
            "To confirm that you have heard this, press 1. If you need help, press 2. To hear it "
            "again, press 9."
        ),
        "again": "To hear it again, press 9.",
        "more": "Information: {phone}.",
        "seen": "Thank you, noted. Goodbye.",
        "help": (
            "Your need for help is noted. This call does not replace 9 1 1: if your life is in "
            "danger, hang up and call 9 1 1."
        ),
        "bye": "Goodbye.",
        "code": "Your code is: {code}. Again: {code}. Give it to nobody.",
    },
}  # fmt: skip
"""Said aloud, French and English, outside the catalogue: no page shows them."""


def say(text: str, language: str) -> str:
    return f'<Say language="{language}-CA">{escape(text)}</Say>'


def script(message: Message, language: str) -> tuple[str, str]:
    """(language, what is said): who calls, then the words written for the voice, or the notice."""
    spoken, words = rules.content_for(message.content, language)
    said = WORDS[spoken if spoken in WORDS else "fr"]
    town = message.municipality
    urgent = message.lane == Lane.EMERGENCY
    parts = [said["emergency" if urgent else "from"].format(town=town.name)]
    if words.get("voice_script"):
        parts.append(words["voice_script"])
    else:
        parts += [_sentence(words.get("title", "")), words.get("body", "")]
    if town.help_phone:
        parts.append(said["more"].format(phone=town.help_phone))
    return spoken, " ".join(part for part in parts if part)


def _sentence(text: str) -> str:
    return text if not text or text[-1] in ".!?" else f"{text}."


def spoken_code(town_name: str, code: str, language: str) -> str:
    """TwiML that reads a code aloud, digit by digit, twice."""
    said = WORDS[language if language in WORDS else "fr"]
    digits = ", ".join(code)
    text = f"{said['from'].format(town=town_name)} {said['code'].format(code=digits)}"
    return f'<Response><Pause length="1"/>{say(text, language)}</Response>'


def answered(call: Call, provider: str, *, by: str, turn: int = 1) -> str | None:
    """TwiML for a call that was just taken, by a person or a machine; None when it is unknown."""
    found = _message_and_phone(call)
    if found is None:
        return None
    message, phone = found
    language, text = script(message, phone.resident.language)
    if by.startswith("machine"):
        # Nobody is there to press a key: the message is left once, and that is all.
        return say(text, language)
    said = WORDS[language if language in WORDS else "fr"]
    keys = said["keys" if message.lane == Lane.EMERGENCY else "again"]
    action = quoteattr(f"{call.path(provider, 'key')}?tour={turn}")
    return (
        f'<Gather numDigits="1" timeout="8" method="POST" actionOnEmptyResult="true" '
        f'action={action}>{say(text, language)}<Pause length="1"/>{say(keys, language)}</Gather>'
    )


def pressed(call: Call, provider: str, *, digits: str, turn: int, sid: str, now: datetime) -> str:
    """Write down what the key means, and answer the TwiML that follows."""
    found = _message_and_phone(call)
    if found is None:
        return "<Hangup/>"
    message, phone = found
    language, _text = script(message, phone.resident.language)
    said = WORDS[language if language in WORDS else "fr"]
    meant = {"1": Answer.SEEN, "2": Answer.HELP}.get(digits)
    if meant is not None and message.lane == Lane.EMERGENCY:
        replies.take(
            [phone], channel=Channel.VOICE, answer=meant, words="", identity=f"{sid}-{digits}",
            about={phone.pk: message.pk}, now=now,
        )  # fmt: skip
        return say(said[meant.value], language) + "<Hangup/>"
    # 9, a wrong key or none at all: once more, three times at most.
    if turn < 3 and (digits == "9" or message.lane == Lane.EMERGENCY):
        return answered(call, provider, by="human", turn=turn + 1) or "<Hangup/>"
    return say(said["bye"], language) + "<Hangup/>"


def _message_and_phone(call: Call) -> tuple[Message, Phone] | None:
    town = call.town_id
    message = (
        Message.objects.of(town).select_related("municipality").filter(pk=call.message_id).first()
    )
    phone = Phone.objects.of(town).select_related("resident").filter(pk=call.contact_id).first()
    if message is None or phone is None or message.kind == rules.CODE:
        return None
    return message, phone


# --- how it ended -----------------------------------------------------------------------------

AGAIN = {"busy": "line_busy", "no-answer": "no_answer"}


@transaction.atomic
def end(call: Call, *, status: str, answered_by: str, now: datetime) -> bool:
    """Write how a call ended, or plan the next one; False when that was known. Twice is once."""
    town = call.town_id
    chunk: Chunk | None = (
        Chunk.objects.of(town)
        .select_for_update(of=("self",), no_key=True)
        .select_related("message", "municipality")
        .filter(
            message_id=call.message_id, channel=Channel.VOICE, attempt=call.attempt,
            recipients__contains=[call.contact_id],
        )
        .first()
    )  # fmt: skip
    if chunk is None:
        return False
    mine = Outcome.objects.of(town).filter(
        message_id=call.message_id, channel=Channel.VOICE, contact_id=call.contact_id
    )
    if (
        mine.filter(is_final=True).exists()
        or mine.filter(state=State.RETRY, attempt=call.attempt, reason__in=AGAIN.values()).exists()
    ):
        return False
    phone = Phone.objects.of(town).filter(pk=call.contact_id).first()
    who = phone.resident_id if phone else None
    machine = answered_by.startswith("machine")
    result = Result(call.contact_id, State.HANDED_OVER, resident_id=who)
    if status in AGAIN:
        pause = rules.call_again_after(call.attempt + 1, urgent=chunk.message.lane == 0)
        if chunk.message.kind == rules.CODE:
            # Its words are wiped: another code can be asked for.
            pause = None
        if pause is None or now + pause >= chunk.message.deadline_at:
            result = Result(call.contact_id, State.UNDELIVERABLE, AGAIN[status], resident_id=who)
        else:
            result = Result(call.contact_id, State.RETRY, AGAIN[status], pause.total_seconds(), who)
    elif status != "completed" or answered_by == "fax":
        result = Result(call.contact_id, State.UNDELIVERABLE, "call_failed", resident_id=who)
    outcomes.write(chunk.municipality, chunk, [result], now=now)
    outcomes.plan_retries(chunk.municipality, chunk, [result], now=now)
    if result.state == State.HANDED_OVER:
        reason = "voicemail" if machine else ""
        outcomes.write(
            chunk.municipality, chunk,
            [Result(call.contact_id, State.DELIVERED, reason, resident_id=who)], now=now,
        )  # fmt: skip
    live.publish(town, f"message:{call.message_id}")
    return True


def settle_silent(town_id: int, *, now: datetime) -> int:
    """Calls of which nothing was reported are in doubt; answer how many."""
    with as_town(town_id), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO notifications_outcome (municipality_id, message_id, chunk_id, channel, "
            "attempt, at, contact_id, resident_id, state, is_final, reason) "
            "SELECT municipality_id, message_id, chunk_id, channel, attempt, %s, contact_id, "
            "resident_id, 'unsure', true, 'in_doubt' FROM notifications_outcome o "
            "WHERE municipality_id = %s AND state = 'calling' AND at <= %s AND at > %s "
            "AND NOT EXISTS (SELECT 1 FROM notifications_outcome r WHERE r.municipality_id = "
            "o.municipality_id AND r.message_id = o.message_id AND r.channel = o.channel "
            "AND r.contact_id = o.contact_id AND r.state <> 'calling' "
            # A report may overtake our own line about the call that it ends.
            "AND (r.id > o.id OR r.attempt = o.attempt)) "
            "ON CONFLICT DO NOTHING",
            [now, town_id, now - SILENT, now - timedelta(days=1)],
        )
        return int(cursor.rowcount)
