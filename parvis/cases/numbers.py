"""The number of a case: the next one of its town and year, without a gap."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from parvis.municipalities.models import Municipality


def hold(municipality: Municipality, now: datetime) -> int:
    """Hold the year's series until the transaction ends, and answer the year.

    Whoever opens a case at the same instant waits here. A number of a transaction that is rolled
    back is given to the next.
    """
    year = now.astimezone(municipality.zone).year
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cases_series (municipality_id, year, last) VALUES (%s, %s, 0) "
            "ON CONFLICT (municipality_id, year) DO UPDATE SET last = cases_series.last",
            [municipality.pk, year],
        )
    return year


def take(municipality: Municipality, year: int) -> int:
    """The next number of the series that is held."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cases_series SET last = last + 1 WHERE municipality_id = %s AND year = %s "
            "RETURNING last",
            [municipality.pk, year],
        )
        taken: int = cursor.fetchone()[0]
    return taken
