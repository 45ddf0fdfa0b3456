"""Each person's order of channels in an emergency: what is offered, what was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from parvis.core.errors import Refused
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality
from parvis.notifications import rules
from parvis.notifications.models import Channel
from parvis.notifications.preferences import choices_of, locked_preference
from parvis.residents.models import Resident


def offered(municipality: Municipality) -> list[Channel]:
    """The channels of this town that come to a person, in the town's own order."""
    there = choices_of(municipality)
    return [Channel(name) for name in rules.CALLING_ON if Channel(name) in there]


@transaction.atomic
def set_emergency_order(*, resident: Resident, order: Sequence[str] | None, now: datetime) -> None:
    """Have emergencies by these channels one after the other, or raise Refused.

    Empty: by all at once; None: as the town does for everyone. It silences nothing: a channel that
    is not named comes after those that are.
    """
    if order is not None and not rules.is_order(order):
        raise Refused(_("Donnez à chaque moyen un rang différent, puis enregistrez de nouveau."))
    preference = locked_preference(resident)
    chosen = list(order) if order is not None else None
    if preference.emergency_order == chosen:
        return
    preference.emergency_order = chosen
    preference.save(update_fields=["emergency_order"])
    record(
        "notifications.order_set", municipality=resident.municipality_id, actor=resident,
        order=chosen,
    )  # fmt: skip
