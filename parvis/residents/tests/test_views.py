"""The resident's own pages."""

from __future__ import annotations

import io
import re
import time
import zipfile

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from parvis.core.db import as_town
from parvis.municipalities.tests.make import NOW
from parvis.residents import actions, households
from parvis.residents.models import Consent, Household, HouseholdMember, Phone, Place, Resident
from parvis.residents.tests import letters, make
from parvis.territory.models import Address

HTMX = {"HTTP_HX_REQUEST": "true"}


def text(page) -> str:
    return page.content.decode()


def address(town, number: str = "415") -> Address:
    return Address.objects.create(
        municipality=town, number=number, street="rue des Bouleaux", key=f"{number} bouleaux"
    )


@pytest.fixture
def person(client, town) -> Resident:
    found = make.resident(town)
    make.sign_in(client, found)
    return found


@pytest.fixture
def elsewhere(other_town) -> Resident:
    """Someone of another town, with a row of each kind."""
    with as_town(other_town.pk):
        found = make.resident(other_town, address=address(other_town))
        actions.add_phone(found, number="418 555-0199", actor=found, now=NOW)
        households.open_household(found, role="owner", now=NOW)
        found.rows = {
            "phone": Phone.objects.get().pk,
            "place": Place.objects.get().pk,
            "household": Household.objects.get().pk,
            "member": HouseholdMember.objects.get().pk,
        }
    return found


def prove(client: Client) -> None:
    client.post("/compte/reauthenticate/", {"password": make.PASSWORD})


@pytest.mark.parametrize(
    "path",
    [
        "", "nom/", "telephones/", "adresses/", "menage/", "consentements/", "protection/",
        "donnees/",
    ],
)  # fmt: skip
def test_each_page_opens_and_names_itself(client, person, path):
    page = client.get(f"/moi/{path}")
    assert page.status_code == 200
    assert text(page).count("<h1") == 1
    assert page["Cache-Control"] == "private, no-store"


def test_what_belongs_to_another_town_does_not_exist_here(client, person, elsewhere):
    rows = elsewhere.rows
    posts = [
        f"telephones/{rows['phone']}/retirer/",
        f"adresses/{rows['place']}/retirer/",
        f"menage/{rows['household']}/inviter/",
        f"menage/{rows['household']}/enfant/",
        f"menage/{rows['household']}/{rows['member']}/role/",
        f"menage/{rows['household']}/{rows['member']}/retirer/",
    ]
    assert [client.post(f"/moi/{path}").status_code for path in posts] == [404] * 6
    gets = [f"adresses/{rows['place']}/", f"menage/{rows['household']}/"]
    assert [client.get(f"/moi/{path}").status_code for path in gets] == [404] * 2


def test_what_belongs_to_a_neighbour_does_not_exist_for_me(client, town, person):
    other = make.resident(town)
    phone = actions.add_phone(other, number="418 555-0111", actor=other, now=NOW)
    household = households.open_household(other, role="owner", now=NOW)
    assert client.post(f"/moi/telephones/{phone.pk}/retirer/").status_code == 404
    assert client.get(f"/moi/adresses/{other.home.pk}/").status_code == 404
    assert client.get(f"/moi/menage/{household.pk}/").status_code == 404
    assert Phone.objects.of(town).count() == 1


# --- name and language ------------------------------------------------------------------------


def test_a_resident_changes_name_and_language(client, person):
    page = client.post("/moi/nom/", {"first_name": "Aggie", "last_name": "Roy", "language": "en"})
    assert page["Location"] == "/moi/"
    assert page.cookies["langue"].value == "en"
    person.refresh_from_db()
    assert (person.name, person.language) == ("Aggie Roy", "en")


def test_a_missing_name_comes_back_as_a_fragment(client, person):
    page = client.post("/moi/nom/", {"first_name": "", "language": "fr"}, **HTMX)
    assert page.status_code == 422
    assert text(page).startswith("<form")
    person.refresh_from_db()
    assert person.first_name == "Agathe"


def test_the_page_stays_french_where_english_is_for_safety_only(client, town, person):
    client.cookies["langue"] = "en"
    assert client.get("/moi/")["Content-Language"] == "fr"


def test_the_account_says_the_language_where_the_browser_does_not(client, town):
    town.recognised_29_1, town.languages = True, {"en": "all"}
    town.save()
    make.sign_in(client, make.resident(town, language="en"))
    assert client.get("/moi/")["Content-Language"] == "en"


# --- telephones -------------------------------------------------------------------------------


