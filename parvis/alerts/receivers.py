"""What this room does when others tell it something: a person's data, given or forgotten."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from parvis.alerts import answers
from parvis.residents import signals
from parvis.residents.models import Resident


@receiver(signals.export, dispatch_uid="alerts.answers")
def answered(*, resident: Resident, **_: Any) -> tuple[str, list[dict[str, Any]]]:
    return "reponses_aux_alertes", answers.answers_of(resident)


@receiver(signals.erase, dispatch_uid="alerts.forget")
def forget(*, resident: Resident, **_: Any) -> None:
    answers.forget(resident)
