"""The public API's shapes, as promised: a change here is a change for strangers."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from parvis.api.v1 import api
from parvis.core.db import as_town
from parvis.home.tests.test_pages import announcement
from parvis.notifications.models import Subject
from parvis.residents.tests import make
from parvis.territory.models import Sector

PROMISED = Path(__file__).parent / "openapi.json"


@pytest.fixture
def stranger(town) -> Client:
    return Client(headers={"host": "alma.localhost"})


def test_the_schema_is_the_one_that_was_promised(stranger):
    """Run with WRITE_OPENAPI=1 to promise something else, and say so in the CHANGELOG."""
    answer = stranger.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    said = json.loads(json.dumps(answer.json(), sort_keys=True))
    if os.environ.get("WRITE_OPENAPI"):
        PROMISED.write_text(json.dumps(said, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    assert said == json.loads(PROMISED.read_text())


def test_no_page_of_the_library_is_served(stranger):
    assert stranger.get("/api/v1/docs").status_code == 404
    assert api.docs_url is None


def test_the_list_shows_what_the_pages_show_the_newest_first(stranger, town, other_town):
    sector = Sector.objects.create(
        municipality=town, name="Naudville", geometry={"type": "Polygon", "coordinates": []},
        west=0, south=0, east=1, north=1, updated_at=timezone.now(),
    )  # fmt: skip
    old = announcement(town, title="Vieux", hours=-9, sector_ids=[sector.pk])
    new = announcement(town, title="Neuf", hours=-1)
    for state in ("draft", "scheduled", "archived"):
        soon = timezone.now() + timedelta(days=1)
        hidden = {"published_at": None} if state != "archived" else {}
        announcement(town, title="Caché", state=state, publish_at=soon, **hidden)
    announcement(town, title="Retiré", expires_at=timezone.now())
    with as_town(other_town.pk):
        theirs = announcement(other_town, title="Leur avis")
    page = stranger.get("/api/v1/announcements").json()
    assert [item["title"] for item in page["items"]] == ["Neuf", "Vieux"]
    assert (page["total"], page["next"]) == (2, None)
    first, last = page["items"]
    assert (first["id"], first["in_force"], first["whole_town"]) == (new.pk, True, True)
    assert last["path"] == old.get_absolute_url()
    assert last["sectors"] == [{"id": sector.pk, "name": "Naudville"}]
    assert stranger.get(f"/api/v1/announcements/{theirs.pk}").status_code == 404


def test_one_announcement_carries_its_text_made_safe(stranger, town):
    row = announcement(town, text="# Eau\n\n<script>x</script> **brune**")
    whole = stranger.get(f"/api/v1/announcements/{row.pk}").json()
    assert "<strong>brune</strong>" in whole["text_html"] and "<script" not in whole["text_html"]
    draft = announcement(town, state="draft", published_at=None)
    for wrong in (draft.pk, 10**30, 0):
        assert stranger.get(f"/api/v1/announcements/{wrong}").status_code == 404


def test_a_list_is_read_page_by_page(stranger, town):
    for number in range(5):
        announcement(town, title=f"Avis {number}", hours=-number)
    found, url = [], "/api/v1/announcements?limit=2&in_force=true"
    while url:
        page = stranger.get(url).json()
        found += [item["title"] for item in page["items"]]
        url = page["next"]
    assert found == [f"Avis {number}" for number in range(5)]


def test_a_list_is_narrowed(stranger, town):
    water = Subject.objects.create(municipality=town, name="Égouts")
    announcement(town, title="Égout bouché", subject=water)
    announcement(town, title="Nouvelle", takes_force=False, in_force_from=None)

    def titles(query: str) -> list[str]:
        page = stranger.get(f"/api/v1/announcements?{query}").json()
        return [item["title"] for item in page["items"]]

    assert titles(f"subject={water.pk}") == ["Égout bouché"]
    assert titles("in_force=true") == ["Égout bouché"]
    assert titles("in_force=false") == ["Nouvelle"]
    assert titles("q=egouts") == ["Égout bouché"]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "offset=-1", "subject=x"])
def test_what_cannot_be_asked_is_422(stranger, query):
    assert stranger.get(f"/api/v1/announcements?{query}").status_code == 422


def test_asking_twice_costs_nothing_and_signing_in_changes_nothing(stranger, town, client):
    announcement(town)
    first = stranger.get("/api/v1/announcements")
    again = stranger.get("/api/v1/announcements", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    signed_in = make.sign_in(client, make.resident(town))
    assert signed_in.get("/api/v1/announcements").json() == first.json()


def test_subjects_and_sectors_are_listed(stranger, town):
    Subject.objects.create(municipality=town, name="Égouts")
    Subject.objects.create(municipality=town, name="Vieux", archived_at=timezone.now())
    names = [item["name"] for item in stranger.get("/api/v1/subjects").json()["items"]]
    assert "Égouts" in names and "Vieux" not in names
    sectors = stranger.get("/api/v1/sectors").json()
    assert sectors == {"type": "FeatureCollection", "features": []}


def test_nobody_writes_by_the_api(stranger):
    for url in ("/api/v1/announcements", "/api/v1/subjects", "/api/v1/sectors"):
        assert stranger.post(url, "{}", content_type="application/json").status_code == 405
