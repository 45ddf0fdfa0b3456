"""Who could be reached before anything happens: counted as an emergency would count, quickly."""

from __future__ import annotations

import hashlib
import json
import re
import time

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import Client
from django.utils import timezone

from parvis.alerts import coverage
from parvis.alerts.tests import alerts
from parvis.announcements.tests import make as places
from parvis.core.db import as_town
from parvis.municipalities.models import AuditLine
from parvis.municipalities.tests.make import NOW
from parvis.notifications import audience
from parvis.notifications.models import BadAddress, Chunk, ClosedNumber
from parvis.notifications.providers import read_providers
from parvis.notifications.tests.make import device
from parvis.residents.models import Household, HouseholdMember, Phone
from parvis.residents.tests import make
from parvis.territory.models import Address, Sector

pytestmark = pytest.mark.django_db
SENDER = {"name": "principal", "account": "AC1", "token": "t", "routine": "+14185550100"}
ROUTINE_ONLY = json.dumps([SENDER])
PROVIDER = json.dumps([{**SENDER, "emergency": "+14185550101", "voice": "+14185550102"}])
WHERE = "/bureau/alertes/couverture/"


def desk_of(town, **roles) -> Client:
    member = make.staff(town, roles=roles or {"alerts": "see"})
    return make.sign_in(Client(), member.person, second_factor=True)


