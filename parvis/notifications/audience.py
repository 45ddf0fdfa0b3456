"""Who a message reaches, decided in the database in one statement for each channel.

Nothing is written for a recipient before the sending: planning makes chunks of identifiers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from parvis.municipalities.models import Municipality
from parvis.notifications import rules, steps
from parvis.notifications.models import Channel, Message, Subject
from parvis.notifications.telephony import channels_of, providers_for


@dataclass(frozen=True)
class Audience:
    """Persons, each counted once, and contacts by channel."""

    persons: int
    by_channel: dict[str, int] = field(default_factory=dict)


# Residents with a place that the message concerns.
SOMEWHERE = (
    "SELECT p.id, p.resident_id FROM residents_place p "
    "JOIN territory_address a ON a.id = p.address_id "
    "WHERE p.municipality_id = %(town)s "
    "AND (a.sector_id = ANY(%(sectors)s) OR a.id = ANY(%(addresses)s))"
)
# In an emergency also their household: whoever shares a home that the message concerns.
UNDER_ONE_ROOF = (
    " UNION ALL SELECT NULL, m.resident_id FROM residents_householdmember m "
    "JOIN residents_household g ON g.id = m.household_id "
    "JOIN territory_address a ON a.id = g.address_id "
    "WHERE m.municipality_id = %(town)s AND m.resident_id IS NOT NULL "
    "AND m.accepted_at IS NOT NULL "
    "AND (a.sector_id = ANY(%(sectors)s) OR a.id = ANY(%(addresses)s))"
)
ALL_RESIDENTS = (
    "SELECT r.id AS resident_id FROM residents_resident r WHERE r.municipality_id = %(town)s"
)

CALLABLE = (
    "c.verified_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM notifications_closednumber k "
    "WHERE k.municipality_id = %(town)s AND k.phone_id = c.id AND k.channel = 'voice' "
    "AND k.reopened_at IS NULL)"
)
# A number that has the emergency as a text is not called as well.
NOT_TEXTED = (
    "(NOT %(emergency)s OR NOT %(texted)s OR c.verified_how = 'voice' "
    "OR EXISTS (SELECT 1 FROM notifications_closednumber k "
    "WHERE k.municipality_id = %(town)s AND k.phone_id = c.id AND k.channel = 'text' "
    "AND k.reopened_at IS NULL AND k.reason NOT IN ('asked', 'unsubscribed')))"
)
# Each channel: its contacts, their key, what makes a contact usable.
CONTACTS = {
    "inapp": ("", "w.resident_id", "true"),
    "email": (
        "JOIN account_emailaddress c ON c.user_id = w.resident_id",
        "c.id",
        'c.verified AND c."primary" AND NOT EXISTS (SELECT 1 FROM notifications_badaddress b '
        "WHERE b.municipality_id = %(town)s AND b.email_id = c.id AND b.corrected_at IS NULL)",
    ),
    "push": (
        "JOIN notifications_device c "
        "ON c.resident_id = w.resident_id AND c.municipality_id = %(town)s",
        "c.id",
        "c.removed_at IS NULL AND (NOT c.emergencies_only OR %(emergency)s)",
    ),
    "text": (
        "JOIN residents_phone c ON c.resident_id = w.resident_id AND c.municipality_id = %(town)s",
        "c.id",
        "c.verified_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM notifications_closednumber k "
        "WHERE k.municipality_id = %(town)s AND k.phone_id = c.id AND k.channel = 'text' "
        # Who stopped texts, with us or at the provider, stopped the routine ones.
        "AND k.reopened_at IS NULL "
        "AND NOT (%(emergency)s AND k.reason IN ('asked', 'unsubscribed')))",
    ),
    "voice": (
        "JOIN residents_phone c ON c.resident_id = w.resident_id AND c.municipality_id = %(town)s",
        "c.id",
        f"{CALLABLE} AND {NOT_TEXTED}",
    ),
}

FEW = 20
"""Named persons whose contacts fit in one chunk of each channel, whatever they have."""

# Local time of the town; the end of someone's quiet hours as an instant.
QUIET_UNTIL = """
CASE WHEN %(emergency)s OR pr.quiet_from IS NULL OR pr.quiet_until IS NULL
       OR pr.quiet_from = pr.quiet_until THEN %(now)s::timestamptz
     WHEN (pr.quiet_from < pr.quiet_until
           AND %(clock)s::time >= pr.quiet_from AND %(clock)s::time < pr.quiet_until)
       OR (pr.quiet_from > pr.quiet_until
           AND (%(clock)s::time >= pr.quiet_from OR %(clock)s::time < pr.quiet_until))
     THEN ((%(today)s::date + CASE WHEN %(clock)s::time < pr.quiet_until THEN 0 ELSE 1 END)
           + pr.quiet_until) AT TIME ZONE %(zone)s
     ELSE %(now)s::timestamptz END
