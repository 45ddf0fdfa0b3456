"""In an emergency, which channel comes to a person after which: their order, or the town's.

A step is so many minutes after the one before. It is planned with the message, by the statement
that makes its chunks; who has confirmed meanwhile is left out when the step begins. Who lacks a
channel does not wait for it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from django.db import connection

from parvis.notifications.models import Message
from parvis.notifications.rules import CALLING_ON, FREE

Contacts = Mapping[str, tuple[str, str, str]]

# Persons whom a channel can reach, among those with an order of their own.
_HAS = (
    "SELECT DISTINCT w.resident_id FROM notifications_preference w "
    "JOIN notifications_preference pr ON pr.resident_id = w.resident_id {contacts} "
    "WHERE w.municipality_id = %(town)s AND {usable} "
    "AND array_position(pr.emergency_order, '{other}') "
    "< coalesce(array_position(pr.emergency_order, '{channel}'), 99)"
)
ORDERED_CALL = "array_position(pr.emergency_order, 'voice') IS NOT NULL"


def joins(channel: str, channels: Sequence[str], contacts: Contacts) -> str:
    """SQL that joins `e`, how many of a person's channels come before this one, and `f`, who can
    be reached free of charge."""
    others = [name for name in CALLING_ON if name in channels and name != channel]
    before = " UNION ALL ".join(
        _HAS.format(
            contacts=contacts[name][0], usable=contacts[name][2], other=name, channel=channel
        )
        for name in others
    )
    sql = ""
    if before:
        sql += (
            f"LEFT JOIN (SELECT q.resident_id, count(*)::int AS n FROM ({before}) q "
            "GROUP BY q.resident_id) e ON e.resident_id = w.resident_id "
        )
    free = [name for name in others if name in FREE]
    if free and channel not in FREE:
        reached = " UNION ".join(
            f"SELECT w.resident_id FROM (SELECT id AS resident_id FROM residents_resident "
            f"WHERE municipality_id = %(town)s) w {contacts[name][0]} WHERE {contacts[name][2]}"
            for name in free
        )
        sql += f"LEFT JOIN ({reached}) f ON f.resident_id = w.resident_id "
    return sql


def at(channel: str, channels: Sequence[str]) -> str:
    """SQL for the instant of a person's step by this channel; %(step)s is in minutes."""
    others = [name for name in CALLING_ON if name in channels and name != channel]
    waits = channel not in FREE and any(name in FREE for name in others)
    unsaid = "(f.resident_id IS NOT NULL)::int" if waits else "0"
    ordered = "coalesce(e.n, 0)" if others else "0"
    return (
        "%(now)s::timestamptz + make_interval(mins => %(step)s * CASE "
        f"WHEN pr.emergency_order IS NULL THEN {unsaid} "
        f"WHEN pr.emergency_order = '{{}}' THEN 0 ELSE {ordered} END)"
    )


# Contact → person, and who of them confirmed: by opening it signed in, by the alert's page, by text
# or on the keys.
_OWNERS = {
    "email": ("account_emailaddress", "c.user_id", ""),
    "push": ("notifications_device", "c.resident_id", "AND c.municipality_id = %(town)s"),
    "text": ("residents_phone", "c.resident_id", "AND c.municipality_id = %(town)s"),
    "voice": ("residents_phone", "c.resident_id", "AND c.municipality_id = %(town)s"),
}
_CONFIRMED = """
SELECT c.id, {person} FROM {table} c
WHERE c.id = ANY(%(contacts)s) {wall} AND (
  EXISTS (SELECT 1 FROM notifications_opening o WHERE o.municipality_id = %(town)s
    AND o.message_id = %(message)s AND o.resident_id = {person})
  OR EXISTS (SELECT 1 FROM notifications_reply r WHERE r.municipality_id = %(town)s
    AND r.message_id = %(message)s AND r.answer IN ('seen', 'help')
    AND r.resident_id = {person}))
"""


def confirmed(message: Message, channel: str, contact_ids: Collection[int]) -> dict[int, int]:
    """Of these contacts, those whose owner confirmed the message by any channel: contact → person.

    Nobody for a message that goes out all at once, and nobody in the portal, which is no step.
    """
    if message.step_minutes is None or channel not in _OWNERS or not contact_ids:
        return {}
    table, person, wall = _OWNERS[channel]
    with connection.cursor() as cursor:
        cursor.execute(
            _CONFIRMED.format(table=table, person=person, wall=wall),
            {
                "contacts": list(contact_ids), "town": message.municipality_id,
                "message": message.pk,
            },
        )  # fmt: skip
        return dict(cursor.fetchall())
