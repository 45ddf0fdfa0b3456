"""«Mes avis», the order of channels in an emergency, as a browser sends it."""

from __future__ import annotations

import pytest

from parvis.municipalities.models import AuditLine
from parvis.notifications.erasure import preferences_of
from parvis.notifications.models import Preference
from parvis.residents.tests import make

OWN = {"rank_push": "2", "rank_email": "4", "rank_text": "1", "rank_voice": "3"}
BY_RANK = ["text", "push", "voice", "email"]


@pytest.fixture
def person(town):
    return make.resident(town)


@pytest.fixture
def page(client, person, texts):
    return make.sign_in(client, person)


def stored(person):
    return Preference.objects.of(person.municipality_id).get(resident=person).emergency_order


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("mode", "order"), [("own", BY_RANK), ("once", []), ("town", None)], ids=str
)
def test_an_order_is_kept_shown_exported_and_written_in_the_trail(page, person, mode, order):
    if mode == "town":
        page.post("/mes-avis/ordre/", {"mode": "once", **OWN})
    for _twice in range(2):
        assert page.post("/mes-avis/ordre/", {"mode": mode, **OWN}).status_code == 302
    assert stored(person) == order
    lines = AuditLine.objects.of(person.municipality_id).filter(deed="notifications.order_set")
    assert lines.count() == (2 if mode == "town" else 1)
    assert lines.order_by("pk").last().facts["order"] == order
    assert preferences_of(person)[0]["emergency_order"] == order
    shown = page.get("/mes-avis/").context["order"]
    assert shown["mode"].value() == mode
    if mode == "own":
        assert {name: shown[name].value() for name in OWN} == OWN


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [{"rank_push": "1"}, {"rank_voice": ""}, {"rank_text": "9"}, {"mode": "never"}, {"mode": ""}],
    ids=str,
)
def test_equal_ranks_and_what_does_not_exist_are_refused_and_nothing_changes(page, person, wrong):
    page.post("/mes-avis/ordre/", {"mode": "own", **OWN})
    answer = page.post("/mes-avis/ordre/", {"mode": "own", **OWN, **wrong})
    assert answer.status_code == 422
    assert 'id="ordre"' in answer.content.decode()
    if "rank_push" in wrong:
        assert "rang différent" in answer.content.decode()
    assert stored(person) == BY_RANK


@pytest.mark.django_db
def test_the_ranks_say_nothing_unless_the_persons_own_order_is_chosen(page, person):
    assert page.post("/mes-avis/ordre/", {"mode": "once", "rank_push": "1"}).status_code == 302
    assert stored(person) == []


@pytest.mark.django_db
def test_a_town_without_telephones_offers_what_it_has(client, person):
    page = make.sign_in(client, person)
    shown = page.get("/mes-avis/").context["order"]
    assert [field.name for field in shown.ranks()] == ["rank_push", "rank_email"]
    body = {"mode": "own", "rank_push": "2", "rank_email": "1"}
    assert page.post("/mes-avis/ordre/", body).status_code == 302
    assert stored(person) == ["email", "push"]


@pytest.mark.django_db
def test_nobody_sets_it_without_signing_in_nor_by_a_link(client, page, person):
    assert page.get("/mes-avis/ordre/").status_code == 405
    client.logout()
    assert client.post("/mes-avis/ordre/", {"mode": "once"}).status_code == 302
    assert not Preference.objects.of(person.municipality_id).filter(resident=person).exists()
