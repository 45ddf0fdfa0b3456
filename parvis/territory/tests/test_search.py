"""Every way of writing an address finds it; another town's is never found."""

import pytest

from parvis.core.db import as_town
from parvis.territory.search import addresses_within, find, sector_at
from parvis.territory.tests import make

WAYS = {
    ("415", "rue des Bouleaux", ""): [
        "415 rue des bouleaux", "415, Rue des Bouleaux", "415 BOULEAUX", "bouleaux 415",
        "415 r. des boul", "415 bouleau", "rue bouleaux 415", "415, rue des Bouleaux, Alma G8B 5V2",
        "415 rue des Bouleaux Alma Québec", "0415 bouleaux", "bouleaux 41", "  415   bouleaux ",
    ],
    ("88", "boulevard Saint-Joseph Ouest", ""): [
        "88 boul. St-Joseph O.", "88 st joseph", "88 boulevard saint joseph ouest",
        "88 blvd St. Joseph O", "joseph 88", "88 SAINT‑JOSEPH",
    ],
    ("12", "chemin du Sacré-Cœur", "3"): [
        "12 ch. sacre coeur", "12 ch du Sacré-Cœur app. 3", "12 sacré-cœur #3", "3-12 sacre-coeur",
        "12 sacre coeur 3", "12 ch. SACRE COEUR apt 3",
    ],
    ("7", "1re Avenue", ""): [
        "7 1re av", "7 1ère Avenue", "7, première avenue", "7 1ere ave", "7 prem", "7 avenue 1re",
    ],
    ("120", "rang 4", ""): ["120 rang 4", "120 rg 4", "rang 4 120"],
    ("9A", "rue de l’Église", ""): [
        "9a rue de l'eglise", "9 A rue de l’église", "9 eglise", "9a église", "9A RUE L'EGLISE",
    ],
    ("500-508", "route 169", ""): ["504 route 169", "500 rte 169", "508 169", "500-508 route 169"],
    ("33", "rue D’Auteuil", ""): ["33 d'auteuil", "33 auteuil", "33 d’Auteuil"],
    ("2", "rue Ste-Anne", ""): ["2 sainte-anne", "2 ste anne", "2 rue Sainte Anne"],
}  # fmt: skip


@pytest.fixture
def streets(town):
    for number, street, unit in WAYS:
        make.address(town, number, street, unit=unit)
    for number in range(100, 130):
        make.address(town, str(number), "rue des Érables")
        make.address(town, str(number), "avenue du Pont")
    return town


@pytest.mark.parametrize(
    ("address", "typed"),
    [(address, typed) for address, ways in WAYS.items() for typed in ways],
)
def test_every_way_of_writing_finds_the_address(streets, address, typed):
    found = find(streets, typed)
    assert found, typed
    assert (found[0].number, found[0].street, found[0].unit) == address


@pytest.mark.parametrize(
    "typed",
    [
        "", "   ", "'", "\\", "' | '", ":*", "!", "&", "(", "\x00", "🏠", "<script>", "a" * 5000,
        "9" * 40, "1 " * 500, "rue " * 100, "\u202e415 bouleaux", "%", "_", "''':*", "415 zzzz",
        "-1", "½",
    ],
)  # fmt: skip
def test_hostile_or_empty_words_find_nothing_and_break_nothing(streets, typed):
    assert len(find(streets, typed)) <= 8


def test_the_exact_number_comes_before_those_that_begin_with_it(streets):
    for number in ("1", "10", "12"):
        make.address(streets, number, "rue des Érables")
    found = [address.number for address in find(streets, "érables 1")]
    assert found[0] == "1"
    assert found[1:3] == ["10", "12"]


def test_an_even_number_is_not_in_an_odd_span(streets):
    make.address(streets, "601-609", "rue Harvey")
    assert find(streets, "605 harvey")
    assert not find(streets, "604 harvey")


def test_a_street_alone_gives_its_first_addresses(streets):
    assert [a.number for a in find(streets, "rue des erables")][:3] == ["100", "101", "102"]


def test_another_town_is_never_searched(streets, other_town):
    with as_town(other_town.pk):
        make.address(other_town, "415", "rue des Bouleaux Secrets")
    assert [a.street for a in find(streets, "415 bouleaux")] == ["rue des Bouleaux"]
    with as_town(other_town.pk):
        assert [a.street for a in find(other_town, "415 bouleaux")] == ["rue des Bouleaux Secrets"]


def test_the_sector_of_a_point_is_the_smaller_of_two(town):
    make.sector(town, name="Grand", geometry=make.square(side=0.1))
    small = make.sector(town, name="Petit")
    assert sector_at(town, make.WEST + 0.01, make.SOUTH + 0.01) == small
    assert sector_at(town, -60.0, 50.0) is None


def test_addresses_within_a_drawing(town):
    inside = make.address(town, longitude=make.WEST + 0.01, latitude=make.SOUTH + 0.01)
    make.address(town, longitude=make.WEST + 0.05, latitude=make.SOUTH)
    make.address(town)
    triangle = {
        "type": "Polygon",
        "coordinates": [[[-71.70, 48.50], [-71.68, 48.50], [-71.68, 48.52], [-71.70, 48.50]]],
    }
    corner = make.address(town, longitude=-71.699, latitude=48.519)
    assert addresses_within(town, triangle) == [inside.pk]
    assert addresses_within(town, make.square()) == [inside.pk, corner.pk]
