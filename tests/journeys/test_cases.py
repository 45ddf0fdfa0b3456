"""A resident asks, a clerk answers, the resident is told, replies, and it is closed."""

from __future__ import annotations

import pytest

from parvis.cases.models import Case
from parvis.core.db import as_town
from parvis.municipalities import actions as municipalities
from parvis.municipalities.tests import make as towns
from parvis.residents.tests import make
from tests.journeys.conftest import axe, fits
from tests.journeys.helpers import Keyboard, clerk, sign_in

pytestmark = pytest.mark.browser

SUBJECT = "Heures de la patinoire"
QUESTION = "À quelle heure ferme la patinoire du parc ?"
ANSWER = "Elle ferme à 21 h la semaine."


@pytest.fixture
def town(portal):
    town = towns.municipality("alma")
    with as_town(town.pk):
        make.resident(town, email="agathe@exemple.ca")
        municipalities.set_roles(clerk(town), roles={"cases": "act"}, actor=None)
    return town


def ask_by_keyboard(page, portal) -> None:
    """From «Mes demandes» to the page of the new request, without a mouse."""
    keys = Keyboard(page)
    page.goto(portal.url("/mes-demandes/"))
    keys.press(page.get_by_role("link", name="Écrire à la Ville"))
    # Sent empty, it says what is missing, and the focus is there.
    keys.press(page.get_by_role("button", name="Envoyer ma demande"))
    page.get_by_text("Il y a 3 choses à corriger").wait_for()
    assert axe(page) == [] and fits(page)
    keys.press(page.get_by_label("Une question"), "Space")
    keys.write(page.get_by_label("De quoi s’agit-il"), SUBJECT)
    keys.write(page.get_by_label("Votre message"), QUESTION)
    keys.press(page.get_by_role("button", name="Envoyer ma demande"))
    page.get_by_role("heading", name=SUBJECT).wait_for()


def test_a_question_is_asked_answered_replied_to_and_closed(portal, town, open_browser):
    resident, desk = open_browser(bypass_csp=True), open_browser(width=1280, bypass_csp=True)
    sign_in(resident, portal, "agathe@exemple.ca")
    ask_by_keyboard(resident, portal)
    resident.get_by_text("Jour 1 de 5").wait_for()
    assert axe(resident) == [] and fits(resident)
    received = portal.letter_to("agathe@exemple.ca")
    assert "reçue" in received["Subject"] and "Reply-To" not in received
    # The stream opens once the page is shown.
    resident.wait_for_timeout(700)

    keys = Keyboard(desk)
    sign_in(desk, portal, "camille@exemple.ca")
    desk.goto(portal.url("/bureau/demandes/"))
    keys.press(desk.get_by_role("link", name=SUBJECT).first)
    desk.get_by_role("heading", name="Échanges").wait_for()
    keys.press(desk.get_by_role("button", name="Je la prends"))
    desk.get_by_text("La demande est confiée").wait_for()
    keys.write(desk.get_by_label("Votre réponse"), ANSWER)
    keys.press(desk.get_by_role("button", name="Envoyer la réponse"))
    desk.get_by_text("Votre réponse est partie").wait_for()
    assert axe(desk) == [] and fits(desk)

    # The open page shows it without reloading, and a letter says it.
    resident.get_by_text(ANSWER).wait_for(timeout=4000)
    letter = portal.letter_to("agathe@exemple.ca", count=2)
    assert "a répondu" in letter["Subject"]
    assert ANSWER in letter.get_body(("plain",)).get_content()
    resident.reload()
    keys = Keyboard(resident)
    keys.write(resident.get_by_label("Votre message"), "Et le dimanche ?")
    keys.press(resident.get_by_role("button", name="Rouvrir et envoyer"))
    resident.get_by_text("Votre message est parti").wait_for()

    desk.get_by_text("Et le dimanche ?").wait_for(timeout=4000)
    desk.reload()
    desk.get_by_role("button", name="Fermer", exact=True).click()
    desk.get_by_text("La personne en est avisée").wait_for()
    resident.locator("#suivi").get_by_text("Fermée").first.wait_for(timeout=4000)
    with as_town(town.pk):
        assert Case.objects.of(town).get().state == "closed"


def test_all_of_it_works_without_scripts(portal, town, open_browser):
    resident = open_browser(scripts=False)
    sign_in(resident, portal, "agathe@exemple.ca")
    resident.goto(portal.url("/mes-demandes/ecrire/"))
    resident.get_by_label("Une plainte").check()
    resident.get_by_label("De quoi s’agit-il").fill(SUBJECT)
    resident.get_by_label("Votre message").fill(QUESTION)
    resident.locator("input[type=file]").set_input_files(
        [{"name": "note.txt", "mimeType": "text/plain", "buffer": b"Bonjour"}]
    )
    resident.get_by_role("button", name="Envoyer ma demande").click()
    resident.get_by_role("link", name="note.txt").wait_for()
    desk = open_browser(width=1280, scripts=False)
    sign_in(desk, portal, "camille@exemple.ca")
    desk.goto(portal.url("/bureau/demandes/?file=assigner"))
    desk.get_by_role("link", name=SUBJECT).first.click()
    desk.get_by_label("Votre réponse").fill("Laquelle ?")
    desk.get_by_label("J’attends sa réponse").check()
    desk.get_by_role("button", name="Envoyer la réponse").click()
    desk.get_by_text("Votre réponse est partie").wait_for()
    resident.reload()
    resident.get_by_text("En attente de vous").first.wait_for()
    resident.get_by_text("Retirer ma demande").click()
    resident.get_by_role("button", name="Oui, la retirer").click()
    resident.get_by_text("Votre demande est retirée").wait_for()
    assert resident.get_by_label("Votre message").count() == 0
