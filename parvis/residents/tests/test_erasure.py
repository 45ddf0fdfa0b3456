"""Taking one's data, and having it erased."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db import connection

from parvis.core.errors import Refused
from parvis.municipalities import actions as municipalities
from parvis.municipalities.models import AuditLine
from parvis.municipalities.tests.make import NOW
from parvis.residents import actions, erasure, households, signals
from parvis.residents.models import Consent, Household, HouseholdMember, Place, Resident
from parvis.residents.tests import make
from parvis.territory.models import Address

MARKS = ("zénobie", "quenneville", "zenobie.q", "5550177", "léonard-unique")


def someone(town) -> Resident:
    """A person of whom every table of the room holds something."""
    where = Address.objects.create(
        municipality=town, number="415", street="rue des Bouleaux", key="415 bouleaux"
    )
    person = make.resident(
        town,
        first_name="Zénobie",
        last_name="Quenneville",
        email="zenobie.q@exemple.ca",
        address=where,
    )
    EmailAddress.objects.create(user=person, email="bureau.zenobie.q@exemple.ca", verified=True)
    actions.add_phone(person, number="418 555-0177", actor=person, now=NOW, label="zénobie")
    actions.answer_consent(person, purpose="openings", given=True, now=NOW)
    household = households.open_household(person, role="owner", now=NOW, name="Les Quenneville")
    households.add_child(household, actor=person, name="Léonard-Unique", now=NOW)
    other = make.resident(town, first_name="Rosaire", email="rosaire@exemple.ca")
    theirs = households.open_household(other, role="owner", now=NOW, name="Chez Rosaire")
    households.invite(
        theirs, actor=other, email="zenobie.q@exemple.ca", role="tenant", now=NOW, token="jeton"
    )
    SocialAccount.objects.create(
        user=person, provider="double", uid="zenobie.q", extra_data={"name": "Zénobie"}
    )
    Authenticator.objects.create(user=person, type="recovery_codes", data={})
    municipalities.invite(
        town, email="zenobie.q@exemple.ca", now=NOW, actor=None, is_administrator=False
    )
    return person


def traces() -> list[tuple[str, str]]:
    """Every text column of every table that still names the person."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns c "
            "JOIN information_schema.tables t USING (table_schema, table_name) "
            "WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND data_type IN "
            "('text', 'character varying', 'json', 'jsonb', 'ARRAY')"
        )
        for table, column in cursor.fetchall():
            for mark in MARKS:
                cursor.execute(
                    f'SELECT count(*) FROM "{table}" WHERE lower("{column}"::text) LIKE %s',
                    [f"%{mark}%"],
                )
                if cursor.fetchone()[0]:
                    found.append((table, column))
    return sorted(set(found))


def test_of_an_erased_person_only_numbers_remain(town):
    person = someone(town)
    make.staff(town)
    before = traces()
    assert ("residents_resident", "email") in before
    assert ("residents_householdmember", "name") in before
    assert ("municipalities_invitation", "email") in before
    lines = AuditLine.objects.of(town).count()

    erasure.erase_resident(person, actor=person, now=NOW)
    assert traces() == []
    person.refresh_from_db()
    assert (person.is_active, person.erased_at, person.session_epoch) == (False, NOW, 1)
    assert not person.has_usable_password()
    assert not Place.objects.of(town).filter(resident=person).exists()
    assert [h.name for h in Household.objects.of(town)] == ["Chez Rosaire"]
    assert AuditLine.objects.of(town).count() == lines + 1
    assert Consent.objects.of(town).filter(resident=person).count() == 1


def test_erasing_twice_does_nothing_more(town):
    person = someone(town)
    told = []

    def hear(resident, **_):
        told.append(resident.pk)

    signals.erase.connect(hear)
    try:
        for _turn in range(2):
            erasure.erase_resident(person, actor=person, now=NOW)
    finally:
        signals.erase.disconnect(hear)
    assert told == [person.pk]
    assert AuditLine.objects.of(town).filter(deed="residents.erased").count() == 1
    assert Resident.objects.get(pk=person.pk).session_epoch == 1