def test_a_resident_adds_and_removes_a_number(client, town, person):
    assert client.post("/moi/telephones/", {"number": "418 555-0142"}).status_code == 302
    phone = Phone.objects.of(town).get()
    page = text(client.get("/moi/telephones/"))
    assert "418\u00a0555-0142" in page
    assert "Non vérifié" in page
    client.post(f"/moi/telephones/{phone.pk}/retirer/")
    assert not Phone.objects.of(town).exists()


@pytest.mark.parametrize("typed", ["12", "allô", ""])
def test_a_wrong_number_is_refused_in_french_and_kept_in_the_field(client, town, person, typed):
    page = client.post("/moi/telephones/", {"number": typed}, **HTMX)
    assert page.status_code == 422
    assert re.search(r'aria-invalid="true"', text(page))
    if typed:
        assert "Écrivez les dix chiffres" in text(page)
        assert f'value="{typed}"' in text(page)
    assert not Phone.objects.of(town).exists()


def test_a_number_sent_twice_is_there_once(client, town, person):
    for _turn in range(2):
        page = client.post("/moi/telephones/", {"number": "418 555-0142"})
    assert page.status_code == 422
    assert "déjà dans le compte" in text(page)
    assert Phone.objects.of(town).count() == 1


# --- places -----------------------------------------------------------------------------------


def test_a_resident_chooses_an_address(client, town, person):
    where = address(town)
    page = client.post("/moi/adresses/", {"kind": "home", "address": where.pk})
    assert page.status_code == 302
    assert person.home.address == where
    page = client.post(f"/moi/adresses/{person.home.pk}/retirer/")
    assert page.status_code == 302
    assert person.home.address is None


def test_an_address_of_another_town_is_not_on_the_list(client, town, person, elsewhere):
    with as_town(elsewhere.municipality_id):
        theirs = Address.objects.of(elsewhere.municipality_id).get().pk
    page = client.post("/moi/adresses/", {"kind": "work", "address": theirs}, **HTMX)
    assert page.status_code == 422
    assert Place.objects.of(town).filter(kind="work").count() == 0


def test_a_place_is_renamed(client, town, person):
    where = address(town)
    place = actions.add_place(person, kind="work", address=where, actor=person, now=NOW)
    page = client.post(
        f"/moi/adresses/{place.pk}/", {"kind": "family", "label": "Maman", "address": where.pk}
    )
    assert page.status_code == 302
    place.refresh_from_db()
    assert (place.kind, place.label) == ("family", "Maman")


# --- household --------------------------------------------------------------------------------


def test_a_household_is_founded_and_someone_joins_by_letter(client, town, person):
    client.post("/moi/menage/", {"name": "Les Tremblay", "role": "owner"})
    household = Household.objects.of(town).get()
    other = make.resident(town, first_name="Rosaire", email="rosaire@exemple.ca")
    page = client.post(
        f"/moi/menage/{household.pk}/inviter/", {"email": "rosaire@exemple.ca", "role": "tenant"}
    )
    assert page.status_code == 302
    assert letters.recipients() == ["rosaire@exemple.ca"]
    letter = letters.texts()[-1]
    assert letter.startswith("Agathe T. vous invite dans son ménage — Ville d’Alma")
    path = re.search(r"http://alma\.localhost(/moi/menage/invitation/\S+)", letter)[1]

    there = make.sign_in(Client(), other)
    assert "Rejoindre ce ménage" in text(there.get(path))
    assert there.post(path).status_code == 302
    assert "Rosaire" in text(client.get(f"/moi/menage/{household.pk}/"))
    again = there.post(path)
    assert again.status_code == 422
    assert "déjà servi" in text(again)


def test_an_invitation_for_someone_else_says_so(client, town, person):
    household = households.open_household(
        make.resident(town, email="a@exemple.ca"), role="owner", now=NOW
    )
    households.invite(
        household,
        actor=household.members.get().resident,
        email="b@exemple.ca",
        role="tenant",
        now=timezone.now(),
        token="jeton",
    )
    page = client.post("/moi/menage/invitation/jeton/")
    assert page.status_code == 422
    assert "pour un autre courriel" in text(page)


def test_a_wrong_invitation_form_comes_back_as_a_fragment(client, town, person):
    household = households.open_household(person, role="owner", now=NOW)
    page = client.post(f"/moi/menage/{household.pk}/inviter/", {"email": "pas un courriel"}, **HTMX)
    assert page.status_code == 422
    assert 'value="pas un courriel"' in text(page)
    assert letters.texts() == []


