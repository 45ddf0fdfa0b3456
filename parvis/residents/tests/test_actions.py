"""What changes an account, on the real database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import connection

from parvis.core.errors import Refused
from parvis.municipalities import actions as municipalities
from parvis.municipalities.models import AuditLine
from parvis.municipalities.tests.make import NOW
from parvis.residents import actions, households, rules
from parvis.residents.models import Consent, Household, HouseholdMember, Phone, Place, Resident
from parvis.residents.tests import make
from parvis.territory.models import Address


def address(town, number: str = "415") -> Address:
    return Address.objects.create(
        municipality=town, number=number, street="rue des Bouleaux", key=f"{number} bouleaux"
    )


def deeds(town) -> list[str]:
    lines = AuditLine.objects.of(town).filter(deed__startswith="residents.").order_by("id")
    return list(lines.values_list("deed", flat=True))


def test_a_clerk_opens_an_account_for_someone_without_e_mail(town):
    clerk = make.staff(town).person
    person = actions.open_at_counter(
        town, actor=clerk, now=NOW, first_name="Rita", last_name="Gagnon", phone="418 555-0142"
    )
    person.refresh_from_db()
    assert (person.email, person.opened_at_counter) == ("", True)
    assert not person.has_usable_password()
    assert person.home is not None
    phone = Phone.objects.get()
    assert (phone.number, phone.verified_at) == ("+14185550142", None)
    assert deeds(town) == ["residents.joined", "residents.phone_added"]
    assert {
        line.actor_id for line in AuditLine.objects.of(town).filter(deed="residents.joined")
    } == {clerk.pk}


def test_two_people_without_e_mail_have_an_account_each(town):
    clerk = make.staff(town).person
    for name in ("Rita", "Rose"):
        actions.open_at_counter(town, actor=clerk, now=NOW, first_name=name, last_name="Gagnon")
    assert Resident.objects.of(town).filter(email="").count() == 2


def test_a_clerk_opens_no_second_account_at_an_address(town):
    clerk = make.staff(town).person
    make.resident(town, email="rita@exemple.ca")
    with pytest.raises(Refused):
        actions.open_at_counter(
            town, actor=clerk, now=NOW, first_name="R", last_name="G", email="Rita@exemple.ca"
        )
    assert EmailAddress.objects.filter(email="rita@exemple.ca").count() == 1


def test_a_number_is_added_once_and_verified_at_the_counter(town):
    person, clerk = make.resident(town), make.staff(town).person
    phone = actions.add_phone(person, number="418 555-0142", actor=person, now=NOW)
    with pytest.raises(Refused):
        actions.add_phone(person, number="+1 418 555 0142", actor=person, now=NOW)
    actions.verify_phone_at_counter(phone, actor=clerk, now=NOW)
    actions.verify_phone_at_counter(phone, actor=clerk, now=NOW + timedelta(days=1))
    phone.refresh_from_db()
    assert (phone.verified_at, phone.verified_how) == (NOW, "counter")
    actions.remove_phone(phone, actor=person)
    actions.remove_phone(phone, actor=person)
    assert deeds(town) == [
        "residents.phone_added", "residents.phone_verified", "residents.phone_removed",
    ]  # fmt: skip


def test_an_account_has_six_numbers_at_most(town):
    person = make.resident(town)
    for n in range(6):
        actions.add_phone(person, number=f"418 555-010{n}", actor=person, now=NOW)
    with pytest.raises(Refused):
        actions.add_phone(person, number="418 555-0199", actor=person, now=NOW)


def test_the_first_home_address_fills_the_home(town):
    person = make.resident(town)
    actions.add_place(person, kind="home", address=address(town), actor=person, now=NOW)
    assert Place.objects.of(town).count() == 1
    assert str(person.home.address) == "415, rue des Bouleaux"
    with pytest.raises(Refused):
        actions.add_place(person, kind="home", address=address(town, "7"), actor=person, now=NOW)


def test_an_address_is_followed_once(town):
    person = make.resident(town)
    where = address(town)
    actions.add_place(person, kind="work", address=where, actor=person, now=NOW)
    with pytest.raises(Refused):
        actions.add_place(person, kind="family", address=where, actor=person, now=NOW)


def test_a_removed_home_follows_the_whole_town(town):
    person = make.resident(town, address=address(town))
    actions.remove_place(person.home, actor=person)
    assert person.home.address is None
    work = actions.add_place(person, kind="work", address=address(town, "7"), actor=person, now=NOW)
    actions.remove_place(work, actor=person)
    assert [place.kind for place in Place.objects.of_resident(person)] == ["home"]


def test_a_home_that_moved_is_to_be_verified_again(town):
    person = make.resident(town, address=address(town))
    home = person.home
    home.verified_at = NOW
    home.save()
    actions.change_place(home, kind="home", address=address(town, "7"), actor=person)
    assert person.home.verified_at is None


def test_nothing_is_agreed_to_until_someone_says_yes(town):
    person, other = make.resident(town), make.resident(town)
    assert not person.has_consented("openings")
    actions.answer_consent(person, purpose="openings", given=True, now=NOW)
    actions.answer_consent(person, purpose="openings", given=True, now=NOW)
    assert person.has_consented("openings")
    assert not other.has_consented("openings")
    assert [c.resident_id for c in Consent.objects.of(town).agreed("openings")] == [person.pk]
    actions.answer_consent(person, purpose="openings", given=False, now=NOW)
    assert not person.has_consented("openings")
    assert list(Consent.objects.of(town).agreed("openings")) == []
    history = Consent.objects.of(town).order_by("id")
    assert [(line.given, bool(line.wording)) for line in history] == [(True, True), (False, True)]
    assert deeds(town) == ["residents.consent_given", "residents.consent_withdrawn"]


def test_a_purpose_that_nobody_asks_for_is_refused(town):
    with pytest.raises(Refused):
        actions.answer_consent(make.resident(town), purpose="resale", given=True, now=NOW)


# --- second factors ---------------------------------------------------------------------------


def test_another_administrator_resets_a_lost_second_factor(town):
    one, two = make.staff(town), make.staff(town)
    epoch = two.person.session_epoch
    actions.reset_second_factor(two, actor=one.person)
    assert not Authenticator.objects.filter(user=two.person).exists()
    assert Authenticator.objects.filter(user=one.person).exists()
    assert Resident.objects.get(pk=two.person_id).session_epoch == epoch + 1
    assert deeds(town) == ["residents.sessions_ended", "residents.second_factor_reset"]


def test_nobody_resets_their_own_nor_without_the_right(town):
    administrator = make.staff(town)
    clerk = make.staff(town, roles={"residents": "act"})
    for member, actor in ((administrator, administrator.person), (administrator, clerk.person)):
        with pytest.raises(Refused):
            actions.reset_second_factor(member, actor=actor)
    assert Authenticator.objects.count() == 2


def test_the_sessions_of_someone_who_left_end(client, town):
    clerk = make.staff(town, roles={"residents": "act"})
    make.staff(town)
    make.sign_in(client, clerk.person, second_factor=True)
    assert client.get("/moi/").status_code == 200
    municipalities.leave_staff(clerk, actor=clerk.person, now=NOW)
    assert client.get("/moi/").status_code == 302


# --- households -------------------------------------------------------------------------------


def home_of_two(town):
    one, two = make.resident(town), make.resident(town, first_name="Rosaire")
    household = households.open_household(one, role="owner", now=NOW, name="Les Tremblay")
    households.invite(household, actor=one, email=two.email, role="tenant", now=NOW, token="jeton")
    return one, two, household


def test_an_invited_person_joins_the_household(town):
    one, two, household = home_of_two(town)
    assert not households.belongs(household, two)
    households.accept_invitation(town, token="jeton", person=two, now=NOW)
    assert households.belongs(household, two)
    assert [h.pk for h in households.households_of(two)] == [household.pk]
    roles = HouseholdMember.objects.of(town).order_by("id").values_list("role", "invited_email")
    assert list(roles) == [("owner", ""), ("tenant", "")]
    with pytest.raises(Refused, match="déjà servi"):
        households.accept_invitation(town, token="jeton", person=two, now=NOW)


def test_an_invitation_opens_for_its_address_and_its_time_only(town):
    _one, two, _household = home_of_two(town)
    stranger = make.resident(town)
    with pytest.raises(Refused):
        households.accept_invitation(town, token="jeton", person=stranger, now=NOW)
    with pytest.raises(Refused):
        households.accept_invitation(town, token="autre", person=two, now=NOW)
    with pytest.raises(Refused):
        households.accept_invitation(town, token="jeton", person=two, now=NOW + timedelta(days=15))
    assert HouseholdMember.objects.of(town).filter(resident=two).count() == 0


def test_an_invitation_asked_again_replaces_the_first(town):
    one, two, household = home_of_two(town)
    households.invite(household, actor=one, email=two.email, role="parent", now=NOW, token="neuf")
    assert HouseholdMember.objects.of(town).filter(resident=None).count() == 1
    with pytest.raises(Refused):
        households.accept_invitation(town, token="jeton", person=two, now=NOW)
    households.accept_invitation(town, token="neuf", person=two, now=NOW)


def test_of_a_declined_invitation_nothing_stays(town):
    _one, two, _household = home_of_two(town)
    households.decline_invitation(town, token="jeton", person=two, now=NOW)
    assert not HouseholdMember.objects.of(town).exclude(invited_email="").exists()


def test_a_stranger_neither_invites_nor_removes(town):
    one, _two, household = home_of_two(town)
    stranger = make.resident(town)
    with pytest.raises(Refused):
        households.invite(
            household, actor=stranger, email="x@exemple.ca", role="parent", now=NOW, token="t"
        )
    mine = HouseholdMember.objects.of(town).get(resident=one)
    with pytest.raises(Refused):
        households.remove_member(mine, actor=stranger)


def test_nobody_puts_another_adult_out_and_the_last_one_closes_the_door(town):
    one, two, household = home_of_two(town)
    households.accept_invitation(town, token="jeton", person=two, now=NOW)
    child = households.add_child(household, actor=one, name="Léo", now=NOW)
    first, second = HouseholdMember.objects.of(town).exclude(resident=None).order_by("id")
    with pytest.raises(Refused):
        households.remove_member(second, actor=one)
    households.remove_member(first, actor=one)
    assert Household.objects.of(town).count() == 1
    households.remove_member(second, actor=two)
    assert not Household.objects.of(town).exists()
    assert not HouseholdMember.objects.of(town).filter(pk=child.pk).exists()


def test_people_are_found_by_name_address_mail_or_number(town):
    clerk = make.staff(town).person
    person = make.resident(
        town, first_name="Élodie", last_name="Côté", email="elo@exemple.ca", address=address(town)
    )
    actions.add_phone(person, number="418 555-0142", actor=clerk, now=NOW)
    for query in ("elodie", "COTE élo", "elo@", "415 bouleaux", "côté bouleaux", "5550142"):
        found = Resident.objects.of(town).standing().found(query)
        assert [one.pk for one in found] == [person.pk], query
    assert not Resident.objects.of(town).found("élodie tremblay").exists()
    assert not Resident.objects.of(town).found("100%").exists()


def test_python_folds_as_the_database_does(town):
    words = "Élodie CÔTÉ-L’Écuyer œuvre ŒUVRE Ægidius àâçëîïôùûü"
    with connection.cursor() as cursor:
        cursor.execute("SELECT fold(%s)", [words])
        assert cursor.fetchone()[0] == rules.folded(words)
