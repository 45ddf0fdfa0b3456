"""Host names, settings and the crest of a town."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.core.files.storage import default_storage
from PIL import Image

from parvis.core.errors import Refused
from parvis.municipalities import actions, crests, hosts
from parvis.municipalities.models import AuditLine, HostName
from parvis.municipalities.tests.make import NOW
from parvis.notifications.urls_of import origin


def png(side: int = 40) -> bytes:
    out = BytesIO()
    Image.new("RGBA", (side, side), (10, 20, 200, 128)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("name", ["", "-a.ca", "a b.ca", "https://a.ca", "a..ca", "é.ca", "a.ca/x"])
def test_what_is_no_host_name_is_refused(town, name):
    with pytest.raises(Refused):
        hosts.add_host_name(town, name=name, actor=None)


def test_a_host_name_that_serves_already_is_refused(town, other_town):
    for taken in ("alma.localhost", "ISLE.localhost."):
        with pytest.raises(Refused):
            hosts.add_host_name(town, name=taken, actor=None)


def test_only_a_proven_name_becomes_the_main_one_and_there_is_one(town):
    host = hosts.add_host_name(town, name="avis.alma.exemple", actor=None)
    with pytest.raises(Refused):
        hosts.make_main_host(host, actor=None)
    token = hosts.proof(host)
    with pytest.raises(Refused):
        hosts.prove_host_name(town, token=token, visited="alma.localhost", now=NOW)
    with pytest.raises(Refused):
        hosts.prove_host_name(town, token=token + "x", visited=host.name, now=NOW)
    host = hosts.prove_host_name(town, token=token, visited=host.name, now=NOW)
    hosts.make_main_host(host, actor=None)
    hosts.make_main_host(host, actor=None)
    assert list(
        HostName.objects.filter(municipality=town, is_main=True).values_list("name", flat=True)
    ) == ["avis.alma.exemple"]
    assert AuditLine.objects.of(town).filter(deed="municipalities.host_made_main").count() == 1


def test_a_proof_for_another_town_is_refused(town, other_town):
    host = hosts.add_host_name(town, name="avis.alma.exemple", actor=None)
    with pytest.raises(Refused):
        hosts.prove_host_name(other_town, token=hosts.proof(host), visited=host.name, now=NOW)


def test_a_claimed_name_serves_no_page_and_no_letter_until_it_is_verified(client, town):
    host = hosts.add_host_name(town, name="avis.alma.exemple", actor=None)
    there = {"host": host.name}
    for path in ("/", "/compte/login/", "/avis/", "/bureau/", "/n-existe-pas/"):
        page = client.get(path, headers=there)
        assert page.status_code == 404
        assert town.name not in page.content.decode()
    assert origin(town) == "http://alma.localhost"
    proof = f"/bureau/ville/hotes/preuve/{hosts.proof(host)}/"
    assert client.get(proof, headers=there).status_code == 200
    assert client.get("/", headers=there).status_code == 200
    assert origin(town) == "http://alma.localhost"


def test_where_towns_share_an_instance_the_operator_accepts_a_name_and_a_visit_does_not(
    client, town, other_town
):
    host = hosts.add_host_name(town, name="portail.isle.exemple", actor=None)
    there = {"host": host.name}
    proof = f"/bureau/ville/hotes/preuve/{hosts.proof(host)}/"
    assert client.get(proof, headers=there).status_code == 422
    assert client.get("/", headers=there).status_code == 404
    with pytest.raises(Refused):
        hosts.make_main_host(host, actor=None)
    for _each in range(2):
        hosts.accept_host_name(host, now=NOW)
    assert client.get("/", headers=there).status_code == 200
    host.refresh_from_db()
    hosts.make_main_host(host, actor=None)
    assert origin(town) == "http://portail.isle.exemple"
    assert AuditLine.objects.of(town).filter(deed="municipalities.host_accepted").count() == 1


def test_the_main_name_cannot_be_removed(town):
    main = HostName.objects.get(municipality=town)
    with pytest.raises(Refused):
        hosts.remove_host_name(main, actor=None)
    extra = hosts.add_host_name(town, name="avis.alma.exemple", actor=None)
    hosts.remove_host_name(extra, actor=None)
    assert HostName.objects.filter(municipality=town).count() == 1


def test_a_crest_is_cleaned_and_noted(town):
    town = crests.change_crest(town, data=png(900), actor=None)
    kept = Image.open(default_storage.open(town.crest))
    assert kept.size == (512, 512)
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36 42"><path d="M2 2h32z"/></svg>'
    town = crests.change_crest(town, data=b"<!-- secret -->" + svg, actor=None)
    assert b"secret" not in default_storage.open(town.crest).read()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"\x89PNG\r\n\x1a\nnothing",
        b"x" * 50_001,
        b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><script/></svg>',
    ],
)
def test_what_is_no_crest_is_refused_and_the_old_one_stays(town, data):
    before = town.crest
    with pytest.raises(Refused):
        crests.change_crest(town, data=data, actor=None)
    town.refresh_from_db()
    assert town.crest == before


def test_english_everywhere_needs_recognition(town):
    with pytest.raises(Refused):
        actions.change_town(town, actor=None, languages={"en": "all"})
    actions.change_town(town, actor=None, languages={"en": "all"}, recognised_29_1=True)
    with pytest.raises(Refused):
        actions.change_town(town, actor=None, recognised_29_1=False)


def test_the_trail_keeps_what_a_setting_was_and_became(town):
    actions.change_town(town, actor=None, brand="#225544")
    line = AuditLine.objects.of(town).first()
    assert line.deed == "municipalities.changed"
    assert line.facts == {"changes": {"brand": ["#34468f", "#225544"]}}
    count = AuditLine.objects.of(town).count()
    actions.change_town(town, actor=None, brand="#225544")
    assert AuditLine.objects.of(town).count() == count
