"""What the invented towns lend, at what price, and who has reserved what."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from parvis.demo.asked import ACTIVITIES, DAY, ask_for, book_for, meet, wait_for
from parvis.municipalities.models import Municipality
from parvis.reservations import rules, slots
from parvis.reservations.hours import Span
from parvis.reservations.models import (
    Booking,
    Closure,
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
from parvis.reservations.readings import offers
from parvis.residents.models import Resident
from parvis.territory.models import Address

CODES = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
ALL_WEEK = range(7)


SUBJECTS = (
    "Une clôture en façade", "Une piscine hors terre", "Agrandir la cuisine",
    "Un cabanon de 12 pieds", "Abattre un érable", "Changer les fenêtres",
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """One resource, as the seed writes it."""

    name: str
    kind: str
    family: str
    summary: str
    hours: tuple[int, int] = (8, 22)
    days: tuple[int, ...] = tuple(ALL_WEEK)
    season: tuple[int, int] | None = None
    units: int = 1
    busy: float = 0.3
    """Share of the starts that somebody took."""
    rates: tuple[tuple[str, str, str], ...] = ()
    """Class, unit, amount; taxed."""
    facts: dict[str, Any] = field(default_factory=dict)
    question: str = ""
    limit: tuple[int, str] | None = None
    desks: tuple[str, ...] = ()
    """Who receives, when it is by appointment."""


def hourly(resident: int, other: int, commercial: int) -> tuple[tuple[str, str, str], ...]:
    return (
        ("resident", "hour", str(resident)), ("non_resident", "hour", str(other)),
        ("non_profit", "hour", "0"), ("commercial", "hour", str(commercial)),
    )  # fmt: skip


PLANS = (
    Plan(
        "Gymnase de Naudville", "space", "gym", "Un gymnase double, avec vestiaires et gradins.",
        hours=(9, 21), busy=0.45, rates=hourly(22, 30, 45),
        facts={
            "capacity": 60, "accessibility": "Accès de plain-pied", "place": "entrée B",
            "cancel_notice": 2 * 1440, "notice": 120, "before": 0, "after": 0, "longest": 240,
            "free_hours": 72, "kept_percent": 25,
            "text": "Deux terrains de badminton tracés, six paniers et un tableau de pointage. "
            "Les filets sont au local d’entretien.\n\nChaussures qui ne marquent pas le plancher.",
            "conditions": "Je remets le gymnase comme je l’ai trouvé.\nJe ferme les lumières et "
            "je barre la porte en partant.\nAucun aliment sur le plancher.",
            "instructions": "Le code de la porte B est 4471. Il sert de 15 minutes avant "
            "jusqu’à 15 minutes après.",
        },
    ),
    Plan(
        "Salle du Pont", "space", "room", "Une salle claire de 120 places, avec cuisine, au bord "
        "de la rivière.",
        hours=(8, 23), busy=0.25, rates=hourly(35, 50, 80),
        facts={
            "capacity": 120, "accessibility": "Rampe et toilette adaptée", "mode": "approval",
            "shortest": 120, "longest": 720, "before": 60, "after": 60, "notice": 3 * 1440,
            "days_ahead": 365, "cancel_notice": 7 * 1440, "free_hours": 336, "kept_percent": 50,
            "deposit": Decimal("150.00"),
            "text": "Douze tables rondes, cent vingt chaises, une cuisine avec four et lave-"
            "vaisselle, un projecteur au plafond.",
            "conditions": "La salle est rendue propre, vaisselle lavée.\nPas de musique après "
            "23 h.\nLe dépôt revient dans les dix jours si rien n’est brisé.",
            "instructions": "La clé se prend au comptoir de la mairie, la veille avant 16 h 30.",
        },
        question="Servirez-vous de l’alcool\u202f?",
    ),
    Plan(
        "Local des aînés", "space", "room", "Un local de 40 places au rez-de-chaussée de la "
        "bibliothèque.",
        hours=(8, 21), busy=0.35,
        facts={"capacity": 40, "accessibility": "Accès de plain-pied", "longest": 300,
               "cancel_notice": 120, "notice": 60},
    ),
    Plan(
        "Terrains de tennis du parc Damase-Boulanger", "space", "court",
        "Quatre terrains éclairés, filets fournis.",
        hours=(8, 22), units=4, busy=0.4, limit=(2, "upcoming"),
        facts={"longest": 120, "days_ahead": 7, "cancel_notice": 60,
               "accessibility": "Sentier asphalté"},
    ),
    Plan(
        "Patinoire couverte", "space", "rink", "Une glace réfrigérée sous un toit, sans gradins.",
        hours=(7, 23), busy=0.5, season=(1101, 415), rates=hourly(90, 120, 180),
        facts={"capacity": 30, "before": 0, "after": 15, "cancel_notice": 3 * 1440},
    ),
    Plan(
        "Pavillon du parc Falaise", "space", "shelter", "Un abri de bois avec tables et foyer.",
        hours=(9, 22), busy=0.2,
        facts={"capacity": 50, "longest": 480, "step": 60, "cancel_notice": 1440},
    ),
    Plan(
        "Inspecteur en bâtiment", "appointment", "desk",
        "Permis, clôture, piscine, rénovation\u00a0: posez vos questions avant de commencer.",
        hours=(9, 16), days=(0, 1, 2, 3), units=2, busy=0.5,
        desks=("Marie-Ève Gagnon", "Sylvain Boivin"),
        facts={
            "step": 30, "shortest": 30, "longest": 30, "days_ahead": 45, "notice": 240,
            "cancel_notice": 120, "place": "service d’urbanisme, 2e étage",
            "accessibility": "Ascenseur", "ways": ["here", "phone", "video"],
            "bring": "Un plan ou un croquis avec les mesures\nDes photos du terrain\n"
            "Votre certificat de localisation, si vous l’avez",
            "meeting": "https://rencontre.exemple.ca/urbanisme\nOuvrez le lien à l’heure dite "
            "et attendez qu’on vous fasse entrer.",
            "text": "L’inspecteur dit ce que le règlement permet chez vous, et ce qu’il faut "
            "joindre à une demande de permis. Il ne délivre pas de permis pendant la rencontre.",
        },
    ),
    Plan(
        "Tables pliantes", "equipment", "furniture", "Six pieds, pour huit personnes.",
        hours=(8, 17), days=(0, 1, 2, 3, 4), rates=(("", "item", "2"),), busy=0.3,
        facts={"total": 40, "longest": 5 * 1440, "shortest": 60, "after": 60,
               "place": "garage municipal", "cancel_notice": 1440, "deposit": Decimal("5.00"),
               "deposit_each": True},
    ),
    Plan(
        "Chaises pliantes", "equipment", "furniture", "Grises, à dossier de plastique.",
        hours=(8, 17), days=(0, 1, 2, 3, 4), rates=(("", "item", "0.50"),), busy=0.3,
        facts={"total": 200, "longest": 5 * 1440, "shortest": 60, "after": 60,
               "place": "garage municipal", "cancel_notice": 1440},
    ),
    Plan(
        "Chapiteau de 6 mètres sur 6", "equipment", "tent", "Se monte à quatre, en une heure.",
        hours=(8, 17), days=(0, 1, 2, 3, 4), rates=(("", "day", "45"),), busy=0.2,
        facts={"total": 3, "longest": 5 * 1440, "shortest": 1440, "before": 60, "after": 240,
               "mode": "approval", "place": "garage municipal", "notice": 2 * 1440,
               "cancel_notice": 3 * 1440,
               "conditions": "Je monte le chapiteau moi-même, jamais par grand vent."},
    ),
    Plan(
        "Filets de badminton", "equipment", "sport", "Avec leurs poteaux sur roulettes.",
        hours=(9, 21), busy=0.2,
        facts={"total": 4, "longest": 240, "shortest": 60, "place": "gymnase de Naudville",
               "cancel_notice": 120},
    ),
    Plan(
        "Projecteur et écran", "equipment", "sound", "Avec un câble HDMI de cinq mètres.",
        hours=(9, 20), days=(0, 1, 2, 3, 4, 5), rates=(("", "day", "10"),), busy=0.3,
        facts={"total": 2, "longest": 3 * 1440, "shortest": 60, "place": "bibliothèque",
               "cancel_notice": 120},
    ),
)  # fmt: skip
SMALL = tuple(plan for plan in PLANS if plan.name in {"Local des aînés", "Tables pliantes"})


def lend(
    town: Municipality,
    *,
    residents: list[Resident],
    addresses: list[Address],
    now: datetime,
    whole: bool,
) -> int:
    """Write down what the town lends and what is taken; answer how many bookings there are."""
    chance = random.Random(f"{town.slug} reservations")
    resources = [open_resource(town, plan, chance.choice(addresses), now=now)
                 for plan in (PLANS if whole else SMALL)]  # fmt: skip
    closure(town, now=now)
    plans = dict(zip((one.pk for one in resources), PLANS if whole else SMALL, strict=True))
    rows, takings = [], []
    for booking, taking in promised(town, resources, plans, residents[1:], chance, now=now):
        rows.append(booking)
        takings.append(taking)
    Booking.objects.bulk_create(rows)
    Taking.objects.bulk_create(takings)
    if whole:
        organise(town, residents[0], now=now)
        book_for(town, residents[0], resources, now=now)
        meet(residents[0], next(one for one in resources if one.is_appointment), now=now)
        ask_for(residents[1:4], resources[1], now=now)
        wait_for(residents, resources, now=now)
    return Booking.objects.of(town).count()


def open_resource(town: Municipality, plan: Plan, address: Address, *, now: datetime) -> Resource:
    resource = Resource.objects.create(
        municipality=town, kind=plan.kind, family=plan.family, state="open", name=plan.name,
        summary=plan.summary, created_at=now - 90 * DAY, revised_at=now - 30 * DAY,
        address=None if plan.kind == "equipment" else address, **plan.facts,
    )  # fmt: skip
    if plan.kind != "equipment":
        for number in range(plan.units):
            name = f"Terrain {number + 1}" if plan.units > 1 else ""
            if plan.desks:
                name = plan.desks[number]
            Unit.objects.create(municipality=town, resource=resource, name=name, position=number)
    first, last = plan.season or (None, None)
    opens, closes = plan.hours
    Hours.objects.bulk_create(
        Hours(
            municipality=town, resource=resource, weekday=day, opens=time(opens),
            closes=time(closes % 24), season_first=first, season_last=last,
        )
        for day in plan.days
    )  # fmt: skip
    Rate.objects.bulk_create(
        Rate(
            municipality=town, resource=resource, price_class=name, unit=unit,
            amount=Decimal(amount), gst=True, qst=True,
        )
        for name, unit, amount in plan.rates
    )  # fmt: skip
    if plan.question:
        Question.objects.create(
            municipality=town, resource=resource, label=plan.question, kind="choice",
            choices=["Non", "Oui, avec un permis"],
        )  # fmt: skip
    if plan.limit:
        most, per = plan.limit
        Limit.objects.create(municipality=town, resource=resource, most=most, per=per)
    return resource


def closure(town: Municipality, *, now: datetime) -> None:
    """Everything is closed around New Year."""
    year = now.astimezone(town.zone).year
    Closure.objects.create(
        municipality=town, first_on=datetime(year, 12, 24, tzinfo=town.zone).date(),
        last_on=datetime(year + 1, 1, 2, tzinfo=town.zone).date(), reason="Congé des Fêtes",
        created_at=now,
    )  # fmt: skip


def promised(
    town: Municipality,
    resources: list[Resource],
    plans: dict[int, Plan],
    residents: list[Resident],
    chance: random.Random,
    *,
    now: datetime,
) -> Iterator[tuple[Booking, Taking]]:
    """What other people have, two weeks back and four ahead."""
    today = now.astimezone(town.zone).date()
    known = offers(town, resources)
    for resource in resources:
        plan, offer = plans[resource.pk], known[resource.pk]
        opened = offer.opened(today - 14 * DAY, today + 28 * DAY, town.zone)
        for unit in offer.units or (None,):
            free_from: datetime | None = None
            length = min(
                max(resource.terms.shortest, resource.terms.step * 2), resource.terms.longest
            )
            for start in slots.starts(opened, [], step=resource.terms.step, length=length):
                if free_from is not None and start < free_from:
                    continue
                if chance.random() > plan.busy / (2 if unit else 8):
                    continue
                span = Span(start, start + length)
                around = span.widened(resource.terms.before, resource.terms.after)
                if unit is not None:
                    free_from = around.end + resource.terms.before
                quantity = 1 if unit else max(1, (resource.total or 1) // chance.randrange(6, 20))
                if unit is None:
                    free_from = around.end + DAY
                booking = _row(town, resource, chance.choice(residents), span, chance, now=now)
                yield booking, Taking(
                    municipality=town, booking=booking, resource=resource, unit=unit,
                    quantity=quantity, period=(span.start, span.end),
                    blocked=(around.start, around.end),
                )  # fmt: skip


def _row(
    town: Municipality, resource: Resource, person: Resident, span: Span, chance: random.Random, *,
    now: datetime,
) -> Booking:  # fmt: skip
    asked_at = min(now, span.start) - chance.randrange(1, 12) * DAY
    return Booking(
        municipality=town, state="confirmed", resident=person, period=(span.start, span.end),
        purpose=chance.choice(SUBJECTS if resource.is_appointment else ACTIVITIES),
        way=chance.choice(("here", "here", "phone")) if resource.is_appointment else "",
        price_class="resident", quote={},
        changes_until=rules.cancels_until(span.start, timedelta(minutes=resource.cancel_notice)),
        code="".join(chance.choice(CODES) for _n in range(8)), created_at=asked_at,
        # Nobody is recalled what began before the demonstration did.
        reminded_at=now,
    )  # fmt: skip


def organise(town: Municipality, agathe: Resident, *, now: datetime) -> None:
    """A club for which Agathe may reserve; it is recognised, hence pays its own price."""
    club = Organisation.objects.create(
        municipality=town, name="Club de badminton des Cinq-Cantons", price_class="non_profit",
        recognised_until=now.date() + 300 * DAY, insured_until=now.date() + 120 * DAY,
        created_at=now - 200 * DAY,
    )  # fmt: skip
    OrganisationMember.objects.create(
        municipality=town, organisation=club, resident=agathe, created_at=now - 200 * DAY
    )
