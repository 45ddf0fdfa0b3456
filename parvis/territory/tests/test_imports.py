"""Files come in whole or not at all, and twice the same changes nothing."""

import codecs
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from parvis.core.db import as_town
from parvis.core.errors import Refused
from parvis.municipalities.models import AuditLine
from parvis.municipalities.tests.make import NOW
from parvis.territory import actions
from parvis.territory.models import Address, Sector, Street
from parvis.territory.search import find
from parvis.territory.tests import make
from parvis.territory.tests.roll import roll, unit

CSV = """Numéro;Nom de la rue;App.;Code postal;Longitude;Latitude
415;rue des Bouleaux;;g8b5v2;-71,69;48,51
88;boul. St-Joseph O.;3;G8B 1A1;;
12;chemin du Sacré-Cœur;;;-71.60;48.51
"""


def bring_csv(town, text, **facts):
    raw = text if isinstance(text, bytes) else text.encode()
    return actions.import_addresses_csv(municipality=town, file=raw, actor=None, now=NOW, **facts)


def bring_roll(town, text, **facts):
    raw = text if isinstance(text, bytes) else text.encode()
    return actions.import_roll(municipality=town, file=raw, actor=None, now=NOW, **facts)


def counts(report):
    return report.new, report.changed, report.unchanged, report.refused


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode("utf-8"),
        lambda text: codecs.BOM_UTF8 + text.encode("utf-8"),
        lambda text: text.encode("cp1252"),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
        lambda text: text.replace("\n", "\r\n").encode("cp1252"),
        lambda text: text.replace(",", ".").replace(";", ",").encode(),
        lambda text: text.replace(";", "\t").encode(),
        lambda text: text.replace("rue des Bouleaux", '"rue des Bouleaux"').encode(),
    ],
)
def test_a_list_comes_in_whatever_wrote_it(town, encode):
    make.sector(town, name="Naudville")
    report = bring_csv(town, encode(CSV))
    assert counts(report) == (3, 0, 0, 0), report.faults
    first = Address.objects.of(town).get(number="415")
    assert (first.street, first.postal_code, first.source) == ("rue des Bouleaux", "G8B 5V2", "csv")
    assert first.sector.name == "Naudville"
    assert Address.objects.of(town).get(number="12").sector is None
    assert [a.number for a in find(town, "12 sacre coeur")] == ["12"]
    assert counts(bring_csv(town, encode(CSV))) == (0, 0, 3, 0)
    lines = AuditLine.objects.of(town).filter(deed="territory.imported")
    assert [line.facts["new"] for line in lines.order_by("id")] == [3, 0]


