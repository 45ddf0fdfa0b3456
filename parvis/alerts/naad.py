"""Messages of others as they arrive: out of a stream without frames, once each. Pure.

The Canadian distributor, NAAD, sends whole XML documents one after the other on a plain TCP
connection, and each minute a heartbeat that names the last ten. Nothing here sends anything on.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import TypeVar

from parvis.alerts import cap
from parvis.alerts import cap_values as values
from parvis.alerts.cap_certificates import Trust
from parvis.alerts.cap_cp_rules import LOCATION
from parvis.alerts.cap_file import LARGEST, tree
from parvis.alerts.cap_signature import State, Verified, verify
from parvis.alerts.cap_values import Reference
from parvis.core.errors import Refused

HEARTBEAT = "NAADS-Heartbeat"
SILENCE = timedelta(seconds=150)
"""Two heartbeats missed, and half a minute of grace."""
REMEMBERED = 20_000
OPENING = re.compile(rb"<(?:[A-Za-z_][\w.-]{0,40}:)?alert(?=[\s>])")
CLOSING = re.compile(rb"</(?:[A-Za-z_][\w.-]{0,40}:)?alert\s{0,20}>")
DECLARATION = re.compile(rb"<\?xml\s[^<>]{0,200}\?>\s{0,20}$")
LONGEST_TAG = 300
"""Octets to keep that may be the beginning of a declaration and of a tag."""

Key = tuple[str, str, datetime]
T = TypeVar("T")


class Splitter:
    """Documents out of octets that come in any pieces; what is between them is dropped."""

    def __init__(self, largest: int = LARGEST) -> None:
        self.largest = largest
        self.held = bytearray()
        self.begun = False
        self.looked = 0
        self.dropped = 0
        """Octets that were of no message, or of one that was cut or too large."""

    def take(self, octets: bytes) -> list[bytes]:
        """The documents that these octets complete."""
        self.held += octets
        return list(self._documents())

    def _documents(self) -> Iterator[bytes]:
        while True:
            if not self.begun and not self._begin():
                return
            closing = CLOSING.search(self.held, max(0, self.looked - LONGEST_TAG))
            if closing is None:
                self.looked = len(self.held)
                if self.looked <= self.largest:
                    return
                self._give_up()
                continue
            yield self._whole(bytes(self.held[: closing.end()]))
            self._drop(closing.end(), counted=False)

    def _begin(self) -> bool:
        opening = OPENING.search(self.held)
        if opening is None:
            self._drop(max(0, len(self.held) - LONGEST_TAG))
            return False
        self._drop(_beginning(self.held, opening.start()))
        self.begun = True
        return True

    def _give_up(self) -> None:
        """Too large: begin again at the last message that began inside, for none has ended."""
        last = 0
        for opening in OPENING.finditer(self.held):
            last = opening.start()
        begins_later = last > LONGEST_TAG
        kept = _beginning(self.held, last) if begins_later else len(self.held) - LONGEST_TAG
        self._drop(kept)
        self.begun = begins_later

    def _whole(self, document: bytes) -> bytes:
        """A message that was cut ends where the next one does: the last that begins is whole."""
        openings = [one.start() for one in OPENING.finditer(document)]
        if len(openings) > 1 and not _is_well_formed(document):
            kept = _beginning(document, openings[-1])
            self.dropped += kept
            return document[kept:]
        return document

    def _drop(self, length: int, *, counted: bool = True) -> None:
        if counted:
            self.dropped += length
        del self.held[:length]
        self.begun, self.looked = False, 0


def _beginning(octets: bytes | bytearray, opening: int) -> int:
    """Where the declaration before a message begins, which names its encoding; or the message."""
    declared = DECLARATION.search(octets, max(0, opening - LONGEST_TAG), opening)
    return declared.start() if declared else opening


def _is_well_formed(document: bytes) -> bool:
    try:
        tree(document)
    except Refused:
        return False
    return True


class Rank(IntEnum):
    """What the signatures of a message are worth to its reader."""

    BROKEN = 0
    NONE = 1
    """Unsigned, or by nobody whom the reader named."""
    HOLDS = 2


@dataclass(frozen=True, kw_only=True)
class Message:
    """One that had not arrived yet."""

    source: str
    alert: cap.Alert
    content: bytes
    verified: Verified
    contradicts: bool = False
    """Another of the same name said something else: at most one of them is true."""
    overtaken: bool = False
    """A later message that names this one has arrived before it."""


@dataclass(frozen=True, kw_only=True)
class Beat:
    """A heartbeat, and the messages that it names and that never arrived."""

    source: str
    missing: tuple[Reference, ...]


@dataclass(frozen=True, kw_only=True)
class Twice:
    """What arrived before, by another way or again."""

    source: str


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    source: str
    reason: str


Heard = Message | Beat | Twice | Unreadable


class Desk:
    """What has arrived, from whichever side: says what is new, what is missing, who is silent."""

    def __init__(
        self,
        *,
        trust: Trust | None = None,
        silence: timedelta = SILENCE,
        remembered: int = REMEMBERED,
    ) -> None:
        self.trust = trust or Trust()
        self.silence = silence
        self.remembered = remembered
        self.seen: OrderedDict[Key, tuple[Rank, str]] = OrderedDict()
        self.followed: OrderedDict[Key, None] = OrderedDict()
        self.asked: OrderedDict[Key, None] = OrderedDict()
        self.beats: dict[str, datetime] = {}

    def expect(self, source: str, now: datetime) -> None:
        """From now on its silence counts."""
        self.beats[source] = now

    def hear(self, content: bytes, *, source: str, now: datetime) -> Heard:
        """What one document is. Only what was verified is read."""
        try:
            verified = verify(content, trust=self.trust, now=now)
            alert = cap.read(verified.message)
        except Refused as refused:
            return Unreadable(source=source, reason=str(refused))
        if is_heartbeat(alert):
            self.beats[source] = now
            return Beat(source=source, missing=self._missing(alert))
        key = (alert.sender, alert.identifier, alert.sent)
        rank, digest = rank_of(verified), hashlib.sha256(verified.message).hexdigest()
        before = self.seen.get(key)
        if before is not None and before[1] == digest and rank <= before[0]:
            return Twice(source=source)
        # What is forged must not make us take the true one for known.
        if before is None or rank >= before[0]:
            self._remember(self.seen, key, (rank, digest))
        if alert.msg_type in ("Update", "Cancel") and (rank is Rank.HOLDS or not self.trust):
            for named in references_of(alert):
                self._remember(self.followed, key_of(named), None)
        return Message(
            source=source,
            alert=alert,
            content=content,
            verified=verified,
            contradicts=before is not None and before[1] != digest,
            overtaken=key in self.followed,
        )

    def unfetched(self, reference: Reference) -> None:
        """It could not be had: the next heartbeat that names it asks again."""
        self.asked.pop(key_of(reference), None)

    def silent(self, now: datetime) -> list[str]:
        """Those of whom nothing was heard for too long."""
        return [source for source, at in self.beats.items() if now - at > self.silence]

    def _missing(self, beat: cap.Alert) -> tuple[Reference, ...]:
        found = []
        for named in references_of(beat):
            key = key_of(named)
            if key not in self.seen and key not in self.asked:
                self._remember(self.asked, key, None)
                found.append(named)
        return tuple(found)

    def _remember(self, where: OrderedDict[Key, T], key: Key, value: T) -> None:
        where[key] = value
        where.move_to_end(key)
        while len(where) > self.remembered:
            where.popitem(last=False)


def is_heartbeat(alert: cap.Alert) -> bool:
    return alert.status == "System" and alert.sender.startswith(HEARTBEAT) and not alert.infos


def references_of(alert: cap.Alert) -> list[Reference]:
    """Those that it names and that can be read."""
    try:
        return values.references(alert.references)
    except ValueError:
        return []


def key_of(reference: Reference) -> Key:
    """One message, however its instant is written."""
    return (reference.sender, reference.identifier, values.moment(reference.sent))


def rank_of(verified: Verified) -> Rank:
    if verified.holds:
        return Rank.HOLDS
    if any(one.state is State.BROKEN for one in verified.verdicts):
        return Rank.BROKEN
    return Rank.NONE


def archive_address(base: str, reference: Reference) -> str:
    """Where the distributor keeps a message for some days."""

    def plain(word: str) -> str:
        word = word.replace("-", "_").replace(":", "_").replace("+", "p")
        return re.sub(r"[^\w.@()]", "_", word, flags=re.ASCII)

    name = f"{plain(reference.sent)}I{plain(reference.identifier)}.xml"
    return f"{base.rstrip('/')}/{plain(reference.sent[:10]).replace('_', '-')}/{name}"


def concerns(alert: cap.Alert, code: str) -> bool:
    """Whether a place of the profile's list is this one, holds it or lies in it.

    Without any such place it may be: a person looks.
    """
    places = [
        pair.value
        for info in alert.infos
        for area in info.areas
        for pair in area.geocodes
        if pair.value_name == LOCATION
    ]
    return not places or any(one.startswith(code) or code.startswith(one) for one in places)
