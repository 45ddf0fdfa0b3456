"""Calls, through providers that speak Twilio's protocol: the portal says what is said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from parvis.core.db import as_town
from parvis.notifications import calls, rules, telephony
from parvis.notifications.channels import Keeper, Parcel, Result, State, telephone
from parvis.notifications.channels.telephone import Recipient, Way
from parvis.notifications.models import Channel, ClosedNumber, Outcome
from parvis.notifications.providers import Provider
from parvis.notifications.telephony import Handed
from parvis.notifications.urls_of import origin
from parvis.residents.models import Phone


def deliver(parcel: Parcel, keeper: Keeper) -> Iterator[Result]:
    """Have each number called; how the call ended comes later, in the provider's report."""
    carriers = telephony.providers_for(parcel.municipality, "voice")
    ringing = ringing_in(parcel)
    parcel = replace(parcel, recipients=[pk for pk in parcel.recipients if pk not in ringing])
    people = recipients_of(parcel)
    if not carriers:
        after = rules.text_pause(parcel.chunk.attempt + 1, urgent=False).total_seconds()
        for person in people:
            yield Result(
                person.contact_id, State.RETRY, "provider_silent", after, person.resident_id
            )
        return
    town, message, base = parcel.municipality, parcel.message, origin(parcel.municipality)
    code = message.content["fr"].get("voice_code", "") if message.kind == rules.CODE else ""

    def hand(provider: Provider, person: Recipient) -> Handed:
        call = calls.Call(town.pk, message.pk, person.contact_id, parcel.chunk.attempt)
        return telephony.send_call(
            provider,
            to=person.number,
            url="" if code else base + call.path(provider.name, "answered"),
            twiml=calls.spoken_code(town.name, code, person.language) if code else "",
            report_to=base + call.path(provider.name, "ended"),
        )

    def taken(provider: Provider, person: Recipient) -> bool | None:
        # A call bears nothing of its message: the provider's list cannot tell two apart.
        return None

    yield from telephone.deliver(
        parcel, keeper, people, Way("voice", carriers, hand, taken, accepted=State.CALLING)
    )


def ringing_in(parcel: Parcel) -> set[int]:
    """Numbers of this chunk that a provider took already: after a crash they are left in peace."""
    town = parcel.municipality.pk
    with as_town(town):
        calling = Outcome.objects.of(town).filter(
            message_id=parcel.message.pk, channel=Channel.VOICE, chunk_id=parcel.chunk.pk,
            state=State.CALLING,
        )  # fmt: skip
        return set(calling.values_list("contact_id", flat=True))


def recipients_of(parcel: Parcel) -> list[Recipient]:
    """Numbers that take calls at this instant."""
    town = parcel.municipality.pk
    with as_town(town):
        phones = Phone.objects.of(town).filter(pk__in=parcel.recipients, resident__is_active=True)
        if parcel.message.kind != rules.CODE:
            closed = ClosedNumber.objects.of(town).filter(
                channel=Channel.VOICE, reopened_at__isnull=True
            )
            phones = phones.filter(verified_at__isnull=False).exclude(
                pk__in=closed.values("phone_id")
            )
        columns = ("pk", "number", "resident_id", "resident__language")
        return [Recipient(*row) for row in phones.order_by("pk").values_list(*columns)]
