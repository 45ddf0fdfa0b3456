"""What is kept of telephones: lines to send by, numbers that are closed, answers that came."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from parvis.municipalities.models import Owned
from parvis.residents.models import Phone, Resident


class Line(models.Model):
    """A sender at a provider: its pace, its day and its rest. It serves all towns: not walled."""

    name = models.CharField(max_length=60, unique=True)
    """Provider and use: principal/routine."""
    paced_until = models.DateTimeField()
    """The next text may leave from this instant on."""
    day = models.DateField()
    sent = models.PositiveIntegerField(default=0)
    """On that day."""
    failures = models.PositiveIntegerField(default=0)
    """In a row."""
    resting_until = models.DateTimeField(null=True, blank=True)
    fault = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return self.name


class ClosedNumber(Owned):
    """A number that takes no texts, or no calls: the carrier says so, or its owner."""

    class Reason(models.TextChoices):
        ASKED = "asked", _("Textos arrêtés par la personne")
        UNSUBSCRIBED = "unsubscribed", _("Bloqué chez le fournisseur, à la demande de la personne")
        UNKNOWN = "unknown_number", _("Numéro inexistant")
        LANDLINE = "landline", _("Ligne fixe, sans textos")

    ROUTINE_ONLY = (Reason.ASKED, Reason.UNSUBSCRIBED)
    """Of texts: who stopped them stopped those of one sender, and emergencies have another."""

    phone = models.ForeignKey(Phone, on_delete=models.CASCADE, related_name="closures")
    resident = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="+")
    channel = models.CharField(max_length=10)
    reason = models.CharField(max_length=14, choices=Reason)
    since = models.DateTimeField()
    reopened_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["phone", "channel"],
                condition=Q(reopened_at__isnull=True),
                name="one_standing_closure_per_way",
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.reason}"


class Reply(Owned):
    """What someone answered, by text or on the keys. Once for each message of the provider."""

    class Answer(models.TextChoices):
        SEEN = "seen", _("Vu")
        HELP = "help", _("Besoin d’aide")
        STOP = "stop", _("Arrêter les textos")
        START = "start", _("Reprendre les textos")
        ABOUT = "about", _("Demande de renseignement")
        OTHER = "other", _("Autre réponse")

    phone = models.ForeignKey(Phone, on_delete=models.CASCADE, related_name="replies")
    resident = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="+")
    channel = models.CharField(max_length=10)
    answer = models.CharField(max_length=5, choices=Answer)
    words = models.CharField(max_length=320, blank=True)
    """Kept only where a person must read them."""
    message_id = models.BigIntegerField(null=True, blank=True)
    """The last message by this channel that asked for an answer; no key: it may be erased."""
    identity = models.CharField(max_length=64)
    """The provider's own name for what it brought."""
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            # Two accounts may share a number; what comes from it is an answer of both.
            models.UniqueConstraint(
                fields=["municipality", "identity", "phone"], name="one_reply_per_identity"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["municipality", "message_id", "answer"], name="reply_by_message")
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.answer}"
