"""The town's key for CAP messages, and the signed file of each revision that was sent."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from parvis.municipalities.models import Owned


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
