"""E-mail: text and HTML, one-click unsubscription (RFC 8058), refusals read at hand-over.

People notice a letter that comes twice. So each group of letters is written down as «being handed
over» before, and its fate after: what a crash leaves in doubt is one group, never a chunk.
"""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.utils import quote

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import signing
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend
from django.template.loader import render_to_string
from django.utils import translation

from parvis.core.db import as_town
from parvis.notifications import digests, inbox, rules, unsubscribe
from parvis.notifications.channels import Keeper, Parcel, Result, State
from parvis.notifications.models import Lane
from parvis.notifications.urls_of import absolute, origin

logger = logging.getLogger("parvis.notifications")
BOUNCE_SALT = "parvis.bounce"
NOT_CONNECTED = "run connect() first"
"""What smtplib says when it knew before sending that the connection was closed."""
IDENTITY = "parvis"
"""Under this name the letter's signed identity comes back in a provider's reports."""


@dataclass(frozen=True, slots=True)
class Recipient:
    contact_id: int
    address: str
    resident_id: int | None = None
    language: str = "fr"


def deliver(parcel: Parcel, keeper: Keeper) -> Iterator[Result]:
    """Hand the letters over by groups of twenty over one connection."""
    found = {person.contact_id: person for person in recipients_of(parcel)}
    for contact_id in parcel.recipients:
        if contact_id not in found:
            yield Result(contact_id, State.WITHDRAWN, "withdrawn")
    waiting = list(found.values())
    letters = Letters(parcel, waiting)
    mailer: BaseEmailBackend = get_connection()
    try:
        mailer.open()
    except (OSError, smtplib.SMTPException) as error:
        logger.warning("mail server: %s", error)
        yield from (later(person, parcel) for person in waiting)
        return
    try:
        for start in range(0, len(waiting), rules.GROUP):
            group = waiting[start : start + rules.GROUP]
            spared = keeper.spare([person.contact_id for person in group])
            group = [person for person in group if person.contact_id not in spared]
            if not group:
                continue
            # Written before the intent: what fails here was never handed over.
            written = [(person, letters.to(person)) for person in group]
            if not keeper.intend([person.contact_id for person in group]):
                return
            results: list[Result] = []
            answers = True
            for person, letter in written:
                if answers:
                    result, answers = hand_over(mailer, letter, person, parcel)
                    results.append(result)
                else:
                    results.append(later(person, parcel))
            if not keeper.settle(results):
                return
            yield from results
            if not answers:
                # Asking a silent server for each letter would outlast the lease.
                yield from (later(person, parcel) for person in waiting[start + rules.GROUP :])
                return
    finally:
        try:
            mailer.close()
        except (OSError, smtplib.SMTPException) as error:
            logger.debug("mail server left: %s", error)


def recipients_of(parcel: Parcel) -> list[Recipient]:
    if parcel.chunk.address:
        return [Recipient(0, parcel.chunk.address)]
    with as_town(parcel.municipality.pk):
        rows = EmailAddress.objects.filter(
            pk__in=parcel.recipients, verified=True, user__is_active=True
        ).values_list("pk", "email", "user_id", "user__language")
        return [Recipient(*row) for row in rows]


def later(person: Recipient, parcel: Parcel, reason: str = "server_silent") -> Result:
    after = rules.pause_after(parcel.chunk.attempt + 1).total_seconds()
    return Result(person.contact_id, State.RETRY, reason, after, person.resident_id)


def hand_over(
    mailer: BaseEmailBackend,
    letter: EmailMultiAlternatives | None,
    person: Recipient,
    parcel: Parcel,
) -> tuple[Result, bool]:
    """Give one letter to the server; what became of it, and whether the server still answers."""
    who = person.resident_id
    if letter is None:
        return Result(person.contact_id, State.WITHDRAWN, "withdrawn", resident_id=who), True
    try:
        mailer.send_messages([letter])
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        return refused(person, parcel, code, text), True
    except smtplib.SMTPResponseException as error:
        return refused(person, parcel, error.smtp_code, error.smtp_error), True
    except (OSError, smtplib.SMTPException) as error:
        logger.warning("mail server left: %s", error)
        answers = reopen(mailer)
        if answers and NOT_CONNECTED in str(error):
            # It had closed after the letter before (some take only so many at a time).
            return hand_over(mailer, letter, person, parcel)
        if letter_may_have_left(error) and not parcel.urgent:
            doubt = Result(person.contact_id, State.UNCERTAIN, "in_doubt", resident_id=who)
            return doubt, answers
        return later(person, parcel), answers
    return Result(person.contact_id, State.HANDED_OVER, resident_id=who), True


def letter_may_have_left(error: Exception) -> bool:
    """The connection broke without an answer: the letter may have been accepted."""
    return NOT_CONNECTED not in str(error) and isinstance(
        error, smtplib.SMTPServerDisconnected | TimeoutError | ConnectionResetError
    )


def reopen(mailer: BaseEmailBackend) -> bool:
    """Whether the server takes a new connection."""
    try:
        mailer.close()
        mailer.open()
        if isinstance(mailer, EmailBackend) and mailer.connection is not None:
            # A server on its knees still accepts the connection; does it speak?
            mailer.connection.ehlo_or_helo_if_needed()
    except (OSError, smtplib.SMTPException) as error:
        logger.warning("mail server: %s", error)
        return False
    return True


