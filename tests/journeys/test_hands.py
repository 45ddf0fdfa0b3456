"""From the keyboard alone, without scripts, and with letters twice or four times as large."""

from __future__ import annotations

import re

import pytest

from parvis.announcements.models import Announcement
from parvis.core.db import as_town
from parvis.notifications.models import Subscription
from parvis.residents.tests.make import PASSWORD
from tests.journeys.conftest import fits
from tests.journeys.pages import RESIDENT, STAFF, VISITOR, SmallTown, small_town
from tests.journeys.test_access import enter

pytestmark = pytest.mark.browser

# What Tab must reach: of several radio buttons of one name, one is enough.
MARK = """() => {
  const names = [];
  for (const each of document.querySelectorAll(
    "a[href], button, input, select, textarea, summary, [tabindex]")) {
    if (each.tabIndex < 0 || each.disabled || !each.checkVisibility({ visibilityProperty: true }))
      continue;
    const radio = each.type === "radio" && `${each.form?.action} ${each.name}`;
    each.dataset.walk = radio || `${names.length}`;
    if (!names.some(([walk]) => walk === each.dataset.walk))
      names.push([each.dataset.walk, each.outerHTML.slice(0, 120)]);
  }
  return names;
}"""
# Where the focus is, and what is wrong with how it shows.
HERE = """() => {
  const each = document.activeElement;
  if (!each || each === document.body) return null;
  const shell = each.closest("label") ?? each.parentElement;
  const ring = (one) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(one);
    return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  };
  const faults = [];
  const small = each.getBoundingClientRect();
  const box = small.width < 3 || getComputedStyle(each).opacity === "0"
    ? shell.getBoundingClientRect() : small;
  if (![each, shell, shell.nextElementSibling].some((one) => one && ring(one)))
    faults.push("no ring");
  const bottom = Math.min(box.bottom, innerHeight);
  const top = Math.max(box.top, 0);
  const seen = document.elementFromPoint(
    Math.min(box.left + Math.min(box.width / 2, 40), innerWidth - 1), (top + bottom) / 2);
  if (bottom <= top || !seen
      || !(each.contains(seen) || seen.contains(each) || shell.contains(seen)
           || seen.closest("label")?.contains(each)))
    faults.push(`hidden under ${seen?.outerHTML.slice(0, 80)}`);
  else if (seen.closest(".tabs, .sticky") && !each.closest(".tabs, .sticky"))
    faults.push("hidden under a bar");
  return { walk: each.dataset.walk, html: each.outerHTML.slice(0, 120), faults };
}"""


def walk(page) -> list[str]:
    """Press Tab through the whole page: what it misses, what it does not show, and any trap."""
    wanted = dict(page.evaluate(MARK))
    met: list[str] = []
    faults: list[str] = []
    for _ in range(len(wanted) * 2 + 20):
        page.keyboard.press("Tab")
        here = page.evaluate(HERE)
        if here is None or (len(set(met)) > 1 and here["walk"] == met[0]):
            break
        met.append(here["walk"])
        faults += [f"{page.url} {fault}: {here['html']}" for fault in here["faults"]]
    else:
        faults.append(f"{page.url}: the focus never comes out at the end")
    return faults + [f"{page.url} never reached: {wanted[key]}" for key in wanted.keys() - set(met)]


# The others are walked in test_keyboard.py.
WALKS = [
    (VISITOR, "{emergency}"), (RESIDENT, "/mes-avis/"),
    (STAFF, "/bureau/avis/{draft_id}/modifier/"), (STAFF, "/bureau/ville/"),
    (STAFF, "/bureau/territoire/secteurs/{sector}/"), (STAFF, "/bureau/sujets/"),
]  # fmt: skip


@pytest.mark.parametrize("width", [390, 1280])
def test_the_keyboard_reaches_everything_and_sees_where_it_is(portal, open_browser, width):
    town = small_town()
    page = open_browser(width=width)
    faults = []
    for who, path in WALKS:
        enter(page, portal, town, who)
        page.goto(portal.url(path.format(**town.names)))
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        if page.evaluate("document.activeElement.id") != "contenu":
            faults.append(f"{page.url}: the first stop does not lead to the content")
        page.goto(portal.url(path.format(**town.names)))
        faults += walk(page)
    assert not faults, "\n".join(faults)


def without_scripts(portal, open_browser, town: SmallTown, who: str):
    page = open_browser(width=390, scripts=False)
    enter(page, portal, town, who)
    return page


