"""Letters that come back after a mail server took them: read, and written down once.

Anyone may write to the return address. So a report counts only when its way back is one that we
signed (`channels.email.bounce_address`), and nothing is parsed that could cost much.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, message_from_string
from email.message import Message as Part

from allauth.account.models import EmailAddress
from django.db import connection

from parvis.core import live
from parvis.core.db import as_town
from parvis.municipalities.actions import record
from parvis.notifications import outcomes, rules
from parvis.notifications.channels.email import read_bounce_address
from parvis.notifications.models import BadAddress, Channel, Chunk, Outcome

logger = logging.getLogger("parvis.notifications")

LIMIT = 512 * 1024
"""Bytes read of a letter; a report stands at its beginning, before the letter it returns."""
MOST_PARTS = 100
LONGEST_TYPE = 2000
CONTENT_TYPE = re.compile(
    rb"(?:\A|[\r\n])content-type:[^\r\n]*(?:(?:\r\n|\r|\n)[ \t][^\r\n]*)*", re.IGNORECASE
)
WAY_BACK = re.compile(r"retour\+[^\s<>@,;\"]{1,100}@[a-z0-9.-]{1,255}")
RECIPIENT_HEADERS = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To")
REPORT = {"message/delivery-status", "message/global-delivery-status"}
ORIGINAL = {
    "message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers",
}  # fmt: skip
STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
REPLY = re.compile(r"\b(4[25]\d|5[05]\d)[ -]")
NOT_THE_ADDRESS = re.compile(r"5\.(1\.[78]|2\.[23]|3\.4|5\.[1-9]\d*|6\.\d+|7\.\d+)")
"""Permanent, but about the sender, a full mailbox, size, dialogue, content or policy."""


@dataclass(frozen=True, slots=True)
class Bounce:
    """One letter of ours that was not delivered after all."""

    town_id: int
    message_id: int
    contact_id: int
    is_hard: bool
    """The address itself is at fault: nothing more is sent there until it is corrected."""
    status: str = ""
    """As in RFC 3463: 5.1.1."""


def read(raw: bytes) -> Bounce | None:
    """The bounce that this letter reports, or None: an auto-reply, a delay, a forgery, anything."""
    raw = raw[:LIMIT]
    if is_built_to_cost(raw):
        logger.info("a letter to the return address is built to cost: not read")
        return None
    letter = message_from_bytes(raw)
    found = parts(letter)
    verdict = read_report(found) or read_plain(letter, found)
    if verdict is None:
        return None
    identity = way_back(letter, found)
    if identity is None:
        return None
    return Bounce(*identity, *verdict)


def is_built_to_cost(raw: bytes) -> bool:
    """The standard parser recurses for each part, and a long parameter list takes quadratic
    time."""
    types = [match.end() - match.start() for match in CONTENT_TYPE.finditer(raw)]
    return len(types) > MOST_PARTS or max(types, default=0) > LONGEST_TYPE


def parts(letter: Part) -> list[Part]:
    """The parts of a letter, without those of the letters enclosed in it."""
    payload = letter.get_payload()
    if letter.get_content_maintype() != "multipart" or not isinstance(payload, list):
        return [letter]
    return [letter, *(inner for part in payload if isinstance(part, Part) for inner in parts(part))]


def read_report(found: Sequence[Part]) -> tuple[bool, str] | None:
    """(hard, status) of a delivery status notification (RFC 3464) that says «failed»."""
    failed = [block for block in recipients(found) if said(block, "Action").lower() == "failed"]
    if not failed:
        return None
    verdicts = [
        (is_hard(said(block, "Status"), said(block, "Diagnostic-Code")), status_of(block))
        for block in failed
    ]
    # One letter goes to one address; behind an alias, one mailbox that lives is enough.
    return all(hard for hard, _status in verdicts), verdicts[0][1]


def recipients(found: Sequence[Part]) -> Iterator[Part]:
    """The groups of fields, one for each recipient, of the reports among these parts."""
    for part in found:
        if part.get_content_type() not in REPORT:
            continue
        payload = part.get_payload()
        if isinstance(payload, list):
            yield from (block for block in payload if isinstance(block, Part))
        else:
            groups = re.split(r"\r?\n\r?\n", text_of(part))
            yield from (message_from_string(group) for group in groups[:MOST_PARTS])


def read_plain(letter: Part, found: Sequence[Part]) -> tuple[bool, str] | None:
    """(hard, status) of a bounce in words alone: Exim's header, or a mail server's own letter."""
    if any(part.get_content_type() in REPORT for part in found):
        # A report that says «delayed» or «delivered» has spoken.
        return None
    words = next((text_of(part) for part in found if part.get_content_type() == "text/plain"), "")
    status = next(iter(STATUS.findall(words)), "")
    if letter.get("X-Failed-Recipients") is not None:
        return is_hard("", words), status
    sender = said(letter, "From").lower()
    by_server = re.search(r"\b(mailer-daemon|postmaster)@", sender) is not None
    if not by_server or said(letter, "Return-Path") != "<>":
        return None
    reply = REPLY.search(words)
    final = status.startswith("5") or (not status and reply is not None and reply[0] >= "5")
    return (is_hard("", words), status) if final else None


def is_hard(status: str, words: str) -> bool:
    """Whether the address is at fault.

    A full mailbox, a policy, a server that gave up and what cannot be told are not: the next
    letter is tried. Closing a good address would cost someone an emergency.
    """
    codes = STATUS.findall(status) + STATUS.findall(words)
    precise = next((code for code in codes if not code.endswith(".0.0")), "")
    if precise:
        return precise.startswith("5.") and not NOT_THE_ADDRESS.fullmatch(precise)
    reply = REPLY.search(words)
    if reply:
        return rules.read_refusal(int(reply[1]), words) == ("unknown_address", True)
    return bool(codes) and codes[0] == "5.0.0"


def status_of(block: Part) -> str:
    return next(iter(STATUS.findall(said(block, "Status"))), "")


def way_back(letter: Part, found: Sequence[Part]) -> tuple[int, int, int] | None:
    """(town, message, contact) of the first address that we signed, wherever servers leave it."""
    values = [str(value) for name in RECIPIENT_HEADERS for value in letter.get_all(name, [])]
    for part in found:
        if part.get_content_type() in ORIGINAL:
            payload = part.get_payload()
            original = payload[0] if isinstance(payload, list) and payload else None
            if not isinstance(original, Part):
                original = message_from_string(text_of(part))
            values.append(said(original, "Return-Path"))
    forged = False
    for value in values[:50]:
        for address in WAY_BACK.findall(value[:4000].lower()):
            identity = read_bounce_address(address)
            if identity is not None:
                return identity
            forged = True
    logger.warning(
        "a returned letter whose return address we did not sign: ignored"
        if forged
        else "a returned letter without our return address: ignored"
    )
    return None


def said(part: Part, name: str) -> str:
    return str(part.get(name, "")).strip()[:1000]


def text_of(part: Part) -> str:
    payload = part.get_payload(decode=True)
    return payload[:20_000].decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def note(bounce: Bounce, *, now: datetime) -> bool:
    """Write that the letter came back, and close a bad address; False when it was known already.

    The constraint on outcomes keeps it to one for each letter, whoever reports it and however
    often. An address corrected since the letter left stays open.
    """
    with as_town(bounce.town_id):
        chunk = (
            Chunk.objects.of(bounce.town_id)
            .select_related("message", "municipality")
            .filter(
                message_id=bounce.message_id,
                channel=Channel.EMAIL,
                recipients__contains=[bounce.contact_id],
            )
            .order_by("-attempt", "-pk")
            .first()
        )
        if chunk is None:
            logger.info("a letter came back that is no longer known: message %s", bounce.message_id)
            return False
        if not write(bounce, chunk, now=now):
            return False
        if bounce.is_hard and not corrected_since(bounce, chunk.message.created_at):
            outcomes.note_bad_addresses(chunk.municipality, {bounce.contact_id: "bounced"}, now=now)
        record(
            "notifications.bounced", municipality=bounce.town_id, message=bounce.message_id,
            contact=bounce.contact_id, hard=bounce.is_hard, status=bounce.status,
        )  # fmt: skip
        live.publish(bounce.town_id, f"message:{bounce.message_id}")
        return True


def write(bounce: Bounce, chunk: Chunk, *, now: datetime) -> bool:
    owner = EmailAddress.objects.filter(pk=bounce.contact_id).values_list("user_id", flat=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO notifications_outcome (municipality_id, message_id, chunk_id, channel, "
            "attempt, at, contact_id, resident_id, state, is_final, reason) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, false, 'bounced') ON CONFLICT DO NOTHING",
            [
                bounce.town_id, bounce.message_id, chunk.pk, Channel.EMAIL.value, chunk.attempt,
                now, bounce.contact_id, owner.first(), Outcome.State.BOUNCED.value,
            ],
        )  # fmt: skip
        written: bool = cursor.rowcount == 1
    return written


def corrected_since(bounce: Bounce, sent_at: datetime) -> bool:
    return (
        BadAddress.objects.of(bounce.town_id)
        .filter(email_id=bounce.contact_id, corrected_at__gte=sent_at)
        .exists()
    )
