"""What is kept of a person in cases, given to them on request, and emptied when they leave."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from parvis.cases import actions
from parvis.cases.models import Attachment, Case, Message, StrayLetter
from parvis.core import files
from parvis.municipalities.actions import record
from parvis.notifications.erasure import forget_words
from parvis.residents.models import Resident

Rows = list[dict[str, Any]]


def cases_of(resident: Resident) -> Rows:
    """The person's cases, by number."""
    return [
        {
            "numero": case.number,
            "genre": str(case.about.label),
            "objet": case.subject,
            "etat": case.get_state_display(),
            "ouverte_le": case.opened_at,
            "promise_pour": case.due_at,
            "repondue_le": case.answered_at,
        }
        for case in Case.objects.of_resident(resident).order_by("pk")
    ]


def messages_of(resident: Resident) -> Rows:
    """The threads of the person's cases, and the names of their files. Notes are the staff's."""
    return [
        {
            "numero": message.case.number,
            "le": message.at,
            "de": str(Message.Side(message.side).label),
            "moyen": str(message.get_via_display()),
            "texte": message.text,
            "fichiers": ", ".join(one.name for one in message.attachments.all()),
        }
        for message in Message.objects.of(resident.municipality_id)
        .filter(case__resident=resident)
        .exclude(side=Message.Side.NOTE)
        .select_related("case")
        .prefetch_related("attachments")
        .order_by("pk")
    ]


@transaction.atomic
def forget(resident: Resident, *, now: datetime) -> None:
    """Withdraw what is open and empty every case of the person: words, letters and files go, the
    numbers, states and dates stay."""
    town = resident.municipality_id
    cases = list(Case.objects.of_resident(resident).select_related("municipality"))
    for case in cases:
        if case.is_open:
            actions.withdraw(case, by=None, now=now)
    empty(cases, now=now)
    forget_words(town, [f"case:{case.pk}" for case in cases])


def empty(cases: list[Case], *, now: datetime) -> None:
    """Take out of these cases all that says who asked what."""
    for case in cases:
        town = case.municipality_id
        kept = Attachment.objects.of(town).filter(message__case=case)
        for folder in kept.values_list("folder", flat=True):
            files.forget(town, actions.STORE, folder)
        kept.delete()
        StrayLetter.objects.of(town).filter(case=case).delete()
        Message.objects.of(town).filter(case=case).update(text="", whole="")
        Case.objects.of(town).filter(pk=case.pk).update(
            subject="", caller_name="", caller_email="", caller_phone="", erased_at=now
        )
        record("cases.erased", municipality=town, case=case.pk)
