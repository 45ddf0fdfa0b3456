"""What this room answers when another asks: who may open its files, what it holds of a person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.dispatch import receiver
from django.http import HttpRequest

from parvis.cases import erasure
from parvis.cases.actions import STORE
from parvis.cases.models import Attachment, Message
from parvis.core import files
from parvis.residents import signals
from parvis.residents.doors import has_second_factor, may_enter, staff_member
from parvis.residents.models import Resident


@files.door(STORE)
def may_open(request: HttpRequest, folder: str) -> files.Access:
    """The case's person opens what is in its thread; the room's staff, its notes too."""
    town = request.municipality  # type: ignore[attr-defined]
    found = (
        Attachment.objects.of(town)
        .filter(folder=folder)
        .values_list("message__case__resident_id", "message__side")
        .first()
    )
    if found is None or not request.user.is_authenticated:
        return files.Access.NONE
    resident_id, side = found
    if resident_id == request.user.pk and side != Message.Side.NOTE:
        return files.Access.PRIVATE
    if may_enter(staff_member(request), "cases", "see") and has_second_factor(request):
        return files.Access.PRIVATE
    return files.Access.NONE


@receiver(signals.erase, dispatch_uid="cases.erase")
def forget(*, resident: Resident, now: datetime, **_: Any) -> None:
    erasure.forget(resident, now=now)


@receiver(signals.export, dispatch_uid="cases.cases")
def cases(*, resident: Resident, **_: Any) -> tuple[str, list[dict[str, Any]]]:
    return "demandes", erasure.cases_of(resident)


@receiver(signals.export, dispatch_uid="cases.messages")
def messages(*, resident: Resident, **_: Any) -> tuple[str, list[dict[str, Any]]]:
    return "messages_des_demandes", erasure.messages_of(resident)