"""


def _wanted(
    channel: str, *, has_subject: bool, emergency: bool, everywhere: bool, named: bool
) -> str:
    """SQL for (resident_id) of those who want, or must have, the message by this channel."""
    if named:
        return "SELECT unnest(%(residents)s::bigint[]) AS resident_id"
    if emergency or not has_subject:
        if everywhere:
            return ALL_RESIDENTS
        there = SOMEWHERE + (UNDER_ONE_ROOF if emergency else "")
        return f"SELECT DISTINCT h.resident_id FROM ({there}) h"
    pace = "" if channel == "inapp" else "AND s.pace = 'now' AND s.channel = %(channel)s"
    return (
        "SELECT DISTINCT s.resident_id FROM notifications_subscription s "
        + ("" if everywhere else f"JOIN ({SOMEWHERE}) h ON h.id = s.place_id ")
        + f"WHERE s.municipality_id = %(town)s AND s.subject_id = %(subject)s {pace}"
    )


def recipients_sql(
    channel: str, *, has_subject: bool, emergency: bool, everywhere: bool, named: bool,
    stepped: Sequence[str] = (),
) -> str:  # fmt: skip
    """SQL for (resident_id, contact_id, not_before) of one channel.

    `stepped`: the message's channels, when they come one after the other.
    """
    contacts, key, usable = CONTACTS[channel]
    stepped = stepped if channel in rules.CALLING_ON else ()
    ways = CONTACTS
    if stepped:
        # Whoever put calls in their order is called also where the number takes texts.
        join, column, _plain = CONTACTS["voice"]
        called = f"{CALLABLE} AND ({NOT_TEXTED} OR {steps.ORDERED_CALL})"
        ways = {**CONTACTS, "voice": (join, column, called)}
        usable = ways[channel][2]
    wanted = _wanted(
        channel, has_subject=has_subject, emergency=emergency, everywhere=everywhere, named=named
    )
    calm = "%(now)s::timestamptz" if channel == "inapp" or named else QUIET_UNTIL
    if stepped:
        calm = steps.at(channel, stepped)
    paused = (
        ""
        if channel == "inapp" or emergency or named
        else "AND (pr.paused_until IS NULL OR pr.paused_until <= %(now)s)"
    )
    sql = (
        f"SELECT w.resident_id, {key} AS contact_id, {calm} AS not_before "
        f"FROM ({wanted}) w "
        "JOIN residents_resident r ON r.id = w.resident_id AND r.is_active "
        f"{contacts} "
        "LEFT JOIN notifications_preference pr ON pr.resident_id = w.resident_id "
        f"{steps.joins(channel, stepped, ways) if stepped else ''}"
        f"WHERE {usable} {paused}"
    )
    if channel == "push" and emergency and not named:
        # A device that stayed for emergencies after sign-out belongs to nobody any more.
        sql += (
            " UNION ALL SELECT NULL, c.id, %(now)s::timestamptz FROM notifications_device c "
            "WHERE c.municipality_id = %(town)s AND c.resident_id IS NULL "
            "AND c.removed_at IS NULL"
        )
    return sql


def emergency_channels(municipality: Municipality) -> list[str]:
    """The channels that would carry an emergency of this town, besides the portal itself."""
    absent = {str(Channel.INAPP)}
    if not providers_for(municipality, "emergency"):
        # Routine texts have a sender of their own, which carries no emergency.
        absent.add(str(Channel.TEXT))
    return [name for name in channels_of(municipality) if name not in absent]


def emergency_contacts(municipality: Municipality, *, now: datetime) -> tuple[str, dict[str, Any]]:
    """SQL for (resident_id, channel) of who can be reached outside the portal, and its parameters.

    The same conditions as those of an emergency that would leave at `now`: verified, not refused
    for good, by a channel that the town has.
    """
    channels = emergency_channels(municipality)
    parameters, _shape = _parameters(
        municipality, now=now, subject=None, sector_ids=None, address_ids=None,
        resident_ids=None, channels=channels,
    )  # fmt: skip
    parts = [
        f"SELECT w.resident_id, '{channel}' AS channel FROM ({ALL_RESIDENTS} AND r.is_active) w "
        f"{CONTACTS[channel][0]} WHERE {CONTACTS[channel][2]}"
        for channel in channels
    ]
    return " UNION ".join(parts), parameters | {"emergency": True}


def _parameters(
    municipality: Municipality,
    *,
    now: datetime,
    subject: Subject | None,
    sector_ids: Sequence[int] | None,
    address_ids: Sequence[int] | None,
    resident_ids: Sequence[int] | None,
    channels: Sequence[str],
) -> tuple[dict[str, Any], dict[str, bool]]:
    local = now.astimezone(municipality.zone)
    emergency = subject is not None and subject.is_emergency
    parameters = {
        "town": municipality.pk,
        "subject": subject.pk if subject else None,
        "sectors": list(sector_ids or []),
        "addresses": list(address_ids or []),
        "residents": list(resident_ids or []),
        "emergency": emergency,
        "now": now,
        "clock": local.time(),
        "today": local.date(),
        "zone": municipality.time_zone,
        # Routine texts have a sender of their own, which carries no emergency.
        "texted": Channel.TEXT in channels and bool(providers_for(municipality, "emergency")),
    }
    shape = {
        "has_subject": subject is not None,
        "emergency": emergency,
        "everywhere": sector_ids is None and address_ids is None,
        "named": resident_ids is not None,
    }
    return parameters, shape


def count_audience(
    *,
    municipality: Municipality,
    subject: Subject | None,
    now: datetime,
    sector_ids: Sequence[int] | None = None,
    address_ids: Sequence[int] | None = None,
    channels: Sequence[str] | None = None,
    step_minutes: int | None = None,
) -> Audience:
    """Who would be reached if it were sent now, without sending."""
    channels = channels or channels_of(municipality)
    parameters, shape = _parameters(
        municipality, now=now, subject=subject, sector_ids=sector_ids, address_ids=address_ids,
        resident_ids=None, channels=channels,
    )  # fmt: skip
    parameters |= {"step": step_minutes}
    stepped = channels if step_minutes is not None else ()
    by_channel: dict[str, int] = {}
    parts: list[str] = []
    with connection.cursor() as cursor:
        for channel in channels:
            sql = recipients_sql(channel, **shape, stepped=stepped)
            sql = sql.replace("%(channel)s", f"'{channel}'")
            cursor.execute(f"SELECT count(*) FROM ({sql}) q", parameters)
            by_channel[channel] = cursor.fetchone()[0]
            parts.append(f"SELECT resident_id FROM ({sql}) q{len(parts)}")
        cursor.execute(
            f"SELECT count(DISTINCT resident_id) FROM ({' UNION ALL '.join(parts)}) q", parameters
        )
        persons = cursor.fetchone()[0]
    return Audience(persons=persons, by_channel=by_channel)


def plan_chunks(
    message: Message,
    *,
    municipality: Municipality,
    subject: Subject | None,
    now: datetime,
    resident_ids: Sequence[int] | None = None,
) -> int:
    """Write the chunks of a message and the work that they are; answer persons targeted."""
    parameters, shape = _parameters(
        municipality, now=now, subject=subject, sector_ids=message.sector_ids,
        address_ids=message.address_ids, resident_ids=resident_ids, channels=message.channels,
    )  # fmt: skip
    parameters |= {"message": message.pk, "lane": message.lane, "step": message.step_minutes}
    stepped = message.channels if message.step_minutes is not None else ()
    if resident_ids is not None and len(set(resident_ids)) <= FEW and not stepped:
        return _plan_few(message, parameters, shape)
    with connection.cursor() as cursor:
        # Right after a large import PostgreSQL believes tables empty, and would look rows up one by
        # one: fifty thousand recipients then take minutes. Joining whole tables always takes under
        # a second.
        cursor.execute("SET LOCAL enable_nestloop = off")
        parts: list[str] = []
        for channel in message.channels:
            sql = recipients_sql(channel, **shape, stepped=stepped)
            sql = sql.replace("%(channel)s", f"'{channel}'")
            parts.append(f"SELECT resident_id FROM ({sql}) q{len(parts)}")
            cursor.execute(
                f"""
                WITH who AS ({sql}),
                numbered AS (
                  SELECT contact_id, not_before, (row_number()
                    OVER (PARTITION BY not_before ORDER BY contact_id) - 1) / %(size)s AS n
                  FROM who),
                made AS (
                  INSERT INTO notifications_chunk (municipality_id, message_id, channel,
                    recipients, address, not_before, attempt, intent)
                  SELECT %(town)s, %(message)s, '{channel}',
                    array_agg(contact_id ORDER BY contact_id), '', not_before, 0, '{{}}'
                  FROM numbered GROUP BY not_before, n ORDER BY not_before, n
                  RETURNING id, not_before)
                INSERT INTO notifications_work (municipality_id, chunk_id, message_id, channel,
                  lane, state, not_before, claims)
                SELECT %(town)s, id, %(message)s, '{channel}', %(lane)s, 'waiting', not_before, 0
                FROM made ORDER BY id
                """,
                {**parameters, "size": rules.CHUNK_SIZE[channel]},
            )
        cursor.execute("SET LOCAL enable_nestloop = on")
        return _persons(cursor, message, parts, parameters)


def _plan_few(message: Message, parameters: dict[str, Any], shape: Mapping[str, Any]) -> int:
    """The same for a few named persons, in one statement: most messages are to one of them."""
    if not message.channels:
        return 0
    who = " UNION ALL ".join(
        f"SELECT '{channel}' AS channel, q.* FROM ({recipients_sql(channel, **shape)}) q"
        for channel in message.channels
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH who AS ({who}),
            made AS (
              INSERT INTO notifications_chunk (municipality_id, message_id, channel,
                recipients, address, not_before, attempt, intent)
              SELECT %(town)s, %(message)s, channel,
                array_agg(contact_id ORDER BY contact_id), '', not_before, 0, '{{}}'
              FROM who GROUP BY channel, not_before
              RETURNING id, channel, not_before),
            work AS (
              INSERT INTO notifications_work (municipality_id, chunk_id, message_id, channel,
                lane, state, not_before, claims)
              SELECT %(town)s, id, %(message)s, channel, %(lane)s, 'waiting', not_before, 0
              FROM made ORDER BY id)
            SELECT count(DISTINCT resident_id) FROM who
            """,
            parameters,
        )
        return int(cursor.fetchone()[0])


def _persons(cursor: Any, message: Message, parts: list[str], parameters: dict[str, Any]) -> int:
    """Persons targeted, each once."""
    if Channel.INAPP in message.channels:
        # Whoever gets it by another channel finds it in the portal as well.
        cursor.execute(
            "SELECT coalesce(sum(cardinality(recipients)), 0) FROM notifications_chunk "
            "WHERE message_id = %s AND channel = 'inapp'",
            [message.pk],
        )
    elif parts:
        cursor.execute(
            f"SELECT count(DISTINCT resident_id) FROM ({' UNION ALL '.join(parts)}) q", parameters
        )
    else:
        return 0
    return int(cursor.fetchone()[0])
