"""What reservations do when a request is withdrawn, and when someone leaves or wants their data."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from parvis.cases.models import Case
from parvis.cases.rules import WITHDRAWN
from parvis.cases.signals import moved
from parvis.reservations import actions, approvals, erasure
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


@receiver(signals.export, dispatch_uid="reservations.waits")
def waits(*, resident: Resident, **_: Any) -> Answer:
    return "listes_d_attente", erasure.waits_of(resident)


@receiver(moved, dispatch_uid="reservations.moved")
def follow(*, case: Case, by: Resident | None, now: datetime, **_: Any) -> None:
    """A request that its person withdraws frees the place; one that waits is not closed over it."""
    pk = approvals.booking_id(case)
    if pk is None:
        return
    if case.state == WITHDRAWN:
        actions.withdraw_request(case.municipality, pk, by=by, now=now)
    else:
        approvals.check_decided(case, pk)
