"""Every page of one's account, for every eye and hand: axe finds nothing, nothing scrolls aside."""

from __future__ import annotations

import time

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from playwright.sync_api import expect

from parvis.core.db import as_town
from parvis.municipalities.tests import make as towns
from parvis.municipalities.tests.make import NOW
from parvis.residents import actions, confirmations, households
from parvis.residents.tests import make
from tests.journeys.conftest import axe, fits

pytestmark = pytest.mark.browser

VISITOR = ["/compte/login/", "/compte/login/code/", "/compte/signup/", "/compte/password/reset/"]
MINE = [
    "/moi/", "/moi/nom/", "/moi/telephones/", "/moi/adresses/", "/moi/menage/",
    "/moi/menage/1/", "/moi/consentements/", "/moi/protection/", "/moi/donnees/",
    "/moi/effacer/", "/compte/email/", "/compte/password/change/", "/compte/2fa/",
    "/compte/2fa/totp/activate/", "/compte/2fa/webauthn/add/", "/compte/logout/",
]  # fmt: skip
DESK = ["/bureau/citoyens/?q=tremblay", "/bureau/citoyens/ouvrir/", "/bureau/citoyens/1/"]


@pytest.mark.parametrize(("width", "dark"), [(320, False), (390, True), (1280, False)])
def test_no_fault_on_any_page_of_the_account(portal, open_browser, width, dark):
    town = towns.municipality()
    with as_town(town.pk):
        person = make.resident(town)
        clerk = make.staff(town, roles={"residents": "act"}).person
        actions.add_phone(person, number="418 555-0142", actor=person, now=NOW)
        actions.answer_consent(person, purpose="openings", given=True, now=NOW)
        household = households.open_household(person, role="owner", now=NOW)
        households.add_child(household, actor=person, name="Léo", now=NOW)
        assert (person.pk, household.pk) == (1, 1)
        keys = {}
        for who in (person, clerk):
            browser = make.sign_in(Client(), who, second_factor=who is clerk)
            session = browser.session
            session["account_authentication_methods_user"] = str(who.pk)
            session.setdefault("account_authentication_methods", []).append(
                {"method": "password", "at": time.time(), "reauthenticated": True}
            )
            session.save()
            keys[who.pk] = session.session_key
    page = open_browser(width=width, dark=dark, bypass_csp=True)
    faults = []
    for key, paths in ((None, VISITOR), (keys[person.pk], MINE), (keys[clerk.pk], DESK)):
        page.context.clear_cookies()
        if key:
            page.context.add_cookies([{"name": "session", "value": key, "url": portal.url("/")}])
        for path in paths:
            answer = page.goto(portal.url(path))
            assert answer.status == 200, (path, answer.status)
            assert page.url.endswith(path), (path, page.url)
            faults += axe(page)
            if not fits(page):
                faults.append(f"{path} scrolls aside at {width}")
    assert faults == []


def test_who_reads_a_letter_at_an_address_a_clerk_wrote_confirms_it_by_one_press(
    portal, open_browser
):
    town = towns.municipality()
    with as_town(town.pk):
        person = make.resident(town)
        row = EmailAddress.objects.create(user=person, email="agathe.c@exemple.ca")
        path = f"/compte/confirmer/{confirmations.token_for(row)}/"
    page = open_browser(width=390)
    page.goto(portal.url(path))
    page.get_by_role("button", name="Oui, confirmer").click()
    expect(page.locator("h1")).to_have_text("Votre adresse est confirmée")
    with as_town(town.pk):
        row.refresh_from_db()
        assert row.verified
