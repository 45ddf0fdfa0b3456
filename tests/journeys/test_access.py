"""For every eye and every hand: each page of the product, looked at with axe and from the keyboard.

The pages come from the routes (pages.py): a page without a look fails the first test.
"""

from __future__ import annotations

import pytest
from django.test import Client

from parvis.residents.tests.make import PASSWORD
from tests.doors import doors
from tests.journeys import pages
from tests.journeys.conftest import AXE, AXE_TAGS, fits
from tests.journeys.pages import RESIDENT, STAFF, VISITOR, Look, SmallTown, small_town

pytestmark = pytest.mark.browser

WIDTHS = (320, 390, 1280)
RUN_AXE = """only => axe.run(document, {
  runOnly: only.length === 1 ? { type: "rule", values: only } : { type: "tag", values: only },
  resultTypes: ["violations"],
}).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
  nodes.map(({ target, html }) => `${id}: ${target} ${html.slice(0, 120)}`)))"""
SAYS = """() => ({
  lang: document.documentElement.lang,
  title: document.title,
  headings: [...document.querySelectorAll("h1")].filter((each) => each.checkVisibility()).length,
})"""


def test_every_route_is_a_page_that_is_looked_at_or_says_why_not():
    routes = {door.route for door in doors()}
    assert routes - set(pages.PAGES) - set(pages.NOT_PAGES) == set()
    assert (set(pages.PAGES) | set(pages.NOT_PAGES)) - routes == set()
    assert set(pages.PAGES) & set(pages.NOT_PAGES) == set()


def enter(page, portal, town: SmallTown, who: str) -> None:
    page.context.clear_cookies()
    if who != VISITOR:
        page.context.add_cookies(
            [{"name": "session", "value": town.keys[who], "url": portal.url("/")}]
        )


def look(page, label: str, titles: dict[str, str]) -> list[str]:
    """Faults of the page that is open: what it says of itself, axe, and what does not fit."""
    faults = []
    says = page.evaluate(SAYS)
    if says["lang"][:2] != "fr":
        faults.append(f"{label}: language is «{says['lang']}»")
    if says["headings"] != 1:
        faults.append(f"{label}: {says['headings']} headings of the first level")
    twin = titles.setdefault(says["title"], label)
    if twin.split("?")[0].split(" ")[-1] != label.split("?")[0].split(" ")[-1]:
        faults.append(f"{label}: same title as {twin}: {says['title']}")
    page.evaluate(AXE.read_text())
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844 if width < 700 else 900})
        if not fits(page):
            faults.append(f"{label}: scrolls sideways at {width}")
        # Only colours differ in the dark: the other rules have looked in the light.
        for scheme, only in (("light", AXE_TAGS), ("dark", ["color-contrast"])):
            page.emulate_media(color_scheme=scheme)
            found = page.evaluate(RUN_AXE, only)
            faults += [f"{label} {width} {scheme} {fault}" for fault in found]
    return faults


def nowhere() -> str:
    """The page for an address that leads nowhere; with DEBUG the portal shows Django's own."""
    answer = Client(HTTP_HOST="alma.localhost").get("/nulle-part/")
    assert answer.status_code == 404
    return answer.content.decode()


def look_at_all(portal, open_browser, who: str) -> None:
    town = small_town()
    page = open_browser(bypass_csp=True, reduced_motion="reduce")
    faults: list[str] = []
    titles: dict[str, str] = {}
    looks: list[Look] = town.looks(who)
    enter(page, portal, town, who)
    for each in looks:
        path = town.path(each)
        answer = page.goto(portal.url(path))
        assert answer is not None
        label = f"{each.who} {path}"
        if answer.status != each.status or not page.url.endswith(path):
            faults.append(f"{label}: answers {answer.status} at {page.url}")
            continue
        faults += look(page, label, titles)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("who", [VISITOR, RESIDENT, STAFF])
def test_no_page_has_a_fault_on_any_screen(portal, open_browser, who):
    look_at_all(portal, open_browser, who)


def test_the_steps_on_the_way_in_have_no_fault(portal, open_browser):
    """What only another page leads to: codes to type, the second factor, a change to confirm."""
    town = small_town()
    faults: list[str] = []

    def arrived(page, ending: str) -> None:
        page.wait_for_url(f"**{ending}")
        # Three ways ask for a code, under one title: nobody has two of them open.
        faults.extend(look(page, ending, {}))
        page.set_viewport_size({"width": 390, "height": 844})

    def begin(path: str):
        page = open_browser(bypass_csp=True, reduced_motion="reduce")
        page.goto(portal.url(path))
        return page

    page = begin("/compte/login/code/")
    page.get_by_label("Votre courriel").fill("agathe@exemple.ca")
    page.get_by_role("button", name="Recevoir mon code").click()
    arrived(page, "/compte/login/code/confirm/")
    page = begin("/compte/password/reset/")
    page.locator("main input[type=email]").fill("agathe@exemple.ca")
    page.locator("main input[type=email]").press("Enter")
    arrived(page, "/compte/password/reset/confirm/")
    page = begin("/compte/signup/")
    page.get_by_label("Prénom").fill("Zoé")
    page.get_by_label("Nom", exact=True).fill("Roy")
    page.get_by_label("Courriel").fill("zoe@exemple.ca")
    page.get_by_label("Mot de passe").fill("trois bacs bleus au chemin")
    page.get_by_role("button", name="Ouvrir mon compte").click()
    arrived(page, "/compte/confirm-email/")
    page = begin("/compte/login/")
    page.get_by_label("Votre courriel").fill("lise@exemple.ca")
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Se connecter", exact=True).click()
    arrived(page, "/compte/2fa/authenticate/")
    page = begin("/")
    enter(page, portal, town, STAFF)
    page.goto(portal.url("/compte/2fa/recovery-codes/generate/"))
    page.get_by_role("button", name="Créer des codes").click()
    arrived(page, "/compte/2fa/recovery-codes/")
    page.goto(portal.url(f"/bureau/avis/{town.names['rich_id']}/modifier/"))
    page.get_by_role("button", name="Relire et publier").click()
    arrived(page, "/relire-la-modification/")
    assert not faults, "\n".join(faults)
