"""Writes down what the invented towns said, through the same actions as a clerk's."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from parvis.announcements import actions, drafts
from parvis.announcements.models import Announcement
from parvis.core.typography import DAYS_FR, french
from parvis.demo.texts import BY_TOWN, Text
from parvis.municipalities.models import Municipality
from parvis.notifications.models import Subject
from parvis.territory.models import Sector


def announce(town: Municipality, *, actor: Any, now: datetime) -> int:
    subjects = {subject.name: subject for subject in Subject.objects.of(town)}
    sectors = dict(Sector.objects.of(town).values_list("name", "pk"))
    texts = sorted(BY_TOWN[town.slug], key=lambda text: text.at)
    for text in texts:
        write(town, text, subjects=subjects, sectors=sectors, actor=actor, now=now)
    return len(texts)


def write(
    town: Municipality,
    text: Text,
    *,
    subjects: dict[str, Subject],
    sectors: dict[str, int],
    actor: Any,
    now: datetime,
) -> Announcement:
    def instant(hours: float | None) -> datetime | None:
        """So many hours from now, at the town's hour that the text says."""
        if hours is None:
            return None
        at = (now + timedelta(hours=hours)).astimezone(town.zone)
        hour = at.hour if text.hour is None else text.hour
        return at.replace(hour=hour, minute=0, second=0, microsecond=0)

    about = instant(text.concerns) or instant(text.until)
    day = DAYS_FR[about.weekday()] if about else ""

    def words(said: str) -> str:
        return french(said.replace("{jour}", day))

    at = now + timedelta(hours=text.at)
    written = min(at, now) - timedelta(minutes=25)
    announcement = drafts.write_draft(
        municipality=town,
        actor=actor,
        now=written,
        subject=subjects[text.subject],
        title=words(text.title),
        summary=words(text.summary),
        text=words(text.text),
        severity=text.severity,
        signed_by=text.signed_by,
        takes_force=text.takes_force,
        in_force_from=instant(text.begins),
        in_force_until=instant(text.until),
        concerns_at=instant(text.concerns),
        sector_ids=[sectors[name] for name in text.sectors],
        notify=text.notify,
    )
    if text.english is not None:
        title, said = text.english
        drafts.translate(
            announcement,
            language="en",
            basis="health",
            title=title,
            text=said,
            actor=actor,
            now=written,
        )
    if text.notice is not None:
        kind, bylaw, basis = text.notice
        drafts.make_public_notice(
            announcement,
            kind=kind,
            bylaw=french(bylaw),
            legal_basis=french(basis),
            actor=actor,
            now=written,
        )
    if text.reminder_hours:
        drafts.plan_reminder(
            announcement, minutes_before=text.reminder_hours * 60, actor=actor, now=written
        )
    if text.state == "scheduled":
        return actions.schedule(announcement, publish_at=at, actor=actor, now=now)
    if text.state == "draft":
        return announcement
    announcement = actions.publish(announcement, actor=actor, now=at)
    if text.revised is not None:
        hours, note, added = text.revised
        announcement = actions.revise_published(
            announcement,
            actor=actor,
            token=announcement.token,
            now=now + timedelta(hours=hours),
            note=words(note),
            text=words(text.text + added),
        )
    if text.pinned:
        announcement = actions.pin(announcement, pinned=True, actor=actor, now=at)
    if text.ended is not None:
        ended = now + timedelta(hours=text.ended)
        if text.state == "lifted":
            announcement = actions.lift(
                announcement, actor=actor, now=ended, note=french(text.note)
            )
        else:
            announcement = actions.archive(announcement, actor=actor, now=ended, state=text.state)
    return announcement
