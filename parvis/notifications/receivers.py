"""What notifications do when someone leaves, signs out, or asks for their data."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from parvis.notifications import codes, erasure
from parvis.notifications.preferences import endpoint_hash
from parvis.residents import signals
from parvis.residents.models import Phone, Resident


@receiver(signals.erase, dispatch_uid="notifications.erase")
def forget(*, resident: Resident, now: datetime, **_: Any) -> None:
    erasure.forget(resident, now=now)


@receiver(signals.signed_out, dispatch_uid="notifications.signed_out")
def settle_device(
    *, resident: Resident, endpoint: str, keep_emergencies: bool, now: datetime, **_: Any
) -> None:
    erasure.settle_device(
        resident, endpoint_hash(endpoint), keep_emergencies=keep_emergencies, now=now
    )


@receiver(signals.export, dispatch_uid="notifications.subscriptions")
def subscriptions(*, resident: Resident, **_: Any) -> tuple[str, list[dict[str, Any]]]:
    return "abonnements", erasure.subscriptions_of(resident)


@receiver(signals.export, dispatch_uid="notifications.preferences")
def preferences(*, resident: Resident, **_: Any) -> tuple[str, list[dict[str, Any]]]:
    return "preferences", erasure.preferences_of(resident)


@receiver(signals.export, dispatch_uid="notifications.devices")
def devices(*, resident: Resident, **_: Any) -> tuple[str, list[dict[str, Any]]]:
    return "appareils", erasure.devices_of(resident)


@receiver(signals.export, dispatch_uid="notifications.received")
def received(*, resident: Resident, **_: Any) -> tuple[str, list[dict[str, Any]]]:
    return "messages_recus", erasure.received_by(resident)


@receiver(signals.export, dispatch_uid="notifications.openings")
def openings(*, resident: Resident, **_: Any) -> tuple[str, list[dict[str, Any]]]:
    return "ouvertures", erasure.openings_of(resident)


@receiver(signals.export, dispatch_uid="notifications.replies")
def replies(*, resident: Resident, **_: Any) -> tuple[str, list[dict[str, Any]]]:
    return "reponses_aux_textos", erasure.replies_of(resident)


@receiver(signals.export, dispatch_uid="notifications.closures")
def closures(*, resident: Resident, **_: Any) -> tuple[str, list[dict[str, Any]]]:
    return "numeros_fermes", erasure.closures_of(resident)


@receiver(signals.phone_ways, dispatch_uid="notifications.phone_ways")
def phone_ways(*, phone: Phone, **_: Any) -> list[str]:
    return codes.ways_to(phone)


@receiver(signals.phone_code, dispatch_uid="notifications.phone_code")
def phone_code(*, phone: Phone, code: str, way: str, now: datetime, **_: Any) -> None:
    codes.send_code(phone, code=code, way=way, now=now)


@receiver(signals.phone_proved, dispatch_uid="notifications.phone_proved")
def phone_proved(*, phone: Phone, how: str, now: datetime, **_: Any) -> None:
    codes.reopen(phone, how=how, now=now)
