"""Many small HTTPS requests at once, to few origins, over few connections."""

import ipaddress
import re
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any, Final, Protocol

import certifi
import pycurl

from .webpush_crypto import origin_of

DEADLINE_PASSED: Final = "deadline passed"
NOT_SENT: Final = "not sent"
ADDRESS_REFUSED: Final = "address not public"

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_LONGEST_RETRY_AFTER = 7 * 86400.0
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class PushRequest:
    key: int
    url: str
    # Lines as they go out ("TTL: 60"); share one tuple between requests, it is cheaper.
    headers: tuple[str, ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class PushAnswer:
    key: int
    # 0: there was no answer; `error` says why.
    status: int
    retry_after: float | None = None
    error: str = ""
    location: str = ""


class Pace(Protocol):
    def allow(self, origin: str, now: float) -> float: ...
    def record(self, origin: str, status: int, retry_after: float | None, now: float) -> None: ...


def is_public(address: str) -> bool:
    """Whether an address is on the open Internet, and not one of ours in disguise."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo or (None, None))[1]
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return ip.is_global and not ip.is_multicast


def retry_seconds(value: str, *, wall: float) -> float | None:
    """Seconds that a Retry-After header asks for, in either of its two forms."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        # Over nine digits it is no time that anyone waits.
        return min(float(value[:10]), _LONGEST_RETRY_AFTER)
    try:
        after = parsedate_to_datetime(value).timestamp() - wall
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(after, 0.0), _LONGEST_RETRY_AFTER)


class _Socket(socket.socket):
    """A socket for curl, which takes a copy of the descriptor; ours then closes silently."""

    def __del__(self) -> None:
        self.close()


class _Slot:
    """One easy handle, used for one request after another."""

    KEPT_BODY: Final = 300
    LONGEST_BODY: Final = 64 * 1024

    __slots__ = (
        "allow_private",
        "body",
        "curl",
        "headers",
        "length",
        "line",
        "lines",
        "refused",
        "request",
    )

    def __init__(self, *, allow_private: bool) -> None:
        self.allow_private = allow_private
        self.curl: Any = pycurl.Curl()
        self.headers: tuple[str, ...] = ()
        self.lines: list[bytes] = []
        self.line: _Line
        self.request: PushRequest
        self.body = b""
        self.length = 0
        self.refused = False

    def aim(self, request: PushRequest, line: "_Line") -> None:
        self.request = request
        self.line = line
        self.lines.clear()
        self.body = b""
        self.length = 0
        self.refused = False
        self.curl.setopt(pycurl.URL, request.url)
        self.curl.setopt(pycurl.POSTFIELDS, request.body)
        # curl keeps the list that it has: building it anew is a third of the set-up.
        if request.headers is not self.headers:
            self.curl.setopt(pycurl.HTTPHEADER, request.headers)
            self.headers = request.headers

    def take(self, chunk: bytes) -> int:
        self.length += len(chunk)
        if len(self.body) < self.KEPT_BODY:
            self.body += chunk[: self.KEPT_BODY]
        # Anything but the length ends the transfer: a body without end is an attack.
        return len(chunk) if self.length <= self.LONGEST_BODY else -1

    def open_socket(self, purpose: int, address: Any) -> Any:
        # Here, with the address that curl will use: a name checked before can change since.
        family, kind, protocol, where = address
        if not self.allow_private and not is_public(where[0]):
            self.refused = True
            return pycurl.SOCKET_BAD
        return _Socket(family, kind, protocol)


class _Line:
    """What waits for one origin."""

    __slots__ = ("ask_at", "flying", "origin", "waiting")

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.waiting: deque[PushRequest] = deque()
        self.flying = 0
        self.ask_at = 0.0


