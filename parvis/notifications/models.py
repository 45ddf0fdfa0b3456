"""What is sent to whom: subjects, subscriptions, messages, chunks of recipients, and outcomes."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from parvis.municipalities.models import Municipality, Owned
from parvis.notifications.phone_models import ClosedNumber, Line, Reply
from parvis.residents.models import Place, Resident

__all__ = [
    "BadAddress", "Channel", "Chunk", "ClosedNumber", "Device", "Lane", "Line", "Message",
    "Opening", "Outcome", "Preference", "Reply", "Subject", "Subscription", "Work",
]  # fmt: skip


class Channel(models.TextChoices):
    """A way to reach someone. Each is one file in `channels/`."""

    INAPP = "inapp", _("Portail")
    EMAIL = "email", _("Courriel")
    PUSH = "push", _("Appli")
    TEXT = "text", _("Texto")
    VOICE = "voice", _("Appel")


class Lane(models.IntegerChoices):
    """Work is taken lane by lane; the first has dispatchers of its own."""

    EMERGENCY = 0, _("Sécurité civile")
    PERSONAL = 1, _("Personnel")
    NOTICE = 2, _("Avis")
    DIGEST = 3, _("Résumé")


class Subject(Owned):
    """What a message is about, and a resident subscribes to: «Eau», «Collectes»."""

    name = models.CharField(max_length=60)
    detail = models.CharField(max_length=120, blank=True)
    icon = models.CharField(max_length=40, default="bell")
    position = models.PositiveSmallIntegerField(default=0)
    is_emergency = models.BooleanField(default=False)
    """Sent to every resident by every channel known; not a matter of subscription."""
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-is_emergency", "position", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["municipality", "name"], name="one_subject_per_name")
        ]

    def __str__(self) -> str:
        return self.name


class Subscription(Owned):
    """A resident wants this subject, for this place, by this channel, at this pace."""

    class Pace(models.TextChoices):
        NOW = "now", _("Tout de suite")
        DAILY = "daily", _("Une fois par jour")
        WEEKLY = "weekly", _("Une fois par semaine")

    resident = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="subscriptions")
    place = models.ForeignKey(Place, on_delete=models.CASCADE, related_name="subscriptions")
    subject = models.ForeignKey(Subject, on_delete=models.CASCADE, related_name="subscriptions")
    channel = models.CharField(max_length=10, choices=Channel)
    pace = models.CharField(max_length=6, choices=Pace, default=Pace.NOW)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["place", "subject", "channel"], name="one_subscription_per_way"
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["municipality", "subject", "channel", "pace"],
                name="subscription_by_subject",
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.pace}"


class Preference(Owned):
    """When a resident does not want to be disturbed, and how an emergency comes to them."""

    resident = models.OneToOneField(Resident, on_delete=models.CASCADE, related_name="preference")
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    emergency_order = ArrayField(models.CharField(max_length=10), null=True, blank=True)
    """Channels one after the other in an emergency; empty: all at once; null: as the town does."""
    digest_daily_at = models.DateTimeField(null=True, blank=True)
    """When the last daily digest was planned."""
    digest_weekly_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"preference {self.pk}"


class Device(Owned):
    """A browser that asked for push messages (RFC 8030)."""

    resident = models.ForeignKey(
        Resident, on_delete=models.CASCADE, null=True, blank=True, related_name="devices"
    )
    """Empty once signed out with «continuer à recevoir les urgences»."""
    endpoint = models.TextField()
    endpoint_hash = models.CharField(max_length=64)
    p256dh = models.BinaryField(max_length=65)
    auth = models.BinaryField(max_length=16)
    key_id = models.BigIntegerField()
    """The VAPID key that the browser subscribed with (municipalities.PushKey)."""
    label = models.CharField(max_length=80, blank=True)
    emergencies_only = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)
    removed_why = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["municipality", "endpoint_hash"], name="one_device_per_endpoint"
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["municipality", "resident"],
                condition=Q(removed_at__isnull=True),
                name="device_in_use",
            )
        ]

    def __str__(self) -> str:
        return self.label or f"device {self.pk}"


class BadAddress(Owned):
    """An e-mail address that a server refused for good; nothing is sent there until corrected."""

    email_id = models.BigIntegerField()
    """Row of account_emailaddress."""
    resident = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=200)
    since = models.DateTimeField()
    corrected_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["municipality", "email_id"],
                condition=Q(corrected_at__isnull=True),
                name="one_standing_fault_per_address",
            )
        ]

    def __str__(self) -> str:
        return self.reason


class Message(Owned):
    """One thing said once, frozen: its words never change after it is planned."""

    identity = models.UUIDField(default=uuid.uuid4, unique=True)
    kind = models.CharField(max_length=60)
    """As in the audit trail: announcements.published."""
    lane = models.PositiveSmallIntegerField(choices=Lane)
    subject = models.ForeignKey(
        Subject, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reference = models.CharField(max_length=60, blank=True)
    """What it is about, in the words of the room that sent it: announcement:12."""
    topic = models.CharField(max_length=32, blank=True)
    """RFC 8030 Topic: an undelivered message of the same topic is replaced by this one."""
    content = models.JSONField()
    """Language → {title, body, url, html}; French always stands."""
    sector_ids = ArrayField(models.BigIntegerField(), null=True, blank=True)
    address_ids = ArrayField(models.BigIntegerField(), null=True, blank=True)
    """Both empty: the whole town. Else: who has a place in one of these."""
    channels = ArrayField(models.CharField(max_length=10), default=list)
    created_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    """After this instant nothing more is sent: what remains ends as expired."""
    stopped_at = models.DateTimeField(null=True, blank=True)
    author_id = models.BigIntegerField(null=True, blank=True)
    step_minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    """Between a person's channels, while they have not confirmed; null: all at once."""
    targeted = models.PositiveIntegerField(default=0)
    """Persons, counted once each when the message was planned."""

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["municipality", "-id"], name="message_newest"),
            models.Index(fields=["municipality", "reference"], name="message_by_reference"),
            models.Index(fields=["municipality", "subject", "created_at"], name="message_digest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.identity}"


class Chunk(Owned):
    """Up to a thousand recipients of one message over one channel, in a fixed order."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="chunks")
    channel = models.CharField(max_length=10, choices=Channel)
    recipients = ArrayField(models.BigIntegerField())
    """Rows of the channel's contacts: account_emailaddress, notifications_device, residents."""
    address = models.EmailField(blank=True)
    """For a letter to an address that has no account: recipients is then empty."""
    not_before = models.DateTimeField()
    """Later than planned where the recipients' quiet hours say so, or after a failed attempt."""
    attempt = models.PositiveSmallIntegerField(default=0)
    intent = ArrayField(models.BigIntegerField(), default=list)
    """Recipients being handed over right now; after a crash these are in doubt."""

    def __str__(self) -> str:
        return f"{self.channel} of message {self.message_id}"


class Work(models.Model):
    """A chunk waiting for a dispatcher, who serves all towns: not walled, and nothing personal."""

    class State(models.TextChoices):
        WAITING = "waiting"
        LEASED = "leased"
        DONE = "done"

    municipality = models.ForeignKey(
        Municipality, on_delete=models.CASCADE, related_name="+", db_constraint=True
    )
    chunk_id = models.BigIntegerField()
    message_id = models.BigIntegerField()
    channel = models.CharField(max_length=10)
    lane = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    not_before = models.DateTimeField()
    lease = models.UUIDField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    claims = models.PositiveSmallIntegerField(default=0)
    after_message_ids = ArrayField(models.BigIntegerField(), null=True, blank=True)
    """Not while a chunk of one of these is being handed over by the same channel."""
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["channel", "lane", "not_before"],
                condition=~Q(state="done"),
                name="work_open",
            ),
            models.Index(fields=["message_id"], name="work_by_message"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["chunk_id"], name="one_work_per_chunk")
        ]

    def __str__(self) -> str:
        return f"work {self.pk}: {self.state}"


