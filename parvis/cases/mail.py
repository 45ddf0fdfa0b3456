"""Letters of people in answer to a letter of their case: into the thread, or aside for the staff.

What counts is an address that we signed for this case and this person, and that they write from
their own. All else stays in the mailbox or is set aside: nothing is lost, and nothing is believed.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from parvis.cases import actions, addresses, letter_file, rules
from parvis.cases.letter_file import Letter
from parvis.cases.models import Case, Message, StrayLetter, Via
from parvis.core import live
from parvis.core.db import as_town, violated_constraint
from parvis.core.errors import Refused
from parvis.core.jobs import each
from parvis.municipalities.actions import record
from parvis.notifications import mailboxes

logger = logging.getLogger("parvis.cases")

LIMIT = 30 * 1024 * 1024
AN_HOUR = 20
"""Letters of one case in an hour; beyond, two machines are talking to each other."""


@each("* * * * *")
def collect_replies(*, at: int) -> None:
    """Read the letters that came since the last minute."""
    collect(timezone.now())


def collect(now: datetime) -> int:
    """Read the mailbox of replies; answer how many letters went into a case."""
    return mailboxes.read("REPLY", lambda raw: take(raw, now=now), of="replies", limit=LIMIT)


def take(raw: bytes, *, now: datetime) -> bool | None:
    """Put a letter where it belongs. None leaves it in the mailbox, for a person to read."""
    if len(raw) >= LIMIT:
        logger.warning("a letter is too large to be read: left in the mailbox")
        return None
    identity = next(filter(None, map(addresses.read, letter_file.sent_to(raw))), None)
    if identity is None:
        logger.warning("a letter without an address that we signed: left in the mailbox")
        return None
    letter = letter_file.read(raw)
    if letter is None:
        logger.info("a letter to the reply address is built to cost: not read")
        return None
    if letter.automatic:
        logger.info("an automatic letter (%s): left in the mailbox", letter.automatic)
        return None
    town_id, case_id, resident_id = identity
    with translation.override("fr"), as_town(town_id):
        case: Case | None = (
            Case.objects.of(town_id)
            .select_related("municipality", "resident")
            .filter(pk=case_id, erased_at__isnull=True)
            .first()
        )
        if case is None or (case.resident_id or 0) != resident_id:
            logger.info("a letter to a case that is no longer there: left in the mailbox")
            return None
        return receive(case, letter, now=now)


def receive(case: Case, letter: Letter, *, now: datetime) -> bool | None:
    """Write the letter into its case, or set it aside; one that came before changes nothing."""
    town = case.municipality_id
    rows = Message.objects.of(town)
    strays = StrayLetter.objects.of(town).filter(letter_id=letter.letter_id)
    if rows.filter(letter_id=letter.letter_id).exists() or strays.exists():
        # What was refused of its files may be in the mailbox alone.
        return None if letter.files else False
    since = {"case": case, "at__gt": now - timedelta(hours=1)}
    lately = rows.filter(via=Via.EMAIL, **since).count()
    if lately + StrayLetter.objects.of(town).filter(**since).count() >= AN_HOUR:
        logger.warning("too many letters for one case in an hour: left in the mailbox")
        return None
    if letter.sender not in known_senders(case):
        return set_aside(case, letter, reason=StrayLetter.Reason.FOREIGN, now=now)
    try:
        message = actions.add_message(
            case, side=Message.Side.RESIDENT, via=Via.EMAIL, by=case.resident, now=now,
            letter_id=letter.letter_id, whole=letter.whole or long_text(letter), text=words(letter),
        )  # fmt: skip
    except Refused:
        return set_aside(case, letter, reason=StrayLetter.Reason.OVER, now=now)
    except IntegrityError as error:
        if violated_constraint(error) == "one_message_per_letter":
            return False
        raise
    refused = attach(message, letter, now=now)
    if not refused:
        return True
    # The letter stays in the mailbox, where these files can still be taken from it.
    actions.add_message(
        case, side=Message.Side.NOTE, via=Via.EMAIL, by=None, now=now,
        text=_("Non gardé, resté dans la boîte de réponses\u00a0:\n{files}").format(
            files="\n".join(refused)
        ),
    )  # fmt: skip
    return None


def known_senders(case: Case) -> set[str]:
    """The addresses that are known to be the person's."""
    if case.resident_id is None:
        return {case.caller_email} - {""}
    rows = EmailAddress.objects.filter(user_id=case.resident_id, verified=True)
    return {email.lower() for email in rows.values_list("email", flat=True)}


def words(letter: Letter) -> str:
    text = rules.tidy(letter.text)[: rules.TEXT_MAX]
    return text if any(char.isalnum() for char in text) else _("Courriel sans texte.")


def long_text(letter: Letter) -> str:
    """All of a text that is longer than a message may be."""
    return letter.text[: letter_file.WHOLE_MAX] if len(letter.text) > rules.TEXT_MAX else ""


def attach(message: Message, letter: Letter, *, now: datetime) -> list[str]:
    """Keep what is joined, each file by its own content; the names and faults of the others."""
    refused = []
    for place, (name, content) in enumerate(letter.files):
        try:
            rules.check_files(place + 1)
            actions.attach(message, [ContentFile(content, name=name)], now=now)
        except Refused as error:
            refused.append(f"{rules.tidy_line(name)[:100]} — {error}")
    return refused


@transaction.atomic
def set_aside(case: Case, letter: Letter, *, reason: str, now: datetime) -> bool | None:
    """Show the letter to the staff, beside its case; with its files it also stays where it is."""
    found, new = StrayLetter.objects.of(case.municipality_id).get_or_create(
        letter_id=letter.letter_id,
        defaults={
            "municipality_id": case.municipality_id, "case": case, "at": now, "reason": reason,
            "sender": letter.sender[:254], "name": letter.name, "subject": letter.subject,
            "text": words(letter), "whole": letter.whole or long_text(letter),
            "has_files": bool(letter.files),
        },
    )  # fmt: skip
    if new:
        record(
            "cases.letter_set_aside", municipality=case.municipality_id, case=case.pk,
            letter=found.pk, reason=str(reason),
        )  # fmt: skip
        live.publish(case.municipality_id, actions.TOPIC)
        live.publish(case.municipality_id, f"case:{case.pk}")
    return None if letter.files else False


@transaction.atomic
def settle(letter: StrayLetter, *, file: bool, by: Any, now: datetime) -> StrayLetter:
    """Put a letter that was set aside into its case as the person's, or leave it out, or raise
    Refused. Once: whoever comes second changes nothing."""
    rows = StrayLetter.objects.of(letter.municipality_id)
    fresh: StrayLetter = rows.select_for_update().select_related("case").get(pk=letter.pk)
    if fresh.settled_at is not None:
        return fresh
    if file:
        actions.add_message(
            fresh.case, side=Message.Side.RESIDENT, via=Via.EMAIL, by=by, now=now, text=fresh.text,
            whole=fresh.whole, letter_id=fresh.letter_id,
        )  # fmt: skip
    fresh.settled_at, fresh.settled_by_id, fresh.filed = now, by.pk if by else None, file
    fresh.save(update_fields=["settled_at", "settled_by_id", "filed"])
    record(
        "cases.letter_filed" if file else "cases.letter_left_out",
        municipality=fresh.municipality_id, actor=by, case=fresh.case_id, letter=fresh.pk,
    )  # fmt: skip
    return fresh