def test_a_member_of_the_staff_is_not_erased(town):
    clerk = make.staff(town, roles={"residents": "act"})
    make.staff(town)
    with pytest.raises(Refused):
        erasure.erase_resident(clerk.person, actor=clerk.person, now=NOW)
    municipalities.leave_staff(clerk, actor=clerk.person, now=NOW)
    erasure.erase_resident(clerk.person, actor=clerk.person, now=NOW)
    assert Resident.objects.get(pk=clerk.person_id).erased_at == NOW


def test_an_address_that_was_erased_can_open_an_account_again(town):
    person = someone(town)
    erasure.erase_resident(person, actor=person, now=NOW)
    assert make.resident(town, email="zenobie.q@exemple.ca").pk != person.pk


def test_the_archive_holds_everything_twice_over_and_nothing_of_others(town):
    person = someone(town)
    make.resident(town, first_name="Autre", email="autre@exemple.ca")
    clerk = make.staff(town).person
    actions.note_file_seen(person, actor=clerk)
    content = erasure.export_resident(person, actor=person, now=NOW)
    archive = zipfile.ZipFile(io.BytesIO(content))
    document = json.loads(archive.read("donnees.json"))
    assert (document["format"], document["ville"]) == (1, "Ville d’Alma")
    found = document["donnees"]
    assert found["compte"][0]["nom"] == "Quenneville"
    assert [row["numero"] for row in found["telephones"]] == ["+14185550177"]
    assert [row["adresse"] for row in found["adresses"]] == ["415, rue des Bouleaux"]
    assert found["consentements"][0]["oui"] is True
    assert len(found["dossier_consulte"]) == 1
    assert "autre@exemple.ca" not in content.decode("latin-1") + json.dumps(document)
    assert {f"{name}.csv" for name in found} | {"donnees.json"} == set(archive.namelist())
    for name, rows in found.items():
        text = archive.read(f"{name}.csv").decode("utf-8-sig")
        read = list(csv.DictReader(io.StringIO(text, newline="")))
        assert len(read) == len(rows), name
        for row, again in zip(rows, read, strict=True):
            assert row.keys() == again.keys(), name
    assert AuditLine.objects.of(town).filter(deed="residents.exported").count() == 1


def test_rooms_above_add_their_rows_to_the_archive(town):
    person = make.resident(town)

    def answer(resident, **_):
        return "abonnements", [{"sujet": "Eau", "pour": resident.pk}]

    signals.export.connect(answer)
    try:
        found = erasure.rows_about(person)
    finally:
        signals.export.disconnect(answer)
    assert found["abonnements"] == [{"sujet": "Eau", "pour": person.pk}]


def test_what_nobody_confirmed_is_forgotten_at_night(town):
    late = NOW + timedelta(days=31)
    confirmed = make.resident(town, email="oui@exemple.ca")
    unconfirmed = make.resident(town, email="non@exemple.ca")
    EmailAddress.objects.filter(user=unconfirmed).update(verified=False)
    offline = make.resident(town, email="comptoir@exemple.ca", opened_at_counter=True)
    EmailAddress.objects.filter(user=offline).update(verified=False)
    household = households.open_household(confirmed, role="owner", now=NOW)
    households.invite(
        household, actor=confirmed, email="x@exemple.ca", role="tenant", now=NOW, token="jeton"
    )
    for _turn in range(2):
        actions.forget(int((NOW + timedelta(days=13)).timestamp()))
        assert HouseholdMember.objects.of(town).filter(invited_email="x@exemple.ca").exists()
    for _turn in range(2):
        actions.forget(int(late.timestamp()))
    left = Resident.objects.of(town).standing().order_by("id").values_list("email", flat=True)
    assert list(left) == ["oui@exemple.ca", "comptoir@exemple.ca"]
    assert not HouseholdMember.objects.of(town).filter(invited_email="x@exemple.ca").exists()
