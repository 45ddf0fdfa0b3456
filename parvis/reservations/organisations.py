"""Organisations that the town knows, and the people who may reserve in their name."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from parvis.municipalities.models import Owned
from parvis.reservations import prices
from parvis.residents.models import Resident


class Organisation(Owned):
    """An organisation that the town knows, and the class of prices that it has."""

    name = models.CharField(max_length=160)
    price_class = models.CharField(
        max_length=12, choices=list(prices.CLASSES.items()), default=prices.NON_PROFIT
    )
    recognised_until = models.DateField(null=True, blank=True)
    """Last day of its recognition; past it, it pays as its people do. Empty: not recognised."""
    insured_until = models.DateField(null=True, blank=True)
    """Last day of the insurance that it showed."""
    note = models.CharField(max_length=300, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["municipality", "name"], name="one_organisation_per_name"
            )
        ]

    def __str__(self) -> str:
        return self.name


class OrganisationMember(Owned):
    """A resident who may reserve in the name of an organisation."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="members")
    resident = models.ForeignKey(Resident, on_delete=models.CASCADE, related_name="organisations")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["organisation", "resident"], name="one_member_per_organisation"
            )
        ]

    def __str__(self) -> str:
        return f"member {self.resident_id} of organisation {self.organisation_id}"
