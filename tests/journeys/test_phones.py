"""Someone verifies a telephone by the code that comes to it, then wants texts; scripts or not."""

from __future__ import annotations

import re

import pytest

from parvis.core.db import as_town
from parvis.municipalities.tests import make as towns
from parvis.notifications.models import Subscription
from parvis.notifications.tests import make as notices
from parvis.residents.models import Phone
from parvis.residents.tests import make
from tests.journeys.conftest import axe, fits
from tests.journeys.helpers import sign_in

pytestmark = pytest.mark.browser
NUMBER = "+14185550142"


@pytest.mark.parametrize(
    ("width", "scripts"), [(390, True), (1280, True), (390, False)],
    ids=["telephone", "desk", "without-scripts"],
)  # fmt: skip
def test_a_number_is_verified_by_its_code_and_texts_are_chosen(
    portal, open_browser, width, scripts
):
    town = towns.municipality("alma")
    with as_town(town.pk):
        notices.subject(town, "Eau")
        make.resident(town, email="agathe@exemple.ca")
    page = open_browser(width=width, scripts=scripts, bypass_csp=True)
    faults: list[str] = []

    def look() -> None:
        assert fits(page), page.url
        if scripts:
            faults.extend(axe(page))

    sign_in(page, portal, "agathe@exemple.ca")
    page.goto(portal.url("/moi/telephones/"))
    page.get_by_label("Numéro de téléphone").fill("418 555-0142")
    page.get_by_role("button", name="Ajouter").click()
    page.get_by_role("button", name="Recevoir un code par texto").wait_for()
    look()
    page.get_by_role("button", name="Recevoir un code par texto").click()
    page.get_by_label("Code reçu").wait_for()
    code = re.search(r"#(\d{6})$", portal.text_to(NUMBER))[1]
    look()
    page.get_by_label("Code reçu").fill(f"{(int(code) + 1) % 1_000_000:06}")
    page.get_by_role("button", name="Vérifier", exact=True).click()
    page.get_by_text("Il vous reste 4 essais").wait_for()
    look()
    page.get_by_label("Code reçu").fill(code)
    page.get_by_role("button", name="Vérifier", exact=True).click()
    page.wait_for_url(re.compile(r"/moi/telephones/$"))
    page.get_by_text("Vérifié", exact=True).wait_for()
    look()
    with as_town(town.pk):
        assert Phone.objects.of(town).get().verified_how == "text"
    page.goto(portal.url("/mes-avis/"))
    page.get_by_text("À quoi ressemble un texto").click()
    look()
    page.get_by_role("group", name="Eau").get_by_text("Texto", exact=True).click()
    if scripts:
        page.locator("#annonce", has_text="Eau").wait_for()
    else:
        page.get_by_role("button", name="Enregistrer mes choix").click()
        page.get_by_text("Vos choix sont enregistrés.").wait_for()
    with as_town(town.pk):
        assert set(Subscription.objects.of(town).values_list("channel", flat=True)) == {"text"}
    assert faults == []
