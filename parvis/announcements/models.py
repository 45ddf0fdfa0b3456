"""What the town says, and leaves standing: announcements, their versions, files and notices."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from parvis.announcements import rules
from parvis.announcements.readings import AHEAD, AnnouncementQuerySet, Fold
from parvis.municipalities.models import Owned
from parvis.notifications.models import Message, Subject


class Announcement(Owned):
    """Something that the town says. Once published it keeps its address and its hour."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Brouillon")
        SCHEDULED = "scheduled", _("Planifié")
        PUBLISHED = "published", _("Publié")
        LIFTED = "lifted", _("Levé")
        EXPIRED = "expired", _("Retiré")
        ARCHIVED = "archived", _("Archivé")

    class Severity(models.TextChoices):
        INFO = "info", _("Information")
        NOTICE = "avis", _("Avis")

    subject = models.ForeignKey(
        Subject, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    state = models.CharField(max_length=9, choices=State, default=State.DRAFT)
    severity = models.CharField(max_length=4, choices=Severity, default=Severity.NOTICE)
    title = models.CharField(max_length=rules.TITLE_MAX, blank=True)
    summary = models.CharField(max_length=rules.SUMMARY_MAX, blank=True)
    text = models.TextField(blank=True)
    """Markdown."""
    slug = models.CharField(max_length=60, blank=True)
    signed_by = models.CharField(max_length=120, blank=True)
    """The service that speaks: «Travaux publics»."""

    takes_force = models.BooleanField(default=True)
    """Stands until lifted («avis en vigueur»); otherwise it is news."""
    in_force_from = models.DateTimeField(null=True, blank=True)
    in_force_until = models.DateTimeField(null=True, blank=True)
    """The planned end; the job lifts the announcement then."""
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_note = models.CharField(max_length=rules.SUMMARY_MAX, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    concerns_at = models.DateTimeField(null=True, blank=True)
    """The date it is about: a meeting, a closure. Reminders are sent before it."""
    pinned = models.BooleanField(default=False)

    publish_at = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    """Set once; a trigger refuses any change, whoever asks."""
    archived_at = models.DateTimeField(null=True, blank=True)
    notify = models.BooleanField(default=True)
    trouble = models.CharField(max_length=300, blank=True)
    """Why the planned publication did not happen, in a sentence."""

    sector_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    address_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    area = models.JSONField(null=True, blank=True)
    """Drawn polygon or polygons (GeoJSON, WGS 84)."""
    area_address_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    """Addresses within the area, found anew when it is drawn and when it is published."""

    author_id = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    revised_at = models.DateTimeField()
    revised_by_id = models.BigIntegerField(null=True, blank=True)
    token = models.PositiveIntegerField(default=1)
    """Raised by each writing: who writes with an old one has not seen the last."""
    search = models.GeneratedField(
        expression=SearchVector(Fold("title"), weight="A", config="french")
        + SearchVector(Fold("summary"), weight="B", config="french")
        + SearchVector(Fold("text"), weight="C", config="french"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = AnnouncementQuerySet.as_manager()  # type: ignore[misc, django-manager-missing]

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="announcement_public_has_an_hour",
                condition=Q(state__in=["draft", "scheduled"]) | Q(published_at__isnull=False),
            ),
            models.CheckConstraint(
                name="announcement_scheduled_has_an_hour",
                condition=~Q(state="scheduled") | Q(publish_at__isnull=False),
            ),
            models.CheckConstraint(
                name="announcement_lifted_has_an_hour",
                condition=~Q(state="lifted") | Q(lifted_at__isnull=False),
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["municipality", "state", "-published_at"], name="announcement_newest"
            ),
            models.Index(
                fields=["municipality", "publish_at"],
                condition=Q(state="scheduled"),
                name="announcement_due",
            ),
            GinIndex(fields=["search"], name="announcement_search"),
            # What the front page asks for, however many thousands of old ones there are.
            models.Index(
                fields=["municipality", "-in_force_from"],
                condition=Q(state="published", takes_force=True),
                name="announcement_in_force",
            ),
            models.Index(
                F("municipality"),
                F("pinned").desc(),
                F("published_at").desc(),
                F("id").desc(),
                condition=Q(state="published", takes_force=False),
                name="announcement_news",
            ),
            models.Index(
                F("municipality"),
                AHEAD,
                condition=Q(state="published"),
                name="announcement_date_ahead",
            ),
        ]

    def __str__(self) -> str:
        return self.title or f"announcement {self.pk}"

    @property
    def is_public(self) -> bool:
        return self.state in rules.PUBLIC

    @property
    def is_emergency(self) -> bool:
        return self.subject is not None and self.subject.is_emergency

    @property
    def tone(self) -> str:
        """Name of the colour and shape that pages give it: urgence, avis or info."""
        return "urgence" if self.is_emergency else self.severity

    @property
    def concerns_everyone(self) -> bool:
        return not self.sector_ids and not self.address_ids and self.area is None

    @property
    def reference(self) -> str:
        return f"announcement:{self.pk}"

    def is_in_force(self, now: datetime) -> bool:
        return rules.is_in_force(
            state=self.state,
            takes_force=self.takes_force,
            in_force_from=self.in_force_from,
            in_force_until=self.in_force_until,
            expires_at=self.expires_at,
            now=now,
        )

    def get_absolute_url(self) -> str:
        return reverse("announcements:page", args=[self.pk, self.slug or "avis"])


class Version(Owned):
    """What an announcement said from one instant on. Append-only: what was said stays known."""

    announcement = models.ForeignKey(
        # Protected: a published announcement is never removed.
        Announcement, on_delete=models.PROTECT, related_name="versions",
    )  # fmt: skip
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    author_id = models.BigIntegerField(null=True, blank=True)
    title = models.CharField(max_length=rules.TITLE_MAX)
    summary = models.CharField(max_length=rules.SUMMARY_MAX, blank=True)
    text = models.TextField()
    translations = models.JSONField(default=dict)
    """Language → {title, summary, text, basis}."""
    note = models.CharField(max_length=rules.SUMMARY_MAX, blank=True)
    """What changed, in the clerk's words."""
    notified = models.BooleanField(default=False)
    text_hash = models.CharField(max_length=64)
    recorded_at = models.DateTimeField(db_default=Now())
    """By the clock of the database: nobody can hand it in."""

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["announcement", "number"], name="one_version_per_number"
            )
        ]

    def __str__(self) -> str:
        return f"version {self.number} of announcement {self.announcement_id}"


