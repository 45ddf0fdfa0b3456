"""Two people warn the town; it arrives on a resident's open screen; they answer; it is lifted."""

from __future__ import annotations

import re
import time

import pytest

from parvis.alerts.models import Answer
from parvis.announcements.tests import make as places
from parvis.core.db import as_town
from parvis.municipalities import actions as municipalities
from parvis.municipalities.tests import make as towns
from parvis.municipalities.tests.make import NOW
from parvis.residents.tests import make
from tests.journeys.conftest import axe, fits
from tests.journeys.helpers import TOTP_SECRET, Keyboard, sign_in

pytestmark = pytest.mark.browser


def member(town, email: str, *, first_name: str, authority: bool, rescue: bool = False):
    from allauth.mfa.models import Authenticator

    from parvis.core import secret

    person = make.resident(town, email=email, first_name=first_name)
    enciphered = secret.encipher("mfa", TOTP_SECRET.encode()).decode()
    Authenticator.objects.create(
        user=person, type=Authenticator.Type.TOTP, data={"secret": enciphered}
    )
    return municipalities.add_staff(
        town, person=person, now=NOW, is_administrator=False, is_alert_authority=authority,
        roles={"alerts": "act", **({"rescue": "act"} if rescue else {})},
    )  # fmt: skip


def looked_at(page) -> None:
    assert axe(page) == []
    assert fits(page)


def test_two_people_warn_a_resident_who_answers_and_it_is_lifted(portal, open_browser):
    town = towns.municipality()
    with as_town(town.pk):
        north = places.sector(town, "Naudville")
        home = places.address(town, sector=north)
        agathe = make.resident(town, email="agathe@exemple.ca", address=home)
        member(town, "camille@exemple.ca", first_name="Camille", authority=False)
        member(town, "bruno@exemple.ca", first_name="Bruno", authority=True, rescue=True)
    clerk = open_browser(width=1280, reduced_motion="reduce")
    chief = open_browser(width=390, dark=True, reduced_motion="reduce")
    resident = open_browser(width=390, reduced_motion="reduce")
    sign_in(clerk, portal, "camille@exemple.ca")
    sign_in(chief, portal, "bruno@exemple.ca")
    sign_in(resident, portal, "agathe@exemple.ca")
    resident.goto(portal.url("/aide/"))

    # The clerk, without a mouse.
    keys = Keyboard(clerk)
    clerk.goto(portal.url("/bureau/alertes/"))
    keys.press(clerk.get_by_role("link", name="Nouvelle alerte"))
    keys.press(clerk.get_by_role("button", name="Avis d’ébullition", exact=True))
    clerk.wait_for_url("**/modifier/")
    keys.press(clerk.get_by_label("Naudville"), key="Space")
    clerk.get_by_text("1 adresse", exact=True).wait_for()
    looked_at(clerk)
    keys.press(clerk.get_by_role("button", name="Demander l’approbation"))
    clerk.get_by_role("heading", name="Relire et approuver").wait_for()
    looked_at(clerk)
    where = clerk.url

    # The chief, on a telephone, at night.
    chief.goto(where)
    looked_at(chief)
    Keyboard(chief).to(chief.get_by_role("button", name="Approuver et envoyer"))
    pressed = time.monotonic()
    chief.keyboard.press("Enter")
    banner = resident.get_by_role("complementary", name="Alerte en vigueur")
    banner.get_by_text("Faites bouillir l’eau").wait_for()
    assert time.monotonic() - pressed < 8
    looked_at(resident)
    chief.get_by_text("C’est parti").wait_for()
    letter = portal.letter_to("agathe@exemple.ca")
    assert "Faites bouillir" in str(letter["Subject"])

    # The resident reads, then answers from the letter in a browser that is not signed in.
    banner.get_by_role("link", name="Voir quoi faire").click()
    resident.get_by_text("Votre adresse est touchée").wait_for()
    looked_at(resident)
    link = re.search(r"http\S+moi=\S+", letter.get_body(("plain",)).get_content())[0]
    stranger = open_browser(scripts=False)
    stranger.goto(link)
    stranger.get_by_label("Ce que les secours doivent savoir").fill("Deux personnes")
    stranger.get_by_role("button", name="J’ai besoin d’aide").click()
    stranger.get_by_text("Vous avez demandé de l’aide").wait_for()
    with as_town(town.pk):
        found = Answer.objects.of(town).get()
        assert (found.resident_id, found.kind, found.by_letter) == (agathe.pk, "help", True)

    # The chief sees it arrive, and goes.
    chief.get_by_text("1 en attente").wait_for()
    looked_at(chief)
    chief.get_by_role("link", name="1 en attente").click()
    chief.get_by_text("Deux personnes").wait_for()
    looked_at(chief)
    chief.get_by_role("button", name="Prendre").click()
    chief.get_by_text("Prise en charge").wait_for()
    resident.get_by_text("Quelqu’un s’occupe de vous").wait_for()

    # And it is lifted: the page says so by itself.
    clerk.goto(where.replace("approuver/", ""))
    clerk.get_by_role("button", name="Lever").click()
    clerk.get_by_role("button", name="Demander l’approbation").click()
    clerk.wait_for_url("**/approuver/")
    chief.goto(where)
    chief.get_by_role("button", name="Approuver et envoyer").click()
    resident.get_by_role("heading", name="L’eau est de nouveau bonne à boire", level=1).wait_for()
    looked_at(resident)
    resident.goto(portal.url("/aide/"))
    assert resident.get_by_role("complementary", name="Alerte en vigueur").count() == 0
    clerk.goto(portal.url("/bureau/alertes/"))
    looked_at(clerk)


def test_a_drill_from_a_phone_at_night(portal, open_browser):
    """One designated person alone, by the keyboard of a telephone, without a script."""
    town = towns.municipality()
    with as_town(town.pk):
        make.resident(town, email="agathe@exemple.ca")
        member(town, "bruno@exemple.ca", first_name="Bruno", authority=True)
    page = open_browser(width=390, dark=True, scripts=False)
    sign_in(page, portal, "bruno@exemple.ca")
    page.goto(portal.url("/bureau/alertes/nouvelle/"))
    page.get_by_label("C’est un exercice").check()
    page.get_by_role("button", name="Évacuation", exact=True).click()
    page.get_by_label("Toute la ville").check()
    page.get_by_role("button", name="Décider seul").click()
    page.get_by_label("Pourquoi une seule personne décide").fill("Exercice de nuit, seul de garde")
    page.get_by_role("button", name="Envoyer maintenant, seul").click()
    page.get_by_text("C’est parti").wait_for()
    letter = portal.letter_to("agathe@exemple.ca")
    assert str(letter["Subject"]).startswith("EXERCICE")
    visitor = open_browser(width=1280)
    visitor.goto(portal.url("/"))
    drill = visitor.get_by_role("complementary", name="Exercice d’alerte")
    assert "EXERCICE" in drill.inner_text()
    drill.get_by_role("link", name="Voir quoi faire").click()
    visitor.get_by_text("Ceci est un exercice.").wait_for()
    looked_at(visitor)
