"""What people answer to an alert, who goes to see them, and what is kept of it."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from parvis.alerts.models import Answer
from parvis.residents.models import Resident


@transaction.atomic
def forget(resident: Resident) -> None:
    """Keep the figure, forget the person and what was told to the rescuers."""
    Answer.objects.of(resident.municipality_id).filter(resident=resident).update(
        resident=None, note=""
    )


def answers_of(resident: Resident) -> list[dict[str, Any]]:
    """Every answer of the person, in the words of the export."""
    return [
        {
            "alerte": one.alert_id,
            "reponse": one.kind,
            "precisions": one.note,
            "premiere_reponse_le": one.first_at,
            "le": one.at,
            "prise_en_charge_le": one.taken_at,
        }
        for one in Answer.objects.of(resident.municipality_id)
        .filter(resident=resident)
        .order_by("pk")
    ]
