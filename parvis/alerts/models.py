"""Messages of civil security: an alert, its revisions that never change, and what people answer."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from parvis.alerts import events, rules
from parvis.alerts.cap_models import CapFile as CapFile
from parvis.alerts.cap_models import Received as Received
from parvis.alerts.cap_models import SigningKey as SigningKey
from parvis.alerts.round_models import Visit as Visit
from parvis.municipalities.models import Owned, OwnedQuerySet
from parvis.notifications.models import Message
from parvis.residents.models import Resident


class AlertQuerySet(OwnedQuerySet):
    def standing(self, now: datetime) -> Self:
        """In force at this instant."""
        return self.filter(state=rules.IN_FORCE, expires_at__gt=now)

    def public(self) -> Self:
        """What was sent once, whatever became of it."""
        return self.filter(begun_at__isnull=False)


class Alert(Owned):
    """One danger, from the first message to the last: the chain that revisions form."""

    class State(models.TextChoices):
        DRAFT = rules.DRAFT, _("Brouillon")
        IN_FORCE = rules.IN_FORCE, _("En vigueur")
        LIFTED = rules.LIFTED, _("Levée")
        CANCELLED = rules.CANCELLED, _("Annulée")
        EXPIRED = rules.EXPIRED, _("Échue")

    identity = models.UUIDField(default=uuid.uuid4, unique=True)
    event = models.CharField(max_length=20, choices=events.CHOICES)
    is_drill = models.BooleanField(default=False)
    state = models.CharField(max_length=9, choices=State, default=State.DRAFT)
    begun_at = models.DateTimeField(null=True, blank=True)
    """When its first revision was sent; a trigger refuses any change."""
    expires_at = models.DateTimeField(null=True, blank=True)
    """Of the newest revision sent."""
    ended_at = models.DateTimeField(null=True, blank=True)
    shows_reach = models.BooleanField(default=True)
    """Whether its page says how many were reached."""
    author_id = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()

    objects = AlertQuerySet.as_manager()  # type: ignore[misc, django-manager-missing]

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="alert_known_event", condition=Q(event__in=list(events.EVENTS))
            ),
            models.CheckConstraint(
                name="alert_public_has_begun",
                condition=Q(state=rules.DRAFT, begun_at__isnull=True)
                | (~Q(state=rules.DRAFT) & Q(begun_at__isnull=False, expires_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="alert_ended_has_an_hour",
                condition=Q(state__in=[rules.DRAFT, rules.IN_FORCE], ended_at__isnull=True)
                | Q(
                    state__in=[rules.LIFTED, rules.CANCELLED, rules.EXPIRED],
                    ended_at__isnull=False,
                ),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["municipality", "-begun_at"], name="alert_newest"),
            # Asked by every page of the portal.
            models.Index(
                fields=["municipality", "expires_at"],
                condition=Q(state=rules.IN_FORCE),
                name="alert_in_force",
            ),
        ]

    def __str__(self) -> str:
        return f"alert {self.pk}: {self.event}"

    @property
    def kind(self) -> events.Event:
        return events.EVENTS[self.event]

    @property
    def is_over(self) -> bool:
        return self.state in {rules.LIFTED, rules.CANCELLED, rules.EXPIRED}

    def stands(self, now: datetime) -> bool:
        return (
            self.state == rules.IN_FORCE and self.expires_at is not None and now < self.expires_at
        )

    @property
    def reference(self) -> str:
        return f"alert:{self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("alerts:page", args=[self.pk])


class RevisionQuerySet(OwnedQuerySet):
    def sent(self) -> Self:
        return self.filter(state=rules.SENT)

    def newest_of_standing(self, now: datetime) -> Self:
        """What each alert in force says now, the newest alert first."""
        newest = (
            self.sent()
            .filter(alert__state=rules.IN_FORCE, alert__expires_at__gt=now)
            .order_by("alert_id", "-number")
            .distinct("alert_id")
        )
        return self.filter(pk__in=newest.values("pk")).select_related("alert").order_by("-alert_id")


class Revision(Owned):
    """What an alert says from one instant on. Written, proposed, then sent: and then for ever."""

    class Kind(models.TextChoices):
        ALERT = rules.ALERT, _("Alerte")
        UPDATE = rules.UPDATE, _("Mise à jour")
        LIFT = rules.LIFT, _("Levée")
        CANCEL = rules.CANCEL, _("Annulation")

    class State(models.TextChoices):
        DRAFT = rules.WRITTEN, _("Brouillon")
        PROPOSED = rules.PROPOSED, _("À approuver")
        SENT = rules.SENT, _("Envoyée")

    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    identity = models.UUIDField(default=uuid.uuid4, unique=True)
    kind = models.CharField(max_length=6, choices=Kind)
    state = models.CharField(max_length=8, choices=State, default=State.DRAFT)
    severity = models.CharField(max_length=8, choices=list(rules.SEVERITIES.items()))
    urgency = models.CharField(max_length=9, choices=list(rules.URGENCIES.items()))
    certainty = models.CharField(max_length=8, choices=list(rules.CERTAINTIES.items()))
    words = models.JSONField()
    """Language → {title, short, text, steps}; other than French with its legal basis."""
    note = models.CharField(max_length=rules.NOTE_MAX, blank=True)
    """What changed since the last one, in a sentence."""

    everywhere = models.BooleanField(default=False)
    """The whole town."""
    sector_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    address_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    area = models.JSONField(null=True, blank=True)
    """Drawn polygon or polygons (GeoJSON, WGS 84)."""
    area_address_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    """Addresses within the area, found anew when it is drawn and when it is sent."""

    next_at = models.DateTimeField(null=True, blank=True)
    """When the town promised its next word."""
    expires_at = models.DateTimeField(null=True, blank=True)
    author_id = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    revised_at = models.DateTimeField()
    token = models.PositiveIntegerField(default=1)
    """Raised by each writing: who writes or decides with an old one has not seen the last."""

    proposed_at = models.DateTimeField(null=True, blank=True)
    proposed_by_id = models.BigIntegerField(null=True, blank=True)
    decided_by_id = models.BigIntegerField(null=True, blank=True)
    """The designated person (regulation S-2.4, r. 1, s. 5)."""
    alone_reason = models.CharField(max_length=rules.NOTE_MAX, blank=True)
    """Why one person decided alone; empty when two did."""
    sent_at = models.DateTimeField(null=True, blank=True)
    words_hash = models.CharField(max_length=64, blank=True)
    message = models.ForeignKey(
        Message, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = RevisionQuerySet.as_manager()  # type: ignore[misc, django-manager-missing]

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["alert", "number"], name="one_revision_per_number"),
            # Whatever is approved twice at once is sent once.
            models.UniqueConstraint(
                fields=["alert"], condition=~Q(state=rules.SENT), name="one_open_revision_per_alert"
            ),
            models.CheckConstraint(
                name="revision_sent_is_whole",
                condition=~Q(state=rules.SENT)
                | (
                    Q(
                        sent_at__isnull=False, decided_by_id__isnull=False,
                        proposed_by_id__isnull=False, message__isnull=False,
                        expires_at__isnull=False,
                    )
                    & ~Q(words_hash="")
                ),
            ),
            models.CheckConstraint(
                name="revision_two_decide_or_one_says_why",
                condition=~Q(state=rules.SENT)
                | ~Q(alone_reason="")
                | ~Q(decided_by_id=F("proposed_by_id")),
            ),
            models.CheckConstraint(
                name="revision_proposed_by_someone",
                condition=~Q(state=rules.PROPOSED)
                | Q(proposed_by_id__isnull=False, proposed_at__isnull=False),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"revision {self.number} of alert {self.alert_id}"

    @property
    def ends_it(self) -> bool:
        return self.kind in rules.ENDS

    def said(self, language: str) -> dict[str, Any]:
        """The words in this language where they stand, else in French."""
        found: dict[str, Any] = self.words.get(language) or self.words["fr"]
        return found

    @property
    def title(self) -> str:
        return str(self.words.get("fr", {}).get("title", ""))


class Answer(Owned):
    """What one person said of one alert: seen, safe, or in need of help."""

    class Kind(models.TextChoices):
        SEEN = "seen", _("Vue")
        SAFE = "safe", _("En sécurité")
        HELP = "help", _("Besoin d’aide")

    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="answers")
    resident = models.ForeignKey(
        Resident, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    """Empty once the account is erased: the figure stays, the person does not."""
    kind = models.CharField(max_length=4, choices=Kind)
    note = models.CharField(max_length=rules.HELP_NOTE_MAX, blank=True)
    """What the person chose to tell the rescuers."""
    by_letter = models.BooleanField(default=False)
    """From the link of a message, without signing in."""
    help_at = models.DateTimeField(null=True, blank=True)
    """When help was first asked for: whoever asked stays on the rescuers' list."""
    first_at = models.DateTimeField()
    at = models.DateTimeField()
    taken_by_id = models.BigIntegerField(null=True, blank=True)
    taken_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["alert", "resident"], name="one_answer_per_person"),
            models.CheckConstraint(
                name="answer_taken_by_someone",
                condition=Q(taken_at__isnull=True, taken_by_id__isnull=True)
                | Q(taken_at__isnull=False, taken_by_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of alert {self.alert_id}"
