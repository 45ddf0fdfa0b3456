"""Which announcements are found: by place, by words, by the hour."""

from __future__ import annotations

from datetime import timedelta

import pytest

from parvis.announcements import actions
from parvis.announcements.models import Announcement
from parvis.announcements.tests import make
from parvis.core.db import as_town
from parvis.municipalities.tests.make import NOW

HOUR = timedelta(hours=1)


def titles(rows) -> list[str]:
    return [row.title for row in rows]


def test_what_concerns_a_place(town):
    here, there = make.sector(town), make.sector(town, "Delisle", at=3)
    home = make.address(town, at=(0.5, 0.5), sector=here)
    away = make.address(town, at=(3.5, 3.5), sector=there)
    make.published(town, title="Tous")
    make.published(town, title="Secteur", sector_ids=[here.pk])
    make.published(town, title="Adresse", address_ids=[home.pk])
    make.published(town, title="Zone", area=make.square(0.4, 0.4, 0.2))
    make.published(town, title="Ailleurs", sector_ids=[there.pk], address_ids=[away.pk])
    rows = Announcement.objects.of(town).order_by("pk")
    mine = rows.concerning(sector_ids=[here.pk], address_ids=[home.pk])
    assert titles(mine) == ["Tous", "Secteur", "Adresse", "Zone"]
    assert titles(rows.concerning()) == ["Tous"]


@pytest.mark.parametrize(
    "query",
    ["eau brune", "l’eau", "L'EAU", "brun", "bru", "oeuvre", "ŒUVRE", "noel", "Noël", "conduite"],
)
def test_words_are_found_whatever_their_accents_case_or_end(town, query):
    make.published(
        town, title="L’eau peut être brune", summary="Une œuvre de Noël.", text="Les conduites."
    )
    make.published(town, title="Collecte du lundi", text="Rien d’autre.")
    found = Announcement.objects.of(town).search(query)
    assert titles(found) == ["L’eau peut être brune"]


@pytest.mark.parametrize(
    "query", ["", "   ", "!!!", "'; --", "& | !", "(((", "\u0000", "😀", ":*", "le la les"]
)
def test_a_search_for_nothing_finds_nothing_and_does_not_break(town, query):
    make.published(town)
    assert titles(Announcement.objects.of(town).search(query)) == []


def test_the_title_counts_more_than_the_text(town):
    make.published(town, title="Travaux", text="Le pont est ouvert.")
    make.published(town, title="Pont fermé", text="Cette nuit.")
    assert titles(Announcement.objects.of(town).search("pont")) == ["Pont fermé", "Travaux"]


def test_another_towns_words_are_not_found(town, other_town):
    with as_town(other_town.pk):
        make.published(other_town, title="Pont fermé")
    assert titles(Announcement.objects.of(town).search("pont")) == []
    assert titles(Announcement.objects.of(other_town).search("pont")) == []


def test_at_each_hour_an_announcement_is_in_one_list(town):
    make.published(
        town, in_force_from=NOW + HOUR, in_force_until=NOW + 2 * HOUR, expires_at=NOW + 3 * HOUR
    )
    rows = Announcement.objects.of(town)
    expected = ["upcoming", "standing", "ended", "archives"]
    for hour, name in enumerate(expected):
        now = NOW + hour * HOUR
        lists = {each: getattr(rows, each)(now).count() for each in [*expected, "news"]}
        assert [each for each, count in lists.items() if count] == [name]


def test_drafts_are_in_no_list(town):
    draft = make.draft(town)
    actions.schedule(make.draft(town), publish_at=NOW + HOUR, actor=None, now=NOW)
    rows = Announcement.objects.of(town)
    later = NOW + 2 * HOUR
    for name in ("published", "standing", "upcoming", "news", "ended", "archives"):
        assert not getattr(rows, name)(later).exists()
    assert not rows.readable().filter(pk=draft.pk).exists()
