"""The door-to-door round of an alert: what was found at each address, by whom and when."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from parvis.municipalities.models import Owned
from parvis.territory.models import Address


class Visit(Owned):
    """One knock at one door. Rows are only added: another knock is another row.

    The newest says how it is there.
    """

    class Found(models.TextChoices):
        WARNED = "warned", _("Gens prévenus")
        NOTICE = "notice", _("Absents, avis laissé")
        EMPTY = "empty", _("Inoccupé")
        AGAIN = "again", _("À refaire")

    alert = models.ForeignKey("alerts.Alert", on_delete=models.PROTECT, related_name="visits")
    address = models.ForeignKey(Address, on_delete=models.PROTECT, related_name="+")
    found = models.CharField(max_length=6, choices=Found)
    by_id = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["alert", "address", "-id"], name="visit_newest_first")
        ]

    def __str__(self) -> str:
        return f"{self.found} at address {self.address_id}"