def test_bad_lines_are_reported_and_the_others_kept(town):
    report = bring_csv(
        town,
        "numero,rue,code_postal,longitude,latitude,logements\n"
        "1,rue A,,,,\n"
        ",,,,,\n"
        "2,,,,,\n"
        "abc,rue B,,,,\n"
        "3,rue C,ZZZ,,,\n"
        "4,rue D,,48.5,-71.6,\n"
        "5,rue E,,-71.6,,\n"
        "6,rue F,,,,beaucoup\n"
        '7,"rue «G, H»",,,,2\n'
        "1,rue A,,,,\n"
        "8,rue I,,,,1,9\n"
        "9,<script>alert(1)</script>,,,,\n"
        f"10,{'x' * 300},,,,\n"
        "11,rue \u202eJ\u0007,,,,\n",
    )
    assert [line for line, _reason in report.faults] == [4, 5, 6, 7, 8, 9, 11, 12, 14]
    assert report.faults[0][1] == "le nom de la rue manque."
    kept = set(Address.objects.of(town).values_list("number", "street"))
    assert kept == {
        ("1", "rue A"), ("7", "rue «G, H»"), ("9", "<script>alert(1)</script>"), ("11", "rue J"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "colonnes"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR", "pas un fichier texte"),
        (b"PK\x03\x04\x14\x00\x06\x00", "pas un fichier texte"),
        (b"a;b;c\n1;2;3\n", "colonnes"),
        (b"numero;rue;rue\n1;a;b\n", "disent la m"),
        (b'numero;rue\n1;"rue A\n2;rue B\n', "guillemet"),
        (b"numero;rue\n\x81\x8d\x8f\xff;x\n", "lettres"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8\x00\xd8a", "lettres"),
    ],
)
def test_a_file_that_is_no_list_is_refused_and_changes_nothing(town, raw, why):
    make.address(town, "1", "rue Z")
    with pytest.raises(Refused, match=why):
        bring_csv(town, raw)
    assert Address.objects.of(town).count() == 1


def test_an_address_in_one_column_is_taken_apart(town):
    report = bring_csv(
        town, 'adresse\n"415-419, rue des Bouleaux, app. 3B"\n12 ch. Saint-Luc\nrue sans numéro\n'
    )
    assert [line for line, _why in report.faults] == [4]
    rows = set(Address.objects.of(town).values_list("number", "street", "unit"))
    assert rows == {("415-419", "rue des Bouleaux", "3B"), ("12", "ch. Saint-Luc", "")}


def test_the_sector_named_in_the_list_stands_for_addresses_without_a_position(town):
    sector = make.sector(town, name="Saint-Cœur")
    report = bring_csv(town, "no,rue,secteur\n1,rue A,SAINT-COEUR\n2,rue A,Ailleurs\n")
    assert Address.objects.of(town).get(number="1").sector == sector
    assert Address.objects.of(town).get(number="2").sector is None
    assert report.notes == ["Secteurs inconnus, laissés de côté\u00a0: Ailleurs."]


def test_what_someone_wrote_by_hand_is_not_overwritten_only_completed(town):
    make.address(town, "415", "Rue des Bouleaux", source="hand", postal_code="G8B 9Z9")
    report = bring_csv(town, CSV)
    assert counts(report) == (2, 1, 0, 0)
    kept = Address.objects.of(town).get(number="415")
    assert (kept.street, kept.postal_code, kept.source) == ("Rue des Bouleaux", "G8B 9Z9", "hand")
    assert kept.longitude == -71.69


def test_the_towns_list_wins_over_the_roll_whichever_came_first(town):
    town.code = "93042"
    given = roll(unit(415, "RU", "DES", "BOULEAUX", matricule="0568979054", dwellings=2))
    bring_roll(town, given)
    bring_csv(town, CSV)
    bring_roll(town, given)
    kept = Address.objects.of(town).get(number="415")
    assert (kept.source, kept.street) == ("csv", "rue des Bouleaux")
    assert (kept.matricule, kept.dwellings) == ("0568-97-9054-0-000-0000", 2)


def test_the_roll_comes_in_and_twice_changes_nothing(town):
    town.code = "93042"
    given = roll(
        unit(415, "RU", "DES", "BOULEAUX", dwellings=1),
        unit(88, "BO", "", "SAINT-JOSEPH", cardinal="O", high=90, dwellings=3),
        unit(7, "AV", "", "1RE"),
        unit(12, "CH", "DU", "SACRÉ-COEUR", flat="3"),
        unit(12, "CH", "DU", "SACRÉ-COEUR", flat="4"),
        unit(20, "RU", "", "HARVEY (rue)"),
        unit(30, "RU", "", "DES CÈDRES", dwellings=1),
        unit(30, "RU", "", "DES CÈDRES", dwellings=1),
        unit(0, "RU", "", "DES PINS", vacant=True),
        unit(9, "ZZ", "", "INCONNUE"),
    )
    report = bring_roll(town, given)
    assert counts(report) == (8, 0, 0, 0), report.faults
    assert report.ignored == 1
    assert report.notes == ["Types de voie inconnus, laissés de côté\u00a0: ZZ."]
    streets = set(Address.objects.of(town).values_list("street", flat=True))
    assert streets == {
        "rue des Bouleaux", "boulevard Saint-Joseph Ouest", "1re Avenue", "chemin du Sacré-Coeur",
        "rue Harvey", "rue des Cèdres", "Inconnue",
    }  # fmt: skip
    assert Address.objects.of(town).get(street="rue des Cèdres").dwellings == 2
    assert Address.objects.of(town).get(number="88-90").dwellings == 3
    assert counts(bring_roll(town, given)) == (0, 0, 8, 0)
    assert [str(a) for a in find(town, "89 st-joseph")] == []
    assert [str(a) for a in find(town, "90 st-joseph")] == ["88-90, boulevard Saint-Joseph Ouest"]


GOOD = roll(unit(415, "RU", "DES", "BOULEAUX"))
BOMB = """<?xml version="1.0"?><!DOCTYPE RL [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><RL><VERSION>2.9</VERSION>&b;</RL>"""
OUTSIDE = """<!DOCTYPE RL SYSTEM "file:///etc/passwd"><RL><RLM01A>93042</RLM01A></RL>"""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "vide"),
        ("numero;rue\n1;a", "abîmé"),
        (GOOD[: len(GOOD) // 2], "coupé"),
        (GOOD.replace("</RL>", ""), "coupé"),
        (GOOD.replace("BOULEAUX", "BOU & LEAUX"), "abîmé"),
        (GOOD.replace("93042", "24042"), "autre municipalité"),
        (GOOD.replace("<RLM01A>93042</RLM01A>", ""), "quelle municipalité"),
        ("<html><body/></html>", "pas un rôle"),
        ("<RL><RLM01A>93042</RLM01A></RL>", "aucune unité"),
        (BOMB, "DOCTYPE"),
        (OUTSIDE, "DOCTYPE"),
        ("<RL><RLM01A>93042</RLM01A>" + "<x>" * 30, "profond"),
        (GOOD.replace("BOULEAUX", "B" * 5000), "longue"),
        (GOOD.replace('encoding="UTF-8"', 'encoding="x-inconnu"'), "encodage|abîmé"),
        ("<RL><RLM01A>93042</RLM01A><RLUEx>" + "<y/>" * 30_000, "longue"),
    ],
)
def test_a_broken_or_hostile_roll_is_refused_and_changes_nothing(town, text, why):
    town.code = "93042"
    make.address(town, "1", "rue Z")
    with pytest.raises(Refused, match=why):
        bring_roll(town, text)
    assert Address.objects.of(town).count() == 1
    assert Street.objects.of(town).count() == 1


