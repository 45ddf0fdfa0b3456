"""Where people live: the town's sectors and its civic addresses."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.utils.translation import gettext_lazy as _

from parvis.municipalities.models import Owned
from parvis.territory import rules


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


class Street(Owned):
    """A street that has addresses, for searching. Written by a trigger on addresses, never by hand.

    Searching here first, then addresses by number, needs only indexes that row-level security
    lets PostgreSQL use; a text index on addresses themselves is passed over behind the wall.
    """

    key = models.CharField(max_length=160)
    search = models.GeneratedField(
        expression=models.Func(
            models.Func(models.F("key"), models.Value(" "), function="string_to_array"),
            function="array_to_tsvector",
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["municipality", "key"], name="one_street_per_key")
        ]

    def __str__(self) -> str:
        return self.key


class Address(Owned):
    """A civic address, from the assessment roll or from the town's own list."""

    class Source(models.TextChoices):
        HAND = "hand", _("À la main")
        CSV = "csv", _("Liste de la ville")
        ROLL = "roll", _("Rôle d’évaluation")

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
    key = models.CharField(max_length=240)
    """Number, street and unit reduced to one spelling: what makes an address itself."""
    street_key = models.CharField(max_length=160, default="")
    low = models.IntegerField(null=True, blank=True)
    high = models.IntegerField(null=True, blank=True)
    """First and last civic number: the same, or the two ends of «415-419»."""
    source = models.CharField(max_length=10, choices=Source, default=Source.HAND)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["municipality", "key"], name="one_address_per_key")
        ]
        indexes: ClassVar = [
            models.Index(fields=["municipality", "sector"], name="address_by_sector"),
            models.Index(fields=["municipality", "street_key", "low"], name="address_by_street"),
            models.Index(fields=["municipality", "low"], name="address_by_number"),
        ]

    def __str__(self) -> str:
        unit = f", app. {self.unit}" if self.unit else ""
        return f"{self.number}, {self.street}{unit}" if self.number else f"{self.street}{unit}"

    def spell(self) -> None:
        """Set what is derived from number, street and unit."""
        self.key = rules.address_key(self.number, self.street, self.unit)
        self.street_key = rules.street_key(self.street)
        self.low, self.high = rules.number_span(self.number)

    def save(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("update_fields") is None:
            self.spell()
        super().save(*args, **kwargs)


class Import(Owned):
    """One file brought in by staff: how far it is, and what came of it."""

    class Kind(models.TextChoices):
        SECTORS = "sectors", _("Secteurs (GeoJSON)")
        ADDRESSES = "addresses", _("Adresses (CSV)")
        ROLL = "roll", _("Rôle d’évaluation (XML)")

    class State(models.TextChoices):
        WAITING = "waiting", _("En attente")
        RUNNING = "running", _("En cours")
        DONE = "done", _("Terminée")
        REFUSED = "refused", _("Refusée")

    kind = models.CharField(max_length=10, choices=Kind)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    file_name = models.CharField(max_length=200)
    stored = models.CharField(max_length=80)
    """Name of the file under the data folder; emptied once it has been read."""
    by_id = models.BigIntegerField(null=True, blank=True)
    progress = models.FloatField(default=0)
    report = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind}: {self.state}"
