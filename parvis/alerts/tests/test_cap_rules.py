"""Good and bad messages, one fault each, and files that mean harm."""

from __future__ import annotations

import random
import time

import pytest
from lxml import etree

from parvis.alerts import cap, cap_schema
from parvis.alerts.cap_file import tree
from parvis.alerts.cap_rules import MOST_FINDINGS, check
from parvis.alerts.cap_schema import check_schema
from parvis.alerts.tests.make import FLOOD, HERE, changed
from parvis.core.errors import Refused

XSD = etree.XMLSchema(etree.parse(HERE / "cap12.xsd"))
SIGNATURE = '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo/></Signature>'
HEARTBEAT = """<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>B1</identifier>
<sender>NAADS-Heartbeat</sender><sent>2026-04-19T05:12:00-00:00</sent><status>System</status>
<msgType>Alert</msgType><scope>Public</scope><code>profile:CAP-CP:0.4</code></alert>"""
POLYGON = "46.1,-72.1 46.1,-72.0 46.2,-72.0 46.1,-72.1"
REFERENCE = "securite@val-des-brumes.example,urn:oid:2.49.0.1.124.0041,2026-04-19T03:00:00-04:00"


def rules(content: bytes, *, fails: bool = True) -> set[str]:
    return {one.rule for one in check(content) if one.fails == fails}


# --- good -----------------------------------------------------------------------------------------

GOOD = {
    "whole": FLOOD,
    "signed": FLOOD.replace("</alert>", SIGNATURE * 2 + "</alert>"),
    "heartbeat": HEARTBEAT,
    "utf-16": FLOOD.replace('encoding="UTF-8"', 'encoding="UTF-16"'),
    "latin": FLOOD.replace('encoding="UTF-8"', 'encoding="ISO-8859-1"').replace("’", "'"),
    "a prefix": FLOOD.replace("<", "<c:").replace("<c:/", "</c:").replace("<c:?", "<?")
    .replace("<c:!", "<!").replace("xmlns=", "xmlns:c="),
    "in UTC": FLOOD.replace("2026-04-19T05:12:00-04:00", "2026-04-19T09:12:00-00:00"),
    "lines in a polygon": FLOOD.replace(POLYGON, POLYGON.replace(" ", "\n  ")),
    "draft profile": FLOOD.replace("CAP-CP:0.4<", "CAP-CP:1.0<", 1),
    "province": FLOOD.replace("2499999", "24"),
    "division": FLOOD.replace("2499999", "2499"),
}  # fmt: skip


@pytest.mark.parametrize("message", GOOD.values(), ids=GOOD)
def test_a_good_message_has_no_fault(message):
    encoding = next((one for one in ("UTF-16", "ISO-8859-1") if one in message), "UTF-8")
    content = message.encode(encoding)
    assert [one for one in check(content) if one.fails] == []


def test_the_sample_has_no_advice_either():
    assert check(FLOOD.encode()) == []


# --- bad ------------------------------------------------------------------------------------------

