"""What a first visit costs: bytes, counted on the files that a browser fetches."""

from __future__ import annotations

import gzip
import re

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import timezone

from parvis.home.tests.test_pages import announcement

FIRST_VISIT, SCRIPTS = 120_000, 35_000
PACKED = (".css", ".js", ".svg", ".webmanifest")


def size(client: Client, url: str) -> int:
    """Bytes on the wire: text is served packed, fonts and pictures as they are."""
    path = url.split("?")[0]
    if path.startswith("/static/"):
        with open(finders.find(path.removeprefix("/static/")), "rb") as file:
            content = file.read()
    else:
        content = client.get(url).content
    return len(gzip.compress(content)) if path.endswith(PACKED) else len(content)


@pytest.fixture
def page(client, town) -> Client:
    client.defaults["HTTP_HOST"] = "alma.localhost"
    for number in range(8):
        announcement(town, title=f"Avis numéro {number} : une seule voie, avenue du Pont")
        announcement(town, title=f"Nouvelle {number}", takes_force=False, in_force_from=None)
        announcement(town, title="Séance", concerns_at=timezone.now() + timezone.timedelta(days=2))
    return client


def test_a_first_visit_is_light(page):
    html = page.get("/").content
    text = html.decode()
    links = set(re.findall(r'(?:href|src)="(/(?:static|theme|blason|icones|manifest)[^"#]*)', text))
    modules = {url for url in links if url.endswith(".js")}
    fonts = {url for url in links if url.endswith(".woff2")}
    assert fonts and modules and "/static/vendor/icons.svg" in links
    # The page itself is counted as it leaves, packed by no one.
    weights = {url: size(page, url) for url in links} | {"/": len(html)}
    assert sum(weights.values()) <= FIRST_VISIT, weights
    scripts = sum(weights[url] for url in modules) + size(page, "/sw.js")
    assert scripts <= SCRIPTS, weights
