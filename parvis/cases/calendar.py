"""The town's own closed days: adding one, taking one back."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from parvis.cases import days, rules
from parvis.cases.models import ClosedDay
from parvis.core.db import violated_constraint
from parvis.core.errors import Refused
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality


@transaction.atomic
def close_day(town: Municipality, *, day: date, label: str, by: Any, today: date) -> ClosedDay:
    """Say that the offices are closed on this day, or raise Refused. What was already promised
    stays promised."""
    label = rules.tidy_line(label)[:80]
    if day < today:
        raise Refused(_("Choisissez un jour à venir."))
    if not days.is_working_day(day):
        raise Refused(_("Les bureaux sont déjà fermés ce jour-là."))
    if not label:
        raise Refused(_("Écrivez pourquoi\u00a0: «\u00a0lundi de Pâques\u00a0», par exemple."))
    try:
        with transaction.atomic():
            made = ClosedDay.objects.create(municipality=town, day=day, label=label)
    except IntegrityError as error:
        if violated_constraint(error) == "one_closure_per_day":
            raise Refused(_("Ce jour est déjà dans la liste.")) from error
        raise
    record("cases.day_closed", municipality=town, actor=by, day=day.isoformat())
    return made


@transaction.atomic
def open_day(closed: ClosedDay, *, by: Any) -> None:
    """Take a closed day back; twice does nothing more."""
    town = closed.municipality_id
    gone, _rows = ClosedDay.objects.of(town).filter(pk=closed.pk).delete()
    if gone:
        record("cases.day_opened", municipality=town, actor=by, day=closed.day.isoformat())


def statutory_ahead(today: date) -> list[tuple[date, object]]:
    """The statutory holidays of the coming year."""
    found = {**days.statutory_holidays(today.year), **days.statutory_holidays(today.year + 1)}
    return [(day, found[day]) for day in sorted(found) if day >= today][:8]
