"""The second factor, which the staff must have."""

from __future__ import annotations

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.test import Client

from parvis.core.db import as_town
from parvis.municipalities import actions as municipalities
from parvis.municipalities.models import AuditLine
from parvis.municipalities.tests import make as towns
from parvis.municipalities.tests.make import NOW
from parvis.residents import actions
from parvis.residents.tests import letters, make

DESK = "/bureau/citoyens/"


@pytest.fixture(autouse=True)
def _fresh_counts(db):
    cache.clear()


def text(page) -> str:
    return page.content.decode()


def generated(secret: str, later: int = 0) -> str:
    """What the application of codes shows now, or some periods later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + later))


def prove(client: Client) -> None:
    client.post("/compte/reauthenticate/", {"password": make.PASSWORD})


def set_up(client: Client) -> str:
    """Add an application of codes; answer its secret."""
    prove(client)
    page = client.get("/compte/2fa/totp/activate/")
    secret = page.context["form"].secret
    page = client.post("/compte/2fa/totp/activate/", {"code": generated(secret)})
    assert page.status_code == 302, text(page)
    return secret


@pytest.mark.django_db(transaction=True)
def test_a_clerk_sets_up_a_second_factor_and_enters_the_bureau():
    town = towns.municipality()
    with as_town(town.pk):
        person = make.resident(town)
        municipalities.add_staff(town, person=person, now=NOW, roles={"residents": "act"})
    client = make.visitor(Client(), town)
    client.post("/compte/login/", {"login": person.email, "password": make.PASSWORD})
    page = client.get(DESK)
    assert page["Location"] == "/compte/2fa/totp/activate/"

    secret = set_up(client)
    with as_town(town.pk):
        # What allauth does after the commit is done as the town too.
        assert letters.texts()[-1].startswith("De nouveaux codes de secours") or letters.texts()[
            -1
        ].startswith("Une appli de codes protège votre compte")
        kinds = AuditLine.objects.of(town).filter(deed="residents.second_factor_added")
        assert {line.facts["type"] for line in kinds} == {"totp", "recovery_codes"}
        sealed = Authenticator.objects.get(type="totp").data["secret"]
        assert secret not in sealed

    page = client.get(DESK)
    assert page["Location"] == f"/compte/2fa/reauthenticate/?next={DESK}"
    cache.clear()
    page = client.post(page["Location"], {"code": generated(secret, later=1)})
    assert page["Location"] == DESK
    assert client.get(DESK).status_code == 200


@pytest.fixture
def clerk(town):
    """Someone of the staff whose second factor is a real one."""
    person = make.resident(town)
    municipalities.add_staff(town, person=person, now=NOW, roles={"residents": "act"})
    browser = make.sign_in(Client(), person)
    person.secret = set_up(browser)
    person.codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    return person


def sign_in(client: Client, person) -> object:
    return client.post("/compte/login/", {"login": person.email, "password": make.PASSWORD})


def test_a_password_alone_is_not_enough(client, town, clerk):
    make.visitor(client, town)
    assert sign_in(client, clerk)["Location"].startswith("/compte/2fa/authenticate/")
    assert client.get("/moi/").status_code == 302
    page = client.post("/compte/2fa/authenticate/", {"code": "000000"})
    assert "Ce code n’est pas le bon" in text(page)
    client.post("/compte/2fa/authenticate/", {"code": generated(clerk.secret, later=1)})
    assert client.get(DESK).status_code == 200


def test_a_code_of_the_application_serves_once(client, town, clerk):
    code = generated(clerk.secret, later=1)
    for turn in range(2):
        browser = make.visitor(Client(), town)
        sign_in(browser, clerk)
        browser.post("/compte/2fa/authenticate/", {"code": code})
        assert (browser.get(DESK).status_code == 200) == (turn == 0)


def test_a_recovery_code_opens_once(town, clerk):
    for turn in range(2):
        browser = make.visitor(Client(), town)
        sign_in(browser, clerk)
        browser.post("/compte/2fa/authenticate/", {"code": clerk.codes[0]})
        assert (browser.get(DESK).status_code == 200) == (turn == 0)


def test_an_e_mailed_code_also_asks_for_the_second_factor(client, town, clerk):
    make.visitor(client, town)
    client.post("/compte/login/code/", {"email": clerk.email})
    page = client.post("/compte/login/code/confirm/", {"code": letters.code()})
    assert page["Location"].startswith("/compte/2fa/authenticate/")


def test_someone_whose_second_factor_was_reset_sets_up_a_new_one(client, town, clerk):
    make.visitor(client, town)
    sign_in(client, clerk)
    client.post("/compte/2fa/authenticate/", {"code": generated(clerk.secret, later=1)})
    assert client.get(DESK).status_code == 200
    other = make.staff(town)
    actions.reset_second_factor(clerk.staff_member, actor=other.person)
    assert client.get(DESK)["Location"].startswith("/compte/login/")
    sign_in(client, clerk)
    assert client.get(DESK)["Location"] == "/compte/2fa/totp/activate/"


def test_the_passkey_is_bound_to_the_host_of_the_town(client, town):
    make.sign_in(client, make.resident(town))
    prove(client)
    page = client.get("/compte/2fa/webauthn/add/")
    assert page.context["js_data"]["creation_options"]["publicKey"]["rp"] == {
        "id": "alma.localhost",
        "name": "Ville d’Alma",
    }
