"""What an announcement says: its versions, and the messages that carry it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from parvis.announcements import audience, rules
from parvis.announcements.markdown import excerpt, to_html
from parvis.announcements.models import Announcement, Translation, Version
from parvis.core import prose
from parvis.core.typography import french
from parvis.notifications.actions import send_message, stop_message
from parvis.notifications.models import Lane, Message, Work
from parvis.notifications.rules import LIFETIME

TITLES: dict[str, Any] = {
    "announcements.trial": _("Essai\u00a0: {title}"),
    "announcements.revised": _("Mise à jour\u00a0: {title}"),
    "announcements.lifted": _("Levé\u00a0: {title}"),
    "announcements.reminded": _("Rappel\u00a0: {title}"),
}
"""Kind of message → its title, where it is not the announcement's own."""
OVER = _("Cet avis n’est plus en vigueur.")
LATE = _("Le texte français a changé depuis cette traduction.")
TELLS_A_CHANGE = frozenset({"announcements.revised", "announcements.reminded"})
"""Where old words would pass for new ones, so that a late translation says that it is late."""
SPOKEN = frozenset(code for code, _name in settings.LANGUAGES)
ENDS = ".?!…:;»)"


def words(announcement: Announcement) -> dict[str, Any]:
    """What the announcement says now, in all its languages: the content of a version."""
    return {
        **{name: getattr(announcement, name) for name in rules.CONTENT},
        "translations": {
            one.language: {
                "title": one.title, "summary": one.summary, "text": one.text, "basis": one.basis
            }
            for one in announcement.translations.all()
        },
    }  # fmt: skip


def write_version(
    announcement: Announcement, *, actor: Any, now: datetime, note: str = "", notified: bool
) -> Version:
    said = words(announcement)
    last = announcement.versions.order_by("-number").values_list("number", flat=True).first()
    return Version.objects.create(
        municipality=announcement.municipality,
        announcement=announcement,
        number=(last or 0) + 1,
        at=now,
        author_id=actor.pk if actor is not None else None,
        note=note,
        notified=notified,
        text_hash=rules.text_hash(said),
        **said,
    )


def behind(announcement: Announcement) -> set[str]:
    """The languages whose words stayed as they were when the French ones last changed."""
    says = words(announcement)
    for version in announcement.versions.order_by("-number"):
        if any(getattr(version, name) != says[name] for name in rules.CONTENT):
            standing = says["translations"]
            return {
                language
                for language, said in version.translations.items()
                if language in standing
                and all(said[name] == standing[language][name] for name in rules.CONTENT)
            }
    return set()


def letter(
    announcement: Announcement, *, kind: str = "announcements.published", note: str = ""
) -> dict[str, dict[str, str]]:
    """The message of an announcement, language by language, with the clerk's French note.

    What adds sentences of ours leaves out the languages that the portal does not speak.
    """
    url = announcement.get_absolute_url()
    content = {"fr": {**said(announcement, "fr", kind=kind, note=note), "url": url}}
    late = behind(announcement) if kind in TELLS_A_CHANGE else set()
    for one in announcement.translations.all():
        if kind in TITLES and one.language not in SPOKEN:
            continue
        if prose.has_words(one.title) and prose.has_words(one.text):
            content[one.language] = {
                **said(one, one.language, kind=kind, note=note, late=one.language in late),
                "url": f"{url}?langue={one.language}",
            }
    return content


def said(
    words: Announcement | Translation, language: str, *, kind: str, note: str, late: bool = False
) -> dict[str, str]:
    """Title, body and HTML in one language: what we add, then the town's words, then the note.

    In French the note comes first: there it is read as easily as the rest.
    """
    is_over = kind == "announcements.lifted"
    # The clerk's own pages may be in English: what we add is in the language of the message.
    with translation.override(language):
        title = str(TITLES[kind]).format(title=words.title) if kind in TITLES else words.title
        ours = str(OVER) if is_over else str(LATE) if late else ""
    # What is over is not said again where there is little room.
    gist = "" if is_over else words.summary or excerpt(words.text)
    order = (ours, note, gist) if language == "fr" else (ours, gist, note)
    *first, last = [part for part in order if part] or [""]
    added = [format_html("<p>{}</p>", ours)] if ours else []
    if note:
        added.append(format_html('<p lang="fr">{}</p>', french(note)))
    return {
        "title": title,
        "body": " ".join([*(one if one[-1] in ENDS else f"{one}." for one in first), last]),
        "html": "".join([*added, to_html(words.text, language=language)]),
    }


def send(
    announcement: Announcement, *, kind: str, actor: Any, now: datetime, note: str = ""
) -> Message:
    to = audience.target(announcement)
    lane = Lane.EMERGENCY if announcement.is_emergency else Lane.NOTICE
    usual = now + LIFETIME[lane]
    ends = [announcement.in_force_until, announcement.expires_at]
    if kind == "announcements.reminded":
        ends.append(announcement.concerns_at)
    return send_message(
        municipality=announcement.municipality,
        kind=kind,
        content=letter(announcement, kind=kind, note=note),
        now=now,
        subject=announcement.subject,
        lane=lane,
        # Nobody needs to learn of it once it is over.
        deadline=min([usual, *(end for end in ends if end is not None and end > now)]),
        author=actor,
        reference=announcement.reference,
        sector_ids=to.sector_ids,
        address_ids=to.address_ids,
    )


def stop_messages(announcement: Announcement, *, actor: Any, now: datetime) -> None:
    """What still waits to be sent about it would arrive too late."""
    waiting = Work.objects.filter(municipality_id=announcement.municipality_id).exclude(
        state=Work.State.DONE
    )
    for message in Message.objects.of(announcement.municipality_id).filter(
        reference=announcement.reference,
        stopped_at__isnull=True,
        pk__in=waiting.values("message_id"),
    ):
        stop_message(message, actor=actor, now=now)
