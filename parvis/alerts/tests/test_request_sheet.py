"""The sheet to ask for Québec En Alerte: what it says, and who may print it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from parvis.alerts import cap_files, request_sheet
from parvis.alerts.tests import alerts
from parvis.municipalities.models import Municipality
from parvis.municipalities.tests.make import NOW
from parvis.residents.tests import make
from parvis.territory.models import Sector

RING = [[-71.7, 48.5], [-71.6, 48.5], [-71.6, 48.6], [-71.7, 48.6], [-71.7, 48.5]]


@pytest.fixture
def sector(town):
    return Sector.objects.create(
        municipality=town, name="Naudville", geometry={"type": "Polygon", "coordinates": [RING]},
        west=-71.7, south=48.5, east=-71.6, north=48.6, updated_at=NOW,
    )  # fmt: skip


@pytest.fixture
def alert(town, sector):
    Municipality.objects.filter(pk=town.pk).update(code="93042", night_phone="418 555-0199")
    town.refresh_from_db()
    make.resident(town)
    return alerts.sent(town, event="evacuation")


def rows(facts) -> dict[str, str]:
    return {name: said for name, said in facts["rows"]}


def test_it_says_what_the_operations_centre_asks(alert):
    facts = request_sheet.facts(request_sheet.newest(alert))
    said = rows(facts)
    assert said["Événement"] == "Évacuation"
    assert said["Code géographique"] == "93042 (SGC\u00a02493042)"
    assert said["Rappeler la ville au"] == "418 555-0199"
    assert said["Gravité, urgence, certitude"].startswith("Extrême\u202f; Agir tout de suite")
    assert said["Page publique"] == f"http://alma.localhost/alertes/{alert.pk}/"
    assert said["Déjà dit par la ville"].startswith(
        "notifications et courriels, depuis le mercredi 20\u00a0mai"
    )
    assert not facts["drill"] and not facts["undecided"] and not facts["unlikely"]
    assert facts["french"]["title"] and facts["french"]["steps"]


def test_english_is_the_towns_own_or_said_to_be_a_proposal(alert):
    revision = request_sheet.newest(alert)
    french = revision.words["fr"]
    revision.words = {"fr": french}
    assert request_sheet.english(revision)["proposed"]
    revision.words = {"fr": french, "en": {"title": "Leave", "text": "Now.", "basis": "safety"}}
    own = request_sheet.english(revision)
    assert (own["proposed"], own["title"]) == (False, "Leave")


def test_a_draft_a_drill_and_a_small_danger_are_said(town, sector):
    draft = alerts.draft(town, event="night_parking", is_drill=True, sector_ids=[sector.pk])
    facts = request_sheet.facts(draft)
    assert facts["drill"] and facts["undecided"] and facts["unlikely"]
    assert rows(facts)["Déjà dit par la ville"] == "pas encore"
    assert len(facts["outlines"]) == 1 and facts["outlines"][0].startswith("48.5,-71.7 ")
    assert facts["cap"] == ""


def test_the_cap_file_is_named_once_it_is_written(alert):
    cap_files.write_missing(alert, now=NOW)
    facts = request_sheet.facts(request_sheet.newest(alert))
    assert facts["cap"] == f"http://alma.localhost/alertes/{alert.pk}-1.cap.xml"


def test_it_is_a_tagged_pdf_of_two_pages_at_most(alert):
    content = request_sheet.pdf(request_sheet.newest(alert))
    assert content.startswith(b"%PDF-") and b"pdfuaid" in content
    assert b"/Type/Pages/Count 2" in content or b"/Type/Pages/Count 1" in content


def test_words_that_no_font_draws_are_printed_all_the_same(town, sector):
    draft = alerts.draft(town, event="flood")
    draft.words = {
        "fr": {"title": "Eau #[x] *haute* 𒀀", "text": "\\ $a$ <b> 🌊", "steps": ["_un_"]}
    }
    assert request_sheet.pdf(draft).startswith(b"%PDF-")


def test_staff_of_the_room_print_it_and_others_do_not(client, town, alert):
    path = f"/bureau/alertes/{alert.pk}/quebec-en-alerte.pdf"
    seeing = make.staff(town, roles={"alerts": "see"}).person
    answer = make.sign_in(client, seeing, second_factor=True).get(path)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    assert f"quebec-en-alerte-{alert.pk}-1.pdf" in answer["Content-Disposition"]
    assert client.get("/bureau/alertes/999999/quebec-en-alerte.pdf").status_code == 404
    client.logout()
    other = make.staff(town, roles={"announcements": "act"}).person
    assert make.sign_in(client, other, second_factor=True).get(path).status_code == 403


def test_the_newest_is_what_is_being_prepared(alert):
    first = request_sheet.newest(alert)
    later = alerts.continued(alert, "update", now=NOW + timedelta(hours=1))
    assert (first.number, request_sheet.newest(alert).number) == (1, later.number)