def text_of(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def phone(person, *, verified=True, how="text", number="+14185550142") -> Phone:
    return Phone.objects.create(
        municipality=person.municipality, resident=person, number=number, created_at=NOW,
        verified_at=NOW if verified else None, verified_how=how,
    )  # fmt: skip


def closed(row: Phone, channel: str, reason: str) -> None:
    ClosedNumber.objects.create(
        municipality=row.municipality, phone=row, resident=row.resident, channel=channel,
        reason=reason, since=NOW,
    )  # fmt: skip


def line(town, name="Nord") -> coverage.Share:
    sectors = list(Sector.objects.of(town).order_by("name"))
    found = coverage.shares(town, sectors, now=timezone.now())
    return next(one for one in found if one.name == name)


@pytest.fixture
def north(town):
    return places.sector(town, "Nord")


@pytest.fixture
def carried(settings):
    """The town has a sender for each use."""
    settings.TELEPHONY = read_providers(PROVIDER)


def counts(one: coverage.Share) -> tuple[int, ...]:
    return (one.addresses, one.covered, one.phone, one.push, one.email)


def test_only_a_contact_that_an_emergency_would_use_covers_an_address(town, north, carried):
    homes = [places.address(town, sector=north) for _ in range(8)]
    mailed = make.resident(town, address=homes[0])
    silent = make.resident(town, address=homes[1])
    EmailAddress.objects.filter(user=silent).update(verified=False)
    bounced = make.resident(town, address=homes[2])
    BadAddress.objects.create(
        municipality=town, resident=bounced, since=NOW, reason="550 5.1.1",
        email_id=EmailAddress.objects.get(user=bounced).pk,
    )  # fmt: skip
    device(make.resident(town, email="", address=homes[3]))
    phone(make.resident(town, email="", address=homes[4]))
    phone(make.resident(town, email="", address=homes[5]), verified=False)
    left = make.resident(town, address=homes[6])
    left.is_active = False
    left.save()
    assert counts(line(town)) == (8, 3, 1, 1, 1)
    # A second person, a second contact: the address counts once.
    make.resident(town, address=homes[0])
    phone(mailed, number="+14185550143")
    assert counts(line(town)) == (8, 3, 2, 1, 1)


def test_a_number_counts_as_an_emergency_would_use_it(town, north, carried):
    asked, unknown = (places.address(town, sector=north) for _ in range(2))
    stopped = phone(make.resident(town, email="", address=asked))
    closed(stopped, "text", "asked")
    closed(stopped, "voice", "unknown_number")
    # Who stopped texts stopped the routine ones.
    assert counts(line(town))[1:3] == (1, 1)
    nobody = phone(make.resident(town, email="", address=unknown), number="+14185550144")
    closed(nobody, "text", "unknown_number")
    closed(nobody, "voice", "unknown_number")
    assert counts(line(town))[1:3] == (1, 1)


def test_without_a_sender_of_emergencies_telephones_count_for_nothing(town, north, settings):
    phone(make.resident(town, email="", address=places.address(town, sector=north)))
    settings.TELEPHONY = ()
    assert line(town).covered == 0
    assert "les téléphones ne comptent pas" in text_of(desk_of(town).get(WHERE))
    settings.TELEPHONY = read_providers(ROUTINE_ONLY)
    assert "text" not in audience.emergency_channels(town)
    assert line(town).covered == 0
    settings.TELEPHONY = read_providers(PROVIDER)
    assert line(town).covered == 1
    assert "les téléphones ne comptent pas" not in text_of(desk_of(town).get(WHERE))


def test_a_household_covers_its_home_once_it_has_accepted(town, north):
    home = places.address(town, sector=north)
    house = Household.objects.create(municipality=town, address=home, created_at=NOW)
    member = HouseholdMember.objects.create(
        municipality=town, household=house, resident=make.resident(town), role="tenant",
        created_at=NOW,
    )  # fmt: skip
    assert line(town).covered == 0
    member.accepted_at = NOW
    member.save()
    assert line(town).covered == 1


def test_one_account_does_not_reach_a_whole_building(town, north):
    building = places.address(town, sector=north, dwellings=24)
    make.resident(town, address=building)
    shared = places.address(town, sector=north, dwellings=1)
    make.resident(town, address=shared)
    make.resident(town, address=shared)
    places.address(town, sector=north, dwellings=6)
    found = line(town)
    assert (found.covered, found.dwellings, found.dwellings_at_most) == (2, 31, 2)


def test_another_town_counts_for_nothing(town, other_town, north):
    places.address(town, sector=north)
    with as_town(other_town.pk):
        make.resident(other_town, address=places.address(other_town))
    assert counts(line(town)) == (1, 0, 0, 0, 0)
    assert len(coverage.uncovered(town, now=NOW)) == 1


def test_what_lies_outside_every_sector_is_a_line_of_its_own(town, north):
    places.address(town, sector=north)
    make.resident(town, address=places.address(town))
    sectors = list(Sector.objects.of(town))
    found = coverage.shares(town, sectors, now=NOW)
    assert [(one.name, one.addresses, one.covered) for one in found] == [
        ("Nord", 1, 0), ("Hors secteur", 1, 1),
    ]  # fmt: skip
    everything = coverage.whole(found)
    assert (everything.addresses, everything.covered, everything.percent) == (2, 1, 50.0)


@pytest.mark.parametrize(
    ("covered", "level"), [(0, 0), (249, 0), (250, 1), (500, 2), (899, 3), (900, 4), (1000, 4)]
)
def test_a_shade_is_reached_and_not_rounded_to(covered, level):
    assert coverage.Share(1, "Nord", 1000, covered, 0, 0, 0, 0, 0).level == level


def test_the_page_draws_each_sector_with_its_share_in_words_and_figures(town, north):
    south = places.sector(town, "Sud", at=1)
    for sector, lived_in in ((north, 3), (south, 1)):
        for number in range(4):
            home = places.address(town, sector=sector)
            if number < lived_in:
                make.resident(town, address=home)
    page = desk_of(town).get(WHERE)
    html = page.content.decode()
    assert re.findall(r">(\d+)\u00a0%</tspan>", html) == ["75", "25"]
    assert re.findall(r'class="m-c" data-level="(\d)" d=', html) == ["3", "1"]
    assert "Le moins couvert\u00a0: Sud, 25\u00a0% des adresses." in html
    assert "Le mieux couvert\u00a0: Nord, 75\u00a0%." in html
    assert "50,0" in text_of(page) and "4 sur 8" in text_of(page)
    assert f"sans-contact/?secteur={south.pk}" in html


def test_a_town_without_addresses_is_told_what_to_bring_in(town):
    assert "Importez le rôle" in text_of(desk_of(town).get(WHERE))


def test_the_list_goes_up_one_side_of_the_street_and_back_by_the_other(town, north):
    for number in ("2", "1", "10", "9", "4", "11", "3"):
        Address.objects.create(municipality=town, number=number, street="rue Collard", sector=north)
    found = coverage.uncovered(town, now=NOW)
    assert [one.label.split(",")[0] for one in found] == ["1", "3", "9", "11", "10", "4", "2"]


def test_addresses_without_a_contact_are_listed_by_sector_and_carried_with_a_hash(town, north):
    south = places.sector(town, "Sud", at=1)
    empty = Address.objects.create(municipality=town, number="", street="=2+3", sector=north)
    silent = places.address(town, sector=north)
    make.resident(town, email="", address=silent)
    elsewhere, nowhere = places.address(town, sector=south), places.address(town)
    make.resident(town, address=places.address(town, sector=north))
    desk = desk_of(town)
    page = text_of(desk.get(f"{WHERE}sans-contact/"))
    assert "4 adresses sur 5" in page
    for one in (empty, silent, elsewhere, nowhere):
        assert str(one) in page
    assert page.count("Un compte, aucun contact vérifié") == 1
    page = text_of(desk.get(f"{WHERE}sans-contact/?secteur={north.pk}"))
    assert "2 adresses sur 3" in page
    assert str(silent) in page and str(elsewhere) not in page and str(nowhere) not in page
    page = text_of(desk.get(f"{WHERE}sans-contact/?secteur=aucun"))
    assert str(nowhere) in page and str(silent) not in page
    assert desk.get(f"{WHERE}sans-contact/?secteur=999999").status_code == 404
    assert desk.get(f"{WHERE}sans-contact.csv?secteur=abc").status_code == 404
    file = desk.get(f"{WHERE}sans-contact.csv?secteur={north.pk}")
    lines = file.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 3
    # Nothing that a spreadsheet would run.
    assert "'=2+3" in file.content.decode()
    assert len(desk.get(f"{WHERE}sans-contact.csv").content.splitlines()) == 5
    digest = hashlib.sha256(file.content).hexdigest()
    assert file["X-Content-SHA256"] == digest
    assert digest[:12] in file["Content-Disposition"]
    written = AuditLine.objects.of(town).filter(deed="alerts.uncovered_exported").order_by("pk")
    assert [one.facts["sector"] for one in written] == [str(north.pk), ""]
    assert written[0].facts["sha256"] == digest


def test_the_list_agrees_with_who_a_real_alert_would_miss(town, north):
    """Whoever is not covered is not planned, and the other way round."""
    homes = [places.address(town, sector=north) for _ in range(3)]
    reached = make.resident(town, address=homes[0])
    make.resident(town, email="", address=homes[1])
    missing = {one.pk for one in coverage.uncovered(town, now=timezone.now())}
    assert missing == {homes[1].pk, homes[2].pk}
    alerts.sent(town, now=timezone.now(), sector_ids=[north.pk])
    mails = [pk for one in Chunk.objects.of(town).filter(channel="email") for pk in one.recipients]
    assert mails == [EmailAddress.objects.get(user=reached).pk]


def test_coverage_costs_the_same_queries_whatever_the_number(
    town, north, django_assert_num_queries
):
    make.resident(town, address=places.address(town, sector=north))
    places.sector(town, "Sud", at=1)
    for _ in range(5):
        make.resident(town, address=places.address(town, sector=north))
    sectors = list(Sector.objects.of(town).order_by("name"))
    # Savepoint, planner off, the reading, planner on, release.
    with django_assert_num_queries(5):
        coverage.shares(town, sectors, now=NOW)


def test_fifty_thousand_addresses_are_counted_at_once(town, north):
    """Straight after the import, when PostgreSQL still believes its tables empty."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO territory_address (municipality_id, number, street, unit, postal_code, "
            "matricule, dwellings, key, street_key, low, high, source, sector_id) "
            "SELECT %s, n::text, 'rue ' || n / 50, '', '', '', 1, n || ' rue', 'rue ' || n / 50, "
            "n, n, 'roll', %s FROM generate_series(1, 50000) n",
            [town.pk, north.pk],
        )
        cursor.execute(
            "INSERT INTO residents_resident (municipality_id, password, email, first_name, "
            "last_name, language, is_active, joined_at, opened_at_counter, session_epoch) "
            "SELECT %s, '', n || '@exemple.ca', '', '', 'fr', true, now(), false, 0 "
            "FROM generate_series(1, 30000) n",
            [town.pk],
        )
        cursor.execute(
            "INSERT INTO residents_place (municipality_id, resident_id, kind, label, address_id, "
            "created_at) SELECT %s, r.id, 'home', '', a.id, now() FROM residents_resident r "
            "JOIN territory_address a ON a.number = split_part(r.email, '@', 1) "
            "AND a.municipality_id = r.municipality_id WHERE r.municipality_id = %s",
            [town.pk, town.pk],
        )
        cursor.execute(
            'INSERT INTO account_emailaddress (user_id, email, verified, "primary") '
            "SELECT id, email, true, true FROM residents_resident WHERE municipality_id = %s",
            [town.pk],
        )
    sectors = [north]
    began = time.monotonic()
    found = coverage.shares(town, sectors, now=NOW)
    counted = time.monotonic() - began
    assert (found[0].addresses, found[0].covered) == (50_000, 30_000)
    began = time.monotonic()
    rows = coverage.uncovered(town, now=NOW, most=100, skip=19_900)
    listed = time.monotonic() - began
    assert len(rows) == 100
    # 0.16 s and 0.14 s on two calm cores; looking rows up one by one takes minutes.
    assert max(counted, listed) < 5, (counted, listed)


def test_the_page_is_for_those_who_see_alerts(town):
    assert desk_of(town, announcements="act").get(WHERE).status_code == 403
    assert desk_of(town).get(WHERE).status_code == 200
