"""What is joined to an announcement: described pictures, and files."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.files.base import File
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from parvis.announcements import rules
from parvis.announcements.drafts import STORE, locked, touch
from parvis.announcements.models import Announcement, Attachment, Picture, PublicNotice
from parvis.core import files, prose
from parvis.core.errors import Refused
from parvis.municipalities.actions import record

PICTURES_MAX, ATTACHMENTS_MAX = 10, 20


def _check_open(announcement: Announcement) -> None:
    """Whether something may still be joined, or taken away."""
    if announcement.state in {rules.EXPIRED, rules.ARCHIVED}:
        raise Refused(_("Cet avis est archivé\u00a0: écrivez-en un nouveau."))
    if (
        announcement.is_public
        and PublicNotice.objects.of(announcement.municipality_id)
        .filter(announcement=announcement)
        .exists()
    ):
        raise Refused(
            _("Un avis public publié ne change plus\u00a0: publiez un avis rectificatif.")
        )


def _last(parts: Any) -> int:
    highest: int | None = parts.aggregate(last=Max("position"))["last"]
    return 0 if highest is None else highest + 1


@transaction.atomic
def add_picture(
    announcement: Announcement,
    *,
    upload: File[bytes],
    alt: str,
    actor: Any,
    now: datetime,
    caption: str = "",
) -> Picture:
    """Join an image with its description, or raise Refused. The image is drawn again by us."""
    fresh = locked(announcement)
    _check_open(fresh)
    alt = prose.tidy_line(alt)
    if not prose.has_words(alt):
        raise Refused(
            _(
                "Décrivez l’image en une phrase\u00a0: c’est ce que lisent les personnes qui ne "
                "la voient pas."
            )
        )
    if len(alt) > rules.ALT_MAX:
        raise Refused(
            _("La description dépasse {n} caractères\u00a0: raccourcissez-la.").format(
                n=rules.ALT_MAX
            )
        )
    if fresh.pictures.count() >= PICTURES_MAX:
        raise Refused(_("Un avis a au plus {n} images.").format(n=PICTURES_MAX))
    kept = files.keep_picture(upload, town_id=fresh.municipality_id, area=STORE)
    picture = Picture.objects.create(
        municipality=fresh.municipality,
        announcement=fresh,
        folder=kept.folder,
        alt=alt,
        caption=prose.tidy_line(caption)[: rules.ALT_MAX],
        width=kept.width,
        height=kept.height,
        widths=kept.widths,
        position=_last(fresh.pictures),
        created_at=now,
    )
    touch(fresh, actor=actor, now=now, columns=[], raises_token=False)
    record(
        "announcements.picture_added", municipality=fresh.municipality_id, actor=actor,
        announcement=fresh.pk, picture=picture.pk,
    )  # fmt: skip
    return picture


@transaction.atomic
def describe_picture(
    picture: Picture, *, alt: str, actor: Any, now: datetime, caption: str = ""
) -> Picture:
    """Change what is said of an image, or raise Refused."""
    fresh = locked(picture.announcement)
    _check_open(fresh)
    alt = prose.tidy_line(alt)[: rules.ALT_MAX]
    if not prose.has_words(alt):
        raise Refused(_("Une image garde toujours sa description."))
    picture.alt, picture.caption = alt, prose.tidy_line(caption)[: rules.ALT_MAX]
    picture.save(update_fields=["alt", "caption"])
    touch(fresh, actor=actor, now=now, columns=[], raises_token=False)
    record(
        "announcements.picture_described", municipality=picture.municipality_id, actor=actor,
        announcement=picture.announcement_id, picture=picture.pk,
    )  # fmt: skip
    return picture


@transaction.atomic
def add_attachment(
    announcement: Announcement,
    *,
    upload: File[bytes],
    title: str,
    actor: Any,
    now: datetime,
) -> Attachment:
    """Join a file of a known kind, or raise Refused. Without a title its name serves."""
    fresh = locked(announcement)
    _check_open(fresh)
    if fresh.attachments.count() >= ATTACHMENTS_MAX:
        raise Refused(_("Un avis a au plus {n} fichiers.").format(n=ATTACHMENTS_MAX))
    kept = files.keep_file(upload, town_id=fresh.municipality_id, area=STORE)
    attachment = Attachment.objects.create(
        municipality=fresh.municipality,
        announcement=fresh,
        folder=kept.folder,
        name=kept.name,
        title=prose.tidy_line(title)[:200] or kept.name.rsplit(".", 1)[0].replace("-", " "),
        kind=kept.kind,
        size=kept.size,
        sha256=kept.sha256,
        position=_last(fresh.attachments),
        created_at=now,
    )
    touch(fresh, actor=actor, now=now, columns=[], raises_token=False)
    record(
        "announcements.file_added", municipality=fresh.municipality_id, actor=actor,
        announcement=fresh.pk, attachment=attachment.pk,
    )  # fmt: skip
    return attachment


@transaction.atomic
def remove_part(part: Picture | Attachment, *, actor: Any, now: datetime) -> None:
    """Take a picture or a file away, or raise Refused."""
    fresh = locked(part.announcement)
    _check_open(fresh)
    folder, pk = part.folder, part.pk
    deleted, _each = type(part).objects.of(fresh.municipality_id).filter(pk=pk).delete()
    if not deleted:
        return
    files.forget(fresh.municipality_id, STORE, folder)
    touch(fresh, actor=actor, now=now, columns=[], raises_token=False)
    record(
        "announcements.part_removed", municipality=fresh.municipality_id, actor=actor,
        announcement=fresh.pk, part=f"{type(part).__name__.lower()}:{pk}",
    )  # fmt: skip
