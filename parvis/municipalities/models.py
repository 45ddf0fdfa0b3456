"""The towns that this instance serves: names, looks, staff, and the trail of what was done."""

from __future__ import annotations

from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from parvis.municipalities import rules


class Municipality(models.Model):
    """A town. Not walled: the host name of a request must be looked up before a town is known."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    code = models.CharField(max_length=5, blank=True)
    """Code géographique of the ministry, for example 93042."""
    brand = models.CharField(max_length=7, default="#34468f")
    crest = models.CharField(max_length=200, blank=True)
    """Name of the crest's file in the store."""
    languages = models.JSONField(default=rules.default_languages)
    """Languages offered beside French, each with the legal basis of its use (Charter, C-11)."""
    recognised_29_1 = models.BooleanField(default=False)
    """Recognised under section 29.1 of the Charter of the French language."""
    time_zone = models.CharField(max_length=40, default="America/Toronto")
    rooms = models.JSONField(default=rules.default_rooms)
    help_phone = models.CharField(max_length=40, blank=True)
    night_phone = models.CharField(max_length=40, blank=True)
    contact_email = models.EmailField(blank=True)
    street_address = models.CharField(max_length=200, blank=True)
    step_minutes = models.PositiveSmallIntegerField(default=5)
    """In an emergency, from one of a person's channels to the next (rules.STEP_MINUTES)."""
    privacy_officer = models.CharField(max_length=120, blank=True)
    privacy_email = models.EmailField(blank=True)
    demonstration = models.BooleanField(default=False)
    opened_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def initials(self) -> str:
        return rules.initials(self.name)


class HostName(models.Model):
    """A host name that leads to a town. Not walled, for the same reason."""

    municipality = models.ForeignKey(
        Municipality, on_delete=models.CASCADE, related_name="host_names"
    )
    name = models.CharField(max_length=253, unique=True)
    is_main = models.BooleanField(default=False)
    verified_at = models.DateTimeField(null=True, blank=True)
    """When a visit by this name reached us, or the operator accepted it. Until then, it serves
    nothing; the main name, which the operator gave, serves from the start."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["municipality"],
                condition=models.Q(is_main=True),
                name="one_main_host_per_town",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def serves(self) -> bool:
        """Whether pages answer by this name, and letters may bear it."""
        return self.is_main or self.verified_at is not None


class OwnedQuerySet(models.QuerySet[Any]):
    def of(self, municipality: Municipality | int) -> Self:
        """Rows of this town. Every reading begins here."""
        pk = municipality if isinstance(municipality, int) else municipality.pk
        return self.filter(municipality_id=pk)


class Owned(models.Model):
    """Base of every row that belongs to one town; `core.db.Wall` must stand on its table."""

    municipality = models.ForeignKey(Municipality, on_delete=models.PROTECT, related_name="+")
    objects = OwnedQuerySet.as_manager()

    class Meta:
        abstract = True


class StaffMember(Owned):
    """Someone who works for the town, and what they may do there."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="staff_member"
    )
    title = models.CharField(max_length=120, blank=True)
    is_administrator = models.BooleanField(default=False)
    is_alert_authority = models.BooleanField(default=False)
    """Designated to decide an alert (regulation S-2.4, r. 1, s. 5)."""
    joined_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"staff {self.pk}"


class StaffRole(Owned):
    """In which room a staff member may see, or act."""

    class Level(models.TextChoices):
        SEE = "see", _("Consulter")
        ACT = "act", _("Agir")

    member = models.ForeignKey(StaffMember, on_delete=models.CASCADE, related_name="roles")
    room = models.CharField(max_length=40)
    level = models.CharField(max_length=3, choices=Level)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["member", "room"], name="one_role_per_room")
        ]

    def __str__(self) -> str:
        return f"{self.room}: {self.level}"


class Invitation(Owned):
    """An invitation to join the staff, sent to a work address."""

    email = models.EmailField()
    title = models.CharField(max_length=120, blank=True)
    is_administrator = models.BooleanField(default=False)
    is_alert_authority = models.BooleanField(default=False)
    roles = models.JSONField(default=dict)
    """Room → level."""
    secret_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"invitation {self.pk}"


class PushKey(Owned):
    """The town's VAPID key pair (RFC 8292). The private half is enciphered (core.secret)."""

    private = models.BinaryField()
    public = models.CharField(max_length=100)
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.public


class AuditLine(Owned):
    """One deed, committed with the deed itself. Identifiers only: names must stay erasable."""

    at = models.DateTimeField()
    deed = models.CharField(max_length=80)
    actor_id = models.BigIntegerField(null=True, blank=True)
    """The resident or staff member who did it; empty when the town's own jobs did."""
    facts = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["municipality", "-id"], name="audit_by_town"),
            models.Index(fields=["municipality", "actor_id", "-id"], name="audit_by_actor"),
        ]

    def __str__(self) -> str:
        return self.deed


class AuditSeal(Owned):
    """The place of a line in the town's chain; each hash covers the line and the seal before."""

    line_id = models.BigIntegerField()
    sequence = models.BigIntegerField()
    hash = models.CharField(max_length=64)
    sealed_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["municipality", "sequence"], name="one_seal_per_place"),
            models.UniqueConstraint(fields=["municipality", "line_id"], name="one_seal_per_line"),
        ]

    def __str__(self) -> str:
        return f"{self.sequence}: {self.hash[:12]}"
