"""The private address where a resident's calendar reads their bookings."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.db import transaction

from parvis.core import secret
from parvis.municipalities.actions import record
from parvis.reservations.models import CalendarFeed
from parvis.residents.models import Resident


@transaction.atomic
def renew_feed(resident: Resident, *, now: datetime) -> str:
    """Give the person a new private calendar address; answer its secret. The former one closes."""
    token = secrets.token_urlsafe(24)
    CalendarFeed.objects.of(resident.municipality_id).update_or_create(
        resident=resident,
        defaults={"digest": secret.digest(token), "created_at": now},
        create_defaults={
            "municipality_id": resident.municipality_id, "digest": secret.digest(token),
            "created_at": now,
        },
    )  # fmt: skip
    record("reservations.feed_renewed", municipality=resident.municipality_id, actor=resident)
    return token


@transaction.atomic
def close_feed(resident: Resident) -> None:
    """Close the private calendar address."""
    gone, _each = (
        CalendarFeed.objects.of(resident.municipality_id).filter(resident=resident).delete()
    )
    if gone:
        record("reservations.feed_closed", municipality=resident.municipality_id, actor=resident)
