"""Where people live: the town's sectors and its civic addresses."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from parvis.municipalities.models import Owned


class Sector(Owned):
    """A part of the town, drawn as a polygon or several (GeoJSON, RFC 7946, WGS 84)."""

    name = models.CharField(max_length=80)
    code = models.CharField(max_length=40, blank=True)
    geometry = models.JSONField()
    west = models.FloatField()
    south = models.FloatField()
    east = models.FloatField()
    north = models.FloatField()
    updated_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["municipality", "name"], name="one_sector_per_name")
        ]

    def __str__(self) -> str:
        return self.name


class Address(Owned):
    """A civic address, from the assessment roll or from the town's own list."""

    number = models.CharField(max_length=20, blank=True)
    street = models.CharField(max_length=120)
    unit = models.CharField(max_length=20, blank=True)
    postal_code = models.CharField(max_length=7, blank=True)
    matricule = models.CharField(max_length=24, blank=True)
    dwellings = models.PositiveIntegerField(default=1)
    longitude = models.FloatField(null=True, blank=True)
    latitude = models.FloatField(null=True, blank=True)
    sector = models.ForeignKey(
        Sector, on_delete=models.SET_NULL, null=True, blank=True, related_name="addresses"
    )
    key = models.CharField(max_length=200)
    """Number, street and unit reduced to one spelling: what makes an address itself."""
    search = SearchVectorField(null=True)
    source = models.CharField(max_length=10, default="hand")
    """roll, csv or hand."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["municipality", "key"], name="one_address_per_key")
        ]
        indexes: ClassVar = [
            GinIndex(fields=["search"], name="address_search"),
            models.Index(fields=["municipality", "sector"], name="address_by_sector"),
            models.Index(fields=["municipality", "street"], name="address_by_street"),
        ]

    def __str__(self) -> str:
        unit = f", app. {self.unit}" if self.unit else ""
        return f"{self.number}, {self.street}{unit}" if self.number else f"{self.street}{unit}"
