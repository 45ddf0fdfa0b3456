"""What is wrong with texts, for the Bureau and `parvis doctor`: filtered ones, lines at rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from parvis.municipalities.models import Municipality

RECENT = timedelta(days=1)
LEAST, SHARE = 5, 0.02
"""So many filtered texts, and this part of a day's, are no accident any more."""


@dataclass(frozen=True, slots=True)
class Filtered:
    """Texts of one day: handed over, and of these filtered by a carrier."""

    handed: int
    filtered: int

    @property
    def alarming(self) -> bool:
        return self.filtered >= LEAST and self.filtered >= SHARE * self.handed

    @property
    def percent(self) -> float:
        return 100 * self.filtered / self.handed if self.handed else 0.0


def filtered_texts(town: Municipality, *, now: datetime) -> Filtered:
    """Of the messages planned in the last day. The town must be set."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE o.is_final AND o.state IN ('handed', 'unsure')), "
            "count(*) FILTER (WHERE o.state = 'bounced' AND o.reason = 'filtered') "
            "FROM notifications_message m JOIN notifications_outcome o "
            "ON o.municipality_id = m.municipality_id AND o.message_id = m.id "
            "AND o.channel = 'text' AND (o.is_final OR o.state IN ('bounced', 'reached')) "
            "WHERE m.municipality_id = %s AND m.created_at > %s AND 'text' = ANY(m.channels)",
            [town.pk, now - RECENT],
        )
        handed, filtered = cursor.fetchone()
    return Filtered(handed, filtered)
