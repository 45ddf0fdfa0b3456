"""What CAP 1.2 asks beyond its schema, and the whole check of one file. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import chain, islice
from urllib.parse import urlsplit

from lxml import etree
from shapely.geometry import LinearRing

from parvis.alerts import cap_values as values
from parvis.alerts.cap_cp_rules import check_profile
from parvis.alerts.cap_file import tree
from parvis.alerts.cap_schema import Finding, check_schema, children, finding, text
from parvis.core.errors import Refused

NAME = re.compile(r"[^\s,<&]+")
LANGUAGE = re.compile(r"([a-zA-Z]{2,3}|[iIxX](?=-))(-[a-zA-Z0-9]{1,8})*", re.ASCII)
DIGEST = re.compile(r"[0-9a-fA-F]{40}")
FOLLOWING = {"Update", "Cancel", "Ack", "Error"}
LONGEST_HEADLINE = 160
MOST_FINDINGS = 200
LINE_IN_REASON = re.compile(r"\(ligne (\d+)\)")


def check(content: bytes) -> list[Finding]:
    """Every finding of one file, in the order of its lines. Valid when none of them fails."""
    try:
        root = tree(content)
    except Refused as refused:
        line = LINE_IN_REASON.search(str(refused))
        return [Finding(int(line[1]) if line else 1, "/", "xml", str(refused))]
    found = list(islice(check_schema(root), MOST_FINDINGS))
    # The rules read what the schema promises: without that they would only repeat its faults.
    if not found:
        found = list(islice(chain(check_rules(root), check_profile(root)), MOST_FINDINGS))
    return sorted(found, key=lambda one: one.line)


def check_rules(root: etree._Element) -> Iterator[Finding]:
    """What the specification says in words, of a tree that follows the schema."""
    for name in ("identifier", "sender"):
        (element,) = children(root, name)
        if not NAME.fullmatch(text(element)):
            said = (
                f"{values.quoted(name)} ne peut être vide, ni contenir une espace, une virgule, "
                "«\u00a0<\u00a0» ou «\u00a0&\u00a0»."
            )
            yield finding(element, f"cap.{name}", said)
    yield from _references(root)
    yield from _scope(root)
    for info in children(root, "info"):
        yield from _info(info, sent=values.moment(only(root, "sent")))


def only(element: etree._Element, name: str) -> str:
    """The text of a child, or nothing when it is not there."""
    found = children(element, name)
    return text(found[0]) if found else ""


def _references(root: etree._Element) -> Iterator[Finding]:
    kind = only(root, "msgType")
    if kind in FOLLOWING and not only(root, "references").strip():
        said = f"Un message {kind} nomme, dans «\u00a0references\u00a0», celui qu’il suit."
        yield finding(root, "cap.suite", said)
    for element in children(root, "references"):
        if not values.words(text(element)):
            yield finding(element, "cap.references", "«\u00a0references\u00a0» est vide.")
            continue
        try:
            named = values.references(text(element))
        except ValueError as reason:
            yield finding(element, "cap.references", f"Références\u00a0: {reason}.")
            continue
        if len(set(named)) < len(named):
            yield finding(element, "cap.references", "Une même référence figure deux fois.")
        own = (only(root, "sender"), only(root, "identifier"))
        if own in {(one.sender, one.identifier) for one in named}:
            yield finding(element, "cap.references", "Le message se nomme lui-même.")


def _scope(root: etree._Element) -> Iterator[Finding]:
    scope = only(root, "scope")
    for needing, name in (("Restricted", "restriction"), ("Private", "addresses")):
        if scope == needing and not only(root, name).strip():
            said = f"La portée {scope} demande «\u00a0{name}\u00a0»."
            yield finding(root, "cap.portee", said)
        elif scope != needing and only(root, name).strip():
            said = f"«\u00a0{name}\u00a0» n’a de sens qu’avec la portée {needing}."
            yield finding(children(root, name)[0], "cap.portee", said, fails=False)


def _info(info: etree._Element, *, sent: datetime) -> Iterator[Finding]:
    for element in children(info, "event"):
        if not text(element).strip():
            yield finding(element, "cap.evenement", "«\u00a0event\u00a0» est vide.")
    for element in children(info, "language"):
        if text(element) and not LANGUAGE.fullmatch(values.collapsed(text(element))):
            said = f"{values.quoted(text(element))} n’est pas un code de langue, comme fr-CA."
            yield finding(element, "cap.langue", said)
    yield from _times(info, sent)
    for element in children(info, "headline"):
        if len(text(element)) > LONGEST_HEADLINE:
            said = f"Le titre dépasse {LONGEST_HEADLINE} caractères\u00a0: il sera coupé."
            yield finding(element, "cap.titre", said, fails=False)
    for element in children(info, "web"):
        if not _is_whole(text(element)):
            said = "L’adresse «\u00a0web\u00a0» doit être complète, avec https://."
            yield finding(element, "cap.adresse", said)
    for name in ("eventCode", "parameter"):
        yield from _doubles(info, name, fails=False)
    for resource in children(info, "resource"):
        yield from _resource(resource)
    for area in children(info, "area"):
        yield from _area(area)


def _times(info: etree._Element, sent: datetime) -> Iterator[Finding]:
    at = {
        name: values.moment(only(info, name))
        for name in ("effective", "onset", "expires")
        if children(info, name)
    }
    if "expires" not in at:
        return
    (element,) = children(info, "expires")
    if at["expires"] <= sent:
        said = "La fin («\u00a0expires\u00a0») n’est pas après l’envoi."
        yield finding(element, "cap.fin", said)
    if "effective" in at and at["expires"] <= at["effective"]:
        said = "La fin («\u00a0expires\u00a0») n’est pas après «\u00a0effective\u00a0»."
        yield finding(element, "cap.fin", said)
    if "onset" in at and at["expires"] <= at["onset"]:
        said = "La fin («\u00a0expires\u00a0») n’est pas après «\u00a0onset\u00a0»."
        yield finding(element, "cap.fin", said, fails=False)


def _is_whole(address: str) -> bool:
    try:
        parts = urlsplit(values.collapsed(address))
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path)) and " " not in address.strip()


def _doubles(element: etree._Element, name: str, *, fails: bool) -> Iterator[Finding]:
    seen: set[tuple[str, str]] = set()
    for child in children(element, name):
        pair = (only(child, "valueName"), only(child, "value"))
        if pair in seen:
            said = f"Ce «\u00a0{name}\u00a0» figure déjà, mot pour mot."
            yield finding(child, "cap.repetition", said, fails=fails)
        seen.add(pair)


def _resource(resource: etree._Element) -> Iterator[Finding]:
    for element in children(resource, "size"):
        if int(values.collapsed(text(element))) < 0:
            yield finding(element, "cap.taille", "La taille d’un fichier n’est pas négative.")
    for element in children(resource, "uri"):
        if not _is_whole(text(element)) and not children(resource, "derefUri"):
            said = "Sans «\u00a0derefUri\u00a0», l’adresse «\u00a0uri\u00a0» doit être complète."
            yield finding(element, "cap.adresse", said)
    for element in children(resource, "digest"):
        if not DIGEST.fullmatch(text(element).strip()):
            said = "L’empreinte n’est pas celle de SHA-1 (40 chiffres hexadécimaux)."
            yield finding(element, "cap.empreinte", said, fails=False)


def _area(area: etree._Element) -> Iterator[Finding]:
    for element in children(area, "polygon"):
        try:
            points = values.polygon(text(element))
        except ValueError as reason:
            yield finding(element, "cap.polygone", f"Polygone\u00a0: {reason}.")
            continue
        if len(points) > values.MOST_POINTS:
            said = f"Plus de {values.MOST_POINTS} points\u00a0: son tracé n’a pas été vérifié."
            yield finding(element, "cap.polygone", said, fails=False)
        elif not LinearRing([(float(east), float(north)) for north, east in points]).is_simple:
            yield finding(element, "cap.polygone", "Polygone\u00a0: son tracé se recoupe.")
    for element in children(area, "circle"):
        try:
            values.circle(text(element))
        except ValueError as reason:
            yield finding(element, "cap.cercle", f"Cercle\u00a0: {reason}.")
    yield from _doubles(area, "geocode", fails=False)
    height = {name: children(area, name) for name in ("altitude", "ceiling")}
    if height["ceiling"] and not height["altitude"]:
        said = "«\u00a0ceiling\u00a0» ne va pas sans «\u00a0altitude\u00a0»."
        yield finding(height["ceiling"][0], "cap.plafond", said)
