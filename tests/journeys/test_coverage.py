"""Before anything happens: a clerk sees whom an alert would reach, and where to knock."""

from __future__ import annotations

import re

import pytest

from tests.journeys.conftest import axe, fits
from tests.journeys.pages import STAFF, small_town

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1280, False)])
def test_the_map_leads_to_the_addresses_where_nobody_would_be_reached(
    portal, open_browser, width, dark
):
    town = small_town()
    page = open_browser(width=width, dark=dark, bypass_csp=True, reduced_motion="reduce")
    page.context.add_cookies(
        [{"name": "session", "value": town.keys[STAFF], "url": portal.url("/")}]
    )
    page.goto(portal.url("/bureau/alertes/"))
    page.get_by_role("link", name="Qui serait joint").press("Enter")
    page.get_by_role("heading", level=1, name="Qui serait joint").wait_for()
    drawn = page.get_by_role("img", name=re.compile("Carte de la couverture"))
    assert drawn.locator("path.m-c").count() > 1
    assert "Le moins couvert" in drawn.get_attribute("aria-label")
    assert axe(page) == []
    assert fits(page)
    line = page.locator("tbody tr").first
    name = line.get_by_role("rowheader").inner_text()
    left = line.get_by_role("link")
    count = int(re.search(r"\d+$", left.inner_text())[0])
    left.press("Enter")
    page.get_by_role("heading", level=1, name="Adresses sans contact").wait_for()
    assert page.get_by_label("Secteur").locator("option:checked").inner_text() == name
    assert page.locator("tbody tr").count() == count
    assert axe(page) == []
    assert fits(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").press("Enter")
    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert len(lines) == count + 1
