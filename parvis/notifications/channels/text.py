"""Text messages (SMS), through providers that speak Twilio's protocol."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Exists, OuterRef
from django.utils import timezone

from parvis.core.db import as_town
from parvis.notifications import inbox, reports, rules, sms_text, telephony
from parvis.notifications.channels import Keeper, Parcel, Result, State, telephone
from parvis.notifications.channels.telephone import Recipient, Way
from parvis.notifications.models import Channel, ClosedNumber
from parvis.notifications.providers import Provider
from parvis.notifications.telephony import Handed
from parvis.notifications.urls_of import absolute, origin
from parvis.residents.models import Phone


def deliver(parcel: Parcel, keeper: Keeper) -> Iterator[Result]:
    """Hand the texts over by groups, emergencies from a sender of their own."""
    use = "emergency" if parcel.urgent else "routine"
    carriers = telephony.providers_for(parcel.municipality, use)
    people = recipients_of(parcel)
    if not carriers:
        # Planned while there was one; when there is again, it leaves.
        after = rules.text_pause(parcel.chunk.attempt + 1, urgent=False).total_seconds()
        for person in people:
            yield Result(
                person.contact_id, State.RETRY, "provider_silent", after, person.resident_id
            )
        return
    texts = {language: body_of(parcel, language) for language in {one.language for one in people}}
    seconds = int((parcel.message.deadline_at - timezone.now()).total_seconds())
    base = origin(parcel.municipality)

    def hand(provider: Provider, person: Recipient) -> Handed:
        path = reports.path_for(
            provider.name, parcel.municipality.pk, parcel.message.pk, person.contact_id, "text"
        )
        return telephony.send_text(
            provider, use, to=person.number, body=texts[person.language],
            report_to=base + path, seconds=seconds,
        )  # fmt: skip

    def taken(provider: Provider, person: Recipient) -> bool | None:
        return telephony.was_taken(
            provider, to=person.number, body=texts[person.language],
            since=parcel.message.created_at,
        )  # fmt: skip

    yield from telephone.deliver(parcel, keeper, people, Way(use, carriers, hand, taken))


def recipients_of(parcel: Parcel) -> list[Recipient]:
    """Numbers that take texts at this instant: who stopped them since planning gets no more."""
    town = parcel.municipality.pk
    closed = ClosedNumber.objects.of(town).filter(
        phone_id=OuterRef("pk"), channel=Channel.TEXT, reopened_at__isnull=True
    )
    if parcel.urgent:
        closed = closed.exclude(reason__in=ClosedNumber.ROUTINE_ONLY)
    phones = Phone.objects.of(town).filter(pk__in=parcel.recipients, resident__is_active=True)
    if parcel.message.kind != rules.CODE:
        phones = phones.filter(~Exists(closed), verified_at__isnull=False)
    columns = ("pk", "number", "resident_id", "resident__language")
    with as_town(town):
        return [Recipient(*row) for row in phones.order_by("pk").values_list(*columns)]


def body_of(parcel: Parcel, language: str) -> str:
    message, town = parcel.message, parcel.municipality
    spoken, words = rules.content_for(message.content, language)
    if message.kind == rules.CODE:
        return str(words["text_message"])
    return sms_text.compose(
        words,
        sender=town.name,
        language=spoken,
        link=absolute(town, inbox.open_path(message.pk, "text")),
        may_stop=not parcel.urgent,
        asks=parcel.urgent,
    )
