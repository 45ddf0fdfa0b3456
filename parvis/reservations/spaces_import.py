"""Bringing in a list of spaces: offered at once, the same file twice changing nothing."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality
from parvis.reservations import lending, prices, spaces_file
from parvis.reservations.lending import Sheet
from parvis.reservations.models import Resource
from parvis.residents.models import Resident


@transaction.atomic
def bring_in(
    town: Municipality, data: bytes, *, clerk: Resident, now: datetime
) -> tuple[list[Resource], int]:
    """Add every space that the file names and that is not there yet, or raise Refused.

    Answers those added, and how many were there already: those stay as they are.
    """
    rows = spaces_file.read(data)
    known = {name.casefold() for name in Resource.objects.of(town).values_list("name", flat=True)}
    added = []
    for row in rows:
        if row.name.casefold() in known:
            continue
        rates = [prices.Rate(unit=prices.HOUR, amount=row.hourly)] if row.hourly else []
        made = lending.add_resource(
            town,
            kind=Resource.Kind.SPACE,
            sheet=Sheet(units=row.units, openings=row.openings, rates=rates),
            clerk=clerk,
            now=now,
            name=row.name,
            family=row.family,
            capacity=row.capacity,
            place=row.place,
            accessibility=row.accessibility,
            text=row.text,
        )
        added.append(lending.set_state(made, state=Resource.State.OPEN, clerk=clerk, now=now))
    record("reservations.imported", municipality=town, actor=clerk, added=len(added))
    return added, len(rows) - len(added)
