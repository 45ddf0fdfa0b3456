"""What reservations answer when someone asks for their data, or leaves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from parvis.reservations import erasure
from parvis.residents import signals
from parvis.residents.models import Resident

Answer = tuple[str, list[dict[str, Any]]]


@receiver(signals.erase, dispatch_uid="reservations.erase")
def forget(*, resident: Resident, now: datetime, **_: Any) -> None:
    erasure.forget(resident, now=now)


@receiver(signals.export, dispatch_uid="reservations.bookings")
def bookings(*, resident: Resident, **_: Any) -> Answer:
    return "reservations", erasure.bookings_of(resident)


@receiver(signals.export, dispatch_uid="reservations.payments")
def payments(*, resident: Resident, **_: Any) -> Answer:
    return "paiements_de_reservations", erasure.payments_of(resident)


@receiver(signals.export, dispatch_uid="reservations.organisations")
def organisations(*, resident: Resident, **_: Any) -> Answer:
    return "organismes", erasure.organisations_of(resident)
