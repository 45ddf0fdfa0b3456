"""From a first visit to a key of one's own: the ways in, in a real browser."""

from __future__ import annotations

import re

import pytest

from parvis.core.db import as_town
from parvis.municipalities.tests import make as towns
from parvis.residents.tests import make
from tests.journeys.conftest import axe, fits

pytestmark = pytest.mark.browser


def with_a_key(page) -> None:
    """A device that holds passkeys and recognises its owner."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


def sign_up(page, portal, email: str) -> None:
    page.goto(portal.url("/compte/signup/"))
    page.get_by_label("Prénom").fill("Agathe")
    page.get_by_label("Nom", exact=True).fill("Tremblay")
    page.get_by_label("Courriel").fill(email)
    page.get_by_label("Mot de passe").fill("trois bacs bleus au chemin")
    page.get_by_role("button", name="Ouvrir mon compte").click()
    page.get_by_label("Code à 6 chiffres").fill(portal.code_for(email))
    page.get_by_role("button", name="Continuer").click()
    page.wait_for_url(re.compile(r"localhost:\d+/$"))


def sign_out(page, portal) -> None:
    page.goto(portal.url("/compte/logout/"))
    page.get_by_role("button", name="Me déconnecter").click()
    page.wait_for_url(re.compile(r"localhost:\d+/$"))


@pytest.mark.parametrize("scripts", [True, False])
def test_a_visitor_signs_up_with_the_code_of_a_real_letter(portal, open_browser, scripts):
    towns.municipality()
    page = open_browser(scripts=scripts)
    sign_up(page, portal, "agathe@exemple.ca")
    page.goto(portal.url("/moi/"))
    assert page.get_by_text("agathe@exemple.ca").is_visible()
    letter = portal.letter_to("agathe@exemple.ca")
    # Reading a header back turns its no-break spaces into plain ones.
    assert letter["Subject"] == "Bienvenue : votre code — Ville d’Alma"
    html = letter.get_body(("html",)).get_content()
    assert "<img" not in html
    assert "http" not in html
    sign_out(page, portal)
    page.goto(portal.url("/moi/"))
    assert "/compte/login/" in page.url


def test_a_passkey_opens_the_account_with_one_press(portal, open_browser):
    towns.municipality()
    page = open_browser()
    with_a_key(page)
    sign_up(page, portal, "agathe@exemple.ca")
    page.goto(portal.url("/moi/protection/"))
    page.get_by_role("link", name="Ajouter une clé").click()
    page.get_by_label("Mot de passe").fill("trois bacs bleus au chemin")
    page.get_by_role("button", name="Confirmer").click()
    page.get_by_label("Sans mot de passe").check()
    assert axe(page) == []
    assert fits(page)
    page.get_by_role("button", name="Ajouter").click()
    page.wait_for_url(re.compile("/compte/2fa/(?!webauthn/add/)"))
    page.wait_for_load_state()
    assert "Clé d’accès" in page.content()
    sign_out(page, portal)
    page.goto(portal.url("/compte/login/code/"))
    page.get_by_role("button", name="Utiliser ma clé").click()
    page.wait_for_url(re.compile(r"localhost:\d+/$"))
    page.goto(portal.url("/moi/protection/"))
    assert page.get_by_text("1 clé", exact=True).is_visible()


def test_an_address_is_typed_chosen_and_kept(portal, open_browser):
    from parvis.territory.tests import make as places

    town = towns.municipality()
    with as_town(town.pk):
        places.address(town, number="415", street="rue des Bouleaux")
        make.resident(town, email="agathe@exemple.ca")
    page = open_browser()
    page.goto(portal.url("/compte/login/"))
    page.get_by_label("Votre courriel").fill("agathe@exemple.ca")
    page.get_by_label("Mot de passe", exact=True).fill(make.PASSWORD)
    page.get_by_role("button", name="Se connecter", exact=True).click()
    page.wait_for_url(re.compile(r"localhost:\d+/$"))
    page.goto(portal.url("/moi/adresses/"))
    page.get_by_role("link", name="Préciser").click()
    page.get_by_label("Adresse", exact=True).fill("415 boul")
    page.get_by_role("radio", name="415, rue des Bouleaux").check()
    page.get_by_role("button", name="Enregistrer").click()
    page.wait_for_url(re.compile("/moi/adresses/$"))
    assert page.get_by_text("415, rue des Bouleaux").is_visible()
    assert axe(page) == []
