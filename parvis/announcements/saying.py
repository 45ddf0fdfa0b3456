"""What an announcement says: its versions, and the messages that carry it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from parvis.announcements import audience, rules
from parvis.announcements.markdown import excerpt, to_html
from parvis.announcements.models import Announcement, Version
from parvis.notifications.actions import send_message, stop_message
from parvis.notifications.models import Lane, Message, Work
from parvis.notifications.rules import LIFETIME


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


def letter(announcement: Announcement, *, opening: str = "") -> dict[str, dict[str, str]]:
    """The message of an announcement, language by language; `opening` precedes the French title."""
    url = announcement.get_absolute_url()
    content = {
        "fr": {
            "title": f"{opening}{announcement.title}",
            "body": announcement.summary or excerpt(announcement.text),
            "html": to_html(announcement.text),
            "url": url,
        }
    }
    if opening:
        # What a short French word adds has no translation at hand: French goes alone.
        return content
    for one in announcement.translations.all():
        if rules.has_words(one.title) and rules.has_words(one.text):
            content[one.language] = {
                "title": one.title,
                "body": one.summary or excerpt(one.text),
                "html": to_html(one.text, language=one.language),
                "url": f"{url}?langue={one.language}",
            }
    return content


def send(
    announcement: Announcement, *, kind: str, actor: Any, now: datetime, opening: str = ""
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
        content=letter(announcement, opening=opening),
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
