"""A message of the Common Alerting Protocol 1.2, as values: read from a file and written. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from lxml import etree

from parvis.alerts import cap_values as values
from parvis.alerts.cap_file import tree
from parvis.alerts.cap_schema import (
    ADDRESS,
    ALERT,
    CAP,
    NUMBER,
    TIME,
    WHOLE,
    WORD,
    Part,
    check_schema,
    children,
    text,
)
from parvis.core.errors import Refused


@dataclass(frozen=True, kw_only=True)
class Pair:
    """`eventCode`, `parameter` and `geocode`: a value, and the list that it is from."""

    value_name: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A file beside the words: a picture, a recording."""

    resource_desc: str
    mime_type: str
    size: int | None = None
    uri: str = ""
    deref_uri: str = ""
    digest: str = ""


@dataclass(frozen=True, kw_only=True)
class Area:
    """Where. Polygons and circles are kept as written; `cap_values` reads them."""

    area_desc: str
    polygons: tuple[str, ...] = ()
    circles: tuple[str, ...] = ()
    geocodes: tuple[Pair, ...] = ()
    altitude: Decimal | None = None
    ceiling: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Info:
    """What happens, in one language."""

    categories: tuple[str, ...]
    event: str
    urgency: str
    severity: str
    certainty: str
    language: str = ""
    response_types: tuple[str, ...] = ()
    audience: str = ""
    event_codes: tuple[Pair, ...] = ()
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    web: str = ""
    contact: str = ""
    parameters: tuple[Pair, ...] = ()
    resources: tuple[Resource, ...] = ()
    areas: tuple[Area, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One message. An optional text that is empty and one that is absent are the same."""

    identifier: str
    sender: str
    sent: datetime
    status: str
    msg_type: str
    scope: str
    source: str = ""
    restriction: str = ""
    addresses: str = ""
    codes: tuple[str, ...] = ()
    note: str = ""
    references: str = ""
    incidents: str = ""
    infos: tuple[Info, ...] = ()


SHAPES: dict[str, type] = {
    "info": Info, "resource": Resource, "area": Area,
    "eventCode": Pair, "parameter": Pair, "geocode": Pair,
}  # fmt: skip


def read(content: bytes) -> Alert:
    """The message, without its signatures, or raise Refused with the first departure from CAP.

    What the schema cannot say is not looked at: `cap_rules.check` does.
    """
    root = tree(content)
    for found in check_schema(root):
        raise Refused(f"Ligne {found.line}\u00a0: {found.reason}")
    made: Alert = _value(root, ALERT, Alert)
    return made


def write(alert: Alert) -> bytes:
    """The file, or raise Refused: what is written can always be read back, and is the same."""
    root = etree.Element(f"{{{CAP}}}alert", nsmap={None: CAP})  # type: ignore[dict-item]  # the default one
    try:
        _fill(root, alert, ALERT)
    except ValueError as error:
        raise Refused(f"Ce message ne peut s’écrire en CAP\u00a0: {error}.") from error
    etree.indent(root)
    for found in check_schema(root):
        raise Refused(f"Ce message ne peut s’écrire en CAP\u00a0: {found.reason}")
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"


def _value(element: etree._Element, parts: tuple[Part, ...], shape: type) -> Any:
    given: dict[str, Any] = {}
    for part in parts:
        found = [
            _value(child, part.parts, SHAPES[part.name]) if part.parts else _word(child, part)
            for child in children(element, part.name)
        ]
        if part.many:
            given[part.attribute] = tuple(found)
        elif found:
            given[part.attribute] = found[0]
    return shape(**given)


def _word(element: etree._Element, part: Part) -> str | int | Decimal | datetime:
    written = text(element)
    if part.kind == TIME:
        return values.moment(written)
    if part.kind == WHOLE:
        return int(values.collapsed(written))
    if part.kind == NUMBER:
        return Decimal(values.collapsed(written))
    return values.collapsed(written) if part.kind in (WORD, ADDRESS) else written


def _fill(element: etree._Element, shape: object, parts: tuple[Part, ...]) -> None:
    for part in parts:
        held = getattr(shape, part.attribute)
        several: Iterable[object] = held if part.many else [held]
        for one in several:
            if not part.many and not part.least and (one is None or one == ""):
                continue
            child = etree.SubElement(element, f"{{{CAP}}}{part.name}")
            if part.parts:
                _fill(child, one, part.parts)
            else:
                written = _written(one)
                try:
                    child.text = written
                except ValueError:
                    # XML has no word for most control characters.
                    said = f"«\u00a0{part.name}\u00a0» contient un caractère que XML n’admet pas"
                    raise ValueError(said) from None


def _written(one: object) -> str:
    if isinstance(one, datetime):
        return values.stamp(one)
    return format(one, "f") if isinstance(one, Decimal) else str(one)