@pytest.mark.parametrize("encoding", ["UTF-8", "ISO-8859-1", "windows-1252", "UTF-16"])
def test_a_roll_may_be_in_any_usual_encoding(town, encoding):
    town.code = "93042"
    text = roll(unit(1, "RU", "", "DES ÉRABLES")).replace("UTF-8", encoding)
    assert counts(bring_roll(town, text.encode(encoding))) == (1, 0, 0, 0)
    assert Address.objects.of(town).get().street == "rue des Érables"


def sectors(*pairs):
    return json.dumps(
        {
            "type": "FeatureCollection",
            "features": [
                {"type": "Feature", "properties": {"nom": name}, "geometry": drawn}
                for name, drawn in pairs
            ],
        }
    ).encode()


def test_sectors_come_in_and_addresses_find_theirs(town):
    inside = make.address(town, longitude=make.WEST + 0.01, latitude=make.SOUTH + 0.01)
    given = sectors(("Naudville", make.square()), ("Delisle", make.square(-71.5)))
    report = actions.import_sectors(municipality=town, file=given, actor=None, now=NOW)
    assert counts(report) == (2, 0, 0, 0)
    inside.refresh_from_db()
    assert inside.sector.name == "Naudville"
    again = actions.import_sectors(municipality=town, file=given, actor=None, now=NOW)
    assert counts(again) == (0, 0, 2, 0)
    moved = sectors(("Naudville", make.square(-71.4)))
    assert counts(actions.import_sectors(municipality=town, file=moved, actor=None, now=NOW)) == (
        0,
        1,
        0,
        0,
    )
    inside.refresh_from_db()
    assert inside.sector is None
    assert Sector.objects.of(town).count() == 2


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[" * 100_000, b"\xff\xfe\x00", b'{"a": NaN}', b"<xml/>"]
)
def test_a_file_that_is_no_geojson_is_refused(town, raw):
    with pytest.raises(Refused):
        actions.import_sectors(municipality=town, file=raw, actor=None, now=NOW)
    assert not Sector.objects.of(town).exists()


def test_an_import_never_touches_another_town(town, other_town):
    with as_town(other_town.pk):
        make.address(other_town, "415", "rue des Bouleaux", postal_code="A1A 1A1")
    bring_csv(town, CSV)
    with as_town(other_town.pk):
        assert [a.postal_code for a in Address.objects.of(other_town)] == ["A1A 1A1"]


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_leave_each_address_once():
    from parvis.municipalities.tests import make as towns

    town = towns.municipality("alma")
    lines = [f"{number};rue des Bouleaux {number % 7}" for number in range(1, 1500)]
    files = ["numero;rue\n" + "\n".join(order) for order in (lines, lines[::-1])]
    gate = Barrier(2)

    def press(text):
        try:
            gate.wait()
            with as_town(town.pk):
                return bring_csv(town, text)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(press, files))
    assert sorted(report.new for report in reports) == [0, 1499]
    with as_town(town.pk):
        assert Address.objects.of(town).count() == 1499
        assert Street.objects.of(town).count() == 7
