"""Writes down what the invented towns said, through the same actions as a clerk's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from parvis.announcements import actions, drafts
from parvis.announcements.models import Announcement
from parvis.core.typography import french
from parvis.demo.moments import day_said, instant
from parvis.demo.texts import BY_TOWN, Text
from parvis.municipalities.models import Municipality
from parvis.notifications.models import Subject
from parvis.territory.models import Sector

BEFORE = timedelta(minutes=25)
"""An announcement is written this long before it is published."""


def announce(town: Municipality, *, actor: Any, now: datetime) -> int:
    subjects = {subject.name: subject for subject in Subject.objects.of(town)}
    sectors = dict(Sector.objects.of(town).values_list("name", "pk"))
    here = now.astimezone(town.zone)
    told = sorted((Told.of(text, now=here) for text in BY_TOWN[town.slug]), key=lambda one: one.at)
    for one in told:
        write(town, one, subjects=subjects, sectors=sectors, actor=actor, now=now)
    return len(told)


@dataclass(frozen=True)
class Told:
    """A text with its instants, on the town's clock."""

    text: Text
    at: datetime
    begins: datetime | None
    until: datetime | None
    concerns: datetime | None
    ended: datetime | None
    written: datetime

    @classmethod
    def of(cls, text: Text, *, now: datetime) -> Told:
        at = instant(text.at, now=now)
        begins = instant(text.begins, now=now, after=at) if text.begins is not None else None
        after = begins or at
        return cls(
            text=text,
            at=at,
            begins=begins,
            until=instant(text.until, now=now, after=after) if text.until is not None else None,
            concerns=instant(text.concerns, now=now) if text.concerns is not None else None,
            ended=instant(text.ended, now=now) if text.ended is not None else None,
            written=(min(at, now).astimezone(UTC) - BEFORE).astimezone(now.tzinfo),
        )

    def words(self, said: str) -> str:
        about = self.concerns or self.until
        if about is not None:
            day = day_said(about, written=self.written)
            said = said.replace("{jour}", day).replace("{Jour}", day.capitalize())
        return french(said)


def write(
    town: Municipality,
    told: Told,
    *,
    subjects: dict[str, Subject],
    sectors: dict[str, int],
    actor: Any,
    now: datetime,
) -> Announcement:
    text, words, at, written = told.text, told.words, told.at, told.written
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
        in_force_from=told.begins,
        in_force_until=told.until,
        concerns_at=told.concerns,
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
    if told.ended is not None:
        if text.state == "lifted":
            announcement = actions.lift(
                announcement, actor=actor, now=told.ended, note=french(text.note)
            )
        else:
            announcement = actions.archive(
                announcement, actor=actor, now=told.ended, state=text.state
            )
    return announcement
