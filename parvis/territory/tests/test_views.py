"""Looking up an address, and the territory in the Bureau."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from parvis.core.db import as_town
from parvis.residents.tests.make import resident, sign_in, staff, visitor
from parvis.territory.fields import AddressField
from parvis.territory.models import Address, Import, Sector
from parvis.territory.tests import make

HTMX = {"HX-Request": "true"}


@pytest.fixture
def clerk(client, town, settings, tmp_path):
    settings.DATA = tmp_path
    return sign_in(client, staff(town).person, second_factor=True)


def test_anyone_finds_an_address_as_a_page_as_a_part_and_as_json(client, town):
    visitor(client, town)
    sector = make.sector(town, name="Naudville")
    house = make.address(town, "415", "rue des Bouleaux", sector=sector)
    page = client.get("/adresses/chercher/", {"q": "415 boul"}).content.decode()
    assert "<h1>" in page and f'value="{house.pk}"' in page
    part = client.get(
        "/adresses/chercher/", {"name": "home", "home_q": "415 boul"}, headers=HTMX
    ).content.decode()
    assert "<html" not in part and f'<input type="radio" name="home" value="{house.pk}"' in part
    assert client.get("/adresses/chercher.json", {"q": "415 boul"}).json()["addresses"] == [
        {
            "id": house.pk,
            "text": "415, rue des Bouleaux",
            "postal_code": "",
            "sector": "Naudville",
        }
    ]


def test_hostile_words_and_names_are_shown_as_words(client, town):
    visitor(client, town)
    page = client.get(
        "/adresses/chercher/", {"q": "<script>alert(1)</script>", "name": '"><script>'}
    )
    assert page.status_code == 200
    assert b"<script>alert" not in page.content and b'name="address_q"' in page.content


def test_a_search_asks_the_same_queries_for_one_and_for_many(
    client, town, django_assert_num_queries
):
    visitor(client, town)
    make.address(town, "1", "rue A")
    with django_assert_num_queries(7):
        client.get("/adresses/chercher.json", {"q": "1 rue a"})
    for number in range(10, 18):
        make.address(town, str(number), "rue A")
    with django_assert_num_queries(7):
        client.get("/adresses/chercher.json", {"q": "rue a 1"})


def test_my_sector_is_told_and_drawn(client, town):
    visitor(client, town)
    sector = make.sector(town, name="Naudville")
    make.sector(town, name="Delisle", geometry=make.square(-71.5))
    house = make.address(town, "415", "rue des Bouleaux", sector=sector)
    page = client.get("/adresses/mon-secteur/", {"address": house.pk}).content.decode()
    assert "dans le secteur <b>Naudville</b>" in page and 'class="m-on"' in page
    typed = client.get("/adresses/mon-secteur/", {"address_q": "415 bouleaux"}).content.decode()
    assert "dans le secteur <b>Naudville</b>" in typed
    assert client.get("/adresses/mon-secteur/", {"address": "9" * 30}).status_code == 200


def test_another_towns_address_and_sector_do_not_exist_here(clerk, town, other_town):
    with as_town(other_town.pk):
        stranger = make.address(other_town, "415", "rue Cachée")
        sector = make.sector(other_town, name="Caché")
        one = Import.objects.create(
            municipality=other_town, kind="roll", stored="x", created_at=sector.updated_at
        )
    assert clerk.get("/adresses/chercher.json", {"q": "415 cachee"}).json()["addresses"] == []
    assert (
        "rue Cachée".encode()
        not in clerk.get("/adresses/mon-secteur/", {"address": stranger.pk}).content
    )
    for name, pk in (("sector", sector.pk), ("address", stranger.pk), ("import", one.pk)):
        assert clerk.get(reverse(f"territory_staff:{name}", args=[pk])).status_code == 404
    for name in ("remove_sector", "remove_address", "confirm_import", "abandon_import"):
        url = reverse(f"territory_staff:{name}", args=[stranger.pk])
        assert clerk.post(url).status_code == 404


@pytest.mark.parametrize("path", ["", "adresses/", "importer/", "secteurs/nouveau/"])
def test_only_an_administrator_comes_in(client, town, path):
    writer = staff(town, roles={"announcements": "act"}).person
    assert (
        sign_in(client, writer, second_factor=True).get(f"/bureau/territoire/{path}").status_code
        == 403
    )
    client.logout()
    assert sign_in(client, resident(town)).get(f"/bureau/territoire/{path}").status_code == 403


def test_the_list_of_sectors_asks_the_same_queries_for_one_and_for_three(clerk, town):
    asked = []
    for names in ("A", "BC"):
        for name in names:
            make.address(town, sector=make.sector(town, name=name))
        with CaptureQueriesContext(connection) as queries:
            page = clerk.get("/bureau/territoire/").content.decode()
        asked.append(len(queries))
    assert asked[0] == asked[1]
    assert "dans aucun secteur" not in page
    make.address(town)
    page = clerk.get("/bureau/territoire/").content.decode()
    assert "1 adresse n’est dans aucun secteur" in page


def test_a_sector_is_drawn_redrawn_and_removed(clerk, town):
    url = "/bureau/territoire/secteurs/nouveau/"
    facts = {"name": "Naudville", "geometry": json.dumps(make.square())}
    assert clerk.post(url, facts).status_code == 302
    sector = Sector.objects.of(town).get()
    crossed = {"type": "Polygon", "coordinates": [[[-71.7, 48.5], [-71.6, 48.6], [-71.6, 48.5],
                                                   [-71.7, 48.6], [-71.7, 48.5]]]}  # fmt: skip
    page = f"/bureau/territoire/secteurs/{sector.pk}/"
    refused = clerk.post(page, {"name": "Naudville", "geometry": json.dumps(crossed)})
    assert refused.status_code == 422
    assert "se croise" in refused.content.decode()
    for bad in ("{", "[" * 5000, "null", "1e999"):
        assert clerk.post(page, {"name": "N", "geometry": bad}).status_code == 422
    assert clerk.post(page, facts | {"name": "Nouveau"}).status_code == 302
    assert clerk.post(f"{page}retirer/").status_code == 302
    assert not Sector.objects.of(town).exists()


def test_an_address_is_added_found_and_corrected(clerk, town):
    facts = {"number": "415", "street": "rue des Bouleaux", "dwellings": "1"}
    url = "/bureau/territoire/adresses/nouvelle/"
    assert clerk.post(url, facts).status_code == 302
    house = Address.objects.of(town).get()
    assert clerk.post(url, facts | {"number": "0415"}).status_code == 422
    assert clerk.post(url, facts | {"number": "1", "longitude": "5"}).status_code == 422
    found = clerk.get("/bureau/territoire/adresses/", {"q": "415 boul"}, headers=HTMX)
    assert f"/adresses/{house.pk}/" in found.content.decode()
    page = f"/bureau/territoire/adresses/{house.pk}/"
    assert clerk.post(page, facts | {"postal_code": "g8b5v2"}).status_code == 302
    house.refresh_from_db()
    assert house.postal_code == "G8B 5V2"


def send(client, kind, data, name="fichier"):
    return client.post(
        "/bureau/territoire/importer/", {"kind": kind, "file": SimpleUploadedFile(name, data)}
    )


def test_sectors_are_shown_before_they_are_brought_in(clerk, town):
    given = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": {"nom": "Riverbend"}, "geometry": make.square()}
        ],
    }
    sent = send(clerk, "sectors", json.dumps(given).encode())
    one = Import.objects.of(town).get()
    assert sent.status_code == 302 and sent.url.endswith(f"/importations/{one.pk}/")
    page = clerk.get(sent.url).content.decode()
    assert "Riverbend" in page and "Rien n’est encore changé" in page
    assert not Sector.objects.of(town).exists()
    assert clerk.post(f"{sent.url}confirmer/").status_code == 302
    one.refresh_from_db()
    assert one.state == "running"


def test_a_file_that_is_not_what_it_says_is_refused_at_once(clerk, town):
    for data in (b"{", b"", b'{"type": "FeatureCollection", "features": []}'):
        assert send(clerk, "sectors", data).status_code == 422
    assert not Import.objects.of(town).filter(state="waiting").exists()
    assert send(clerk, "other", b"x").status_code == 422


def test_a_list_starts_at_once_and_its_page_says_how_far_it_is(clerk, town):
    sent = send(clerk, "addresses", b"numero;rue\n1;rue A\n", name="<b>.csv")
    page = clerk.get(sent.url).content.decode()
    assert "Importation en cours" in page and "<b>.csv" not in page
    part = clerk.get(sent.url, headers=HTMX).content.decode()
    assert "<html" not in part


def test_the_field_takes_a_choice_or_words_that_name_one_address(town, other_town):
    house = make.address(town, "415", "rue des Bouleaux")
    make.address(town, "417", "rue des Bouleaux")
    with as_town(other_town.pk):
        stranger = make.address(other_town, "1", "rue X")
    field = AddressField(municipality=town)
    assert field.clean((str(house.pk), "")) == house
    assert field.clean(("", "415, rue des bouleaux")) == house
    unknown = [(str(stranger.pk), ""), ("x", ""), ("9" * 40, "")]
    for value in [("", ""), ("", "rue des bouleaux"), ("", "zzz"), *unknown]:
        with pytest.raises(Exception, match="adresse"):
            field.clean(value)
    shown = field.widget.render("home", ("", "bouleaux"), {"id": "id_home"})
    assert shown.count('type="radio"') == 2 and 'name="home_q" value="bouleaux"' in shown
