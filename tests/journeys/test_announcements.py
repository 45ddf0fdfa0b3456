"""Announcements as anyone reads them: live, without scripts, on every screen."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from parvis.announcements import actions, drafts, parts
from parvis.announcements.tests import make
from parvis.core.db import as_town
from parvis.municipalities.tests import make as towns
from tests.journeys.conftest import axe, fits

pytestmark = pytest.mark.browser


@pytest.fixture
def town(portal):
    return towns.municipality("alma")


def test_a_new_announcement_appears_on_an_open_list_within_two_seconds(portal, town, open_browser):
    page = open_browser()
    page.goto(portal.url("/avis/"))
    page.get_by_text("Aucun avis en vigueur").wait_for()
    # The stream opens once the page is shown.
    page.wait_for_timeout(700)
    with as_town(town.pk):
        row = make.published(town, now=timezone.now(), title="Panne d’eau, avenue du Pont")
    page.get_by_role("link", name="Panne d’eau, avenue du Pont").wait_for(timeout=2000)
    with as_town(town.pk):
        actions.lift(row, actor=None, now=timezone.now(), note="Tout fonctionne.")
    page.get_by_text("Tout fonctionne.").wait_for(timeout=2000)
    assert "page=" not in page.url


def test_an_update_leaves_the_focus_where_it_was(portal, town, open_browser):
    with as_town(town.pk):
        kept = make.published(town, now=timezone.now(), title="Collecte reportée")
        lifted = make.published(town, now=timezone.now(), title="Rue barrée")
    page = open_browser()
    page.goto(portal.url("/"))
    page.get_by_role("link", name="Collecte reportée").focus()
    page.wait_for_timeout(700)
    with as_town(town.pk):
        make.published(town, now=timezone.now(), title="Panne d’eau, avenue du Pont")
    page.get_by_role("link", name="Panne d’eau, avenue du Pont").wait_for(timeout=2000)
    href = "document.activeElement.getAttribute('href')"
    assert page.evaluate(href) == kept.get_absolute_url()
    page.get_by_role("link", name="Rue barrée").focus()
    with as_town(town.pk):
        actions.lift(lifted, actor=None, now=timezone.now(), note="")
    page.get_by_role("link", name="Rue barrée").wait_for(state="detached", timeout=2000)
    # What had the focus is gone: the next Tab goes on from the block, not from the top.
    assert page.evaluate("document.activeElement.id") == "devant"


def test_everything_can_be_read_without_scripts(portal, town, open_browser):
    now = timezone.now()
    with as_town(town.pk):
        here, there = make.sector(town), make.sector(town, "Delisle", at=2)
        make.published(town, now=now, title="Chez nous", sector_ids=[here.pk])
        make.published(town, now=now, title="Ailleurs", sector_ids=[there.pk])
        home = make.address(town, sector=here)
    page = open_browser(scripts=False)
    page.goto(portal.url("/avis/"))
    page.get_by_label("Secteur", exact=True).select_option(label="Naudville")
    page.get_by_role("button", name="Filtrer").click()
    assert page.get_by_role("link", name="Ailleurs").count() == 0
    page.get_by_role("link", name="Chez nous").click()
    page.get_by_label("Vérifier une adresse").fill(str(home))
    page.get_by_role("button", name="Vérifier").click()
    page.get_by_text("Cette adresse est touchée").wait_for()
    assert page.get_by_role("button", name="Imprimer").count() == 0


def test_the_public_pages_have_no_fault_on_any_screen(portal, town, open_browser):
    now = timezone.now()
    with as_town(town.pk):
        here = make.sector(town)
        make.sector(town, "Delisle", at=2)
        urgent = make.subject(town, "Urgence", is_emergency=True)
        make.published(town, now=now, title="Faites bouillir l’eau", subject=urgent)
        text = "## Pourquoi ?\n\n1. Un\n\n> Deux\n\n| A | B |\n|---|---|\n| 1 | 2 |"
        row = make.draft(town, now=now, sector_ids=[here.pk], text=text, summary="En bref.")
        parts.add_picture(
            row, upload=make.upload(make.image()), alt="Une borne", actor=None, now=now
        )
        parts.add_attachment(
            row, upload=make.upload(b"a;b", "plan.csv"), title="", actor=None, now=now
        )
        drafts.translate(
            row, language="en", basis="health", title="Water", text="Run it.", actor=None, now=now
        )
        row = actions.publish(row, actor=None, now=now)
        row = actions.revise_published(
            row,
            actor=None,
            token=row.token,
            now=now,
            text=f"{text}\n\nFin.",
            note="Un jour de plus.",
        )
        make.published(town, now=now, title="A" * 200, in_force_from=now + timedelta(days=2))
        over = make.published(town, now=now, title="Panne réparée")
        actions.lift(over, actor=None, now=now)
        old = make.published(town, now=now, title="Ancien")
        actions.archive(old, actor=None, now=now)
        notice = make.draft(town, now=now, title="Règlement 2026-412")
        drafts.make_public_notice(notice, kind="bylaw", bylaw="2026-412", actor=None, now=now)
        actions.publish(notice, actor=None, now=now)
        actions.certify(notice, name="Luc Gagnon", title="greffier", actor=None, now=now)
    url = row.get_absolute_url()
    paths = [
        "/avis/", url, f"{url}?langue=en", f"{url}?adresse_q=zzz", over.get_absolute_url(),
        old.get_absolute_url(), "/avis/leves/", "/avis/archives/", "/avis/avis-publics/",
        f"/avis/{notice.pk}/", f"/avis/{notice.pk}/certificat/",
    ]  # fmt: skip
    faults: list[str] = []
    for width in (320, 390, 1280):
        page = open_browser(width=width, bypass_csp=True)
        for path in paths:
            page.goto(portal.url(path))
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                faults += [f"{width} {scheme} {fault}" for fault in axe(page)]
            if not fits(page):
                faults.append(f"{width} {path} scrolls sideways")
    assert faults == []
