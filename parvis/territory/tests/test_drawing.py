"""The map says in words what it draws."""

from parvis.core.db import as_town
from parvis.territory import drawing
from parvis.territory.tests import make


def test_a_town_without_sectors_has_no_map(town):
    assert drawing.town_map(town) is None


def test_affected_sectors_are_hatched_and_named(town, other_town):
    one = make.sector(town, name="Naudville")
    two = make.sector(town, name="Delisle", geometry=make.square(-71.6))
    make.sector(town, name="Riverbend", geometry=make.square(-71.5))
    with as_town(other_town.pk):
        make.sector(other_town, name="Ailleurs", geometry=make.square(-70.0))
    drawn = drawing.town_map(town, {one.pk, two.pk})
    assert [shape["name"] for shape in drawn["shapes"] if shape["on"]] == ["Delisle", "Naudville"]
    assert len(drawn["shapes"]) == 3
    assert drawn["sentence"] == (
        "Secteurs touchés\u00a0: Delisle et Naudville. Les autres ne le sont pas."
    )
    assert drawing.town_map(town, tone="info")["sentence"] == "La ville a 3 secteurs."
    assert drawing.town_map(town, drawn=make.square())["sentence"] == (
        "La zone hachurée est touchée."
    )


def test_the_picture_keeps_its_proportions_and_a_pin_outside_is_not_drawn(town):
    make.sector(town)
    drawn = drawing.town_map(town, pin=(make.WEST + 0.01, make.SOUTH + 0.01))
    assert drawn["pin"] is not None
    # At 48.5° a degree of longitude is two thirds of a degree of latitude.
    assert drawn["height"] >= drawn["width"] * 0.85
    assert drawing.town_map(town, pin=(-60.0, 50.0))["pin"] is None


def test_a_long_name_is_cut_near_its_middle():
    assert drawing.in_two("Saint-Cœur-de-Marie") == ["Saint-Cœur-", "de-Marie"]
    assert drawing.in_two("Centre-ville nord") == ["Centre-ville", "nord"]
    assert drawing.in_two("Naudville") == ["Naudville"]
