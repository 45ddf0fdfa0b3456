"""Everything that happens to an announcement in public: published, changed, lifted, archived.

What goes before is in `drafts`, what is joined to it in `parts`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from parvis.announcements import audience, drafts, rules
from parvis.announcements.drafts import apply, check_ready, locked, move_reminders, touch, translate
from parvis.announcements.models import Announcement, PublicNotice, Reminder
from parvis.announcements.saying import send, stop_messages, write_version
from parvis.core import live, prose
from parvis.core.db import as_town
from parvis.core.errors import Refused
from parvis.core.jobs import each
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality
from parvis.territory.search import addresses_within

logger = logging.getLogger("parvis.announcements")
TOPIC = "announcements"


@transaction.atomic
def schedule(
    announcement: Announcement, *, publish_at: datetime, actor: Any, now: datetime
) -> Announcement:
    """Plan the publication for this instant, or raise Refused. Again, it moves the instant."""
    fresh = locked(announcement)
    if fresh.state != rules.SCHEDULED:
        rules.check_turn(fresh.state, rules.SCHEDULED)
    rules.check_schedule(publish_at, now=now)
    check_ready(fresh, at=publish_at)
    fresh.state, fresh.publish_at, fresh.trouble = rules.SCHEDULED, publish_at, ""
    touch(fresh, actor=actor, now=now, columns=["state", "publish_at", "trouble"])
    record(
        "announcements.scheduled", municipality=fresh.municipality_id, actor=actor,
        announcement=fresh.pk, publish_at=publish_at.isoformat(),
    )  # fmt: skip
    return fresh


@transaction.atomic
def unschedule(announcement: Announcement, *, actor: Any, now: datetime) -> Announcement:
    """Take the planned publication back to draft, or raise Refused."""
    fresh = locked(announcement)
    rules.check_turn(fresh.state, rules.DRAFT)
    fresh.state, fresh.publish_at = rules.DRAFT, None
    touch(fresh, actor=actor, now=now, columns=["state", "publish_at"])
    record(
        "announcements.unscheduled", municipality=fresh.municipality_id, actor=actor,
        announcement=fresh.pk,
    )  # fmt: skip
    return fresh


@transaction.atomic
def publish(
    announcement: Announcement, *, actor: Any, now: datetime, token: int | None = None
) -> Announcement:
    """Publish the announcement and plan its message, or raise Refused.

    Once, whoever asks and however often: the row is locked, and the instant never changes.
    """
    fresh = locked(announcement)
    rules.check_turn(fresh.state, rules.PUBLISHED)
    if token is not None:
        rules.check_token(token, fresh.token)
    check_ready(fresh, at=now)
    fresh.state, fresh.published_at, fresh.slug = rules.PUBLISHED, now, rules.slug(fresh.title)
    fresh.trouble = ""
    if fresh.takes_force and fresh.in_force_from is None:
        fresh.in_force_from = now
    if fresh.area is not None:
        fresh.area_address_ids = addresses_within(fresh.municipality, fresh.area)
    touch(
        fresh, actor=actor, now=now,
        columns=[
            "state", "published_at", "slug", "trouble", "in_force_from", "area_address_ids"
        ],
    )  # fmt: skip
    write_version(fresh, actor=actor, now=now, notified=fresh.notify)
    facts = {"announcement": fresh.pk}
    if fresh.notify:
        message = send(fresh, kind="announcements.published", actor=actor, now=now)
        facts["message"] = message.pk
    record("announcements.published", municipality=fresh.municipality_id, actor=actor, **facts)
    live.publish(fresh.municipality_id, TOPIC)
    return fresh


@transaction.atomic
def revise_published(
    announcement: Announcement,
    *,
    actor: Any,
    token: int,
    now: datetime,
    notify_change: bool = False,
    note: str = "",
    translations: dict[str, dict[str, str] | None] | None = None,
    **changes: Any,
) -> Announcement:
    """Change what is published, as a new version, or raise Refused. Nobody is told unless asked.

    `translations`: language → {basis, title, summary, text}, or None to withdraw it. The slug
    stays: addresses do not move.
    """
    fresh = locked(announcement)
    if not fresh.is_public:
        raise Refused(_("Cet avis n’est pas encore publié."))
    if fresh.state in {rules.EXPIRED, rules.ARCHIVED}:
        raise Refused(_("Cet avis est archivé\u00a0: écrivez-en un nouveau."))
    rules.check_token(token, fresh.token)
    moved = apply(fresh, changes, complete=True)
    for language, said in (translations or {}).items():
        if said is None:
            drafts.drop_translation(fresh, language=language, actor=actor, now=now)
        else:
            translate(fresh, language=language, actor=actor, now=now, **said)
    spoken = bool(translations) or any(name in moved for name in rules.CONTENT)
    if (
        spoken
        and PublicNotice.objects.of(fresh.municipality_id).filter(announcement=fresh).exists()
    ):
        raise Refused(
            _(
                "Le texte d’un avis public publié ne change plus\u00a0: publiez un avis "
                "rectificatif."
            )
        )
    if not moved and not translations:
        return fresh
    if fresh.subject is None:
        raise Refused(_("Choisissez un sujet\u00a0: les gens s’abonnent à des sujets."))
    if fresh.takes_force and fresh.in_force_from is None:
        fresh.in_force_from = fresh.published_at
        moved.append("in_force_from")
    audience.target(fresh)
    if "concerns_at" in moved:
        move_reminders(fresh)
    fresh.token = (
        Announcement.objects.of(fresh.municipality_id)
        .values_list("token", flat=True)
        .get(pk=fresh.pk)
    )
    touch(fresh, actor=actor, now=now, columns=moved)
    note = prose.tidy_line(note)[: rules.SUMMARY_MAX]
    version = write_version(fresh, actor=actor, now=now, note=note, notified=notify_change)
    facts = {"announcement": fresh.pk, "version": version.number}
    if notify_change:
        message = send(fresh, kind="announcements.revised", actor=actor, now=now, note=note)
        facts["message"] = message.pk
    record("announcements.revised", municipality=fresh.municipality_id, actor=actor, **facts)
    live.publish(fresh.municipality_id, TOPIC)
    return fresh


@transaction.atomic
def lift(
    announcement: Announcement,
    *,
    actor: Any,
    now: datetime,
    note: str = "",
    notify_lift: bool = False,
    at: datetime | None = None,
) -> Announcement:
    """Say that it is over («levé»), or raise Refused. What still waits to be sent is stopped."""
    fresh = locked(announcement)
    rules.check_turn(fresh.state, rules.LIFTED)
    if not fresh.takes_force:
        raise Refused(_("Cette nouvelle n’a pas d’effet à lever\u00a0: archivez-la."))
    fresh.state, fresh.lifted_at, fresh.pinned = rules.LIFTED, at or now, False
    fresh.lifted_note = prose.tidy_line(note)[: rules.SUMMARY_MAX]
    touch(
        fresh, actor=actor, now=now, columns=["state", "lifted_at", "lifted_note", "pinned"]
    )  # fmt: skip
    fresh.reminders.filter(closed_at__isnull=True).update(closed_at=now)
    stop_messages(fresh, actor=actor, now=now)
    facts = {"announcement": fresh.pk}
    if notify_lift:
        facts["message"] = send(
            fresh, kind="announcements.lifted", actor=actor, now=now, note=fresh.lifted_note
        ).pk
    record("announcements.lifted", municipality=fresh.municipality_id, actor=actor, **facts)
    live.publish(fresh.municipality_id, TOPIC)
    return fresh


@transaction.atomic
def pin(announcement: Announcement, *, pinned: bool, actor: Any, now: datetime) -> Announcement:
    """Keep it at the top of the list, or let it go, or raise Refused."""
    fresh = locked(announcement)
    if fresh.state != rules.PUBLISHED:
        raise Refused(_("Seul un avis publié s’épingle."))
    if fresh.pinned != pinned:
        fresh.pinned = pinned
        touch(fresh, actor=actor, now=now, columns=["pinned"])
        deed = "announcements.pinned" if pinned else "announcements.unpinned"
        record(deed, municipality=fresh.municipality_id, actor=actor, announcement=fresh.pk)
        live.publish(fresh.municipality_id, TOPIC)
    return fresh


@transaction.atomic
def archive(
    announcement: Announcement, *, actor: Any, now: datetime, state: str = rules.ARCHIVED
) -> Announcement:
    """Take it out of the lists, or raise Refused; its page stays, and says so."""
    fresh = locked(announcement)
    rules.check_turn(fresh.state, state)
    fresh.state, fresh.archived_at, fresh.pinned = state, now, False
    touch(fresh, actor=actor, now=now, columns=["state", "archived_at", "pinned"])
    fresh.reminders.filter(closed_at__isnull=True).update(closed_at=now)
    record(
        f"announcements.{state}", municipality=fresh.municipality_id, actor=actor,
        announcement=fresh.pk,
    )  # fmt: skip
    live.publish(fresh.municipality_id, TOPIC)
    return fresh


@transaction.atomic
def certify(
    announcement: Announcement,
    *,
    name: str,
    title: str,
    actor: Any,
    now: datetime,
    place: str = "",
) -> PublicNotice:
    """Certify that the public notice was published, and what it said, or raise Refused. Once."""
    fresh = locked(announcement)
    rows = PublicNotice.objects.of(fresh.municipality_id)
    notice: PublicNotice | None = rows.filter(announcement=fresh).first()
    if notice is None or not fresh.is_public:
        raise Refused(_("Seul un avis public publié se certifie."))
    if notice.certified_at is not None:
        raise Refused(_("Cet avis public est déjà certifié."))
    name = prose.tidy_line(name)[:120]
    if not prose.has_words(name):
        raise Refused(_("Écrivez le nom de la personne qui certifie."))
    notice.certified_at, notice.certified_name = now, name
    notice.certified_by_id = actor.pk if actor is not None else None
    notice.certified_title = prose.tidy_line(title)[:120]
    notice.certified_place = prose.tidy_line(place)[:200]
    notice.text_hash = fresh.versions.get(number=1).text_hash
    notice.save(
        update_fields=[
            "certified_at", "certified_name", "certified_by_id", "certified_title",
            "certified_place", "text_hash",
        ]
    )  # fmt: skip
    record(
        "announcements.certified", municipality=fresh.municipality_id, actor=actor,
        announcement=fresh.pk, text_hash=notice.text_hash,
    )  # fmt: skip
    return notice


def _taken(municipality_id: int, pk: int, **due: Any) -> Announcement | None:
    """The announcement if it is still due and nobody else is at it."""
    row: Announcement | None = (
        Announcement.objects.of(municipality_id)
        .select_for_update(no_key=True, skip_locked=True, of=("self",))
        .select_related("municipality", "subject")
        .filter(pk=pk, **due)
        .first()
    )
    return row


def publish_due(municipality_id: int, pk: int, now: datetime) -> bool:
    """Publish what is due; what can no longer be published goes back to draft with the reason."""
    found = _taken(municipality_id, pk, state=rules.SCHEDULED, publish_at__lte=now)
    if found is None:
        return False
    try:
        publish(found, actor=None, now=now)
    except Refused as refused:
        found.state, found.trouble = rules.DRAFT, str(refused)[:300]
        touch(found, actor=None, now=now, columns=["state", "trouble"])
        record("announcements.held_back", municipality=municipality_id, announcement=pk)
        return False
    return True


def lift_due(municipality_id: int, pk: int, now: datetime) -> bool:
    """Lift what has reached its planned end: over since then, not since we noticed."""
    found = _taken(
        municipality_id, pk, state=rules.PUBLISHED, takes_force=True, in_force_until__lte=now
    )
    if found is None:
        return False
    lift(found, actor=None, now=now, at=found.in_force_until)
    return True


def expire_due(municipality_id: int, pk: int, now: datetime) -> bool:
    found = _taken(
        municipality_id, pk, state__in=[rules.PUBLISHED, rules.LIFTED], expires_at__lte=now
    )
    if found is None:
        return False
    archive(found, actor=None, now=now, state=rules.EXPIRED)
    return True


def remind_due(municipality_id: int, pk: int, now: datetime) -> bool:
    """Send one reminder, once; let it go when its date has passed or the announcement ended."""
    waiting = Reminder.objects.of(municipality_id).filter(closed_at__isnull=True, due_at__lte=now)
    found = waiting.filter(pk=pk).values_list("announcement_id", flat=True).first()
    if found is None:
        return False
    announcement = _taken(municipality_id, found)
    if announcement is None:
        return False
    closed = waiting.filter(pk=pk).update(closed_at=now)
    reminder = Reminder.objects.of(municipality_id).filter(pk=pk).first()
    if not closed or reminder is None:
        return False
    if not rules.may_remind(
        state=announcement.state, due_at=reminder.due_at, concerns_at=announcement.concerns_at,
        now=now,
    ):  # fmt: skip
        return False
    message = send(announcement, kind="announcements.reminded", actor=None, now=now)
    Reminder.objects.of(municipality_id).filter(pk=pk).update(message=message)
    record(
        "announcements.reminded", municipality=municipality_id, announcement=announcement.pk,
        reminder=pk, message=message.pk,
    )  # fmt: skip
    return True


Deed = Callable[[int, int, datetime], bool]


def due(municipality_id: int, now: datetime) -> list[tuple[Deed, int]]:
    """What is due in the town that is set: first what begins, then what is recalled, then what "
    "ends."""
    rows = Announcement.objects.of(municipality_id)
    found: list[tuple[Deed, int]] = []
    for deed, wanted in (
        (publish_due, rows.filter(state=rules.SCHEDULED, publish_at__lte=now)),
        (
            remind_due,
            Reminder.objects.of(municipality_id).filter(closed_at__isnull=True, due_at__lte=now),
        ),
        (
            lift_due,
            rows.filter(state=rules.PUBLISHED, takes_force=True, in_force_until__lte=now),
        ),
        (
            expire_due,
            rows.filter(state__in=[rules.PUBLISHED, rules.LIFTED], expires_at__lte=now),
        ),
    ):
        found += [(deed, pk) for pk in wanted.order_by("pk").values_list("pk", flat=True)]
    return found


def keep_time(now: datetime) -> int:
    """Do in every town what is due, each deed in a transaction of its own; how many were done."""
    done = 0
    for municipality_id in Municipality.objects.order_by("pk").values_list("pk", flat=True):
        with as_town(municipality_id):
            waiting = due(municipality_id, now)
        for deed, pk in waiting:
            try:
                with translation.override("fr"), as_town(municipality_id):
                    done += deed(municipality_id, pk, now)
            except Exception:
                # One announcement that cannot be treated must not hold up those behind it.
                logger.exception("%s of %s in town %s", deed.__name__, pk, municipality_id)
    return done


@each("* * * * *")
def keep_time_every_minute(*, at: int) -> None:
    """Publish, remind, lift and expire what is due. Harmless twice, or by two workers at once."""
    keep_time(timezone.now())
