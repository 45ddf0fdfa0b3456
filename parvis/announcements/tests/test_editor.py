"""The editor in a real browser: keyboard alone, saved as one types, drawn without a mouse."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client

from parvis.announcements.models import Announcement
from parvis.announcements.tests import make
from parvis.core.db import as_town
from parvis.municipalities.tests.make import municipality
from parvis.residents.tests import make as people


@pytest.fixture
def page(transactional_db, live_server, browser):
    """A browser of a clerk at Alma's Bureau; `page.town` is the town, `page.at` opens a path."""
    town = municipality()
    with as_town(town.pk):
        member = people.staff(town, roles={"announcements": "act"})
        make.subject(town)
        make.sector(town)
        make.draft(town, actor=member.person, title="Collecte du sapin")
        cookie = people.sign_in(Client(), member.person, second_factor=True).cookies["session"]
    port = live_server.url.rsplit(":", 1)[1]
    context = browser.new_context(locale="fr-CA", viewport={"width": 1280, "height": 900})
    context.add_cookies(
        [{"name": "session", "value": cookie.value, "domain": "alma.localhost", "path": "/"}]
    )
    page = context.new_page()
    page.set_default_timeout(8000)
    page.town, page.port = town, port
    page.at = lambda path: page.goto(f"http://alma.localhost:{port}{path}")
    page.wrong = []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    yield page
    assert page.wrong == []
    context.close()
    connection.close()


def row(page, **known) -> Announcement:
    with as_town(page.town.pk):
        return Announcement.objects.of(page.town).get(**known)


@pytest.mark.browser
def test_a_clerk_writes_and_publishes_from_the_keyboard_alone(page):
    page.at("/bureau/avis/nouveau/")
    page.get_by_role("button", name="Rédiger un avis", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_label("Titre", exact=True).focus()
    page.keyboard.type("L’eau peut être brune")
    page.get_by_label("Texte", exact=True).focus()
    page.keyboard.type("Laissez couler l’eau ")
    page.keyboard.press("Control+b")
    page.keyboard.type("cinq minutes")
    page.locator("#apercu strong", has_text="cinq minutes").wait_for()
    page.get_by_label("Sujet", exact=True).focus()
    page.keyboard.type("Eau")
    page.get_by_text("Enregistré à").wait_for()
    page.get_by_role("button", name="Relire et publier").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Relire et publier").wait_for()
    page.get_by_role("button", name="Publier", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Preuve d’envoi").wait_for()
    said = row(page, title="L’eau peut être brune")
    assert said.state == "published"
    assert "**cinq minutes**" in said.text


@pytest.mark.browser
def test_an_area_is_drawn_with_arrows_and_enter(page):
    draft = row(page)
    page.at(f"/bureau/avis/{draft.pk}/modifier/")
    page.get_by_text("Dessiner une zone").first.click()
    tool = page.get_by_role("application")
    tool.focus()
    for key in ("Enter", "ArrowRight", "ArrowRight", "Enter", "ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    page.get_by_text("3 points posés").wait_for()
    page.get_by_text("Enregistré à").wait_for()
    area = row(page).area
    assert area["type"] == "Polygon"
    assert len(area["coordinates"][0]) == 4
    west, south = area["coordinates"][0][0]
    assert make.WEST < west < make.WEST + 1
    assert make.SOUTH < south < make.SOUTH + 1


@pytest.mark.browser
def test_two_tabs_do_not_overwrite_each_other(page):
    draft = row(page)
    other = page.context.new_page()
    for tab in (page, other):
        tab.goto(f"http://alma.localhost:{page.port}/bureau/avis/{draft.pk}/modifier/")
    page.get_by_label("Titre", exact=True).fill("Le premier")
    page.get_by_text("Enregistré à").wait_for()
    other.get_by_label("Titre", exact=True).fill("Le second")
    other.get_by_text("Quelqu’un d’autre a modifié").wait_for()
    assert row(page).title == "Le premier"


@pytest.mark.browser
def test_the_queue_is_walked_with_j_and_k_and_opened_with_enter(page):
    page.at("/bureau/")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "desk-q"
    page.keyboard.type("j")
    assert page.evaluate("document.activeElement.value") == "j"
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.textContent") == "Collecte du sapin"
    page.keyboard.press("Enter")
    page.wait_for_url("**/modifier/")
