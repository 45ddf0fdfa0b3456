"""Whom an announcement concerns: sectors, a drawn area, addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from parvis.announcements.models import Announcement
from parvis.core.errors import Refused
from parvis.municipalities.models import Municipality
from parvis.territory.models import Address, Sector
from parvis.territory.search import addresses_within


@dataclass(frozen=True)
class Target:
    """What the sending room of a message is given; both None means the whole town."""

    sector_ids: list[int] | None
    address_ids: list[int] | None


def standing_sectors(municipality: Municipality, sector_ids: Sequence[int]) -> list[int]:
    """Those that still exist in the town, in the order given, once each."""
    known = set(
        Sector.objects.of(municipality).filter(pk__in=sector_ids).values_list("pk", flat=True)
    )
    return [pk for pk in dict.fromkeys(sector_ids) if pk in known]


def standing_addresses(municipality: Municipality, address_ids: Sequence[int]) -> list[int]:
    known = set(
        Address.objects.of(municipality).filter(pk__in=address_ids).values_list("pk", flat=True)
    )
    return [pk for pk in dict.fromkeys(address_ids) if pk in known]


def target(announcement: Announcement) -> Target:
    """Sectors and addresses as they stand now, or raise Refused when none is left.

    What was meant for a few must never go to the whole town because the few are gone.
    """
    if announcement.concerns_everyone:
        return Target(None, None)
    town = announcement.municipality
    sectors = standing_sectors(town, announcement.sector_ids)
    addresses = standing_addresses(town, announcement.address_ids)
    if announcement.area is not None:
        addresses = sorted({*addresses, *addresses_within(town, announcement.area)})
    if not sectors and not addresses:
        raise Refused(
            _(
                "Personne n’est visé\u00a0: aucune adresse ne se trouve dans la zone ou les "
                "secteurs choisis."
            )
        )
    return Target(sectors, addresses)