def test_a_child_is_added_and_a_role_changed(client, town, person):
    household = households.open_household(person, role="owner", now=NOW)
    client.post(f"/moi/menage/{household.pk}/enfant/", {"name": "Léo"})
    mine = HouseholdMember.objects.of(town).get(resident=person)
    client.post(f"/moi/menage/{household.pk}/{mine.pk}/role/", {"role": "caregiver"})
    client.post(f"/moi/menage/{household.pk}/{mine.pk}/role/", {"role": "king"})
    mine.refresh_from_db()
    assert mine.role == "caregiver"
    assert "Léo" in text(client.get(f"/moi/menage/{household.pk}/"))
    client.post(f"/moi/menage/{household.pk}/{mine.pk}/retirer/")
    assert not Household.objects.of(town).exists()


# --- consents ---------------------------------------------------------------------------------


def test_a_consent_is_given_and_taken_back_with_its_history(client, town, person):
    assert "Tout est refusé" in text(client.get("/moi/consentements/"))
    client.post("/moi/consentements/", {"purpose": "openings"})
    assert person.has_consented("openings")
    client.post("/moi/consentements/", {})
    assert not person.has_consented("openings")
    assert [line.given for line in Consent.objects.of(town)] == [False, True]


# --- data -------------------------------------------------------------------------------------


def test_the_archive_needs_the_password_again(client, person):
    page = client.post("/moi/donnees/telecharger/")
    assert page["Location"].startswith("/compte/reauthenticate/")
    prove(client)
    page = client.post("/moi/donnees/telecharger/")
    assert page["Content-Type"] == "application/zip"
    assert "donnees.json" in zipfile.ZipFile(io.BytesIO(page.content)).namelist()


def test_an_account_is_erased_after_proof_and_signed_out(client, town, person):
    assert client.get("/moi/effacer/")["Location"].startswith("/compte/reauthenticate/")
    prove(client)
    assert "Ce qui reste, et pourquoi" in text(client.get("/moi/effacer/"))
    page = client.post("/moi/effacer/", {}, **HTMX)
    assert page.status_code == 422
    assert "Cochez la case" in text(page)
    page = client.post("/moi/effacer/", {"sure": "on"})
    assert (page["Location"], page["Clear-Site-Data"]) == ("/moi/efface/", '"cache"')
    assert Resident.objects.get(pk=person.pk).email == ""
    assert client.get("/moi/").status_code == 302
    assert client.get("/moi/efface/").status_code == 200


def test_an_account_without_password_must_have_signed_in_lately(client, town):
    person = make.resident(town)
    person.set_unusable_password()
    person.save()
    make.sign_in(client, person)
    page = client.get("/moi/effacer/")
    assert page.status_code == 403
    assert "Me reconnecter" in text(page)
    session = client.session
    session["account_authentication_methods"] = [{"method": "code", "at": time.time() - 60}]
    session["account_authentication_methods_user"] = str(person.pk)
    session.save()
    assert client.get("/moi/effacer/").status_code == 200


def test_all_devices_are_signed_out_at_once(client, town, person):
    other = make.sign_in(Client(), person)
    client.post("/moi/protection/deconnecter/")
    assert client.get("/moi/").status_code == 302
    assert other.get("/moi/").status_code == 302


def test_the_overview_costs_the_same_for_one_place_and_three(client, town, person):
    client.get("/moi/")
    with CaptureQueriesContext(connection) as one:
        client.get("/moi/")
    for n in range(3):
        actions.add_place(
            person, kind="family", address=address(town, str(n)), actor=person, now=NOW
        )
        actions.add_phone(person, number=f"418 555-010{n}", actor=person, now=NOW)
    with CaptureQueriesContext(connection) as three:
        client.get("/moi/")
    assert len(one) == len(three)


@pytest.mark.parametrize(
    "name", ["https://exemple.ca/gagnez", "gagnez sur exemple.ca", "www.exemple", "a@b", "A\nB"]
)
def test_a_name_that_would_be_a_link_in_a_letter_is_refused(client, town, person, name):
    page = client.post("/moi/nom/", {"first_name": name, "last_name": "T", "language": "fr"})
    assert page.status_code == 422
    assert "sans adresse ni lien" in text(page)


@pytest.mark.parametrize(
    "name", ["Jean-Noël", "D’Arcy", "St.Pierre", "J.P.", "Marie (Lou)", "O'B."]
)
def test_names_as_people_have_them_are_taken(client, town, person, name):
    page = client.post("/moi/nom/", {"first_name": name, "last_name": name, "language": "fr"})
    assert page.status_code == 302
