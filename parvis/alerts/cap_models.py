"""The town's key for CAP messages, the signed file of each revision, and messages of others."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from parvis.municipalities.models import Owned, OwnedQuerySet


class SigningKey(Owned):
    """Signs the town's CAP messages. The private half is enciphered (core.secret)."""

    private = models.BinaryField()
    """PKCS 8."""
    certificate = models.TextField()
    """In PEM: what receivers are handed."""
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["municipality"],
                condition=Q(retired_at__isnull=True),
                name="one_signing_key_per_town",
            )
        ]

    def __str__(self) -> str:
        return f"signing key {self.pk}"


class CapFile(Owned):
    """One revision as CAP, signed: written once. A trigger refuses any change."""

    revision = models.OneToOneField(
        "alerts.Revision", on_delete=models.PROTECT, related_name="cap_file"
    )
    alert = models.ForeignKey("alerts.Alert", on_delete=models.PROTECT, related_name="cap_files")
    number = models.PositiveIntegerField()
    reference = models.CharField(max_length=400)
    """`sender,identifier,sent`, as later messages name this one."""
    content = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    title = models.CharField(max_length=200)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    written_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["alert", "number"], name="one_cap_file_per_number")
        ]
        indexes: ClassVar = [
            models.Index(fields=["municipality", "-id"], name="cap_file_newest"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return f"{self.alert_id}-{self.number}.cap.xml"

    @property
    def octets(self) -> bytes:
        return bytes(self.content)


class ReceivedQuerySet(OwnedQuerySet):
    def waiting(self) -> Self:
        """Nobody has decided yet what becomes of them."""
        return self.filter(alert__isnull=True, set_aside_at__isnull=True)


class Received(Owned):
    """A CAP message of someone else: a proposal, which nothing sends on by itself."""

    class Worth(models.TextChoices):
        HOLDS = "holds", _("Signature admise")
        NONE = "none", _("Signataire non admis")
        BROKEN = "broken", _("Signature fausse")

    source = models.CharField(max_length=200)
    sender = models.CharField(max_length=200)
    identifier = models.CharField(max_length=200)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    kind = models.CharField(max_length=10)
    status = models.CharField(max_length=10)
    severity = models.CharField(max_length=10, blank=True)
    urgency = models.CharField(max_length=10, blank=True)
    certainty = models.CharField(max_length=10, blank=True)
    """In the words of CAP."""
    sender_name = models.CharField(max_length=200, blank=True)
    event = models.CharField(max_length=200, blank=True)
    event_code = models.CharField(max_length=40, blank=True)
    title = models.CharField(max_length=300, blank=True)
    text = models.TextField(blank=True)
    instruction = models.TextField(blank=True)
    where = models.TextField(blank=True)
    language = models.CharField(max_length=20, blank=True)
    worth = models.CharField(max_length=6, choices=Worth)
    signatures = models.TextField(blank=True)
    """What each signature is worth, one line for each."""
    contradicts = models.BooleanField(default=False)
    content = models.BinaryField()
    """As it arrived."""
    sha256 = models.CharField(max_length=64)
    arrived_at = models.DateTimeField()
    alert = models.ForeignKey(
        "alerts.Alert", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    """The town's own, begun from this one."""
    set_aside_at = models.DateTimeField(null=True, blank=True)
    set_aside_by_id = models.BigIntegerField(null=True, blank=True)

    objects = ReceivedQuerySet.as_manager()  # type: ignore[misc, django-manager-missing]

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["municipality", "sha256"], name="one_received_per_content"
            ),
            models.CheckConstraint(
                name="received_set_aside_by_someone",
                condition=Q(set_aside_at__isnull=True, set_aside_by_id__isnull=True)
                | Q(set_aside_at__isnull=False, set_aside_by_id__isnull=False),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["municipality", "-arrived_at"], name="received_newest"),
        ]

    def __str__(self) -> str:
        return f"received {self.pk}"