BAD = [
    # rule, what was right, what is wrong
    ("cap.racine", "cap:1.2", "cap:1.1"),
    ("cap.racine", "cap:1.2", "other"),
    ("cap.ordre", "<status>Actual</status>\n  <msgType>Update</msgType>",
     "<msgType>Update</msgType>\n  <status>Actual</status>"),
    ("cap.manque", "<scope>Public</scope>", ""),
    ("cap.manque", "<areaDesc>Rue des Saules</areaDesc>", ""),
    ("cap.double", "<scope>Public</scope>", "<scope>Public</scope><scope>Public</scope>"),
    ("cap.double", "<event>inondation</event>", "<event>a</event><event>b</event>"),
    ("cap.inconnu", "<scope>", "<colour>red</colour><scope>"),
    ("cap.inconnu", "<scope>", "<note xmlns='urn:x'>red</note><scope>"),
    ("cap.texte", "<info>", "<info>words"),
    ("cap.attribut", "<info>", "<info id='1'>"),
    ("cap.valeur", "Actual", "actual"),
    ("cap.valeur", "Actual", " Actual"),
    ("cap.valeur", "<category>Met", "<category>Weather"),
    ("cap.valeur", "05:12:00-04:00</sent>", "05:12:00Z</sent>"),
    ("cap.valeur", "05:12:00-04:00</sent>", "05:12:00</sent>"),
    ("cap.valeur", "05:12:00-04:00</sent>", "05:12:00.5-04:00</sent>"),
    ("cap.valeur", "05:12:00-04:00</sent>", "05:12:00-14:30</sent>"),
    ("cap.valeur", "2026-04-19T05:12:00-04:00</sent>", "2026-02-30T05:12:00-04:00</sent>"),
    ("cap.valeur", "<size>2048", "<size>2 ko"),
    ("cap.valeur", "<altitude>10.5", "<altitude>10,5"),
    ("cap.valeur", "fr-CA", "fr_CA"),
    ("cap.valeur", "<areaDesc>Rue des Saules", "<areaDesc>Rue <b>des</b> Saules"),
    ("cap.identifier", "124.0042", "124 0042"),
    ("cap.identifier", "124.0042", "124&amp;0042"),
    ("cap.sender", "<sender>securite@", "<sender>a,b@"),
    ("cap.sender", "<sender>securite@", "<sender>a&lt;b@"),
    ("cap.suite", f"<references>{REFERENCE}</references>", ""),
    ("cap.suite", REFERENCE, ""),
    ("cap.references", REFERENCE, REFERENCE.replace(",", " ")),
    ("cap.references", REFERENCE, REFERENCE.replace("03:00:00-04:00", "03:00:00Z")),
    ("cap.references", REFERENCE, f"{REFERENCE} {REFERENCE}"),
    ("cap.references", "124.0041", "124.0042"),
    ("cap.portee", ">Public<", ">Restricted<"),
    ("cap.portee", ">Public<", ">Private<"),
    ("cap.evenement", "<event>inondation", "<event> "),
    ("cap.langue", "fr-CA", "french"),
    ("cap.fin", "2026-04-20T05:12:00", "2026-04-19T05:12:00"),
    ("cap.fin", "<effective>2026-04-19T05:12:00-04:00</effective>\n    <expires>2026-04-20",
     "<expires>2026-04-19"),
    ("cap.fin", "<effective>2026-04-19", "<effective>2026-04-21"),
    ("cap.adresse", "<web>https://", "<web>"),
    ("cap.adresse", "<uri>https://val-des-brumes.example/", "<uri>"),
    ("cap.taille", "<size>2048", "<size>-1"),
    ("cap.polygone", POLYGON, "46.1,-72.1 46.1,-72.0 46.1,-72.1"),
    ("cap.polygone", POLYGON, "46.1,-72.1 46.1,-72.0 46.2,-72.0 46.2,-72.1"),
    ("cap.polygone", POLYGON, POLYGON.replace("46.2", "96.2")),
    ("cap.polygone", POLYGON, POLYGON.replace("-72.0", "-272.0")),
    ("cap.polygone", POLYGON, "0,0 1,1 0,1 1,0 0,0"),
    ("cap.polygone", POLYGON, POLYGON.replace(",", ", ")),
    ("cap.polygone", POLYGON, ""),
    ("cap.cercle", "46.1,-72.1 1.5", "46.1,-72.1"),
    ("cap.cercle", "46.1,-72.1 1.5", "46.1,-72.1 -1"),
    ("cap.cercle", "46.1,-72.1 1.5", "46.1 -72.1 1.5"),
    ("cap.plafond", "<altitude>10.5</altitude>", ""),
    ("cap-cp.version", "CAP-CP:0.4<", "CAP-CP:9.9<"),
    ("cap-cp.version", "<code>layer:SOREM:1.0", "<code>profile:CAP-CP:0.3"),
    ("cap-cp.langue", "fr-CA", "fr-FR"),
    ("cap-cp.langue", "<language>fr-CA</language>", ""),
    ("cap-cp.un-evenement", "<value>flood", "<value>tornado"),
    ("cap-cp.evenement", "CAP-CP:Event:0.4", "CAP-CP:Event:0.1"),
    ("cap-cp.evenement", "<value>flood", "<value>flood!"),
    ("cap-cp.lieu", "CAP-CP:Location:0.3", "CAP-CP:Location:0.1"),
    ("cap-cp.lieu", "2499999", "065522"),
    ("cap-cp.lieu", "2499999", "9999999"),
    ("cap-cp.diffusion", "<value>Yes", "<value>yes"),
    ("cap-cp.diffusion", "<value>Évacuez la rue des Saules.", "<value>"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "right", "wrong"), BAD)
def test_a_fault_is_found_by_its_rule_and_at_its_line(rule, right, wrong):
    content = changed(right, wrong)
    found = [one for one in check(content) if one.fails]
    assert rule in {one.rule for one in found}
    for one in found:
        assert one.path.startswith("alert") and one.reason.endswith(".")
    if ("\n" not in wrong and wrong and rule != "cap.racine"
            and any(one.path.count("/") > 1 for one in found)):  # fmt: skip
        where = FLOOD[: FLOOD.index(right)].count("\n") + 1
        assert min(abs(one.line - where) for one in found) <= 25


