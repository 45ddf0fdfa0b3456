"""A walk with Tab alone: everything is reached, in sight, with its focus seen; nothing traps."""

from __future__ import annotations

import pytest
from django.utils import timezone

from parvis.announcements.tests import make as announcements
from parvis.core.db import as_town
from parvis.municipalities.tests import make as towns
from parvis.notifications.models import Message
from parvis.notifications.tests import make as notices
from parvis.residents.tests import make
from tests.journeys.helpers import clerk, sign_in

pytestmark = pytest.mark.browser

# Marks what Tab must reach: in sight, enabled, once for each group of radio buttons.
MARK = """() => {
  const all = [...document.querySelectorAll(
    "a[href], button, input, select, textarea, summary, [tabindex='0']")];
  const groups = new Set();
  let count = 0;
  for (const each of all) {
    const seen = each.checkVisibility({ visibilityProperty: true, opacityProperty: false });
    if (!seen || each.disabled || each.type === "hidden" || each.tabIndex < 0) continue;
    if (each.type === "radio") {
      if (groups.has(each.name)) continue;
      groups.add(each.name);
      each.dataset.walkGroup = each.name;
    }
    each.dataset.walk = "";
    count += 1;
  }
  return count;
}"""
# What is wrong with where the focus is now; null when the walk has left the page.
LOOK = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const named = at.type === "radio" && document.querySelector(
    `[data-walk-group="${CSS.escape(at.name)}"]`);
  // A date has a stop for each part; the browser itself draws the focus of its calendar button.
  const part = at.type?.startsWith("date") && "walked" in at.dataset;
  (named || at).dataset.walked = "";
  const words = (at.innerText || at.name || at.id).trim().slice(0, 40);
  const what = `<${at.tagName.toLowerCase()}> ${words}`;
  const holder = at.closest("label") ?? at;
  const box = holder.getBoundingClientRect();
  const wrong = [];
  const x = Math.min(Math.max(box.left + box.width / 2, 0), innerWidth - 1);
  const y = box.top + Math.min(box.height / 2, 12);
  const top = document.elementFromPoint(x, y);
  const parts = at.getClientRects();
  const hit = [...parts].some((part) => {
    const found = document.elementFromPoint(part.left + part.width / 2, part.top + part.height / 2);
    return found && (at.contains(found) || found.contains(at));
  });
  const seen = hit || (top && (holder.contains(top) || top.contains(holder)));
  if (!seen) wrong.push(`${what}: hidden`);
  const ringed = (each) => {
    const style = getComputedStyle(each);
    return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2)
      || style.boxShadow !== "none";
  };
  let ring = false;
  for (let each = at, up = 0; each && up < 4; each = each.parentElement, up += 1)
    ring ||= ringed(each);
  if (!ring && !part) wrong.push(`${what}: no sign of the focus`);
  return { wrong, what };
}"""
MISSED = """() => [...document.querySelectorAll("[data-walk]:not([data-walked])")]
  .map((each) => `${each.tagName} ${(each.innerText || each.name || each.id).trim()}`)"""


def walk(page) -> list[str]:
    """Press Tab from the top to the end; what is wrong on the way, one line each."""
    expected = page.evaluate(MARK)
    faults: list[str] = []
    # Parts of dates and scrolled boxes are stops too.
    most = 2 * expected + 40
    for step in range(most):
        page.keyboard.press("Tab")
        seen = page.evaluate(LOOK)
        if seen is None or ("Aller au contenu" in seen["what"] and step):
            break
        if step == 0 and "Aller au contenu" not in seen["what"]:
            faults.append(f"first is {seen['what']}")
        faults += seen["wrong"]
    else:
        faults.append(f"still on the page after {most} presses")
    faults += [f"never reached: {each}" for each in page.evaluate(MISSED)]
    return [f"{page.url}: {fault}" for fault in faults]


def test_every_page_can_be_walked_with_tab(portal, open_browser):
    town, now = towns.municipality(), timezone.now()
    with as_town(town.pk):
        water = notices.subject(town, "Eau")
        person = make.resident(town, email="agathe@exemple.ca")
        notices.subscription(person, water)
        author = clerk(town).person
        row = announcements.published(town, now=now, actor=author, subject=water)
        draft = announcements.draft(town, now=now, actor=author, subject=water)
        message = Message.objects.of(town).get()
    visits = {
        "": ["/", "/avis/", row.get_absolute_url(), "/compte/login/", "/compte/signup/"],
        "agathe@exemple.ca": ["/", "/mes-avis/", "/mes-avis/recus/", "/moi/", "/moi/adresses/"],
        "camille@exemple.ca": [
            "/bureau/", "/bureau/avis/", f"/bureau/avis/{draft.pk}/modifier/",
            f"/bureau/avis/{draft.pk}/relire/", f"/bureau/envois/{message.pk}/",
        ],
    }  # fmt: skip
    faults = []
    for email, paths in visits.items():
        page = open_browser()
        if email:
            sign_in(page, portal, email)
        for width, height in ((390, 844), (1280, 900)):
            page.set_viewport_size({"width": width, "height": height})
            for path in paths:
                page.goto(portal.url(path))
                faults += [f"{width} {fault}" for fault in walk(page)]
    assert not faults, "\n".join(faults)


def test_the_skip_link_leads_past_the_menu(portal, open_browser):
    towns.municipality()
    page = open_browser(width=1280)
    page.goto(portal.url("/avis/"))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
