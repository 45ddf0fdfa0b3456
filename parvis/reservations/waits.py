"""Who waits for a place that others have: the line, one row for each wish."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from parvis.municipalities.models import Owned, OwnedQuerySet
from parvis.reservations.bookings import Booking
from parvis.reservations.hours import Span
from parvis.reservations.organisations import Organisation
from parvis.reservations.resources import Resource
from parvis.residents.models import Resident


class WaitQuerySet(OwnedQuerySet):
    def standing(self) -> Self:
        """Those still in line, or with an offer in hand."""
        return self.filter(state__in=[Wait.State.WAITING, Wait.State.OFFERED])

    def in_order(self) -> Self:
        """As they came."""
        return self.order_by("created_at", "pk")

    def of_page(self, now: datetime) -> Self:
        """Standing and still to come, the next one first, with what a page says of them."""
        return (
            self.standing()
            .filter(period__startswith__gt=now)
            .select_related("resource", "resident", "booking", "organisation", "municipality")
            .order_by("period__startswith", "created_at", "pk")
        )


class Wait(Owned):
    """A wish for a place that was taken. A freed place is kept, by a held booking, for the first.

    Rows change only under the lock of their resource, but for a person who leaves the town.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("En attente")
        OFFERED = "offered", _("Place offerte")
        BOOKED = "booked", _("Réservée")
        LAPSED = "lapsed", _("Offre non prise")
        LEFT = "left", _("Liste quittée")
        OVER = "over", _("Moment passé")

    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    resident = models.ForeignKey(Resident, on_delete=models.PROTECT, related_name="+")
    resource = models.ForeignKey(Resource, on_delete=models.PROTECT, related_name="waits")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    quantity = models.PositiveIntegerField(default=1)
    people = models.PositiveIntegerField(null=True, blank=True)
    period = DateTimeRangeField()
    created_at = models.DateTimeField()
    booking = models.ForeignKey(
        Booking, on_delete=models.PROTECT, null=True, blank=True, related_name="waits"
    )
    """What keeps the place while it is offered, then what became of it."""
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = WaitQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["resident", "resource", "period"],
                condition=Q(state__in=["waiting", "offered"]),
                name="one_place_in_line_per_wish",
            ),
            models.CheckConstraint(name="wait_lasts", condition=Q(period__isempty=False)),
            models.CheckConstraint(
                name="offer_keeps_a_place",
                condition=~Q(state="offered") | Q(booking__isnull=False),
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["municipality", "resource", "created_at"],
                condition=Q(state__in=["waiting", "offered"]),
                name="wait_in_line",
            ),
        ]

    def __str__(self) -> str:
        return f"wait {self.pk}"

    @property
    def span(self) -> Span:
        return Span(self.period.lower, self.period.upper)

    def get_absolute_url(self) -> str:
        return reverse("reservations:wait", args=[self.pk])
