"""What a resident received in the portal, newest first, and what was opened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from django.core import signing
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils.translation import get_language

from parvis.municipalities.models import Municipality
from parvis.notifications.models import Channel, Lane, Message, Opening, Outcome, Subject
from parvis.residents.models import Resident

PERSON_SALT = "parvis.message.person"
PERSON_AGE = timedelta(days=14)
"""As long as an emergency lasts."""


@dataclass(frozen=True)
class Received:
    """One message as its reader sees it."""

    pk: int
    title: str
    body: str
    at: datetime
    subject: Subject | None
    is_emergency: bool
    opened: bool
    language: str

    @property
    def path(self) -> str:
        return open_path(self.pk, Channel.INAPP)


def open_path(message_id: int, channel: str) -> str:
    """Address to put in a notification: it notes the opening, then leads to the page."""
    return f"{reverse('notifications:open', args=[message_id])}?par={channel}"


def person_path(message: Message, resident_id: int, channel: str) -> str:
    """The same for one person, who may then answer an emergency without signing in."""
    token = signing.dumps(
        [message.municipality_id, message.pk, resident_id], salt=PERSON_SALT, compress=True
    )
    return f"{open_path(message.pk, channel)}&moi={token}"


def person_of(municipality: Municipality, token: str) -> tuple[int, int] | None:
    """(message, resident) of a link that we signed for this town, or None."""
    try:
        town_id, message_id, resident_id = signing.loads(
            token, salt=PERSON_SALT, max_age=PERSON_AGE
        )
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return (message_id, resident_id) if town_id == municipality.pk else None


def with_person(url: str, token: str) -> str:
    """The page of a message, for whoever holds the link that was sent to them."""
    return f"{url}{'&' if '?' in url else '?'}moi={quote(token, safe=':')}"


def _handed(resident: Resident) -> QuerySet[Outcome]:
    return Outcome.objects.of(resident.municipality_id).filter(
        resident_id=resident.pk, channel=Channel.INAPP, state=Outcome.State.HANDED_OVER
    )


def _opened(resident: Resident) -> Exists:
    return Exists(
        Opening.objects.of(resident.municipality_id).filter(
            message_id=OuterRef("message_id"), resident_id=resident.pk
        )
    )


def newest(resident: Resident, limit: int, *, before: int | None = None) -> list[Received]:
    """The newest messages of the portal; `before` continues after a message already shown."""
    handed = _handed(resident)
    if before is not None:
        handed = handed.filter(message_id__lt=before)
    rows = handed.annotate(opened=_opened(resident)).order_by("-message_id")
    found = dict(rows.values_list("message_id", "opened")[:limit])
    messages = (
        Message.objects.of(resident.municipality_id)
        .filter(pk__in=found)
        .select_related("subject")
        .order_by("-pk")
    )
    return [
        _received(message, opened=found[message.pk], speaks=resident.language)
        for message in messages
    ]


def _received(message: Message, *, opened: bool, speaks: str) -> Received:
    language, words = words_of(message, speaks=speaks)
    return Received(
        pk=message.pk,
        title=words.get("title", ""),
        body=words.get("body", ""),
        at=message.created_at,
        subject=message.subject,
        is_emergency=message.lane == Lane.EMERGENCY,
        opened=opened,
        language=language,
    )


def words_of(message: Message, *, speaks: str = "fr") -> tuple[str, dict[str, str]]:
    """The message in the language of the page or of its reader, where it has it; else in French.

    A page may have to be French while what touches health or safety is not (Charter, s. 22.3).
    """
    for language in ((get_language() or "fr")[:2], speaks):
        if language != "fr" and language in message.content:
            return language, message.content[language]
    return "fr", message.content.get("fr", {})


def unread_count(resident: Resident) -> int:
    """How many messages of the portal were never opened, by any channel."""
    return _handed(resident).filter(~_opened(resident)).count()


def was_handed(resident: Resident, message_id: int) -> bool:
    """Whether this message reached the resident, or was on its way, by any channel."""
    return (
        Outcome.objects.of(resident.municipality_id)
        .filter(resident_id=resident.pk, message_id=message_id)
        .exists()
    )


def public_url(municipality: Municipality, message_id: int) -> str | None:
    """Where a message about a subject leads. Who may see the page is the page's own question."""
    message = Message.objects.of(municipality).filter(pk=message_id, subject__isnull=False).first()
    return url_of(message) if message else None


def url_of(message: Message, *, speaks: str = "fr") -> str:
    """The page of a message, on this portal; anything else would be an open redirection."""
    url = words_of(message, speaks=speaks)[1].get("url", "")
    if url.startswith(("http://", "https://")):
        url = "/" + url.split("/", 3)[3] if url.count("/") >= 3 else "/"
    return url if url.startswith("/") and not url.startswith(("//", "/\\")) else "/"