def test_a_fault_says_its_very_line_and_place():
    (found,) = check(changed("<circle>46.1,", "<circle>146.1,"))
    line = FLOOD[: FLOOD.index("<circle>")].count("\n") + 1
    assert (found.line, found.rule) == (line, "cap.cercle")
    assert found.path == "alert/info[1]/area/circle"
    assert found.reason == "Cercle\u00a0: la latitude 146.1 sort de -90 à 90."


@pytest.mark.parametrize(
    ("right", "wrong"), [(right, wrong) for rule, right, wrong in BAD if rule.startswith("cap-cp")]
)
def test_the_profile_binds_only_those_who_declare_it(right, wrong):
    if "CAP-CP:0.4<" in right or "profile:CAP-CP:0.3" in wrong:
        return
    assert rules(changed(right, wrong, plain=True)) == set()


ADVICE = [
    ("cap.titre", "Évacuation de la rue", "Évacuation " * 20),
    ("cap.portee", "<code>profile", "<restriction>x</restriction><code>profile"),
    ("cap-cp.recommande", "<senderName>Ville de Val-des-Brumes</senderName>", ""),
    ("cap-cp.recommande", "<responseType>Evacuate</responseType>", ""),
    ("cap-cp.recommande", "<expires>2026-04-20T05:12:00-04:00</expires>", ""),
    ("cap-cp.recommande", "<instruction>Leave your home. Go to the gymnasium.</instruction>", ""),
    ("cap-cp.version", "CAP-CP:0.4<", "CAP-CP:1.0<"),
    ("cap-cp.diffusion", "SOREM:1.0:Broadcast_Text", "SOREM:1.0:Other"),
]


@pytest.mark.parametrize(("rule", "right", "wrong"), ADVICE)
def test_advice_does_not_fail_the_file(rule, right, wrong):
    content = changed(right, wrong)
    assert rules(content) == set()
    assert rules(content, fails=False) == {rule}


def test_what_follows_another_message_names_it():
    for kind in ("Update", "Cancel", "Ack", "Error"):
        lone = FLOOD.replace(">Update<", f">{kind}<").replace(
            f"<references>{REFERENCE}</references>", "<references/>"
        )
        XSD.assertValid(etree.fromstring(lone.encode()))
        assert "cap.suite" in rules(lone.encode())


def test_an_alert_of_the_profile_says_something():
    silent = HEARTBEAT.replace("System", "Actual").encode()
    assert rules(silent) == {"cap-cp.info"}


# --- beside the schema ----------------------------------------------------------------------------

WORDS = [
    "", "x", "Actual", "Met", "None", "fr-CA", "fr_CA", "toolonglanguage", "12", "-3", " 4 ",
    "1.5", ".5", "5.",
    "1e3", "2026-04-19T05:12:00-04:00", " 2026-04-19T24:00:00+14:00\n", "2026-04-19T24:00:01+01:00",
    "2026-04-19T05:12:00Z", "2026-02-29T05:12:00-04:00", "0000-01-01T00:00:00-00:00",
    "2026-04-19T05:60:00-04:00", "2026-04-19T05:12:00-14:01", "2026-04-19T05:12:60-04:00",
]  # fmt: skip


ADDRESSES = [
    "", "x", "a:b", "1:2", "a/b:c", "::", "-a:b", "a#b", "a#b#c", "a%20", "a%zz", "a%", "a b",
    "é:x", "//", "http://", "http://[", "http://[::1]/", "http://a:b", "http://a:80/", "http://é.ca/",
    "http://a@b@c/", "a[b]", "a{b}", "mailto:a@b.ca", "urn:", "http:", "?a:b",
]  # fmt: skip


def disturbed(chance: random.Random) -> etree._Element:
    """The sample after one to three blows: taken away, doubled, moved, renamed, other words."""
    root = etree.fromstring(FLOOD.encode(), etree.XMLParser(remove_comments=True))
    for _blow in range(chance.randint(1, 3)):
        every = list(root.iter("{*}*"))[1:]
        if not every:
            break
        one = chance.choice(every)
        above = one.getparent()
        match chance.randrange(7):
            case 0:
                above.remove(one)
            case 1:
                one.addnext(etree.fromstring(etree.tostring(one)))
            case 2:
                chance.choice(list(above)).addprevious(one)
            case 3:
                one.tag = chance.choice(every).tag
            case 4:
                one.text = chance.choice(WORDS)
            case 5:
                chance.choice(every).append(etree.fromstring(SIGNATURE))
            case 6:
                root.append(etree.fromstring(SIGNATURE))
    return root


