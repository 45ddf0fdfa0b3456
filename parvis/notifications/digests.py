"""Daily and weekly digests: one letter for all that someone chose to read together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import translation
from django.utils.translation import gettext as _

from parvis.municipalities.models import Municipality
from parvis.notifications import rules
from parvis.notifications.models import Lane, Message
from parvis.residents.models import Resident
from parvis.residents.rules import interface_language

KIND = "notifications.digest"
HOUR = 17
"""Local hour at which digests leave; weekly ones on Thursday, before the weekend."""
WEEKDAY = 3
PACES = {"daily": timedelta(days=1), "weekly": timedelta(days=7)}

# Messages of subjects that a resident reads together, for places that they concern.
CONCERNED = """
FROM notifications_message m
JOIN notifications_subscription s ON s.subject_id = m.subject_id
  AND s.municipality_id = m.municipality_id
JOIN residents_place p ON p.id = s.place_id
LEFT JOIN territory_address a ON a.id = p.address_id
WHERE m.municipality_id = %(town)s AND m.created_at >= %(since)s AND m.created_at < %(until)s
  AND m.stopped_at IS NULL AND m.lane = 2
  AND s.pace = %(pace)s AND s.channel = %(channel)s
  AND ((m.sector_ids IS NULL AND m.address_ids IS NULL)
       OR a.sector_id = ANY(m.sector_ids) OR a.id = ANY(m.address_ids))
"""


@dataclass(frozen=True)
class Line:
    """One notice in a digest."""

    message_id: int
    title: str
    body: str
    url: str
    at: datetime
    language: str


def due(pace: str, local: datetime) -> bool:
    """Whether digests of this pace leave at this local time."""
    return local.hour >= HOUR and (pace == "daily" or local.weekday() == WEEKDAY)


def languages(municipality: Municipality) -> set[str]:
    """What the letter around the notices may be written in, as the portal's own pages."""
    return {
        interface_language(
            code, recognised=municipality.recognised_29_1, offered=municipality.languages
        )
        for code, _name in settings.LANGUAGES
    }


def title(pace: str, language: str) -> str:
    with translation.override(language):
        return _("Vos avis du jour") if pace == "daily" else _("Vos avis de la semaine")


def plan(municipality: Municipality, *, pace: str, now: datetime) -> Message | None:
    """Plan the digest of this day or week, once; None when it is not due or was planned."""
    local = now.astimezone(municipality.zone)
    if not due(pace, local):
        return None
    reference = f"digest:{pace}:{local.date().isoformat()}"
    with connection.cursor() as cursor:
        # Two workers at once: the second waits, then sees the first's message.
        cursor.execute("SELECT pg_advisory_xact_lock(7302, %s)", [municipality.pk])
    if Message.objects.of(municipality).filter(reference=reference).exists():
        return None
    until = local.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    window = {"since": (until - PACES[pace]).isoformat(), "until": until.isoformat(), "pace": pace}
    message = Message.objects.create(
        municipality=municipality,
        kind=KIND,
        lane=Lane.DIGEST,
        reference=reference,
        content={
            language: {"title": title(pace, language), "body": "", "url": "/avis/", **window}
            for language in languages(municipality)
        },
        channels=["email"],
        created_at=now,
        deadline_at=rules.deadline(now, Lane.DIGEST, None),
    )
    parameters: dict[str, Any] = {
        "town": municipality.pk, "message": message.pk, "channel": "email", "pace": pace,
        "since": window["since"], "until": window["until"], "now": now,
        "size": rules.CHUNK_SIZE["email"],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH who AS (
              SELECT DISTINCT e.id AS contact_id {
                CONCERNED.replace(
                    "WHERE",
                    "JOIN account_emailaddress e ON e.user_id = s.resident_id AND e.verified "
                    'AND e."primary" '
                    "JOIN residents_resident r ON r.id = s.resident_id AND r.is_active "
                    "LEFT JOIN notifications_preference pr ON pr.resident_id = s.resident_id WHERE",
                    1,
                )
            }
                AND (pr.paused_until IS NULL OR pr.paused_until <= %(now)s)
                AND NOT EXISTS (SELECT 1 FROM notifications_badaddress b WHERE b.email_id = e.id
                                AND b.municipality_id = %(town)s AND b.corrected_at IS NULL)),
            numbered AS (SELECT contact_id, (row_number() OVER (ORDER BY contact_id) - 1)
                                            / %(size)s AS n FROM who),
            made AS (
              INSERT INTO notifications_chunk (municipality_id, message_id, channel, recipients,
                                               address, not_before, attempt, intent)
              SELECT %(town)s, %(message)s, 'email', array_agg(contact_id ORDER BY contact_id), '',
                     %(now)s, 0, '{{}}' FROM numbered GROUP BY n
              RETURNING id, recipients),
            work AS (
              INSERT INTO notifications_work (municipality_id, chunk_id, message_id, channel, lane,
                                              state, not_before, claims)
              SELECT %(town)s, id, %(message)s, 'email', 3, 'waiting', %(now)s, 0 FROM made)
            SELECT coalesce(sum(cardinality(recipients)), 0) FROM made
            """,
            parameters,
        )
        message.targeted = cursor.fetchone()[0]
    message.save(update_fields=["targeted"])
    return message


def lines_for(message: Message, resident_ids: Sequence[int]) -> dict[int, list[Line]]:
    """Resident → the notices of this digest that concern them, newest first, in their language."""
    window = message.content["fr"]
    parameters = {
        "town": message.municipality_id, "channel": "email", "pace": window["pace"],
        "since": window["since"], "until": window["until"], "residents": list(resident_ids),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT s.resident_id, m.id {CONCERNED} "
            "AND s.resident_id = ANY(%(residents)s) ORDER BY 1, 2 DESC",
            parameters,
        )
        pairs = cursor.fetchall()
    told = Message.objects.of(message.municipality_id).in_bulk({pk for _who, pk in pairs})
    chosen = dict(
        Resident.objects.of(message.municipality_id)
        .filter(pk__in={who for who, _pk in pairs})
        .values_list("pk", "language")
    )
    lines: dict[int, list[Line]] = defaultdict(list)
    for resident_id, pk in pairs:
        language, words = rules.content_for(told[pk].content, chosen.get(resident_id, "fr"))
        lines[resident_id].append(
            Line(
                pk,
                words["title"],
                words.get("body", ""),
                words.get("url", "/"),
                told[pk].created_at,
                language,
            )
        )
    return lines