class Translation(Owned):
    """The announcement in another language than French, with the legal basis for using it."""

    announcement = models.ForeignKey(
        Announcement, on_delete=models.CASCADE, related_name="translations"
    )
    language = models.CharField(max_length=3, choices=list(rules.LANGUAGES.items()))
    basis = models.CharField(max_length=10, choices=list(rules.BASES.items()))
    title = models.CharField(max_length=rules.TITLE_MAX, blank=True)
    summary = models.CharField(max_length=rules.SUMMARY_MAX, blank=True)
    text = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["language"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["announcement", "language"], name="one_translation_per_language"
            ),
            models.CheckConstraint(
                name="translation_has_a_basis", condition=Q(basis__in=list(rules.BASES))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.language} of announcement {self.announcement_id}"


class Reminder(Owned):
    """A message to the same people, before the date that the announcement concerns."""

    announcement = models.ForeignKey(
        Announcement, on_delete=models.CASCADE, related_name="reminders"
    )
    minutes_before = models.PositiveIntegerField(null=True, blank=True)
    """Moves with the date; empty when the instant itself was chosen."""
    due_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    """Sent, or let go because the date had passed."""
    message = models.ForeignKey(
        Message, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["due_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["announcement", "due_at"], name="one_reminder_per_instant"
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["municipality", "due_at"],
                condition=Q(closed_at__isnull=True),
                name="reminder_open",
            )
        ]

    def __str__(self) -> str:
        return f"reminder {self.pk} of announcement {self.announcement_id}"


class Picture(Owned):
    """An image, redrawn by us in three widths. Its description is part of it."""

    announcement = models.ForeignKey(
        Announcement, on_delete=models.CASCADE, related_name="pictures"
    )
    folder = models.CharField(max_length=64)
    alt = models.CharField(max_length=rules.ALT_MAX)
    caption = models.CharField(max_length=rules.ALT_MAX, blank=True)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    widths = ArrayField(models.PositiveIntegerField())
    position = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["municipality", "folder"], name="one_picture_per_folder"
            ),
            models.CheckConstraint(name="picture_is_described", condition=~Q(alt="")),
        ]

    def __str__(self) -> str:
        return self.alt


class Attachment(Owned):
    """A file that goes with the announcement."""

    announcement = models.ForeignKey(
        Announcement, on_delete=models.CASCADE, related_name="attachments"
    )
    folder = models.CharField(max_length=64)
    name = models.CharField(max_length=120)
    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=8)
    """Extension that the content was found to have: pdf, docx…"""
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    position = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["municipality", "folder"], name="one_attachment_per_folder"
            )
        ]

    def __str__(self) -> str:
        return self.title


class PublicNotice(Owned):
    """What makes an announcement a legal notice («avis public»), and who certified it published."""

    class Kind(models.TextChoices):
        BYLAW = "bylaw", _("Entrée en vigueur d’un règlement")
        CONSULTATION = "consultation", _("Assemblée publique de consultation")
        DEROGATION = "derogation", _("Dérogation mineure")
        REGISTER = "register", _("Tenue d’un registre")
        ELECTION = "election", _("Élection ou référendum")
        ROLL = "roll", _("Rôle d’évaluation ou de perception")
        BUDGET = "budget", _("Budget et programme d’immobilisations")
        SALE = "sale", _("Vente d’un immeuble")
        OTHER = "other", _("Autre avis public")

    announcement = models.OneToOneField(
        Announcement, on_delete=models.CASCADE, related_name="public_notice"
    )
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.OTHER)
    bylaw = models.CharField(max_length=120, blank=True)
    """Number and title: «Règlement 2026-412 concernant l’eau potable»."""
    legal_basis = models.CharField(max_length=200, blank=True)
    deadline_at = models.DateTimeField(null=True, blank=True)
    """The law wants it published at the latest then."""
    certified_at = models.DateTimeField(null=True, blank=True)
    certified_by_id = models.BigIntegerField(null=True, blank=True)
    certified_name = models.CharField(max_length=120, blank=True)
    certified_title = models.CharField(max_length=120, blank=True)
    certified_place = models.CharField(max_length=200, blank=True)
    """Where it was also posted: «hôtel de ville»."""
    text_hash = models.CharField(max_length=64, blank=True)
    """Of the first version, the one that the law speaks of."""

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="certificate_is_whole",
                condition=Q(certified_at__isnull=True) | (~Q(certified_name="") & ~Q(text_hash="")),
            )
        ]

    def __str__(self) -> str:
        return f"public notice {self.announcement_id}"
