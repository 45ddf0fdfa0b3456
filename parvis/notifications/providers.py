"""Who carries texts and calls: the setting TELEPHONY, read and checked. No clock, no network."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

USES = ("routine", "emergency", "voice")
"""Each has a number of its own: who stops routine texts has stopped that number alone."""
NUMBER = re.compile(r"\+[1-9]\d{7,14}")
SENDER = re.compile(r"\+[1-9]\d{7,14}|MG[0-9a-fA-F]{32}|\d{5,6}")
"""A number, a messaging service, or a short code."""
KEYS = {
    "name", "account", "token", "key", "secret", "base", "weight", "per_second", "per_day",
    "price", "towns", *USES,
}  # fmt: skip


TWILIO = "https://api.twilio.com"


@dataclass(frozen=True, slots=True)
class Provider:
    """One account at one provider that speaks Twilio's protocol."""

    name: str
    account: str
    token: str = field(repr=False)
    """Also signs what the provider sends us."""
    key: str = ""
    secret: str = field(default="", repr=False)
    base: str = TWILIO
    routine: str = ""
    emergency: str = ""
    voice: str = ""
    weight: int = 100
    per_second: float = 1.0
    per_day: int = 10_000
    price: Decimal = Decimal(0)
    """Of one segment, for figures shown to staff; 0 when nobody said."""
    towns: tuple[str, ...] = ()
    """Slugs; empty for every town of the instance."""

    def number_for(self, use: str) -> str:
        return str(getattr(self, use))

    def line(self, use: str) -> str:
        """Name under which its pace and its day are counted."""
        return f"{self.name}/{use}"

    def serves(self, slug: str, use: str) -> bool:
        return bool(self.number_for(use)) and (not self.towns or slug in self.towns)


def read_providers(text: str) -> tuple[Provider, ...]:
    """The providers of a JSON list, or raise ValueError with a sentence that names the fault."""
    try:
        rows = json.loads(text or "[]")
    except ValueError as error:
        raise ValueError(f"not JSON ({error})") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("write a list of objects, as docs/how-to/texts-and-calls.md shows")
    found = tuple(_provider(row) for row in rows)
    names = [one.name for one in found]
    if len(set(names)) != len(names):
        raise ValueError("two providers have the same name")
    return found


def _provider(row: Mapping[str, Any]) -> Provider:
    name = str(row.get("name", ""))
    if not re.fullmatch(r"[a-z0-9-]{1,30}", name):
        raise ValueError("each provider has a name of small letters, digits and hyphens")
    if unknown := set(row) - KEYS:
        raise ValueError(f"{name}: {min(unknown)} is not read")
    if not row.get("account") or not row.get("token"):
        raise ValueError(f"{name}: give account and token")
    if bool(row.get("key")) != bool(row.get("secret")):
        raise ValueError(f"{name}: give key and secret together, or neither")
    if not any(row.get(use) for use in USES):
        raise ValueError(f"{name}: give a sender, one of {', '.join(USES)}")
    for use in USES:
        pattern = NUMBER if use == "voice" else SENDER
        if row.get(use) and not pattern.fullmatch(str(row[use])):
            raise ValueError(f"{name}: {use} cannot be “{row[use]}”")
    base = urlsplit(str(row.get("base", TWILIO)))
    local = base.hostname in {"127.0.0.1", "localhost", "::1"}
    if not base.hostname or base.scheme not in ({"https", "http"} if local else {"https"}):
        raise ValueError(f"{name}: base is an https address")
    try:
        one = Provider(
            name=name,
            account=str(row["account"]),
            token=str(row["token"]),
            key=str(row.get("key", "")),
            secret=str(row.get("secret", "")),
            base=base.geturl().rstrip("/"),
            **{use: str(row.get(use, "")) for use in USES},
            weight=int(row.get("weight", 100)),
            per_second=float(row.get("per_second", 1)),
            per_day=int(row.get("per_day", 10_000)),
            price=Decimal(str(row.get("price", 0))),
            towns=tuple(str(slug) for slug in row.get("towns", ())),
        )
    except (TypeError, ValueError, InvalidOperation) as error:
        raise ValueError(f"{name}: weight, per_second, per_day and price are numbers") from error
    finite = one.price.is_finite() and math.isfinite(one.per_second)
    if not finite or one.weight < 0 or one.per_second <= 0 or one.per_day < 1 or one.price < 0:
        raise ValueError(f"{name}: weight, per_second, per_day and price are positive")
    return one


def order(providers: Sequence[Provider], seed: str) -> list[Provider]:
    """The providers in the order to try for one recipient: by weight, the same for the same seed.

    So a recipient's repeats begin where the first attempt did; a provider of weight 0 comes last.
    """

    def place(one: Provider) -> float:
        raw = hashlib.sha256(f"{one.name}:{seed}".encode()).digest()
        chance = (int.from_bytes(raw[:7], "big") + 1) / (2**56 + 1)
        # Smallest first: the chance to be first is the share of the weight.
        return (1 - chance) ** (1 / one.weight) if one.weight else -1.0

    return sorted(providers, key=lambda one: (-place(one), one.name))


REFUSED_FOR_GOOD: dict[int, str] = {
    21211: "unknown_number", 21214: "unknown_number", 21217: "unknown_number",
    13223: "unknown_number", 13224: "unknown_number", 21401: "unknown_number",
    21614: "landline", 21612: "not_carried", 21408: "not_carried", 13225: "not_carried",
    13227: "not_carried", 21215: "not_carried", 21216: "not_carried", 21610: "unsubscribed",
    21617: "phone_refused", 21602: "phone_refused",
}  # fmt: skip
"""Twilio's error at hand-over, about this recipient or this text → our reason."""
AFTERWARDS: dict[int, str] = {
    30003: "unreachable", 30004: "blocked", 30005: "unknown_number", 30006: "landline",
    30007: "filtered", 30034: "filtered", 30023: "filtered", 30024: "carrier_fault",
    30008: "carrier_fault", 30001: "carrier_busy", 30002: "account", 30010: "carrier_fault",
    30036: "too_late", 21610: "unsubscribed", 21614: "landline",
}  # fmt: skip
"""Twilio's error in a report after hand-over → our reason."""
CLOSES = frozenset({"unknown_number", "landline", "unsubscribed"})
"""Reasons after which nothing more is sent to the number by text, until it is corrected."""

CALLED_INSTEAD = CLOSES | {"not_carried", "blocked"}
"""Reasons after which an emergency is said aloud: this number never has the text."""


def reason_of(code: int) -> str:
    """Why a text was not delivered, in our words."""
    return AFTERWARDS.get(code) or REFUSED_FOR_GOOD.get(code) or "carrier_fault"
