"""The counter, as a clerk meets it."""

from __future__ import annotations

import pytest

from parvis.core.db import as_town
from parvis.municipalities.models import AuditLine
from parvis.municipalities.tests.make import NOW
from parvis.residents import actions
from parvis.residents.models import Phone, Place, Resident
from parvis.residents.tests import make
from parvis.territory.models import Address

DESK = "/bureau/citoyens/"
HTMX = {"HTTP_HX_REQUEST": "true"}


def text(page) -> str:
    return page.content.decode()


@pytest.fixture
def clerk(client, town):
    member = make.staff(town, roles={"residents": "act"})
    make.sign_in(client, member.person, second_factor=True)
    return member


@pytest.fixture
def person(town) -> Resident:
    return make.resident(town, first_name="Élodie", last_name="Côté", email="elo@exemple.ca")


def address(town) -> Address:
    return Address.objects.create(
        municipality=town, number="415", street="rue des Bouleaux", key="415 bouleaux"
    )


def test_nobody_is_listed_before_something_is_asked(client, clerk, person):
    page = text(client.get(DESK))
    assert "Côté" not in page
    assert "Élodie Côté" in text(client.get(DESK, {"q": "cote"}))
    part = text(client.get(DESK, {"q": "cote"}, **HTMX))
    assert part.startswith("<section")
    assert "Personne ne répond" in text(client.get(DESK, {"q": "zzz"}))


def test_three_people_found_cost_what_one_does(client, town, clerk, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    make.resident(town, last_name="Seul")
    client.get(DESK, {"q": "seul"})
    with CaptureQueriesContext(connection) as one:
        client.get(DESK, {"q": "seul"})
    for _turn in range(2):
        make.resident(town, last_name="Seul")
    with CaptureQueriesContext(connection) as three:
        client.get(DESK, {"q": "seul"})
    assert len(one) == len(three)


def test_each_look_at_a_file_is_a_line_of_the_trail(client, town, clerk, person):
    assert client.get(f"{DESK}{person.pk}/").status_code == 200
    line = AuditLine.objects.of(town).filter(deed="residents.file_seen").get()
    assert (line.actor_id, line.facts) == (clerk.person_id, {"resident": person.pk})


def test_a_clerk_opens_a_file_for_someone_offline(client, town, clerk):
    page = client.post(
        f"{DESK}ouvrir/", {"first_name": "Rita", "last_name": "Gagnon", "phone": "418 555-0142"}
    )
    rita = Resident.objects.of(town).get(first_name="Rita")
    assert page["Location"] == f"{DESK}{rita.pk}/"
    assert (rita.email, rita.opened_at_counter) == ("", True)


def test_a_file_with_a_wrong_number_is_refused_as_a_fragment(client, town, clerk):
    page = client.post(
        f"{DESK}ouvrir/", {"first_name": "Rita", "last_name": "G", "phone": "12"}, **HTMX
    )
    assert page.status_code == 422
    assert "Écrivez les dix chiffres" in text(page)
    assert 'value="Rita"' in text(page)
    assert not Resident.objects.of(town).filter(first_name="Rita").exists()


def test_a_clerk_serves_a_file(client, town, clerk, person):
    base = f"{DESK}{person.pk}/"
    client.post(f"{base}telephones/", {"number": "418 555-0142"})
    phone = Phone.objects.of(town).get()
    client.post(f"{base}telephones/{phone.pk}/verifier/")
    phone.refresh_from_db()
    assert phone.verified_how == "counter"
    where = address(town)
    client.post(f"{base}adresses/", {"kind": "home", "address": where.pk})
    assert person.home.address == where
    client.post(
        f"{base}adresses/{person.home.pk}/",
        {"kind": "home", "label": "Chalet", "address": where.pk},
    )
    assert person.home.label == "Chalet"
    client.post(f"{base}adresses/{person.home.pk}/retirer/")
    assert person.home.address is None
    client.post(f"{base}nom/", {"first_name": "Élo", "last_name": "Côté", "language": "fr"})
    client.post(f"{base}telephones/{phone.pk}/retirer/")
    person.refresh_from_db()
    assert (person.first_name, Phone.objects.of(town).count()) == ("Élo", 0)
    actors = AuditLine.objects.of(town).filter(facts__resident=person.pk).values_list("actor_id")
    assert set(actors) == {(clerk.person_id,)}


def routes(person_id: int, phone_id: int, place_id: int) -> tuple[list[str], list[str]]:
    base = f"{DESK}{person_id}/"
    gets = [base, f"{base}nom/", f"{base}telephones/", f"{base}adresses/"]
    gets.append(f"{base}adresses/{place_id}/")
    posts = [
        f"{base}telephones/{phone_id}/verifier/",
        f"{base}telephones/{phone_id}/retirer/",
        f"{base}adresses/{place_id}/retirer/",
    ]
    return gets, posts


def test_a_person_of_another_town_does_not_exist_here(client, clerk, other_town):
    with as_town(other_town.pk):
        theirs = make.resident(other_town)
        phone = actions.add_phone(theirs, number="418 555-0199", actor=theirs, now=NOW)
        place = Place.objects.get()
    gets, posts = routes(theirs.pk, phone.pk, place.pk)
    assert [client.get(path).status_code for path in gets] == [404] * len(gets)
    assert [client.post(path).status_code for path in posts] == [404] * len(posts)


def test_who_may_see_does_not_act(client, town, person):
    member = make.staff(town, roles={"residents": "see"})
    make.sign_in(client, member.person, second_factor=True)
    phone = actions.add_phone(person, number="418 555-0199", actor=person, now=NOW)
    gets, posts = routes(person.pk, phone.pk, person.home.pk)
    assert client.get(DESK).status_code == 200
    assert client.get(gets[0]).status_code == 200
    assert "<form method" not in text(client.get(gets[0])).split("<main", 1)[1]
    assert [client.get(path).status_code for path in gets[1:]] == [403] * 4
    assert [client.post(path).status_code for path in posts] == [403] * 3
    assert client.get(f"{DESK}ouvrir/").status_code == 403


@pytest.mark.parametrize("roles", [{"announcements": "act"}, None])
def test_others_do_not_enter(client, town, person, roles):
    someone = make.staff(town, roles=roles).person if roles else make.resident(town)
    make.sign_in(client, someone, second_factor=bool(roles))
    assert client.get(DESK).status_code == 403
    assert client.get(f"{DESK}{person.pk}/").status_code == 403
    assert not AuditLine.objects.of(town).filter(deed="residents.file_seen").exists()


def test_an_erased_person_is_no_longer_found(client, town, clerk, person):
    from parvis.residents import erasure

    erasure.erase_resident(person, actor=person, now=NOW)
    assert client.get(f"{DESK}{person.pk}/").status_code == 404
