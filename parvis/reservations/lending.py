"""What the town lends, written down by its clerks: resources, their hours, prices and limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from parvis.core import typography
from parvis.core.db import violated_constraint
from parvis.core.errors import Refused
from parvis.core.money import ZERO
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality
from parvis.reservations import holds, hours, prices, rules, slots
from parvis.reservations.hours import Opening, Season
from parvis.reservations.models import (
    Hours,
    Limit,
    Organisation,
    OrganisationMember,
    Question,
    Rate,
    Resource,
    Taking,
    Unit,
)
from parvis.reservations.readings import occupation
from parvis.residents.models import Resident

COLUMNS = frozenset(
    {
        "family", "name", "summary", "text", "capacity", "accessibility", "address", "place",
        "total", "mode", "open_to", "step", "shortest", "longest", "notice", "days_ahead",
        "before", "after", "cancel_notice", "free_hours", "kept_percent", "conditions",
        "instructions", "offer_minutes", "deposit", "deposit_each", "ways", "bring", "meeting",
    }
)  # fmt: skip
MOST_UNITS = 60
FARTHEST = timedelta(days=rules.LONGEST_AHEAD_DAYS + 40)


@dataclass(frozen=True)
class Asked:
    """A question as it is written down."""

    label: str
    kind: str = Question.Kind.TEXT
    choices: Sequence[str] = ()
    required: bool = True


@dataclass(frozen=True)
class Sheet:
    """Everything that hangs on a resource, to be written whole."""

    units: Sequence[str] = ()
    openings: Sequence[Opening] = ()
    rates: Sequence[prices.Rate] = ()
    limits: Sequence[dict[str, Any]] = ()
    questions: Sequence[Asked] = ()


@transaction.atomic
def add_resource(
    town: Municipality, *, kind: str, sheet: Sheet, clerk: Resident, now: datetime, **facts: Any
) -> Resource:
    """Write down something that the town lends, not offered yet, or raise Refused."""
    if kind not in Resource.Kind.values:
        raise Refused(_("Choisissez un lieu, du matériel ou des rendez-vous."))
    resource = Resource(municipality=town, kind=kind, created_at=now, revised_at=now)
    _fill(resource, facts)
    check_resource(resource, sheet)
    _save(resource)
    _write_sheet(resource, sheet, now=now)
    record("reservations.resource_added", municipality=town, actor=clerk, resource=resource.pk)
    return resource


@transaction.atomic
def change_resource(
    resource: Resource,
    *,
    token: int,
    sheet: Sheet,
    clerk: Resident,
    now: datetime,
    **facts: Any,
) -> Resource:
    """Write it anew, or raise Refused. What was booked keeps its price and its hours.

    Whoever books at the same instant comes before or after: the resource is locked.
    """
    (fresh,) = holds.lock(resource.municipality, [resource.pk])
    if fresh.token != token:
        raise Refused(
            _("Quelqu’un d’autre vient de modifier cette fiche. Rechargez-la avant d’écrire.")
        )
    _fill(fresh, facts)
    check_resource(fresh, sheet)
    check_promises(fresh, now=now)
    fresh.token += 1
    fresh.revised_at = now
    _save(fresh)
    _write_sheet(fresh, sheet, now=now)
    record(
        "reservations.resource_changed", municipality=fresh.municipality_id, actor=clerk,
        resource=fresh.pk,
    )  # fmt: skip
    return fresh


@transaction.atomic
def set_state(resource: Resource, *, state: str, clerk: Resident, now: datetime) -> Resource:
    """Offer it to residents, or withdraw it, or raise Refused. What was promised stays."""
    (fresh,) = holds.lock(resource.municipality, [resource.pk])
    if state not in {Resource.State.OPEN, Resource.State.CLOSED}:
        raise Refused(_("Choisissez d’offrir ou de retirer."))
    if fresh.state == state:
        return fresh
    if state == Resource.State.OPEN and not fresh.hours.exists():
        raise Refused(_("Écrivez d’abord ses heures d’ouverture."))
    fresh.state, fresh.revised_at = state, now
    fresh.save(update_fields=["state", "revised_at"])
    deed = "offered" if state == Resource.State.OPEN else "withdrawn"
    record(
        f"reservations.resource_{deed}", municipality=fresh.municipality_id, actor=clerk,
        resource=fresh.pk,
    )  # fmt: skip
    return fresh


def _fill(resource: Resource, facts: dict[str, Any]) -> None:
    if not facts.keys() <= COLUMNS:
        raise ValueError(f"not columns of a resource: {facts.keys() - COLUMNS}")
    for name, value in facts.items():
        setattr(resource, name, value)
    resource.name = " ".join(resource.name.split())


def check_resource(resource: Resource, sheet: Sheet) -> None:
    """Raise Refused unless someone could ever book it as it is written."""
    if not resource.name:
        raise Refused(_("Donnez-lui un nom."))
    rules.check_terms(resource.terms)
    if resource.is_appointment:
        check_desk(resource)
    if resource.is_space:
        resource.total = None
        names = [name.casefold() for name in sheet.units]
        if len(names) > MOST_UNITS or len(set(names)) != len(names):
            raise Refused(
                _("Chaque terrain a son nom, une seule fois, et il y en a {n} au plus.").format(
                    n=MOST_UNITS
                )
            )
    elif not resource.total or resource.total > 100_000:
        raise Refused(_("Écrivez combien la Ville en prête, de 1 à 100\u00a0000."))
    if not ZERO <= resource.deposit <= prices.HIGHEST:
        raise Refused(_("Le dépôt va de 0\u00a0$ à 99\u00a0999,99\u00a0$."))
    if not 0 <= resource.kept_percent <= 100:
        raise Refused(_("La part gardée va de 0 à 100\u00a0%."))
    for rate in sheet.rates:
        prices.check_rate(rate)


def check_desk(resource: Resource) -> None:
    """Raise Refused unless its appointments have one length and a way to meet."""
    if resource.shortest != resource.longest:
        raise Refused(_("Tous les rendez-vous d’une fiche ont la même durée."))
    if not resource.ways or not set(resource.ways) <= set(Resource.Way.values):
        raise Refused(_("Choisissez au moins une façon de se rencontrer."))
    if Resource.Way.VIDEO in resource.ways and not resource.meeting.strip():
        raise Refused(_("Écrivez comment rejoindre la rencontre par vidéo."))


def check_promises(resource: Resource, *, now: datetime) -> None:
    """Raise Refused if fewer would be left than are already promised."""
    if resource.is_space:
        return
    whole = hours.Span(now, now + FARTHEST)
    taken = occupation(resource.municipality, [resource.pk], whole, now=now)
    most = slots.most_taken(taken.out(resource.pk), whole)
    if (resource.total or 0) < most:
        raise Refused(
            _(
                "Il y en a déjà {n} de promis en même temps\u00a0: gardez-en au moins autant."
            ).format(n=typography.number(most))
        )


def _save(resource: Resource) -> None:
    try:
        with transaction.atomic():
            resource.save()
    except IntegrityError as error:
        if violated_constraint(error) == "one_resource_per_name":
            raise Refused(_("Ce nom est déjà pris par une autre fiche.")) from error
        raise


def _write_sheet(resource: Resource, sheet: Sheet, *, now: datetime) -> None:
    town = resource.municipality
    mine = {"municipality": town, "resource": resource}
    if resource.is_space:
        _write_units(resource, sheet.units or [""], now=now)
    Hours.objects.of(town).filter(resource=resource).delete()
    Hours.objects.bulk_create(
        Hours(
            **mine, weekday=one.weekday, opens=one.opens, closes=one.closes, **_season(one.season)
        )
        for one in sheet.openings
    )
    Rate.objects.of(town).filter(resource=resource).delete()
    Rate.objects.bulk_create(
        Rate(
            **mine, unit=one.unit, amount=one.amount, price_class=one.price_class,
            first_on=one.first_on, last_on=one.last_on, gst=one.gst, qst=one.qst,
            **_season(one.season),
        )
        for one in sheet.rates
    )  # fmt: skip
    Limit.objects.of(town).filter(resource=resource).delete()
    try:
        with transaction.atomic():
            Limit.objects.bulk_create(Limit(**mine, **facts) for facts in sheet.limits)
    except IntegrityError as error:
        if violated_constraint(error) == "one_limit_per_kind":
            raise Refused(_("Deux limites disent la même chose\u00a0: gardez-en une.")) from error
        raise
    Question.objects.of(town).filter(resource=resource).delete()
    Question.objects.bulk_create(
        Question(
            **mine, label=one.label, kind=one.kind, choices=list(one.choices),
            required=one.required, position=place,
        )
        for place, one in enumerate(sheet.questions)
    )  # fmt: skip


def _season(season: Season | None) -> dict[str, int | None]:
    """As the columns hold it: 1201 is the first of December."""
    if season is None:
        return {"season_first": None, "season_last": None}
    first, last = season.first, season.last
    return {
        "season_first": first[0] * 100 + first[1],
        "season_last": last[0] * 100 + last[1],
    }


def _write_units(resource: Resource, names: Sequence[str], *, now: datetime) -> None:
    """Keep the units of these names, add new ones, retire the others unless they are promised."""
    standing = list(resource.units.filter(retired_at__isnull=True))
    by_name = {one.name: one for one in standing}
    if len(names) == 1 and len(standing) == 1:
        # A single place that is given a name stays the same place.
        by_name = {names[0]: standing[0]}
    for place, name in enumerate(names):
        unit = by_name.pop(name, None)
        if unit is None:
            unit = Unit(municipality=resource.municipality, resource=resource)
        unit.name, unit.position = name, place
        unit.save()
    for unit in by_name.values():
        promised = Taking.objects.of(resource.municipality_id).standing(now)
        if promised.filter(unit=unit, blocked__endswith__gt=now).exists():
            raise Refused(
                _("{name} est réservé\u00a0: déplacez d’abord ses réservations.").format(
                    name=unit.name or resource.name
                )
            )
        unit.retired_at = now
        unit.save(update_fields=["retired_at"])


# --- organisations ------------------------------------------------------------------------------


@transaction.atomic
def write_organisation(
    town: Municipality,
    *,
    clerk: Resident,
    now: datetime,
    name: str,
    price_class: str,
    recognised_until: date | None,
    insured_until: date | None,
    note: str = "",
    organisation: Organisation | None = None,
) -> Organisation:
    """Write down an organisation and until when it is recognised, or raise Refused."""
    name = " ".join(name.split())[:160]
    if not name:
        raise Refused(_("Écrivez le nom de l’organisme."))
    if price_class not in prices.CLASSES:
        raise Refused(_("Choisissez une catégorie de la liste."))
    row = organisation or Organisation(municipality=town, created_at=now)
    row.name, row.price_class, row.note = name, price_class, " ".join(note.split())[:300]
    row.recognised_until, row.insured_until = recognised_until, insured_until
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        if violated_constraint(error) == "one_organisation_per_name":
            raise Refused(_("Un organisme de ce nom existe déjà.")) from error
        raise
    record("reservations.organisation_written", municipality=town, actor=clerk, organisation=row.pk)
    return row


@transaction.atomic
def set_member(
    organisation: Organisation, resident: Resident, *, member: bool, clerk: Resident, now: datetime
) -> None:
    """Let someone reserve in the name of an organisation, or no longer. Twice is once."""
    town = organisation.municipality_id
    rows = OrganisationMember.objects.of(town).filter(organisation=organisation, resident=resident)
    if member:
        _row, changed = rows.get_or_create(
            organisation=organisation,
            resident=resident,
            defaults={"municipality_id": town, "created_at": now},
        )
    else:
        changed = bool(rows.delete()[0])
    if changed:
        deed = "member_added" if member else "member_removed"
        record(
            f"reservations.{deed}", municipality=town, actor=clerk, organisation=organisation.pk,
            resident=resident.pk,
        )  # fmt: skip