class HttpPool:
    """Connections kept between calls; one pool per thread, one `post_many` at a time.

    Only https, certificates verified, no redirects, no proxy from the environment, and no
    address that is not public: endpoints come from strangers.
    """

    def __init__(
        self,
        *,
        ca_file: str | None = None,
        connect_seconds: float = 10.0,
        total_seconds: float = 30.0,
        connections: int = 16,
        look_ahead: int = 5000,
        allow_http: bool = False,
        allow_private: bool = False,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._ca_file = ca_file or certifi.where()
        self._connect_ms = int(connect_seconds * 1000)
        self._total_ms = int(total_seconds * 1000)
        self._look_ahead = look_ahead
        self._protocols = pycurl.PROTO_HTTPS | (pycurl.PROTO_HTTP if allow_http else 0)
        self._allow_private = allow_private
        self._clock = clock
        self._wall_clock = wall_clock
        self._free: list[_Slot] = []
        self._flying: dict[Any, _Slot] = {}
        self._busy = False
        self._multi: Any = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
        self._multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, connections)
        self._multi.setopt(pycurl.M_MAXCONNECTS, 256)

    def __enter__(self) -> "HttpPool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._land_all()
        # Connections belong to the multi handle; it goes first, or they leave without a word.
        self._multi.close()
        for slot in self._free:
            slot.curl.close()
        self._free.clear()

    def post_many(
        self,
        requests: Iterable[PushRequest],
        *,
        concurrency: int,
        deadline: float,
        throttle: Pace | None = None,
    ) -> Iterator[PushAnswer]:
        """Post all, `concurrency` at a time to each origin; answers come as they arrive.

        What is drawn from `requests` is answered exactly once. At the deadline drawing stops:
        what was under way is answered DEADLINE_PASSED (it may have arrived), what still waited
        NOT_SENT, and what was never drawn has no answer. An origin that asks to be left alone
        beyond the deadline has the rest of its line answered NOT_SENT at once.
        """
        if self._busy:
            raise RuntimeError("the pool is posting already")
        self._busy = True
        source, more, held = iter(requests), True, 0
        lines: dict[str, _Line] = {}
        try:
            while (now := self._clock()) < deadline:
                if more and held < self._look_ahead:
                    drawn = list(islice(source, 16))
                    more = len(drawn) == 16
                    held += len(drawn)
                    for request in drawn:
                        origin = origin_of(request.url)
                        line = lines.get(origin) or lines.setdefault(origin, _Line(origin))
                        line.waiting.append(request)
                wake_at = min(deadline, now + 1.0)
                for line in lines.values():
                    if line.waiting and line.flying < concurrency:
                        held -= self._launch(line, concurrency, now, throttle)
                        if line.waiting and line.flying < concurrency:
                            if line.ask_at >= deadline:
                                held -= len(line.waiting)
                                yield from self._give_up(line, line.ask_at - now)
                            else:
                                wake_at = min(wake_at, line.ask_at)
                if not (more or held or self._flying):
                    return
                self._multi.perform()
                landed = self._landed(throttle)
                yield from landed
                if not landed and not (more and held < self._look_ahead):
                    self._sleep(wake_at)
            for slot in self._land_all():
                yield PushAnswer(slot.request.key, 0, error=DEADLINE_PASSED)
            for line in lines.values():
                yield from self._give_up(line, None)
        finally:
            self._land_all()
            self._busy = False

    def _launch(self, line: _Line, concurrency: int, now: float, throttle: Pace | None) -> int:
        launched = 0
        while line.waiting and line.flying < concurrency and line.ask_at <= now:
            if throttle is not None and (wait := throttle.allow(line.origin, now)) > 0:
                line.ask_at = now + wait
                break
            slot = self._free.pop() if self._free else self._new_slot()
            slot.aim(line.waiting.popleft(), line)
            self._flying[slot.curl] = slot
            self._multi.add_handle(slot.curl)
            line.flying += 1
            launched += 1
        return launched

    def _landed(self, throttle: Pace | None) -> list[PushAnswer]:
        answers = []
        left = 1
        while left:
            left, done, failed = self._multi.info_read()
            for curl in done:
                answers.append(self._land(curl, 0, "", throttle))
            for curl, number, message in failed:
                answers.append(self._land(curl, number, message, throttle))
        return answers

    def _land(self, curl: Any, number: int, message: str, throttle: Pace | None) -> PushAnswer:
        slot = self._flying.pop(curl)
        self._multi.remove_handle(curl)
        answer = self._answer(slot, number, message)
        slot.line.flying -= 1
        self._free.append(slot)
        if throttle is not None:
            throttle.record(slot.line.origin, answer.status, answer.retry_after, self._clock())
        return answer

    def _answer(self, slot: _Slot, number: int, message: str) -> PushAnswer:
        key = slot.request.key
        # A body that we cut short does not undo the status that came before it.
        if number not in (0, pycurl.E_WRITE_ERROR):
            error = ADDRESS_REFUSED if slot.refused else f"curl {number}: {message}"
            return PushAnswer(key, 0, error=error[:300])
        status: int = slot.curl.getinfo(pycurl.RESPONSE_CODE)
        retry_after, location, error = None, "", ""
        for line in slot.lines:
            name, _, value = line.partition(b":")
            if len(name) == 8 and name.lower() == b"location":
                location = value.strip().decode("latin-1")[:2048]
            elif len(name) == 11 and name.lower() == b"retry-after":
                retry_after = retry_seconds(value.decode("latin-1"), wall=self._wall_clock())
        if status >= 300:
            said = _UNPRINTABLE.sub(" ", slot.body[: slot.KEPT_BODY].decode("ascii", "replace"))
            error = f"HTTP {status}: {said}".rstrip(" :")
        return PushAnswer(key, status, retry_after, error, location)

    def _give_up(self, line: _Line, retry_after: float | None) -> Iterator[PushAnswer]:
        # Emptied first: whoever reads these answers may stop in the middle.
        waiting, line.waiting = line.waiting, deque()
        for request in waiting:
            yield PushAnswer(request.key, 0, retry_after, NOT_SENT)

    def _land_all(self) -> list[_Slot]:
        slots = list(self._flying.values())
        for slot in slots:
            self._multi.remove_handle(slot.curl)
            self._free.append(slot)
        self._flying.clear()
        return slots

    def _sleep(self, until: float) -> None:
        seconds = max(0.0, until - self._clock())
        if self._flying and (due := self._multi.timeout()) >= 0:
            seconds = min(seconds, due / 1000)
        before = self._clock()
        # Without a descriptor to watch, select returns at once: never spin on it.
        if not self._multi.select(seconds) and self._clock() - before < seconds / 2:
            time.sleep(min(seconds, 0.002))

    def _new_slot(self) -> _Slot:
        slot = _Slot(allow_private=self._allow_private)
        for option, value in (
            (pycurl.POST, 1),
            (pycurl.CAINFO, self._ca_file),
            (pycurl.SSL_VERIFYPEER, 1),
            (pycurl.SSL_VERIFYHOST, 2),
            (pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2),
            (pycurl.PROTOCOLS, self._protocols),
            (pycurl.FOLLOWLOCATION, 0),
            (pycurl.PROXY, ""),
            (pycurl.NOSIGNAL, 1),
            (pycurl.USERAGENT, "Parvis"),
            (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS),
            # Wait for the first connection to say that it multiplexes, instead of opening many.
            (pycurl.PIPEWAIT, 1),
            (pycurl.CONNECTTIMEOUT_MS, self._connect_ms),
            (pycurl.TIMEOUT_MS, self._total_ms),
            (pycurl.HEADERFUNCTION, slot.lines.append),
            (pycurl.WRITEFUNCTION, slot.take),
            (pycurl.OPENSOCKETFUNCTION, slot.open_socket),
        ):
            slot.curl.setopt(option, value)
        return slot
