"""Whom an alert concerns: the whole town, sectors, a drawn area, chosen addresses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parvis.alerts import rules
from parvis.alerts.models import Revision
from parvis.core.errors import Refused
from parvis.municipalities.models import Municipality
from parvis.notifications import audience
from parvis.notifications.models import Subject
from parvis.notifications.subjects import EMERGENCY
from parvis.territory import geometry
from parvis.territory.drawing import enumeration
from parvis.territory.models import Address, Sector
from parvis.territory.search import addresses_within


@dataclass(frozen=True)
class Target:
    """What the sending room is given; both None means the whole town."""

    sector_ids: list[int] | None
    address_ids: list[int] | None


def emergency_subject(municipality: Municipality) -> Subject:
    """The subject that nobody subscribes to and everybody receives; made where a town has none."""
    found: Subject | None = (
        Subject.objects.of(municipality).filter(is_emergency=True).order_by("pk").first()
    )
    if found is None:
        name, detail, icon = EMERGENCY
        found, _made = Subject.objects.of(municipality).get_or_create(
            municipality=municipality, name=name,
            defaults={"detail": detail, "icon": icon, "is_emergency": True},
        )  # fmt: skip
    return found


def standing_sectors(municipality: Municipality, sector_ids: Iterable[int]) -> list[int]:
    wanted = set(sector_ids)
    rows = Sector.objects.of(municipality).filter(pk__in=wanted)
    return sorted(rows.values_list("pk", flat=True))


def standing_addresses(municipality: Municipality, address_ids: Iterable[int]) -> list[int]:
    wanted = set(address_ids)
    rows = Address.objects.of(municipality).filter(pk__in=wanted)
    return sorted(rows.values_list("pk", flat=True))


def check_in_town(municipality: Municipality, area: geometry.Geometry) -> None:
    """Raise Refused when the drawing touches nothing of the town."""
    drawn = geometry.as_shape(area)
    sectors = list(Sector.objects.of(municipality))
    if any(drawn.intersects(geometry.as_shape(one.geometry)) for one in sectors):
        return
    if not addresses_within(municipality, area):
        raise Refused(_("La zone dessinée est hors de la ville\u00a0: dessinez-la de nouveau."))


def area_of(revision: Revision) -> Target:
    """Sectors and addresses of this revision as they stand now, or raise Refused when none is.

    What was meant for a few must never go to the whole town because the few are gone.
    """
    found = as_it_stands(revision)
    if found.sector_ids is not None and not found.sector_ids and not found.address_ids:
        raise Refused(
            _(
                "Personne n’est visé\u00a0: choisissez la ville, un secteur, une zone qui contient "
                "des adresses, ou des adresses."
            )
        )
    return found


def as_it_stands(revision: Revision) -> Target:
    """The same, empty when nothing of it is left."""
    if revision.everywhere:
        return Target(None, None)
    town = revision.municipality
    addresses = standing_addresses(town, [*revision.address_ids, *revision.area_address_ids])
    if revision.area is not None:
        addresses = rules.union([addresses, addresses_within(town, revision.area)])
    return Target(standing_sectors(town, revision.sector_ids), addresses)


def told(revision: Revision, earlier: Sequence[Revision]) -> Target:
    """Whom this revision goes to: its own area, and everyone who was told before."""
    # The end of an alert is said even where nothing of its area is left.
    areas = [as_it_stands(revision) if revision.ends_it else area_of(revision)]
    areas += [as_it_stands(one) for one in earlier]
    if any(one.sector_ids is None for one in areas):
        return Target(None, None)
    return Target(
        rules.union([one.sector_ids or [] for one in areas]),
        rules.union([one.address_ids or [] for one in areas]),
    )


def step_of(revision: Revision) -> int | None:
    """Minutes between a person's channels; None where lives cannot wait: all at once."""
    return None if revision.severity == rules.EXTREME else revision.municipality.step_minutes


def count(revision: Revision, earlier: Sequence[Revision], *, now: datetime) -> audience.Audience:
    """Who would be reached if it left now, or raise Refused."""
    to = told(revision, earlier)
    return audience.count_audience(
        municipality=revision.municipality, subject=emergency_subject(revision.municipality),
        now=now, sector_ids=to.sector_ids, address_ids=to.address_ids,
        step_minutes=step_of(revision),
    )  # fmt: skip


def address_count(revision: Revision) -> int:
    """Civic addresses of the area, as they stand; zero when nobody is aimed at."""
    rows = Address.objects.of(revision.municipality)
    if revision.everywhere:
        return int(rows.count())
    inside = rows.filter(sector_id__in=revision.sector_ids).values_list("pk", flat=True)
    return len({*inside, *revision.address_ids, *revision.area_address_ids})


def concerns(revision: Revision, address: Address) -> bool:
    """Whether the revision is about this address."""
    return (
        revision.everywhere
        or address.sector_id in revision.sector_ids
        or address.pk in revision.address_ids
        or address.pk in revision.area_address_ids
    )


def where(revision: Revision, names: dict[int, str] | None = None) -> str:
    """The area in words: «Naudville et Riverbend», «Toute la ville», «Une zone dessinée»."""
    if revision.everywhere:
        return _("Toute la ville")
    if names is None:
        rows = Sector.objects.of(revision.municipality_id).filter(pk__in=revision.sector_ids)
        names = dict(rows.values_list("pk", "name"))
    parts = sorted(names[pk] for pk in revision.sector_ids if pk in names)
    if revision.area is not None:
        parts.append(_("une zone dessinée sur la carte"))
    if revision.address_ids:
        n = len(revision.address_ids)
        parts.append(ngettext("%(n)s adresse", "%(n)s adresses", n) % {"n": n})
    text = enumeration(parts)
    return text[:1].upper() + text[1:]
