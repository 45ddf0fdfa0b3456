"""One valid subject, subscription, device; and a real SMTP server that keeps letters."""

from __future__ import annotations

import email
import email.message
import email.policy
import itertools
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller
from django.conf import settings

from parvis.municipalities.models import Municipality, PushKey
from parvis.municipalities.tests.make import NOW
from parvis.notifications.channels.webpush_crypto import decode
from parvis.notifications.models import Device, Subject, Subscription
from parvis.residents.models import Place, Resident

_count = itertools.count(1)


def subject(town: Municipality, name: str = "Eau", **facts: Any) -> Subject:
    return Subject.objects.create(municipality=town, name=name, **facts)


def subscription(
    resident: Resident, about: Subject, channel: str = "email", *, place: Place | None = None,
    **facts: Any,
) -> Subscription:  # fmt: skip
    return Subscription.objects.create(
        municipality_id=resident.municipality_id,
        resident=resident,
        place=place
        or Place.objects.of(resident.municipality_id).get(resident=resident, kind="home"),
        subject=about,
        channel=channel,
        created_at=NOW,
        **facts,
    )


def device(
    resident: Resident | None,
    service: Any = None,
    *,
    town: Municipality | None = None,
    **facts: Any,
) -> Device:
    """A device whose push service is the given double, or an address that nobody answers."""
    town_id = resident.municipality_id if resident else town.pk
    key = PushKey.objects.of(town_id).get(retired_at__isnull=True)
    if service is None:
        endpoint, p256dh, auth = f"https://push.invalid/{next(_count)}", "", ""
    else:
        endpoint, p256dh, auth = service.new_subscription(sender_key=key.public)
    return Device.objects.create(
        municipality_id=town_id, resident=resident, endpoint=endpoint,
        endpoint_hash=f"{next(_count)}", p256dh=decode(p256dh), auth=decode(auth), key_id=key.pk,
        created_at=NOW, seen_at=NOW, **facts,
    )  # fmt: skip


class Mailbox:
    """What a mail server took in, and what it refuses."""

    def __init__(self) -> None:
        self.letters: list[email.message.EmailMessage] = []
        self.envelopes: list[tuple[str, list[str]]] = []
        self.refusals: dict[str, str] = {}
        self.answers: dict[str, str] = {}
        self.close_after: int | None = None
        """After so many letters the server dies: every connection is cut without an answer."""
        self.connections = 0

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self.connections += 1
        session.host_name = hostname
        if self._is_dead():
            server.transport.abort()
        return responses

    def _is_dead(self) -> bool:
        return self.close_after is not None and len(self.letters) >= self.close_after

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        if self._is_dead():
            server.transport.abort()
            return "421 4.3.2 Down"
        for address in envelope.rcpt_tos:
            if address in self.answers:
                return self.answers[address]
        self.letters.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        return "250 2.0.0 OK"

    def to(self, address: str) -> list[email.message.EmailMessage]:
        return [letter for letter in self.letters if letter["To"] == address]


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """A real SMTP server on loopback; settings point to it meanwhile."""
    mailbox = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, ready_timeout=10)
    controller.start()
    before = settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_BACKEND
    # Django's test set-up puts letters in memory; these go over the wire.
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = port
    try:
        yield mailbox
    finally:
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_BACKEND = before
        controller.stop()
