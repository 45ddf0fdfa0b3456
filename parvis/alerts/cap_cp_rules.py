"""What the Canadian profile, CAP-CP, asks of a message that declares it. Pure.

Of the profile's two lists only the names and the shape of the values are known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from parvis.alerts import cap_values as values
from parvis.alerts.cap_schema import Finding, children, finding, text

PROFILE = "profile:CAP-CP:"
VERSIONS = {"0.3", "0.4"}
DRAFT = "1.0"
EVENT = "profile:CAP-CP:Event:0.4"
LOCATION = "profile:CAP-CP:Location:0.3"
EVENT_CODE = re.compile(r"[A-Za-z0-9]{2,32}", re.ASCII)
LOCATION_CODE = re.compile(r"\d{2}|\d{4}|\d{7}", re.ASCII)
PROVINCES = {"10", "11", "12", "13", "24", "35", "46", "47", "48", "59", "60", "61", "62"}
"""First digits of the Standard Geographical Classification."""
LANGUAGES = ("fr-CA", "en-CA")
ADVISED = {
    "expires": "la fin",
    "senderName": "le nom de l’émetteur",
    "responseType": "ce qu’il faut faire",
    "instruction": "les consignes",
}
YES_OR_NO = {
    "layer:SOREM:1.0:Broadcast_Immediately": "layer:SOREM:1.0:Broadcast_Text",
    "layer:SOREM:2.0:WirelessImmediate": "layer:SOREM:2.0:WirelessText",
}
"""Each with the text that goes out with it."""


def declared(root: etree._Element) -> list[etree._Element]:
    return [one for one in children(root, "code") if text(one).strip().startswith(PROFILE)]


def check_profile(root: etree._Element) -> Iterator[Finding]:
    """Nothing when the message does not declare the profile."""
    codes = declared(root)
    if not codes:
        return
    for code in codes:
        yield from _version(code)
    if len({text(code).strip() for code in codes}) > 1:
        said = "Le message déclare deux versions du profil\u00a0: une seule peut s’appliquer."
        yield finding(codes[1], "cap-cp.version", said)
    infos = children(root, "info")
    kind, system = _only(root, "msgType"), _only(root, "status") == "System"
    if not infos and kind in ("Alert", "Update") and not system:
        said = "Le profil demande au moins un bloc «\u00a0info\u00a0»."
        yield finding(root, "cap-cp.info", said)
    yield from _one_event(infos)
    spoken = []
    for info in infos:
        language = values.collapsed(_only(info, "language"))
        spoken.append(language.casefold())
        if language.casefold() not in {one.casefold() for one in LANGUAGES}:
            said = "La langue d’un bloc «\u00a0info\u00a0» est fr-CA ou en-CA, et elle est écrite."
            yield finding(info, "cap-cp.langue", said)
        yield from _info(info)
    for language in LANGUAGES:
        if infos and language.casefold() not in spoken:
            said = f"Aucun bloc «\u00a0info\u00a0» n’est en {language}."
            yield finding(root, "cap-cp.langue", said, fails=False)


def _only(element: etree._Element, name: str) -> str:
    found = children(element, name)
    return text(found[0]) if found else ""


def _version(code: etree._Element) -> Iterator[Finding]:
    version = text(code).strip().removeprefix(PROFILE)
    if version == DRAFT:
        said = "CAP-CP 1.0 est encore un projet\u00a0: les diffuseurs attendent 0.4."
        yield finding(code, "cap-cp.version", said, fails=False)
    elif version not in VERSIONS or text(code) != text(code).strip():
        said = f"{values.quoted(text(code))} n’est pas une version du profil, comme {PROFILE}0.4."
        yield finding(code, "cap-cp.version", said)


def _pairs(element: etree._Element, name: str) -> list[tuple[str, str, etree._Element]]:
    return [(_only(one, "valueName"), _only(one, "value"), one) for one in children(element, name)]


def _one_event(infos: list[etree._Element]) -> Iterator[Finding]:
    """The same codes in each block: a message tells of one event."""
    first: set[str] | None = None
    for info in infos:
        codes = {value for name, value, _one in _pairs(info, "eventCode") if name == EVENT}
        if first is None:
            first = codes
        elif codes != first:
            said = (
                "Un message parle d’un seul événement\u00a0: ce bloc n’a pas les codes du premier."
            )
            yield finding(info, "cap-cp.un-evenement", said)


def _info(info: etree._Element) -> Iterator[Finding]:
    events = [(value, one) for name, value, one in _pairs(info, "eventCode") if name == EVENT]
    if not events:
        yield finding(info, "cap-cp.evenement", f"Aucun «\u00a0eventCode\u00a0» de {EVENT}.")
    for value, one in events:
        if not EVENT_CODE.fullmatch(value):
            said = f"{values.quoted(value)} n’est pas un code d’événement du profil."
            yield finding(one, "cap-cp.evenement", said)
    places = [
        (value, one)
        for area in children(info, "area")
        for name, value, one in _pairs(area, "geocode")
        if name == LOCATION
    ]
    if not places:
        said = f"Aucune zone n’a de «\u00a0geocode\u00a0» de {LOCATION}."
        yield finding(info, "cap-cp.lieu", said)
    for value, one in places:
        if not LOCATION_CODE.fullmatch(value):
            said = f"{values.quoted(value)} n’est pas un code de lieu de 2, 4 ou 7 chiffres."
            yield finding(one, "cap-cp.lieu", said)
        elif value[:2] not in PROVINCES:
            said = f"«\u00a0{value}\u00a0» ne commence pas par le code d’une province."
            yield finding(one, "cap-cp.lieu", said)
    for name, meaning in ADVISED.items():
        if not _only(info, name).strip():
            said = f"Le profil recommande fortement «\u00a0{name}\u00a0» ({meaning})."
            yield finding(info, "cap-cp.recommande", said, fails=False)
    for area in children(info, "area"):
        if not children(area, "polygon") and not children(area, "circle"):
            said = "Un polygone ou un cercle dit mieux que le code qui est touché."
            yield finding(area, "cap-cp.recommande", said, fails=False)
    yield from _layers(info)


def _layers(info: etree._Element) -> Iterator[Finding]:
    """The parameters by which broadcasters and telephone networks are asked to interrupt."""
    given = _pairs(info, "parameter")
    for asking, saying in YES_OR_NO.items():
        asked = [(value, one) for name, value, one in given if name == asking]
        texts = [(value, one) for name, value, one in given if name == saying]
        for value, one in asked:
            if value not in ("Yes", "No"):
                said = f"{asking} vaut Yes ou No, pas «\u00a0{values.shown(value)}\u00a0»."
                yield finding(one, "cap-cp.diffusion", said)
        for value, one in texts:
            if not value.strip():
                yield finding(one, "cap-cp.diffusion", f"{saying} est vide.")
        for several in (asked, texts):
            if len({value for value, _one in several}) > 1:
                said = "Ce paramètre de diffusion a deux valeurs."
                yield finding(several[1][1], "cap-cp.diffusion", said)
        if any(value == "Yes" for value, _one in asked) and not texts:
            said = f"{asking} vaut Yes sans {saying}\u00a0: le texte sera composé par le diffuseur."
            yield finding(asked[0][1], "cap-cp.diffusion", said, fails=False)