def refused(person: Recipient, parcel: Parcel, code: int, text: bytes | str) -> Result:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    reason, final = rules.read_refusal(code, words)
    if final:
        return Result(
            person.contact_id, State.UNDELIVERABLE, reason, resident_id=person.resident_id
        )
    return later(person, parcel, reason)


class Letters:
    """The letters of one chunk, rendered for each recipient."""

    def __init__(self, parcel: Parcel, people: Sequence[Recipient]) -> None:
        self.parcel = parcel
        self.town = parcel.municipality
        self.message = parcel.message
        self.origin = origin(self.town)
        self.digest: dict[int, list[digests.Line]] = {}
        if self.message.kind == digests.KIND:
            with as_town(self.town.pk):
                self.digest = digests.lines_for(
                    self.message, [person.resident_id for person in people if person.resident_id]
                )

    @property
    def is_personal(self) -> bool:
        """What one person is told of their own matter: no list that they could leave."""
        return self.message.lane == Lane.PERSONAL and self.message.subject_id is None

    def to(self, person: Recipient) -> EmailMultiAlternatives | None:
        """The letter, or None when nothing is left to say to this person."""
        language, words = rules.content_for(self.message.content, person.language)
        if self.message.kind == "letter":
            return self.compose(
                person, words["title"], words["text"], words.get("html", ""),
                reply_to=words.get("reply_to", ""),
            )  # fmt: skip
        lines = self.digest.get(person.resident_id or 0, [])
        if self.message.kind == digests.KIND and not lines:
            return None
        leave = ""
        if self.message.lane != 0 and person.resident_id and not self.is_personal:
            leave = unsubscribe.link(
                person.resident_id, self.message.subject_id, "email", town=self.town.pk
            )
        context = {
            "municipality": self.town,
            "language": language,
            "message": self.message,
            "words": words,
            # Notes the opening where the person consented, then leads to the page.
            "url": absolute(self.town, self.path(person)),
            "origin": self.origin,
            "leave": absolute(self.town, leave) if leave else "",
            "preferences": absolute(self.town, "/mes-avis/"),
            "subject_name": self.message.subject.name if self.message.subject else "",
            "lines": lines,
            "urgent": self.parcel.urgent,
        }
        with translation.override(language):
            text = render_to_string("notifications/email/message.txt", context)
            html = render_to_string("notifications/email/message.html", context)
        leave = absolute(self.town, leave) if leave else ""
        return self.compose(
            person, words["title"], text, html, leave=leave, reply_to=words.get("reply_to", "")
        )

    def path(self, person: Recipient) -> str:
        """Where the letter leads; in an emergency, one may answer there without signing in."""
        if self.message.lane == Lane.EMERGENCY and person.resident_id:
            return inbox.person_path(self.message, person.resident_id, "email")
        return inbox.open_path(self.message.pk, "email")

    def compose(
        self,
        person: Recipient,
        title: str,
        text: str,
        html: str,
        *,
        leave: str = "",
        reply_to: str = "",
    ) -> EmailMultiAlternatives:
        key = f"{self.message.identity}.{person.contact_id}"
        # Not yet encoded: Django encodes it for SMTP, a provider's API for itself.
        sender = f'"{quote(self.town.name)}" <avis@{settings.MAIL_DOMAIN}>'
        headers = {
            "From": sender,
            # The same whenever this letter is sent again: mailboxes that compare drop the second.
            "Message-ID": f"<{key}@{settings.MAIL_DOMAIN}>",
            "Auto-Submitted": "auto-generated",
            "X-Parvis-Message": str(self.message.identity),
        }
        if self.message.kind != "letter" and not self.is_personal:
            headers["List-Id"] = f"<{self.town.slug}.{settings.MAIL_DOMAIN}>"
            headers["Precedence"] = "list"
        if leave:
            headers["List-Unsubscribe"] = f"<{leave}>"
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        letter = EmailMultiAlternatives(
            subject=" ".join(title.split()),
            body=text,
            from_email=bounce_address(self.town.pk, self.message.pk, person.contact_id),
            to=[person.address],
            # Of a message that may be answered here, else the town's own mailbox.
            reply_to=[reply_to or self.town.contact_email]
            if reply_to or self.town.contact_email
            else None,
            headers=headers,
        )
        # Read by anymail's backends; SMTP sends nothing of it.
        letter.metadata = {IDENTITY: letter.from_email.partition("@")[0]}  # type: ignore[attr-defined]
        if html:
            letter.attach_alternative(html, "text/html")
        return letter


def bounce_address(town_id: int, message_id: int, contact_id: int) -> str:
    """Envelope sender that says whose letter came back (VERP), signed against forgery."""
    about = f"{town_id}.{message_id}.{contact_id}"
    signature = signing.Signer(salt=BOUNCE_SALT).signature(about)[:12].lower()
    return f"retour+{about}.{signature}@{settings.MAIL_DOMAIN}"


def read_bounce_address(address: str) -> tuple[int, int, int] | None:
    """(town, message, contact) of a VERP address that we signed, or None."""
    local = address.partition("@")[0]
    parts = local.removeprefix("retour+").split(".")
    if (
        not local.startswith("retour+")
        or len(parts) != 4
        or not all(p.isdecimal() for p in parts[:3])
    ):
        return None
    town_id, message_id, contact_id = map(int, parts[:3])
    expected = bounce_address(town_id, message_id, contact_id).partition("@")[0]
    return (town_id, message_id, contact_id) if local.lower() == expected else None