class Outcome(Owned):
    """What became of one message for one recipient over one channel. Append-only.

    No foreign keys: written by the thousand, and kept when what it names is erased.
    """

    municipality = models.ForeignKey(
        Municipality, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False
    )

    class State(models.TextChoices):
        HANDED_OVER = "handed", _("Remis")
        UNDELIVERABLE = "failed", _("Échec")
        EXPIRED = "expired", _("Délai passé")
        WITHDRAWN = "gone", _("Désabonné entre-temps")
        UNCERTAIN = "unsure", _("Incertain")
        RETRY = "retry", _("Nouvel essai")
        BOUNCED = "bounced", _("Retourné plus tard")
        DELIVERED = "reached", _("Arrivé")
        CALLING = "calling", _("Appel en cours")
        SPARED = "spared", _("Déjà confirmé")

    message_id = models.BigIntegerField()
    chunk_id = models.BigIntegerField()
    resident_id = models.BigIntegerField(null=True)
    channel = models.CharField(max_length=10)
    contact_id = models.BigIntegerField()
    state = models.CharField(max_length=7, choices=State)
    is_final = models.BooleanField()
    reason = models.CharField(max_length=60, blank=True)
    """A word of the channel's own list, for grouping: full, unknown, refused, device_gone."""
    attempt = models.PositiveSmallIntegerField(default=0)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            # Whatever crashes or runs twice, one recipient has one end per message and channel.
            models.UniqueConstraint(
                fields=["municipality", "message_id", "channel", "contact_id"],
                condition=Q(is_final=True),
                name="one_final_outcome",
            ),
            # Reports come twice and in any order: the first that says how it ended stands. The
            # index also serves the proof.
            models.UniqueConstraint(
                fields=["municipality", "message_id", "channel", "contact_id"],
                condition=Q(state__in=["bounced", "reached"]),
                name="one_report_per_message",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["municipality", "resident_id", "-message_id"],
                condition=Q(channel="inapp"),
                name="outcome_inbox",
            ),
            models.Index(
                fields=["municipality", "at"],
                condition=Q(state="calling"),
                name="outcome_calling",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.state}"


class Opening(Owned):
    """The resident is known to have opened the message: in the portal, or from the notification."""

    message_id = models.BigIntegerField()
    resident_id = models.BigIntegerField()
    channel = models.CharField(max_length=10)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["municipality", "message_id", "resident_id", "channel"],
                name="one_opening_per_channel",
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel} opened"


class Envelope(Owned):
    """A push to this device sealed but for its words (envelopes.py). Taken once, for one chunk."""

    device = models.OneToOneField(Device, on_delete=models.CASCADE, related_name="+")
    secret = models.BinaryField(max_length=157)

    def __str__(self) -> str:
        return f"for device {self.device_id}"


class EnvelopeBlock(Owned):
    """The envelopes that one chunk took, each with the digest of the words it is for."""

    chunk = models.OneToOneField(Chunk, on_delete=models.CASCADE, related_name="+")
    held = models.BinaryField()

    def __str__(self) -> str:
        return f"of chunk {self.chunk_id}"