def test_our_table_accepts_what_the_schema_of_cap_accepts_and_nothing_else():
    chance = random.Random(20260419)
    counts = {True: 0, False: 0}
    for _message in range(4000):
        content = etree.tostring(disturbed(chance))
        root = tree(content)
        ours, theirs = not list(check_schema(root)), XSD.validate(root)
        assert ours == theirs, f"{XSD.error_log}\n{list(check_schema(root))}\n{content.decode()}"
        counts[ours] += 1
    assert min(counts.values()) > 300, counts


def judged_alike(name: str, word: str) -> bool:
    root = tree(FLOOD.encode())
    next(root.iter(f"{{{cap_schema.CAP}}}{name}")).text = word
    root = tree(etree.tostring(root))
    return (not list(check_schema(root))) == XSD.validate(root)


@pytest.mark.parametrize(
    "name", ["sent", "status", "language", "category", "size", "altitude", "expires", "note"]
)
def test_every_word_is_judged_as_the_schema_judges_it(name):
    assert [word for word in WORDS if not judged_alike(name, word)] == []


def test_every_address_is_judged_as_the_schema_judges_it():
    assert [word for word in ADDRESSES if not judged_alike("web", word)] == []


# --- hostile --------------------------------------------------------------------------------------

LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l0 "ha">'
    + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    + "]><alert>&l9;</alert>"
)
OUTSIDE = '<!DOCTYPE alert [<!ENTITY x SYSTEM "{}">]><alert>&x;</alert>'
HOSTILE = {
    "billion laughs": (LAUGHS, "DOCTYPE"),
    "a file of ours": (OUTSIDE.format("file:///etc/passwd"), "DOCTYPE"),
    "an address": (OUTSIDE.format("http://127.0.0.1:9/x"), "DOCTYPE"),
    "a parameter entity": ('<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///x">%p;]><a/>', "DOCTYPE"),
    "a document type outside": ('<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x"><a/>', "DOCTYPE"),
    "an unknown entity": (FLOOD.replace("inondation", "&nbsp;"), "bien formé"),
    "deep": ("<a>" * 100_000 + "</a>" * 100_000, "profond"),
    "wide": ("<a>" + "<b/>" * 60_000 + "</a>", "éléments"),
    "cut": (FLOOD[:2000], "bien formé"),
    "nothing": ("  \n", "vide"),
    "no XML": ("Évacuez tout de suite", "bien formé"),
    "a null": (FLOOD.replace("inondation", "\0"), "bien formé"),
    "an unknown encoding": (FLOOD.replace("UTF-8", "klingon"), "ncodage"),
    "another encoding": (FLOOD.replace("UTF-8", "cp437"), "ncodage"),
}


@pytest.mark.parametrize(("content", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_at_once_with_its_reason(content, reason):
    began = time.monotonic()
    (found,) = check(content.encode())
    assert (found.rule, found.fails) == ("xml", True)
    assert reason in found.reason
    with pytest.raises(Refused, match=reason):
        cap.read(content.encode())
    assert time.monotonic() - began < 2


def test_latin_letters_that_call_themselves_utf8_are_refused_with_their_line():
    (found,) = check(FLOOD.encode("utf-8").replace("Rivière".encode(), b"Rivi\xe8re"))
    assert found.rule == "xml" and "mal encodé" in found.reason
    assert found.line == FLOOD[: FLOOD.index("Rivière")].count("\n") + 1


def test_a_hundred_megabytes_are_not_parsed():
    began = time.monotonic()
    (found,) = check(b"<" * 100_000_000)
    assert "2\u00a0Mo" in found.reason
    assert time.monotonic() - began < 1


def test_a_flood_of_faults_is_cut_short():
    content = FLOOD.replace("</alert>", "<x/>" * 45_000 + "</alert>").encode()
    began = time.monotonic()
    assert len(check(content)) == MOST_FINDINGS
    assert time.monotonic() - began < 10


def test_a_polygon_made_to_be_slow_is_not_followed():
    """A saw whose every tooth is beside every other, and closed around: it never crosses itself."""
    teeth = [f"{n / 1000 + 60 * (n % 2):.3f},{80 * (n % 2)}" for n in range(20_000)]
    around = [f"{float(teeth[-1].split(',')[0]) + 1:.3f},85", "-1,85", "-1,-1", "0,-1", teeth[0]]
    began = time.monotonic()
    (found,) = check(changed(POLYGON, " ".join(teeth + around)))
    assert (found.rule, found.fails) == ("cap.polygone", False)
    assert "n’a pas été vérifié" in found.reason
    assert time.monotonic() - began < 3
