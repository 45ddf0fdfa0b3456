"""Preparing an announcement: what it will say, to whom, in which languages, when recalled."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from parvis.announcements import audience, rules
from parvis.announcements.models import Announcement, PublicNotice, Reminder, Translation
from parvis.core import files, prose
from parvis.core.db import violated_constraint
from parvis.core.errors import Refused
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality
from parvis.territory import geometry
from parvis.territory.search import addresses_within

EDITABLE = frozenset(
    {
        "subject", "severity", "title", "summary", "text", "signed_by", "takes_force",
        "in_force_from", "in_force_until", "expires_at", "concerns_at", "notify", "sector_ids",
        "address_ids", "area",
    }
)  # fmt: skip
LINES = frozenset({"title", "summary", "signed_by"})
STORE = "avis"
"""Area of the file store that this room fills."""


def locked(announcement: Announcement) -> Announcement:
    """The row as it stands, held until the transaction ends."""
    row: Announcement = (
        Announcement.objects.of(announcement.municipality_id)
        .select_for_update(no_key=True, of=("self",))
        .select_related("municipality", "subject")
        .get(pk=announcement.pk)
    )
    return row


def apply(announcement: Announcement, changes: dict[str, Any], *, complete: bool) -> list[str]:
    """Put the changes on the row, unsaved, or raise Refused; names of the columns that moved."""
    if not changes.keys() <= EDITABLE:
        raise ValueError(f"not of a draft: {sorted(changes.keys() - EDITABLE)}")
    town = announcement.municipality
    for name, value in changes.items():
        if name in LINES:
            changes[name] = prose.tidy_line(value)
        elif name == "text":
            changes[name] = prose.tidy(value)
    if "sector_ids" in changes:
        changes["sector_ids"] = audience.standing_sectors(town, changes["sector_ids"])
    if "address_ids" in changes:
        changes["address_ids"] = audience.standing_addresses(town, changes["address_ids"])
    if changes.get("area") is not None:
        changes["area"] = geometry.check_polygons(changes["area"])
    if changes.get("subject") is not None and (
        changes["subject"].municipality_id != announcement.municipality_id
    ):
        raise Refused(_("Ce sujet n’existe pas."))
    moved = rules.changed({name: getattr(announcement, name) for name in changes}, changes)
    for name in moved:
        setattr(announcement, name, changes[name])
    if "area" in moved:
        announcement.area_address_ids = (
            [] if announcement.area is None else addresses_within(town, announcement.area)
        )
        moved.append("area_address_ids")
    rules.check_text(announcement.title, announcement.summary, announcement.text, complete=complete)
    rules.check_dates(
        in_force_from=announcement.in_force_from,
        in_force_until=announcement.in_force_until,
        expires_at=announcement.expires_at,
        publish_at=announcement.published_at or announcement.publish_at,
    )
    return moved


def touch(
    announcement: Announcement,
    *,
    actor: Any,
    now: datetime,
    columns: list[str],
    raises_token: bool = True,
) -> None:
    """Save these columns, and raise the token so that another editor learns of it.

    What stands beside the text (pictures, files, languages) leaves the token: the editor that is
    open on the text goes on.
    """
    announcement.token += raises_token
    announcement.revised_at = now
    announcement.revised_by_id = actor.pk if actor is not None else None
    announcement.save(update_fields=[*columns, "token", "revised_at", "revised_by_id"])


def check_ready(announcement: Announcement, *, at: datetime) -> None:
    """Whether it could be published at this instant, or raise Refused."""
    rules.check_text(announcement.title, announcement.summary, announcement.text, complete=True)
    for one in announcement.translations.all():
        rules.check_text(one.title, one.summary, one.text, complete=True)
    if announcement.subject is None:
        raise Refused(_("Choisissez un sujet\u00a0: les gens s’abonnent à des sujets."))
    if announcement.expires_at is not None and announcement.expires_at <= at:
        raise Refused(_("La date de retrait précède la publication."))
    if announcement.takes_force and announcement.in_force_until is not None:
        if announcement.in_force_until <= (announcement.in_force_from or at):
            raise Refused(_("La fin prévue doit venir après l’entrée en vigueur."))
        if announcement.in_force_until <= at:
            raise Refused(_("La fin prévue précède la publication."))
    audience.target(announcement)


@transaction.atomic
def write_draft(
    *, municipality: Municipality, actor: Any, now: datetime, **content: Any
) -> Announcement:
    """Begin an announcement, or raise Refused. Anything may still be missing."""
    announcement = Announcement(
        municipality=municipality,
        author_id=actor.pk if actor is not None else None,
        created_at=now,
        revised_at=now,
        revised_by_id=actor.pk if actor is not None else None,
    )
    apply(announcement, content, complete=False)
    announcement.save()
    record(
        "announcements.drafted", municipality=municipality, actor=actor,
        announcement=announcement.pk,
    )  # fmt: skip
    return announcement


@transaction.atomic
def revise_draft(
    announcement: Announcement, *, actor: Any, token: int, now: datetime, **changes: Any
) -> Announcement:
    """Save what changed in a draft, or raise Refused; the answer carries the next token.

    Two editors at once: the second is refused (Overtaken), nothing of the first is replaced.
    Saving the same words again writes nothing.
    """
    fresh = locked(announcement)
    if fresh.is_public:
        raise Refused(_("Cet avis est déjà publié\u00a0: modifiez-le plutôt."))
    rules.check_token(token, fresh.token)
    moved = apply(fresh, changes, complete=fresh.state == rules.SCHEDULED)
    if not moved:
        return fresh
    if "concerns_at" in moved:
        move_reminders(fresh)
    fresh.trouble = ""
    touch(fresh, actor=actor, now=now, columns=[*moved, "trouble"])
    return fresh


@transaction.atomic
def discard_draft(announcement: Announcement, *, actor: Any, now: datetime) -> None:
    """Remove a draft and its files, or raise Refused if it was ever published."""
    fresh = locked(announcement)
    if fresh.published_at is not None:
        raise Refused(_("Un avis publié ne se supprime pas\u00a0: archivez-le."))
    folders = [
        *fresh.pictures.values_list("folder", flat=True),
        *fresh.attachments.values_list("folder", flat=True),
    ]
    pk, town = fresh.pk, fresh.municipality
    fresh.delete()
    record("announcements.discarded", municipality=town, actor=actor, announcement=pk)
    for folder in folders:
        files.forget(town.pk, STORE, folder)


@transaction.atomic
def translate(
    announcement: Announcement,
    *,
    language: str,
    basis: str,
    title: str,
    text: str,
    actor: Any,
    now: datetime,
    summary: str = "",
) -> Translation:
    """Keep the text in another language, with the legal basis for it, or raise Refused.

    A published announcement changes by `actions.revise_published`, which calls this.
    """
    fresh = locked(announcement)
    town = fresh.municipality
    rules.check_basis(language, basis, offered=town.languages, recognised=town.recognised_29_1)
    words = {
        "title": prose.tidy_line(title),
        "summary": prose.tidy_line(summary),
        "text": prose.tidy(text),
    }
    rules.check_text(**words, complete=fresh.is_public)
    translation: Translation
    translation, _made = Translation.objects.of(town).update_or_create(
        announcement=fresh, language=language,
        defaults={"municipality": town, "basis": basis, **words},
    )  # fmt: skip
    touch(fresh, actor=actor, now=now, columns=[], raises_token=False)
    record(
        "announcements.translated", municipality=town, actor=actor, announcement=fresh.pk,
        language=language, basis=basis,
    )  # fmt: skip
    return translation


@transaction.atomic
def drop_translation(
    announcement: Announcement, *, language: str, actor: Any, now: datetime
) -> None:
    """Withdraw the text in this language; French always stands."""
    fresh = locked(announcement)
    gone, _each = fresh.translations.filter(language=language).delete()
    if gone:
        touch(fresh, actor=actor, now=now, columns=[], raises_token=False)
        record(
            "announcements.translation_dropped", municipality=fresh.municipality_id, actor=actor,
            announcement=fresh.pk, language=language,
        )  # fmt: skip


@transaction.atomic
def plan_reminder(
    announcement: Announcement,
    *,
    actor: Any,
    now: datetime,
    minutes_before: int | None = None,
    at: datetime | None = None,
) -> Reminder:
    """Plan a message before the date that the announcement concerns, or raise Refused."""
    fresh = locked(announcement)
    due = rules.reminder_due(concerns_at=fresh.concerns_at, minutes_before=minutes_before, at=at)
    if due <= now:
        raise Refused(_("Ce rappel tomberait dans le passé."))
    if fresh.reminders.filter(closed_at__isnull=True).count() >= 5:
        raise Refused(_("Un avis a au plus cinq rappels."))
    try:
        with transaction.atomic():
            reminder = Reminder.objects.create(
                municipality=fresh.municipality, announcement=fresh, due_at=due,
                minutes_before=None if at is not None else minutes_before,
            )  # fmt: skip
    except IntegrityError as error:
        if violated_constraint(error) == "one_reminder_per_instant":
            raise Refused(_("Un rappel est déjà prévu à ce moment.")) from error
        raise
    record(
        "announcements.reminder_planned", municipality=fresh.municipality_id, actor=actor,
        announcement=fresh.pk, reminder=reminder.pk,
    )  # fmt: skip
    return reminder


@transaction.atomic
def drop_reminder(reminder: Reminder, *, actor: Any, now: datetime) -> None:
    """Take back a reminder that was not sent, or raise Refused."""
    gone, _each = (
        Reminder.objects.of(reminder.municipality_id)
        .filter(pk=reminder.pk, closed_at__isnull=True)
        .delete()
    )
    if not gone:
        raise Refused(_("Ce rappel est déjà parti."))
    record(
        "announcements.reminder_dropped", municipality=reminder.municipality_id, actor=actor,
        announcement=reminder.announcement_id, reminder=reminder.pk,
    )  # fmt: skip


def move_reminders(announcement: Announcement) -> None:
    """Reminders follow the date that they precede; without a date none is left."""
    waiting = announcement.reminders.filter(closed_at__isnull=True, minutes_before__isnull=False)
    if announcement.concerns_at is None:
        waiting.delete()
        return
    for reminder in waiting:
        reminder.due_at = rules.reminder_due(
            concerns_at=announcement.concerns_at, minutes_before=reminder.minutes_before, at=None
        )
        taken = announcement.reminders.filter(due_at=reminder.due_at).exclude(pk=reminder.pk)
        if taken.exists():
            reminder.delete()
        else:
            reminder.save(update_fields=["due_at"])


@transaction.atomic
def make_public_notice(
    announcement: Announcement,
    *,
    kind: str,
    actor: Any,
    now: datetime,
    bylaw: str = "",
    legal_basis: str = "",
    deadline_at: datetime | None = None,
) -> PublicNotice:
    """Say that this will be a legal notice («avis public»), or raise Refused once published."""
    fresh = locked(announcement)
    if fresh.is_public:
        raise Refused(_("Un avis déjà publié ne devient pas un avis public."))
    if kind not in PublicNotice.Kind.values:
        raise Refused(_("Choisissez la sorte d’avis public."))
    notice: PublicNotice
    notice, _made = PublicNotice.objects.of(fresh.municipality_id).update_or_create(
        announcement=fresh,
        defaults={
            "municipality": fresh.municipality,
            "kind": kind,
            "bylaw": prose.tidy_line(bylaw)[:120],
            "legal_basis": prose.tidy_line(legal_basis)[:200],
            "deadline_at": deadline_at,
        },
    )
    touch(fresh, actor=actor, now=now, columns=[], raises_token=False)
    return notice


@transaction.atomic
def drop_public_notice(announcement: Announcement, *, actor: Any, now: datetime) -> None:
    """Make it an ordinary announcement again, or raise Refused once published."""
    fresh = locked(announcement)
    if fresh.is_public:
        raise Refused(_("Un avis public publié le reste."))
    PublicNotice.objects.of(fresh.municipality_id).filter(announcement=fresh).delete()
    touch(fresh, actor=actor, now=now, columns=[], raises_token=False)
