"""Who has what, when: bookings, what they take, blocks, payments, calendar feeds."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from parvis.core.db import OneOf
from parvis.municipalities.models import Owned, OwnedQuerySet
from parvis.reservations import prices
from parvis.reservations.hours import Span
from parvis.reservations.organisations import Organisation
from parvis.reservations.resources import Resource, Unit
from parvis.residents.models import Resident


class BookingQuerySet(OwnedQuerySet):
    def standing(self, now: datetime) -> Self:
        """Those that keep a place: decided, to be decided, or held while a page is being filled."""
        return self.filter(
            Q(state__in=[Booking.State.ASKED, Booking.State.CONFIRMED])
            | Q(state=Booking.State.HELD, held_until__gt=now)
        )

    def promised(self) -> Self:
        """Those that somebody asked for and nobody took back."""
        return self.filter(state__in=[Booking.State.ASKED, Booking.State.CONFIRMED])

    def upcoming(self, now: datetime) -> Self:
        """Not over yet, the next one first."""
        return self.filter(period__endswith__gt=now).order_by("period__startswith", "id")


class Booking(Owned):
    """One thing that a person asked for: some lines, one period, one state."""

    class State(models.TextChoices):
        HELD = "held", _("Place gardée")
        ASKED = "asked", _("En attente d’une réponse")
        CONFIRMED = "confirmed", _("Confirmée")
        REFUSED = "refused", _("Refusée")
        CANCELLED = "cancelled", _("Annulée")
        EXPIRED = "expired", _("Non terminée")

    class Presence(models.TextChoices):
        ARRIVED = "arrived", _("Arrivé")
        SERVED = "served", _("Servi")
        ABSENT = "absent", _("Absent")

    state = models.CharField(max_length=9, choices=State)
    resident = models.ForeignKey(Resident, on_delete=models.PROTECT, related_name="bookings")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="bookings"
    )
    """In whose name, when it is not for oneself."""
    period = DateTimeRangeField()
    """From the start, or the pick-up, up to the end, or the return; without preparation."""
    purpose = models.CharField(max_length=200, blank=True)
    people = models.PositiveIntegerField(null=True, blank=True)
    answers = models.JSONField(default=list, blank=True)
    """[{question, answer}], as they were asked."""
    conditions = models.TextField(blank=True)
    """What was accepted, word for word."""

    price_class = models.CharField(max_length=12, choices=list(prices.CLASSES.items()))
    quote = models.JSONField(default=dict)
    """The price as it was worked out then: lines, taxes. Later rates do not change it."""
    total = models.DecimalField(max_digits=9, decimal_places=2, default=0)
    deposit = models.DecimalField(max_digits=9, decimal_places=2, default=0)
    changes_until = models.DateTimeField()
    """The last instant when the resident changes or cancels alone, by the rules of then."""
    free_hours = models.PositiveIntegerField(default=0)
    """Until so many hours before, a cancellation costs nothing; after, the town keeps a part."""
    kept_percent = models.PositiveSmallIntegerField(default=0)
    kept = models.DecimalField(max_digits=9, decimal_places=2, default=0)
    """What the town keeps of the total of a booking that was cancelled."""

    key = models.CharField(max_length=64, blank=True)
    """Given by the page: the same request again is the same booking."""
    key_digest = models.CharField(max_length=64, blank=True)
    """Of what was asked with the key."""
    code = models.CharField(max_length=12)
    """Shown at the door."""
    created_at = models.DateTimeField()
    by_id = models.BigIntegerField(null=True, blank=True)
    """The clerk who booked for a caller."""
    held_until = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by_id = models.BigIntegerField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    """Cancelled then."""
    ended_by_town = models.BooleanField(default=False)
    note = models.CharField(max_length=500, blank=True)
    """What the town said with its decision."""
    reminded_at = models.DateTimeField(null=True, blank=True)
    way = models.CharField(max_length=5, choices=Resource.Way, blank=True)
    """Of an appointment: in person, by telephone or by video."""
    presence = models.CharField(max_length=7, choices=Presence, blank=True)
    """Of an appointment: what became of the person, as the desk noted it."""
    presence_at = models.DateTimeField(null=True, blank=True)
    presence_by_id = models.BigIntegerField(null=True, blank=True)
    token = models.PositiveIntegerField(default=1)
    """Raised by each change: a page that shows an older one is stale."""

    objects = BookingQuerySet.as_manager()  # type: ignore[misc, django-manager-missing]

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["resident", "key"], condition=~Q(key=""), name="one_booking_per_key"
            ),
            models.UniqueConstraint(fields=["municipality", "code"], name="one_booking_per_code"),
            models.CheckConstraint(name="booking_lasts", condition=Q(period__isempty=False)),
            models.CheckConstraint(
                name="hold_has_an_end", condition=~Q(state="held") | Q(held_until__isnull=False)
            ),
            models.CheckConstraint(
                name="presence_has_an_hour",
                condition=Q(presence="", presence_at__isnull=True)
                | ~Q(presence="") & Q(presence_at__isnull=False),
            ),
            models.CheckConstraint(
                name="booking_total_is_no_debt", condition=Q(total__gte=0, deposit__gte=0)
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["municipality", "resident", "state"], name="booking_of_resident"),
            models.Index(
                fields=["municipality", "held_until"],
                condition=Q(state="held"),
                name="booking_hold",
            ),
            models.Index(
                fields=["municipality", "created_at"],
                condition=Q(state="asked"),
                name="booking_to_decide",
            ),
            models.Index(
                fields=["municipality"],
                condition=Q(state="confirmed", reminded_at__isnull=True),
                name="booking_to_remind",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """What people quote on the telephone."""
        return f"R-{self.pk}"

    @property
    def span(self) -> Span:
        return Span(self.period.lower, self.period.upper)

    def get_absolute_url(self) -> str:
        return reverse("reservations:booking", args=[self.pk])


class Block(Owned):
    """A time when the town keeps something for itself: repairs, an event of its own."""

    reason = models.CharField(max_length=120)
    """Shown to residents: «Entretien de la glace»."""
    period = DateTimeRangeField()
    created_at = models.DateTimeField()
    by_id = models.BigIntegerField(null=True, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="block_lasts", condition=Q(period__isempty=False))
        ]

    def __str__(self) -> str:
        return self.reason


class TakingQuerySet(OwnedQuerySet):
    def standing(self, now: datetime) -> Self:
        """What really takes a place now: an expired hold does not, though nobody cleared it yet."""
        return self.filter(Q(held_until__isnull=True) | Q(held_until__gt=now), stands=True)

    def overlapping(self, start: datetime, end: datetime) -> Self:
        return self.filter(blocked__overlap=(start, end))


class Taking(Owned):
    """A unit of a space, or so many pieces of equipment, taken by a booking or a block.

    A unit is never taken twice: the exclusion constraint keeps it so. Equipment is never promised
    beyond what the town has: a trigger (migration 0002) locks the resource and counts.
    """

    booking = models.ForeignKey(
        Booking, on_delete=models.CASCADE, null=True, blank=True, related_name="takings"
    )
    block = models.ForeignKey(
        Block, on_delete=models.CASCADE, null=True, blank=True, related_name="takings"
    )
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="takings")
    unit = models.ForeignKey(
        Unit, on_delete=models.PROTECT, null=True, blank=True, related_name="takings"
    )
    """Of a space; equipment has none."""
    quantity = models.PositiveIntegerField(default=1)
    period = DateTimeRangeField()
    blocked = DateTimeRangeField()
    """With the preparation before and after: nobody else has it then."""
    stands = models.BooleanField(default=True)
    """False once its booking or block is over with, refused, cancelled, expired or lifted."""
    held_until = models.DateTimeField(null=True, blank=True)
    """As its booking's: past it, it takes nothing."""

    objects = TakingQuerySet.as_manager()  # type: ignore[misc, django-manager-missing]

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            # A place is never lent twice. This, not a check in Python, is what keeps it so.
            ExclusionConstraint(
                name="unit_taken_once",
                expressions=[
                    (OneOf("unit_id"), RangeOperators.OVERLAPS),
                    ("blocked", RangeOperators.OVERLAPS),
                ],
                condition=Q(stands=True, unit__isnull=False),
            ),
            models.CheckConstraint(
                # An empty range would escape the exclusion.
                name="taking_lasts",
                condition=Q(
                    period__isempty=False,
                    blocked__isempty=False,
                    blocked__contains=models.F("period"),
                ),
            ),
            models.CheckConstraint(
                name="taking_by_a_booking_or_a_block",
                condition=Q(booking__isnull=False) | Q(block__isnull=False),
            ),
            models.CheckConstraint(
                name="taking_takes_something",
                condition=Q(quantity__gte=1) & (Q(unit__isnull=True) | Q(quantity=1)),
            ),
        ]
        indexes: ClassVar = [
            GistIndex(
                OneOf("resource_id"),
                "blocked",
                condition=Q(stands=True),
                name="taking_of_resource",
            )
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of resource {self.resource_id}"

    @property
    def span(self) -> Span:
        return Span(self.period.lower, self.period.upper)


class PaymentQuerySet(OwnedQuerySet):
    def counted(self) -> Self:
        """Without those that were entered by mistake."""
        return self.filter(withdrawn_at__isnull=True)


class Payment(Owned):
    """Money that a clerk took or gave back for a booking."""

    class Kind(models.TextChoices):
        FEE = "fee", _("Paiement")
        REFUND = "refund", _("Remboursement")
        DEPOSIT = "deposit", _("Dépôt reçu")
        RETURN = "return", _("Dépôt rendu")

    class Means(models.TextChoices):
        CASH = "cash", _("Comptant")
        CARD = "card", _("Carte, au terminal")
        CHEQUE = "cheque", _("Chèque")
        TRANSFER = "transfer", _("Virement")

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="payments")
    kind = models.CharField(max_length=7, choices=Kind, default=Kind.FEE)
    amount = models.DecimalField(max_digits=9, decimal_places=2)
    means = models.CharField(max_length=8, choices=Means)
    receipt = models.CharField(max_length=40, blank=True)
    """Number of the paper receipt, or of the terminal's."""
    key = models.CharField(max_length=64, blank=True)
    """Given by the page: pressed twice, it is written once."""
    at = models.DateTimeField()
    by_id = models.BigIntegerField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    """Entered by mistake; it stays to be seen."""
    withdrawn_by_id = models.BigIntegerField(null=True, blank=True)

    objects = PaymentQuerySet.as_manager()  # type: ignore[misc, django-manager-missing]

    class Meta:
        ordering: ClassVar = ["at", "id"]
        constraints: ClassVar = [
            models.CheckConstraint(name="payment_is_some_money", condition=Q(amount__gt=0)),
            models.UniqueConstraint(
                fields=["municipality", "receipt"],
                condition=~Q(receipt="") & Q(withdrawn_at__isnull=True),
                name="one_payment_per_receipt",
            ),
            models.UniqueConstraint(
                fields=["booking", "key"], condition=~Q(key=""), name="one_payment_per_key"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"

    @property
    def signed(self) -> Decimal:
        """Money in is positive, money given back negative."""
        back = self.kind in {self.Kind.REFUND, self.Kind.RETURN}
        return -self.amount if back else self.amount


class CalendarFeed(Owned):
    """The private address where a resident's calendar reads their bookings."""

    resident = models.OneToOneField(
        Resident, on_delete=models.CASCADE, related_name="calendar_feed"
    )
    digest = models.CharField(max_length=64, unique=True)
    """Of the secret in the address; the secret itself is shown once."""
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"feed {self.pk}"
