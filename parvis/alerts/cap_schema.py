"""The schema of CAP 1.2 as a table, and whether a tree follows it. Pure.

Accepts what the schema of OASIS accepts (order, number, enumerations, simple types), but numbers
of more than 18 digits. The tests hold both side by side. Checked here and not by a
compiled schema, so that each fault is a sentence.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from parvis.alerts import cap_values as values

CAP = "urn:oasis:names:tc:emergency:cap:1.2"
SIGNATURES = "http://www.w3.org/2000/09/xmldsig#"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
OLDER = re.compile(r".*:cap:1\.[01]$")
LANGUAGE = re.compile(r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*", re.ASCII)
INTEGER = re.compile(r"[-+]?\d+", re.ASCII)
DECIMAL = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
MOST_DIGITS = 18

TEXT, TIME, WORD, ADDRESS, WHOLE, NUMBER = "text", "time", "language", "uri", "integer", "decimal"


@dataclass(frozen=True)
class Finding:
    """One fault, or one advice, at one place of a file."""

    line: int
    path: str
    rule: str
    reason: str
    fails: bool = True


@dataclass(frozen=True)
class Part:
    """A child of an element: what it holds, and how often it may stand."""

    name: str
    kind: str = TEXT
    least: int = 0
    many: bool = False
    plural: str = ""
    choices: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def attribute(self) -> str:
        """Its name on our dataclasses."""
        return self.plural or re.sub("([A-Z])", lambda big: "_" + big[1].lower(), self.name)


PAIR = (Part("valueName", least=1), Part("value", least=1))
RESOURCE = (
    Part("resourceDesc", least=1), Part("mimeType", least=1), Part("size", WHOLE),
    Part("uri", ADDRESS), Part("derefUri"), Part("digest"),
)  # fmt: skip
AREA = (
    Part("areaDesc", least=1),
    Part("polygon", many=True, plural="polygons"),
    Part("circle", many=True, plural="circles"),
    Part("geocode", many=True, plural="geocodes", parts=PAIR),
    Part("altitude", NUMBER), Part("ceiling", NUMBER),
)  # fmt: skip
INFO = (
    Part("language", WORD),
    Part("category", least=1, many=True, plural="categories", choices=(
        "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport",
        "Infra", "CBRNE", "Other",
    )),
    Part("event", least=1),
    Part("responseType", many=True, plural="response_types", choices=(
        "Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear",
        "None",
    )),
    Part("urgency", least=1, choices=("Immediate", "Expected", "Future", "Past", "Unknown")),
    Part("severity", least=1, choices=("Extreme", "Severe", "Moderate", "Minor", "Unknown")),
    Part("certainty", least=1, choices=("Observed", "Likely", "Possible", "Unlikely", "Unknown")),
    Part("audience"),
    Part("eventCode", many=True, plural="event_codes", parts=PAIR),
    Part("effective", TIME), Part("onset", TIME), Part("expires", TIME),
    Part("senderName"), Part("headline"), Part("description"), Part("instruction"),
    Part("web", ADDRESS), Part("contact"),
    Part("parameter", many=True, plural="parameters", parts=PAIR),
    Part("resource", many=True, plural="resources", parts=RESOURCE),
    Part("area", many=True, plural="areas", parts=AREA),
)  # fmt: skip
ALERT = (
    Part("identifier", least=1), Part("sender", least=1), Part("sent", TIME, least=1),
    Part("status", least=1, choices=("Actual", "Exercise", "System", "Test", "Draft")),
    Part("msgType", least=1, choices=("Alert", "Update", "Cancel", "Ack", "Error")),
    Part("source"),
    Part("scope", least=1, choices=("Public", "Restricted", "Private")),
    Part("restriction"), Part("addresses"),
    Part("code", many=True, plural="codes"),
    Part("note"), Part("references"), Part("incidents"),
    Part("info", many=True, plural="infos", parts=INFO),
)  # fmt: skip


def local(element: etree._Element) -> str:
    return etree.QName(element).localname


def children(element: etree._Element, name: str) -> list[etree._Element]:
    return element.findall(f"{{{CAP}}}{name}")


def text(element: etree._Element) -> str:
    return element.text or ""


def path(element: etree._Element) -> str:
    """Where it stands: `alert/info[2]/area[1]`, numbered where the schema lets several stand."""
    steps: list[str] = []
    one: etree._Element | None = element
    while one is not None:
        before = sum(1 for _same in one.itersiblings(one.tag, preceding=True))
        alone = not before and next(one.itersiblings(one.tag), None) is None
        steps.append(local(one) if alone else f"{local(one)}[{before + 1}]")
        one = one.getparent()
    return "/".join(reversed(steps))


def finding(element: etree._Element, rule: str, reason: str, *, fails: bool = True) -> Finding:
    line: int = element.sourceline or 0  # type: ignore[assignment]  # the stubs say «...»
    return Finding(line, path(element), rule, reason, fails)


def check_schema(root: etree._Element) -> Iterator[Finding]:
    """Each departure from the schema."""
    name = etree.QName(root)
    if name.namespace != CAP or name.localname != "alert":
        if name.localname == "alert" and OLDER.match(name.namespace or ""):
            said = "Ce message est d’une version ancienne de CAP\u00a0: il faut CAP 1.2."
        else:
            said = f"Un message CAP commence par «\u00a0alert\u00a0» dans l’espace de noms {CAP}."
        yield finding(root, "cap.racine", said)
        return
    yield from _whole(root, ALERT)


def _whole(element: etree._Element, parts: tuple[Part, ...]) -> Iterator[Finding]:
    """An element that holds others."""
    yield from _attributes(element)
    inside = "".join([text(element), *(child.tail or "" for child in element)])
    if inside.strip(values.SPACES):
        said = f"«\u00a0{local(element)}\u00a0» ne contient que des éléments, pas de texte."
        yield finding(element, "cap.texte", said)
    places = {part.name: place for place, part in enumerate(parts)}
    count: Counter[str] = Counter()
    reached = 0
    for child in element:
        name = etree.QName(child)
        if parts is ALERT and name.namespace == SIGNATURES:
            reached = len(parts)
            continue
        place = places.get(name.localname, -1)
        if name.namespace != CAP or place < 0:
            said = (
                f"«\u00a0{name.localname}\u00a0» n’existe pas dans «\u00a0{local(element)}\u00a0»."
            )
            yield finding(child, "cap.inconnu", said)
            continue
        part = parts[place]
        count[part.name] += 1
        if count[part.name] > 1 and not part.many:
            said = f"«\u00a0{part.name}\u00a0» ne peut figurer qu’une fois."
            yield finding(child, "cap.double", said)
        elif place < reached:
            said = (
                f"«\u00a0{part.name}\u00a0» vient trop tard\u00a0: {_order(parts, place, reached)}."
            )
            yield finding(child, "cap.ordre", said)
        reached = max(reached, place)
        yield from _whole(child, part.parts) if part.parts else _simple(child, part)
    for part in parts:
        if count[part.name] < part.least:
            said = f"«\u00a0{part.name}\u00a0» manque dans «\u00a0{local(element)}\u00a0»."
            yield finding(element, "cap.manque", said)


def _order(parts: tuple[Part, ...], place: int, reached: int) -> str:
    after = parts[reached].name if reached < len(parts) else "Signature"
    return f"il précède «\u00a0{after}\u00a0» dans le schéma"


def _attributes(element: etree._Element) -> Iterator[Finding]:
    known = {f"{{{XSI}}}schemaLocation", f"{{{XSI}}}noNamespaceSchemaLocation"}
    for attribute in sorted(set(map(str, element.attrib)) - known):
        said = f"L’attribut «\u00a0{values.shown(attribute)}\u00a0» n’existe pas dans CAP."
        yield finding(element, "cap.attribut", said)


def _simple(element: etree._Element, part: Part) -> Iterator[Finding]:
    """An element that holds a value."""
    yield from _attributes(element)
    if len(element):
        said = f"«\u00a0{part.name}\u00a0» contient une valeur, pas des éléments."
        yield finding(element, "cap.valeur", said)
        return
    reason = fault(part, text(element))
    if reason:
        said = f"«\u00a0{part.name}\u00a0» vaut {values.quoted(text(element))}\u00a0: {reason}."
        yield finding(element, "cap.valeur", said)


def fault(part: Part, written: str) -> str:
    """Why a value is not of its type, or nothing."""
    if part.choices:
        return "" if written in part.choices else f"on attend {', '.join(part.choices)}"
    bare = values.collapsed(written)
    # An empty language is en-US, as an absent one.
    if part.kind == TIME:
        try:
            values.moment(written)
        except ValueError as reason:
            return str(reason)
    elif part.kind == WORD and written and not LANGUAGE.fullmatch(bare):
        return "ce n’est pas un code de langue, comme fr-CA"
    elif part.kind == ADDRESS and not values.is_address(bare):
        return "ce n’est pas une adresse Internet"
    elif part.kind == WHOLE and not INTEGER.fullmatch(bare):
        return "on attend un nombre entier"
    elif part.kind == NUMBER and not DECIMAL.fullmatch(bare):
        return "on attend un nombre, avec un point décimal"
    elif part.kind in (WHOLE, NUMBER) and sum(map(str.isdigit, bare)) > MOST_DIGITS:
        return "ce nombre est démesuré"
    return ""
