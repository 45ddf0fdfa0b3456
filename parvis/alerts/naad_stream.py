"""Listening to streams and feeds of CAP messages: connections that come back, gaps that are filled.

Everything that arrives is handed to one `Desk`, in one thread. Nothing is sent on by itself.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import Protocol
from urllib.parse import urlsplit

from parvis.alerts import cap_feed
from parvis.alerts.cap_file import LARGEST
from parvis.alerts.cap_values import Reference
from parvis.alerts.naad import Beat, Desk, Heard, Splitter, archive_address
from parvis.core.errors import Refused

PIECE = 65_536
TICK = 0.25
"""Seconds after which a waiting thread looks whether it should stop."""
CONNECTING = 10.0
LONGEST_ANSWER = 60.0
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
WAITING_MOST = 1_000
"""Documents that may wait to be read; beyond, the connection waits."""
REMEMBERED = 2_000


@dataclass(frozen=True)
class Joined:
    source: str


@dataclass(frozen=True)
class Lost:
    source: str
    reason: str


@dataclass(frozen=True)
class Silent:
    """Nobody knows whether something is happening: the alarm."""

    source: str


@dataclass(frozen=True)
class Speaks:
    """Heard again after a silence."""

    source: str


@dataclass(frozen=True)
class Unfetched:
    """A missing message that no archive had."""

    reference: Reference


News = Heard | Joined | Lost | Silent | Speaks | Unfetched


@dataclass(frozen=True)
class _Document:
    source: str
    content: bytes


@dataclass(frozen=True)
class _Alive:
    """A feed answered: that is its heartbeat."""

    source: str


class Put(Protocol):
    def __call__(self, item: object) -> None: ...


class Stream(threading.Thread):
    """One connection to a distributor, made again whenever it ends or falls silent."""

    def __init__(
        self, source: str, *, put: Put, stop: threading.Event, silence: timedelta,
        first_wait: float = FIRST_WAIT,
    ) -> None:  # fmt: skip
        super().__init__(daemon=True, name=f"stream {source}")
        self.source = source
        self.host, self.port = host_and_port(source)
        self.put, self.stop = put, stop
        self.silence = silence.total_seconds()
        self.first_wait = first_wait

    def run(self) -> None:
        wait = self.first_wait
        while not self.stop.is_set():
            heard, reason = self._listen()
            if self.stop.is_set():
                return
            self.put(Lost(self.source, reason))
            wait = self.first_wait if heard else min(wait * 2, LONGEST_WAIT)
            self.stop.wait(wait)

    def _listen(self) -> tuple[bool, str]:
        """Until the connection ends: whether something came, and why it ended."""
        heard = False
        try:
            with socket.create_connection((self.host, self.port), timeout=CONNECTING) as line:
                self.put(Joined(self.source))
                # What was cut when a connection ended is never joined to what the next one begins.
                splitter = Splitter()
                line.settimeout(TICK)
                quiet = 0.0
                while not self.stop.is_set():
                    try:
                        octets = line.recv(PIECE)
                    except TimeoutError:
                        quiet += TICK
                        if quiet > self.silence:
                            return heard, "plus rien ne vient"
                        continue
                    if not octets:
                        return heard, "la connexion a été fermée"
                    quiet = 0.0
                    for document in splitter.take(octets):
                        heard = True
                        self.put(_Document(self.source, document))
        except OSError as error:
            return heard, error.strerror or type(error).__name__
        return heard, ""


class Poll(threading.Thread):
    """One Atom feed, looked at again and again; each message that it leads to is fetched once."""

    def __init__(self, source: str, *, put: Put, stop: threading.Event, every: float) -> None:
        super().__init__(daemon=True, name=f"feed {source}")
        self.source, self.put, self.stop, self.every = source, put, stop, every
        self.etag = ""
        self.fetched: dict[tuple[str, str, str], None] = {}

    def run(self) -> None:
        answers: bool | None = None
        while not self.stop.is_set():
            try:
                self._look()
            except (OSError, HTTPException, ValueError, Refused) as error:
                # Said once: a feed that is down is down at each look.
                if answers is not False:
                    self.put(Lost(self.source, reason_of(error)))
                answers = False
            else:
                if not answers:
                    self.put(Joined(self.source))
                answers = True
                self.put(_Alive(self.source))
            self.stop.wait(self.every)

    def _look(self) -> None:
        content, etag = fetch(self.source, etag=self.etag)
        if content is None:
            return
        whole = True
        # The oldest first, as they were said.
        for entry in reversed(cap_feed.entries(content, address=self.source)):
            key = (entry.identity, entry.updated, entry.address)
            if key in self.fetched or self.stop.is_set():
                continue
            try:
                message, _etag = fetch(entry.address)
            except (OSError, HTTPException, ValueError) as error:
                whole = False
                self.put(Lost(entry.address, reason_of(error)))
                continue
            self.fetched[key] = None
            while len(self.fetched) > REMEMBERED:
                del self.fetched[next(iter(self.fetched))]
            self.put(_Document(self.source, message or b""))
        # Unless all was had, the next look asks for the whole feed again.
        self.etag = etag if whole else ""


class Filler(threading.Thread):
    """Fetches what heartbeats name and nobody heard, beside the streams that go on."""

    def __init__(self, archives: Iterable[str], *, put: Put, stop: threading.Event) -> None:
        super().__init__(daemon=True, name="archives")
        self.archives = tuple(archives)
        self.put, self.stop = put, stop
        self.wanted: queue.Queue[Reference] = queue.Queue()

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                reference = self.wanted.get(timeout=TICK)
            except queue.Empty:
                continue
            self._fill(reference)

    def _fill(self, reference: Reference) -> None:
        for archive in self.archives:
            try:
                content, _etag = fetch(archive_address(archive, reference))
            except (OSError, HTTPException, ValueError):
                continue
            self.put(_Document(archive, content or b""))
            return
        self.put(Unfetched(reference))


class Watch:
    """Several streams and feeds at once, as one row of news."""

    def __init__(
        self, sources: Iterable[str], *, desk: Desk, archives: Iterable[str] = (),
        every: float = 60.0, first_wait: float = FIRST_WAIT,
        clock: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:  # fmt: skip
        self.desk, self.clock = desk, clock
        self.stop = threading.Event()
        self.arrived: queue.Queue[object] = queue.Queue(WAITING_MOST)
        self.quiet: set[str] = set()
        self.filler = Filler(archives, put=self._put, stop=self.stop)
        self.threads: list[threading.Thread] = [self.filler]
        for source in sources:
            desk.expect(source, clock())
            self.threads.append(
                Poll(source, put=self._put, stop=self.stop, every=every)
                if is_feed(source)
                else Stream(
                    source, put=self._put, stop=self.stop, silence=desk.silence,
                    first_wait=first_wait,
                )
            )  # fmt: skip

    def run(self, tell: Callable[[News], bool]) -> None:
        """Until told to stop: `tell` answers whether to go on."""
        for thread in self.threads:
            thread.start()
        try:
            while not self.stop.is_set():
                try:
                    news = self._news(self.arrived.get(timeout=TICK))
                except queue.Empty:
                    news = []
                for one in [*news, *self._silences()]:
                    if not tell(one):
                        return
        finally:
            self.close()

    def close(self) -> None:
        self.stop.set()
        for thread in self.threads:
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join(CONNECTING)

    def _put(self, item: object) -> None:
        """Wait for room, but not for ever: whoever reads may have stopped."""
        while not self.stop.is_set():
            try:
                self.arrived.put(item, timeout=TICK)
            except queue.Full:
                continue
            return

    def _news(self, item: object) -> list[News]:
        if isinstance(item, _Alive):
            self.desk.expect(item.source, self.clock())
            return []
        if isinstance(item, _Document):
            heard = self.desk.hear(item.content, source=item.source, now=self.clock())
            if isinstance(heard, Beat):
                if self.filler.archives:
                    for reference in heard.missing:
                        self.filler.wanted.put(reference)
                else:
                    for reference in heard.missing:
                        self.desk.unfetched(reference)
            return [heard]
        if isinstance(item, Unfetched):
            self.desk.unfetched(item.reference)
        assert isinstance(item, Joined | Lost | Unfetched)
        return [item]

    def _silences(self) -> list[News]:
        silent = set(self.desk.silent(self.clock()))
        news: list[News] = [Silent(one) for one in sorted(silent - self.quiet)]
        news += [Speaks(one) for one in sorted(self.quiet - silent)]
        self.quiet = silent
        return news


# --- fetching -------------------------------------------------------------------------------------


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An address that leads elsewhere is not the one that was named."""

    def redirect_request(self, *_asked: object) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def fetch(address: str, *, etag: str = "") -> tuple[bytes | None, str]:
    """The octets and their ETag; None when nothing changed. Raises OSError, ValueError, …"""
    if urlsplit(address).scheme not in ("http", "https"):
        raise ValueError("une adresse commence par http:// ou https://")
    asked = urllib.request.Request(address, headers={"User-Agent": "Parvis"})
    if etag:
        asked.add_header("If-None-Match", etag)
    try:
        with _opener.open(asked, timeout=CONNECTING) as answer:
            content, until = bytearray(), time.monotonic() + LONGEST_ANSWER
            while piece := answer.read1(PIECE):
                content += piece
                if len(content) > LARGEST:
                    raise ValueError("le fichier dépasse 2\u00a0Mo")
                if time.monotonic() > until:
                    raise ValueError("la réponse est trop lente")
            return bytes(content), answer.headers.get("ETag") or ""
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 304:
                return None, etag
            raise OSError(f"réponse {error.code}") from error


def reason_of(error: Exception) -> str:
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, OSError):
        error = error.reason
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def is_feed(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def host_and_port(source: str) -> tuple[str, int]:
    """Or raise ValueError with the reason."""
    host, colon, port = source.rpartition(":")
    host = host.strip("[]")
    if not colon or not host or not port.isascii() or not port.isdecimal():
        raise ValueError(f"«\u00a0{source}\u00a0» n’est ni HÔTE:PORT, ni une adresse https://")
    if not 0 < int(port) < 65_536:
        raise ValueError(f"le port {port} n’existe pas")
    return host, int(port)
