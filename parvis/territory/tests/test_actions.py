"""What changes a sector or an address, and what it refuses."""

import os
import time
from pathlib import Path

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from parvis.core.errors import Refused
from parvis.municipalities.models import AuditLine
from parvis.municipalities.tests.make import NOW
from parvis.residents.tests import make as people
from parvis.territory import actions
from parvis.territory.models import Address, Import, Sector
from parvis.territory.rows import Row
from parvis.territory.search import find
from parvis.territory.tests import make
from parvis.territory.tests.roll import roll, unit


def jobs():
    return list(ProcrastinateJob.objects.order_by("id").values_list("task_name", flat=True))


def deeds(town):
    lines = AuditLine.objects.of(town).filter(deed__startswith="territory.")
    return list(lines.order_by("id").values_list("deed", flat=True))


REASSIGN = "parvis.territory.actions.reassign"


def test_a_sector_is_added_redrawn_and_removed_and_its_addresses_follow(town):
    clerk = people.staff(town).person
    house = make.address(town, longitude=make.WEST + 0.01, latitude=make.SOUTH + 0.01)
    sector = actions.add_sector(
        municipality=town, name="  Naudville ", geometry=make.square(), actor=clerk, now=NOW
    )
    assert (sector.name, sector.west, jobs()) == ("Naudville", make.WEST, [REASSIGN])
    actions.reassign(municipality_id=town.pk)
    house.refresh_from_db()
    assert house.sector == sector
    actions.change_sector(
        sector, name="Naudville", geometry=make.square(-71.5), actor=clerk, now=NOW
    )
    actions.change_sector(
        sector, name="Naudville-Est", geometry=make.square(-71.5), actor=clerk, now=NOW
    )
    assert jobs() == [REASSIGN, REASSIGN]
    actions.reassign(municipality_id=town.pk)
    house.refresh_from_db()
    assert house.sector is None
    actions.remove_sector(sector, actor=clerk)
    assert not Sector.objects.of(town).exists()
    assert deeds(town) == [
        "territory.sector_added",
        "territory.sector_changed",
        "territory.sector_changed",
        "territory.sector_removed",
    ]


@pytest.mark.parametrize("name", ["", " \u202e ", "x" * 81, "Naudville"])
def test_a_sector_needs_a_name_of_its_own(town, name):
    make.sector(town, name="Naudville")
    with pytest.raises(Refused):
        actions.add_sector(
            municipality=town, name=name, geometry=make.square(), actor=None, now=NOW
        )
    assert Sector.objects.of(town).count() == 1


def test_overlapping_sectors_leave_an_address_in_the_smaller(town):
    make.sector(town, name="Grand", geometry=make.square(side=0.2))
    small = make.sector(town, name="Petit")
    house = make.address(town, longitude=make.WEST + 0.01, latitude=make.SOUTH + 0.01)
    assert actions.assign_sectors(town) == 1
    house.refresh_from_db()
    assert house.sector == small
    assert actions.assign_sectors(town) == 0


def save(town, **facts):
    address = facts.pop("address", None)
    sector = facts.pop("sector", None)
    row = Row(**{"number": "415", "street": "rue des Bouleaux"} | facts)
    return actions.save_address(
        municipality=town, row=row, sector=sector, actor=None, address=address
    )


def test_an_address_is_added_corrected_and_found_under_its_new_name(town):
    sector = make.sector(town)
    kept = save(town, longitude=make.WEST + 0.01, latitude=make.SOUTH + 0.01)
    assert (kept.sector, kept.source) == (sector, "hand")
    kept = save(town, address=kept, street="rue des Érables", sector=sector)
    assert (kept.sector, kept.longitude) == (sector, None)
    assert find(town, "415 erables") == [kept]
    assert find(town, "415 bouleaux") == []
    assert deeds(town) == ["territory.address_added", "territory.address_changed"]


@pytest.mark.parametrize(
    "facts",
    [
        {"number": ""},
        {"number": "abc"},
        {"street": " "},
        {"number": "0415", "street": "r. des bouleaux"},
        {"longitude": 2.0, "latitude": 48.0},
        {"longitude": -71.6},
        {"postal_code": "123"},
    ],
)
def test_an_address_that_is_none_or_is_there_already_is_refused(town, facts):
    make.address(town, "415", "rue des Bouleaux")
    with pytest.raises(Refused):
        save(town, **facts)
    assert Address.objects.of(town).count() == 1


def test_an_address_where_someone_lives_stays(town):
    house, empty = make.address(town), make.address(town)
    people.resident(town, address=house)
    with pytest.raises(Refused, match="citoyens"):
        actions.remove_address(house, actor=None)
    actions.remove_address(empty, actor=None)
    assert list(Address.objects.of(town)) == [house]
    assert deeds(town) == ["territory.address_removed"]


def receive(town, data, kind="addresses", name="liste.csv"):
    return actions.receive_file(
        municipality=town, kind=kind, name=name, chunks=[data], actor=None, now=NOW
    )


def test_a_file_is_kept_brought_in_once_and_removed(town, settings, tmp_path):
    settings.DATA = tmp_path
    one = receive(town, b"numero;rue\n1;rue A\n2;\n", name="../../etc/liste.csv")
    assert one.file_name == "liste.csv"
    path: Path = actions.file_of(one)
    assert path.read_bytes().startswith(b"numero") and tmp_path in path.parents
    actions.start_import(one)
    actions.start_import(one)
    assert jobs() == ["parvis.territory.actions.run_import"]
    for _again in range(2):
        actions.run_import(municipality_id=town.pk, import_id=one.pk)
    one.refresh_from_db()
    assert (one.state, one.report["new"], one.report["refused"]) == ("done", 1, 1)
    assert one.report["faults"] == [[3, "le nom de la rue manque."]]
    assert not path.exists()
    assert deeds(town) == ["territory.imported"]


def test_a_refused_file_says_why_and_changes_nothing(town, settings, tmp_path):
    settings.DATA = tmp_path
    town.code = "93042"
    town.save()
    one = receive(town, roll(unit(1, "RU", "", "A"))[:-9].encode(), kind="roll")
    actions.start_import(one)
    actions.run_import(municipality_id=town.pk, import_id=one.pk)
    one.refresh_from_db()
    assert one.state == Import.State.REFUSED
    assert "coupé" in one.report["reason"]
    assert not Address.objects.of(town).exists()


def test_a_file_that_is_empty_or_too_large_is_not_kept(town, settings, tmp_path):
    settings.DATA = tmp_path
    with pytest.raises(Refused, match="vide"):
        receive(town, b"")
    with pytest.raises(Refused, match="40"):
        actions.receive_file(
            municipality=town, kind="roll", name="x", chunks=[b"x" * (1 << 20)] * 41,
            actor=None, now=NOW,
        )  # fmt: skip
    assert not Import.objects.of(town).exists()
    assert list((tmp_path / "imports" / str(town.pk)).iterdir()) == []


def test_a_file_that_nobody_confirmed_is_removed_after_two_days(town, settings, tmp_path):
    settings.DATA = tmp_path
    old, new = (
        actions.receive_file(
            municipality=town, kind="sectors", name="s.json", chunks=[b"{}"], actor=None, now=NOW
        )
        for _each in range(2)
    )
    long_ago = time.time() - 3 * 24 * 3600
    os.utime(actions.file_of(old), (long_ago, long_ago))
    actions.sweep_files(0)
    assert not actions.file_of(old).exists()
    assert actions.file_of(new).exists()
