"""Calendar files (iCalendar, RFC 5545): what other calendars read of a reservation. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

CONTENT_TYPE = "text/calendar; charset=utf-8"
WIDTH = 75
"""Octets on one line, its end not counted (3.1)."""


@dataclass(frozen=True)
class Event:
    """One reservation; `changes` grows each time that it does."""

    uid: str
    start: datetime
    end: datetime
    summary: str
    stamp: datetime
    changes: int = 0
    location: str = ""
    description: str = ""
    url: str = ""
    status: str = "CONFIRMED"
    """TENTATIVE while it waits for an answer, CANCELLED when it is off."""


def escaped(text: str) -> str:
    """A value of the type TEXT (3.3.11)."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(sign for sign in text if sign >= " " or sign in "\n\t")
    for sign in ("\\", ";", ","):
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\n", "\\n")


def folded(line: str) -> str:
    """The line cut so that none exceeds 75 octets; no character is cut in two (3.1)."""
    pieces, piece, size = [], "", 0
    for sign in line:
        octets = len(sign.encode())
        if size + octets > WIDTH:
            pieces.append(piece)
            # The space that begins a continued line counts.
            piece, size = " ", 1
        piece, size = piece + sign, size + octets
    return "\r\n".join([*pieces, piece])


def instant(at: datetime) -> str:
    """A moment in UTC: every calendar knows it, on the nights when clocks change too."""
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def calendar(name: str, events: Iterable[Event], *, host: str) -> str:
    """A whole calendar file."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//{escaped(host)}//Parvis//FR",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"NAME:{escaped(name)}",
        # The older name of the same property, which most calendars read.
        f"X-WR-CALNAME:{escaped(name)}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
    ]
    for event in events:
        lines += _event(event, host)
    lines.append("END:VCALENDAR")
    return "".join(f"{folded(line)}\r\n" for line in lines)


def _event(event: Event, host: str) -> list[str]:
    lines = [
        "BEGIN:VEVENT",
        f"UID:{escaped(event.uid)}@{escaped(host)}",
        f"DTSTAMP:{instant(event.stamp)}",
        f"SEQUENCE:{event.changes}",
        f"DTSTART:{instant(event.start)}",
        f"DTEND:{instant(event.end)}",
        f"SUMMARY:{escaped(event.summary)}",
        f"STATUS:{event.status}",
    ]
    if event.location:
        lines.append(f"LOCATION:{escaped(event.location)}")
    if event.description:
        lines.append(f"DESCRIPTION:{escaped(event.description)}")
    if event.url:
        # A URI is not a text: it is written as it is.
        lines.append(f"URL:{event.url}")
    return [*lines, "END:VEVENT"]