def test_every_page_says_what_it_has_to_say_without_scripts(portal, open_browser):
    town = small_town()
    page = without_scripts(portal, open_browser, town, VISITOR)
    entered, faults = VISITOR, []
    for look in town.looks(VISITOR, RESIDENT):
        if look.who != entered:
            enter(page, portal, town, look.who)
            entered = look.who
        page.goto(portal.url(town.path(look)))
        # A field, a button, or a sentence beyond the title.
        if len(page.locator("main").inner_text()) < 40 and not page.locator("main form").count():
            faults.append(f"{look} says nothing without scripts")
        if page.locator("main h1").count() != 1:
            faults.append(f"{look} has no heading without scripts")
    assert not faults, "\n".join(faults)


def test_a_resident_does_all_of_it_without_scripts(portal, open_browser):
    town = small_town()
    page = open_browser(width=390, scripts=False)
    page.goto(portal.url("/compte/login/"))
    page.get_by_label("Votre courriel").fill("agathe@exemple.ca")
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Se connecter", exact=True).click()
    page.get_by_role("heading", name="Bonjour, Agathe").wait_for()
    page.get_by_label("Que voulez-vous faire").fill("bouillir")
    page.get_by_role("button", name="Chercher").click()
    page.get_by_role("link", name=re.compile("Faites bouillir l’eau")).first.wait_for()
    page.goto(portal.url("/moi/adresses/"))
    page.get_by_label("Adresse", exact=True).fill("203 bouleaux")
    page.get_by_text("Travail", exact=True).click()
    page.get_by_role("button", name="Ajouter", exact=True).click()
    choice = page.get_by_label(re.compile("203, rue des Bouleaux"))
    if choice.count():
        page.get_by_text(re.compile("203, rue des Bouleaux")).first.click()
        page.get_by_role("button", name="Ajouter", exact=True).click()
    page.get_by_role("heading", name="Mes adresses").wait_for()
    assert page.locator("main").inner_text().count("rue des Bouleaux") >= 2
    page.goto(portal.url("/mes-avis/"))
    group = page.get_by_role("group", name="Eau")
    was = group.get_by_label("Courriel").is_checked()
    group.get_by_text("Courriel").click()
    page.get_by_role("button", name="Enregistrer mes choix").click()
    page.wait_for_load_state()
    with as_town(town.town.pk):
        kept = Subscription.objects.of(town.town).filter(
            resident_id=town.names["person"], subject__name="Eau", channel="email"
        )
        assert kept.exists() is not was


def test_the_editor_saves_without_scripts(portal, open_browser):
    town = small_town()
    page = without_scripts(portal, open_browser, town, STAFF)
    page.goto(portal.url(f"/bureau/avis/{town.names['draft_id']}/modifier/"))
    page.get_by_label("Titre", exact=True).fill("Sans scripts")
    page.locator(".sticky").get_by_role("button", name="Enregistrer").click()
    page.wait_for_load_state()
    with as_town(town.town.pk):
        assert Announcement.objects.of(town.town).get(pk=town.names["draft_id"]).title == (
            "Sans scripts"
        )


# What is cut off: text wider than its box where the box hides the rest.
CUT = """() => [...document.querySelectorAll("main *, header *, nav *")].filter((each) => {
  const style = getComputedStyle(each);
  return each.checkVisibility({ visibilityProperty: true })
    && !each.closest(".sr, svg, textarea, .find") && !each.matches(".parvis")
    && each.innerText && /hidden|clip/.test(style.overflowX) && style.clipPath === "none"
    && each.scrollWidth > each.clientWidth + 1;
}).map((each) => each.outerHTML.slice(0, 140))"""


@pytest.mark.parametrize("percent", [200, 400])
def test_large_letters_lose_nothing(portal, open_browser, percent):
    town = small_town()
    page = open_browser(width=320)
    # 400 % of a screen of 1280 is 320 wide; 200 % is the browser's own letters, twice as large.
    if percent == 200:
        session = page.context.new_cdp_session(page)
        session.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
    faults = []
    for who, path in [
        (VISITOR, "/"), (RESIDENT, "/"), (RESIDENT, "/mes-avis/"), (VISITOR, "{emergency}"),
    ]:  # fmt: skip
        enter(page, portal, town, who)
        page.goto(portal.url(path.format(**town.names)))
        if not fits(page):
            faults.append(f"{page.url} scrolls sideways")
        faults += [f"{page.url} is cut: {html}" for html in page.evaluate(CUT)]
    assert not faults, "\n".join(faults)


def test_an_announcement_prints_without_the_navigation(portal, open_browser):
    town = small_town()
    page = open_browser(width=1280)
    page.goto(portal.url(town.names["emergency"]))
    page.emulate_media(media="print")
    assert page.get_by_role("heading", level=1).is_visible()
    assert page.get_by_text("Portez l’eau à gros bouillons").is_visible()
    for gone in ("nav.tabs", "form", ".btn", ".skip"):
        assert page.locator(gone).locator("visible=true").count() == 0, gone
