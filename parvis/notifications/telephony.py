"""How a text or a call is handed to a provider, by Twilio's SDK; and how its answer is read.

Other providers that speak this protocol, and the tests' own, are reached by `base`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from twilio.base import values
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client
from urllib3.exceptions import NewConnectionError

from parvis.municipalities.models import Municipality
from parvis.notifications.models import Channel
from parvis.notifications.providers import REFUSED_FOR_GOOD, Provider

logger = logging.getLogger("parvis.notifications")
TOGETHER = 20
"""Requests to one provider at once."""
PAUSED = 429
SKEW = timedelta(minutes=5)
"""Between the provider's clock and ours; it also tells whole seconds only."""


class Fate(Enum):
    """What a provider's answer means for one recipient."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """About this recipient, for good."""
    BUSY = "busy"
    """Not accepted, for certain: another provider may be asked at once."""
    LOST = "lost"
    """No answer after it was sent: accepted, or not."""


@dataclass(frozen=True, slots=True)
class Handed:
    """One answer of a provider."""

    fate: Fate
    reason: str = ""
    after: float = 0.0
    """Seconds that the provider asks to be left alone."""
    fault: str = ""
    """What is wrong with the provider itself, for the log and the doctor."""


class Refusal(Exception):
    """The provider asks us to slow down; `after` seconds when it says for how long."""

    def __init__(self, after: float) -> None:
        super().__init__(f"slow down for {after:.0f} s")
        self.after = after


class Wire(TwilioHttpClient):  # type: ignore[misc]
    """The SDK's client, with enough connections for a group, and Retry-After kept."""

    def __init__(self) -> None:
        super().__init__(timeout=settings.TELEPHONY_TIMEOUT)
        adapter = HTTPAdapter(pool_connections=2, pool_maxsize=TOGETHER, max_retries=0)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)
        # A proxy or a netrc of the machine must not decide where people's numbers go.
        self.session.trust_env = False

    def request(self, *args: Any, **facts: Any) -> Any:
        response = super().request(*args, **facts)
        if response.status_code == PAUSED:
            said = str((response.headers or {}).get("Retry-After", ""))
            raise Refusal(min(float(said), 3600.0) if said.isdecimal() else 0.0)
        return response


_clients: dict[Provider, Client] = {}
_lock = threading.Lock()


def client(provider: Provider) -> Client:
    """One client for each provider: connections are kept between groups."""
    with _lock:
        if provider not in _clients:
            made = Client(
                provider.key or provider.account,
                provider.secret or provider.token,
                provider.account,
                http_client=Wire(),
                environment={"": ""},
            )
            made.api.base_url = provider.base
            _clients[provider] = made
        return _clients[provider]


def providers_for(town: Municipality, use: str) -> list[Provider]:
    """Providers that carry this use for the town; none: the channel does not exist there."""
    found: Sequence[Provider] = settings.TELEPHONY
    return [one for one in found if one.serves(town.slug, use)]


def has_texts(town: Municipality) -> bool:
    """Whether the town can send texts: routine ones at least, since residents switch these on."""
    return bool(providers_for(town, "routine"))


def has_calls(town: Municipality) -> bool:
    """Whether the town can have people called."""
    return bool(providers_for(town, "voice"))


def channels_of(town: Municipality) -> list[str]:
    """The channels that exist in this town: without a provider, neither texts nor calls do."""
    absent = set() if has_texts(town) else {str(Channel.TEXT)}
    if not has_calls(town):
        absent.add(str(Channel.VOICE))
    return [name for name in Channel.values if name not in absent]


def send_text(
    provider: Provider, use: str, *, to: str, body: str, report_to: str, seconds: int
) -> Handed:
    """Hand one text over; what the answer means. Raises nothing."""
    number = provider.number_for(use)
    sender = {"messaging_service_sid": number} if number.startswith("MG") else {"from_": number}

    def create() -> None:
        client(provider).messages.create(
            to=to,
            body=body,
            status_callback=report_to,
            # Past its deadline the provider drops it as well. Twilio takes 1 to 36,000 seconds.
            validity_period=max(1, min(seconds, 36_000)),
            **sender,
        )

    return handed(provider, create)


def send_call(provider: Provider, *, to: str, url: str, twiml: str, report_to: str) -> Handed:
    """Have a number called; what the answer means. Raises nothing."""
    said = {"url": url, "method": "POST"} if url else {"twiml": twiml}

    def create() -> None:
        client(provider).calls.create(
            to=to,
            from_=provider.voice,
            status_callback=report_to,
            # Where a machine answers, its greeting is waited for: the message is left after it.
            machine_detection="DetectMessageEnd" if url else values.unset,
            timeout=30,
            time_limit=300,
            **said,
        )

    return handed(provider, create)


def handed(provider: Provider, create: Any) -> Handed:
    """Call the provider, and say what its answer means."""
    try:
        create()
    except Refusal as error:
        return Handed(Fate.BUSY, "provider_busy", error.after)
    except TwilioRestException as error:
        return refused(provider, error)
    except requests.exceptions.ConnectTimeout:
        return Handed(Fate.BUSY, "provider_silent", fault="ne répond pas")
    except requests.exceptions.ConnectionError as error:
        if never_connected(error):
            return Handed(Fate.BUSY, "provider_silent", fault="ne répond pas")
        return Handed(Fate.LOST, "answer_lost", fault="coupe la connexion")
    except (requests.exceptions.RequestException, TwilioException, ValueError) as error:
        # A read that timed out, or an answer of 200 that cannot be read: it may have left.
        logger.warning("%s: %s", provider.name, type(error).__name__)
        return Handed(Fate.LOST, "answer_lost", fault="répond trop tard ou mal")
    return Handed(Fate.ACCEPTED)


def never_connected(error: requests.exceptions.ConnectionError) -> bool:
    """Whether the request never left: nobody took the connection."""
    cause: Any = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", cause), NewConnectionError)


def refused(provider: Provider, error: TwilioRestException) -> Handed:
    code = int(error.code or 0) if str(error.code or 0).isdecimal() else 0
    if error.status == 504:
        # A gateway gave up waiting: what stands behind it may have taken the text.
        return Handed(Fate.LOST, "answer_lost", fault="répond trop tard (504)")
    if error.status >= 500:
        return Handed(Fate.BUSY, "provider_silent", fault=f"répond {error.status}")
    if code in REFUSED_FOR_GOOD:
        return Handed(Fate.REFUSED, REFUSED_FOR_GOOD[code])
    # Credentials, a sender that is not ours, no money left: nothing about the recipient.
    logger.error("%s refuses what we ask: %s (%s)", provider.name, error.status, code)
    return Handed(
        Fate.BUSY, "provider_silent", fault=f"refuse nos demandes ({error.status}, {code})"
    )


def was_taken(provider: Provider, *, to: str, body: str, since: datetime) -> bool | None:
    """Whether the provider lists this text as taken since then; None when it cannot say."""
    try:
        listed = client(provider).messages.list(to=to, limit=50)
        return any(
            one.body == body and (one.date_created is None or one.date_created >= since - SKEW)
            for one in listed
        )
    except (Refusal, requests.exceptions.RequestException, TwilioException, ValueError) as error:
        logger.warning("%s cannot say what it took: %s", provider.name, type(error).__name__)
        return None
