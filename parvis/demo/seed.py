"""What the demonstration begins with: two invented towns, their people, and what they were told."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from parvis.core import secret
from parvis.core.db import as_town
from parvis.demo import announce, ask, ground, people, receive, reservations, towns, warn
from parvis.demo.towns import TownPlan
from parvis.municipalities import actions as municipalities
from parvis.municipalities import crests
from parvis.municipalities.models import Municipality, StaffMember
from parvis.notifications.models import Preference, Subject, Subscription
from parvis.residents.models import Household, HouseholdMember, Phone, Place, Resident
from parvis.territory.models import Address

Say = Callable[[str], None]
FIRST_HOST = towns.ALMA.host
PASSWORD = "bienvenue-sur-le-parvis"
TOTP_SECRET = "PARVISDEMONSTRATIONALMA234567AAA"
"""Known to all, as the password is: a second factor that the demonstration shows on a page."""
ACCOUNTS = {
    "Citoyenne": "agathe@exemple.ca",
    "Communications": "camille@exemple.ca",
    "Accueil": "olivier@exemple.ca",
    "Administration": "lise@exemple.ca",
    "Sécurité civile": "bruno@exemple.ca",
}


def seed_once(*, say: Say) -> None:
    """Fill an empty database, whole or not at all; leave one that has towns as it is."""
    if Municipality.objects.exists():
        return
    began = time.monotonic()
    say("Invention de deux villes et de leurs habitants…")
    password = make_password(PASSWORD)
    with transaction.atomic():
        for plan in towns.TOWNS:
            open_demo_town(plan, password=password, now=timezone.now(), say=say)
    say(f"Villes prêtes ({time.monotonic() - began:.1f}\u00a0s).")


def open_demo_town(plan: TownPlan, *, password: str, now: datetime, say: Say) -> None:
    town = municipalities.open_town(
        slug=plan.slug,
        name=plan.name,
        host=plan.host,
        brand=plan.brand,
        now=now - timedelta(days=200),
        code=plan.code,
        help_phone=plan.help_phone,
        night_phone=plan.night_phone,
        contact_email=plan.contact_email,
        street_address=plan.street_address,
        privacy_officer=plan.privacy_officer,
        privacy_email=plan.privacy_email,
        demonstration=True,
        **plan.facts,
    )
    with as_town(town.pk):
        crests.change_crest(town, data=plan.crest.encode(), actor=None)
        sectors = ground.draw_sectors(town, plan, now=now)
        addresses = ground.number_addresses(town, plan, sectors)
        subjects = list_subjects(town, plan)
        say(f"  {plan.name}\u00a0: {len(sectors)} secteurs, {len(addresses)} adresses")
        residents = settle_residents(town, plan, addresses, password=password, now=now)
        subscribe(town, residents, subjects, now=now)
        staff = hire_staff(town, plan, password=password, now=now)
        said = announce.announce(town, actor=staff["Communications"], now=now)
        lent = reservations.lend(
            town, residents=residents, addresses=addresses, now=now,
            whole=plan.slug == towns.ALMA.slug,
        )  # fmt: skip
        designated = StaffMember.objects.of(town).filter(is_alert_authority=True)
        warned = warn.warn(
            town, proposer=staff["Communications"], now=now,
            members=list(designated.exclude(person=staff["Communications"]).order_by("-pk")),
        )  # fmt: skip
        asked = ask.ask(town, residents, clerk=staff["Accueil"], now=now)
        receive.receive(town, now=now)
        say(
            f"  {plan.name}\u00a0: {len(residents)} habitants, {said} avis, {lent} réservations, "
            f"{asked} demandes, {warned} alertes passées"
        )


def list_subjects(town: Municipality, plan: TownPlan) -> list[Subject]:
    name, detail, icon = towns.EMERGENCY
    emergency, _new = Subject.objects.of(town).update_or_create(
        is_emergency=True,
        defaults={"name": name, "detail": detail, "icon": icon},
        create_defaults={
            "municipality": town,
            "name": name,
            "detail": detail,
            "icon": icon,
            "is_emergency": True,
        },
    )
    known = {subject.name for subject in Subject.objects.of(town)}
    Subject.objects.bulk_create(
        Subject(municipality=town, name=name, detail=detail, icon=icon, position=position)
        for position, (name, detail, icon) in enumerate(plan.subjects, 1)
        if name not in known
    )
    return [emergency, *Subject.objects.of(town).filter(is_emergency=False)]


def settle_residents(
    town: Municipality, plan: TownPlan, addresses: list[Address], *, password: str, now: datetime
) -> list[Resident]:
    """Residents with a verified address of e-mail, a home, and for some a telephone."""
    chance = random.Random(f"{plan.slug} residents")
    invented = list(
        people.invent(plan.residents, seed=len(plan.slug), faults=plan.slug == towns.ALMA.slug)
    )
    rows = [
        Resident(
            municipality=town,
            email=person.email,
            first_name=person.first_name,
            last_name=person.last_name,
            password=password,
            joined_at=now - timedelta(days=chance.randrange(1, 190), hours=chance.randrange(24)),
        )
        for person in invented
    ]
    if plan.slug == towns.ALMA.slug:
        rows[0].first_name, rows[0].last_name = "Agathe", "Tremblay"
        rows[0].email = ACCOUNTS["Citoyenne"]
        invented[0] = people.Person("Agathe", "Tremblay", rows[0].email, "+14185550142")
    residents: list[Resident] = Resident.objects.bulk_create(rows, batch_size=1000)
    EmailAddress.objects.bulk_create(
        (
            EmailAddress(user=resident, email=resident.email, verified=True, primary=True)
            for resident in residents
        ),
        batch_size=1000,
    )
    homes = [chance.choice(addresses) for _ in residents]
    if plan.slug == towns.ALMA.slug:
        homes[0] = next(one for one in addresses if one.street == "rue des Bouleaux")
    Place.objects.bulk_create(
        (
            Place(
                municipality=town,
                resident=resident,
                kind=Place.Kind.HOME,
                address=home,
                created_at=resident.joined_at,
            )
            for resident, home in zip(residents, homes, strict=True)
        ),
        batch_size=1000,
    )
    first_of: set[str] = set()
    phones = []
    for resident, person in zip(residents, invented, strict=True):
        if resident is not residents[0] and chance.random() >= 0.4:
            continue
        # One account for each number has shown that it is theirs; Agathe has yet to.
        is_theirs = resident is not residents[0] and person.phone not in first_of
        first_of.add(person.phone)
        phones.append(
            Phone(
                municipality=town,
                resident=resident,
                number=person.phone,
                label="Cellulaire",
                verified_at=resident.joined_at if is_theirs else None,
                verified_how="text" if is_theirs else "",
                created_at=resident.joined_at,
            )
        )
    Phone.objects.bulk_create(phones, batch_size=1000)
    share_homes(town, residents, homes, now=now)
    return residents


def share_homes(
    town: Municipality, residents: list[Resident], homes: list[Address], *, now: datetime
) -> None:
    """People who live at one address are one household, in a tenth of the homes."""
    living: dict[int, list[Resident]] = {}
    for resident, home in zip(residents, homes, strict=True):
        living.setdefault(home.pk, []).append(resident)
    shared = [(pk, people) for pk, people in living.items() if len(people) > 1][::10]
    households = Household.objects.bulk_create(
        Household(municipality=town, address_id=pk, created_at=now) for pk, _people in shared
    )
    HouseholdMember.objects.bulk_create(
        HouseholdMember(
            municipality=town,
            household=household,
            resident=resident,
            role="owner" if place == 0 else "tenant",
            accepted_at=now,
            created_at=now,
        )
        for household, (_pk, members) in zip(households, shared, strict=True)
        for place, resident in enumerate(members)
    )


SHARES = {"Eau": 0.62, "Rues et travaux": 0.48, "Collectes": 0.55, "Déneigement": 0.41}
OTHERS = 0.28


def subscribe(
    town: Municipality, residents: list[Resident], subjects: list[Subject], *, now: datetime
) -> None:
    """Choices in plausible shares: most by e-mail at once, some as a digest, many by push too."""
    chance = random.Random(f"{town.slug} subscriptions")
    places = dict(Place.objects.of(town).values_list("resident_id", "pk"))
    phones = Phone.objects.of(town).filter(verified_at__isnull=False)
    reachable = set(phones.values_list("resident_id", flat=True))
    rows = []
    for number, resident in enumerate(residents):
        pace = chance.choices(["now", "daily", "weekly"], [80, 14, 6])[0]
        for subject in subjects:
            if subject.is_emergency:
                continue
            if number and chance.random() > SHARES.get(subject.name, OTHERS):
                continue
            ways = [("email", 0.9), ("push", 0.35)]
            if resident.pk in reachable:
                ways += [("text", 0.6), ("voice", 0.05)]
            for channel, share in ways:
                if number and chance.random() > share:
                    continue
                rows.append(
                    Subscription(
                        municipality=town,
                        resident=resident,
                        place_id=places[resident.pk],
                        subject=subject,
                        channel=channel,
                        pace=pace if number and channel == "email" else "now",
                        created_at=resident.joined_at,
                    )
                )
    Subscription.objects.bulk_create(rows, batch_size=2000)
    Preference.objects.bulk_create(
        Preference(
            municipality=town, resident=resident, emergency_order=EMERGENCY_ORDERS[resident.pk % 4]
        )
        for resident in residents
        if chance.random() < 0.2
    )


EMERGENCY_ORDERS: tuple[list[str] | None, ...] = (
    None,
    None,
    [],
    ["push", "text", "voice", "email"],
)
"""What invented people chose: mostly nothing."""
STAFF = {
    "Communications": (
        "Camille",
        "Émond",
        "Communications",
        {"announcements": "act", "alerts": "act"},
    ),
    "Accueil": (
        "Olivier",
        "Maltais",
        "Service à la population",
        {"cases": "act", "residents": "act", "reservations": "act"},
    ),
    "Administration": ("Lise", "Gaudreault", "Greffe et administration", {}),
    "Sécurité civile": (
        "Bruno",
        "Villeneuve",
        "Incendie et sécurité civile",
        {"alerts": "act", "rescue": "act"},
    ),
}


DESIGNATED = frozenset({"Administration", "Sécurité civile"})
"""Who decides an alert (regulation S-2.4, r. 1, s. 5)."""


def hire_staff(
    town: Municipality, plan: TownPlan, *, password: str, now: datetime
) -> dict[str, Resident]:
    hired = {}
    for role, (first, last, title, roles) in STAFF.items():
        email = ACCOUNTS[role] if plan.slug == towns.ALMA.slug else f"{plan.slug}.{ACCOUNTS[role]}"
        person = Resident.objects.create(
            municipality=town,
            email=email,
            first_name=first,
            last_name=last,
            password=password,
            joined_at=now,
        )
        EmailAddress.objects.create(user=person, email=email, verified=True, primary=True)
        Place.objects.create(
            municipality=town, resident=person, kind=Place.Kind.HOME, created_at=now
        )
        enciphered = secret.encipher("mfa", TOTP_SECRET.encode()).decode()
        Authenticator.objects.create(
            user=person, type=Authenticator.Type.TOTP, data={"secret": enciphered}
        )
        municipalities.add_staff(
            town,
            person=person,
            now=now,
            title=title,
            roles=dict(roles),
            is_administrator=role == "Administration",
            is_alert_authority=role in DESIGNATED,
        )
        hired[role] = person
    return hired


def accounts_sheet(port: int) -> str:
    """Who may sign in, printed once the pages answer."""
    lines = ["", "Comptes de démonstration (données inventées)\u00a0:"]
    lines += [f"  {role:<15} {email}" for role, email in ACCOUNTS.items()]
    lines += [
        f"  Mot de passe    {PASSWORD}",
        f"  Code du Bureau  http://{FIRST_HOST}:{port}/demo/code",
        f"  Courriels       http://{FIRST_HOST}:{port}/demo/courriels",
        f"  Téléphone       http://{FIRST_HOST}:{port}/demo/telephone",
        f"  Autre ville     http://{towns.ISLE.host}:{port} (isle.lise@exemple.ca…)",
        "Ctrl-C arrête tout\u202f; vos essais restent pour la prochaine fois.",
    ]
    return "\n".join(lines)
