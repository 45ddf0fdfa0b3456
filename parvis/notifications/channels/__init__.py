"""One file for each way to reach someone.

A channel takes a chunk that the dispatcher leased and answers what became of each recipient. It
raises nothing: what a server or service does is an outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from parvis.municipalities.models import Municipality
from parvis.notifications.models import Chunk, Message, Outcome

State = Outcome.State


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one recipient in this attempt. `after`: seconds until the next one."""

    contact_id: int
    state: str
    reason: str = ""
    after: float = 0.0
    resident_id: int | None = None

    @property
    def is_final(self) -> bool:
        return self.state not in {State.RETRY, State.CALLING, State.DELIVERED}


@dataclass(frozen=True)
class Parcel:
    """A leased chunk with what a channel needs to hand it over."""

    municipality: Municipality
    message: Message
    chunk: Chunk
    recipients: Sequence[int]
    """Those of the chunk that have no final outcome yet."""
    now: datetime
    lease_seconds: float
    urgent: bool


class Keeper(Protocol):
    """What the dispatcher lets a channel do while it holds the lease."""

    def intend(self, contact_ids: Sequence[int]) -> bool:
        """Write down that these are being handed over now; False when the lease is lost."""

    def spare(self, contact_ids: Sequence[int]) -> set[int]:
        """Those who confirmed by another channel meanwhile: written down, not to be reached."""

    def as_holder(self) -> AbstractContextManager[bool]:
        """A transaction as the town, with the lease proved and renewed; False when it is lost."""

    def settle(self, results: Sequence[Result]) -> bool:
        """Write down what became of them before the chunk is closed."""


class ChannelModule(Protocol):
    deliver: Callable[[Parcel, Keeper], Iterator[Result]]


def load(name: str) -> Any:
    """The channel's module."""
    # Imported when first used: a dispatcher for letters needs no push machinery.
    from parvis.notifications.channels import email, inapp, push, text, voice  # noqa: PLC0415

    modules = {"email": email, "inapp": inapp, "push": push, "text": text, "voice": voice}
    return modules[name]
