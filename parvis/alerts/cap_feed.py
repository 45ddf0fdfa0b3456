"""A feed of CAP messages (Atom, RFC 4287) read: which messages it leads to. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from urllib.parse import urljoin, urlsplit

from lxml import etree

from parvis.alerts import cap_values as values
from parvis.alerts.cap_file import tree
from parvis.core.errors import Refused

ATOM = "http://www.w3.org/2005/Atom"
CAP_TYPE = "application/cap+xml"
MOST_ENTRIES = 500
LONGEST_ADDRESS = 2_000


@dataclass(frozen=True)
class Entry:
    """One message: who it is, when it last changed, where it lies."""

    identity: str
    updated: str
    address: str


def entries(content: bytes, *, address: str) -> list[Entry]:
    """In the order of the feed, or raise Refused for what is not Atom.

    An entry without an address of a CAP file on the web is left out.
    """
    root = tree(content)
    if root.tag != f"{{{ATOM}}}feed":
        raise Refused("Ce n’est pas un flux Atom (RFC 4287).")
    found = []
    for entry in islice(root.iterchildren(f"{{{ATOM}}}entry"), MOST_ENTRIES):
        where = _address(entry, address)
        if where:
            found.append(Entry(_text(entry, "id"), _text(entry, "updated"), where))
    return found


def _text(entry: etree._Element, name: str) -> str:
    found = entry.find(f"{{{ATOM}}}{name}")
    return values.collapsed(found.text or "") if found is not None else ""


def _address(entry: etree._Element, base: str) -> str:
    """Its link of the type of CAP, else its only one."""
    links = entry.findall(f"{{{ATOM}}}link")
    typed = [one for one in links if (one.get("type") or "").split(";")[0].strip() == CAP_TYPE]
    for link in typed or (links if len(links) == 1 else []):
        try:
            where = urljoin(base, link.get("href") or "")
            parts = urlsplit(where)
        except ValueError:
            continue
        if parts.scheme in ("http", "https") and parts.netloc and len(where) <= LONGEST_ADDRESS:
            return where
    return ""
