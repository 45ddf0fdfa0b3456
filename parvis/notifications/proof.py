"""What can be shown of a message: whom it was meant for, what was handed over, opened, refused."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from parvis.municipalities.models import Municipality
from parvis.notifications import rules
from parvis.notifications.models import Channel, Message, Opening, Outcome, Reply, Work
from parvis.residents.models import Consent

ICONS = {
    "inapp": "house",
    "email": "mail",
    "push": "bell-ring",
    "text": "message-square-text",
    "voice": "phone-call",
}
State = Outcome.State
REPORTED = (
    "LEFT JOIN (SELECT channel, contact_id, state AS report, reason AS why "
    "FROM notifications_outcome WHERE municipality_id = %s AND message_id = %s "
    "AND state IN ('bounced', 'reached')) b USING (channel, contact_id)"
)
AFTER_ALL = (
    "CASE WHEN state NOT IN ('handed', 'unsure') THEN state WHEN report = 'bounced' THEN 'bounced' "
    "WHEN report = 'reached' THEN 'handed' ELSE state END"
)
"""What was handed over and came back has failed after all; what arrived is in no doubt."""


@dataclass
class ChannelFigures:
    """One channel: contacts meant, handed over, known opened, failed, still waiting."""

    channel: str
    label: str
    icon: str
    targeted: int = 0
    handed: int = 0
    arrived: int = 0
    """Of those handed over, where the channel tells."""
    voicemail: int = 0
    """Left on a machine: no one has heard it yet, as far as is known."""
    opened: int = 0
    failed: int = 0
    uncertain: int = 0
    waiting: int = 0
    spared: int = 0
    """Steps that were not begun: the person had confirmed by another channel."""

    @property
    def percent(self) -> float:
        return 100 * self.handed / self.targeted if self.targeted else 0.0


@dataclass
class Reason:
    """Why some were not reached, how many, and what to do."""

    channel: str
    reason: str
    label: str
    count: int
    next: str


@dataclass
class Figures:
    """The proof of one message. «Handed over» is not «opened»: a server took it, no more."""

    message: Message
    targeted: int
    reached: int
    """Persons with at least one message handed over beyond the portal."""
    opened: int
    not_reached: int
    channels: list[ChannelFigures] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    waiting: int = 0
    replies: dict[str, int] = field(default_factory=dict)
    """Answer → persons, each by their newest answer."""

    @property
    def finished(self) -> bool:
        return self.waiting == 0

    @property
    def percent(self) -> float:
        return 100 * self.reached / self.targeted if self.targeted else 0.0


def figures(message: Message) -> Figures:
    """Count what is written down; every figure adds up to the contacts of its channel."""
    found = {name: ChannelFigures(name, str(label), ICONS[name]) for name, label in Channel.choices}
    reasons: dict[tuple[str, str], int] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT channel, coalesce(sum(cardinality(recipients)), 0) FROM notifications_chunk "
            "WHERE message_id = %s AND attempt = 0 GROUP BY channel",
            [message.pk],
        )
        for channel, count in cursor.fetchall():
            found[channel].targeted = int(count)
        cursor.execute(
            f"SELECT channel, {AFTER_ALL}, CASE {AFTER_ALL} WHEN 'bounced' THEN why "
            "ELSE reason END, count(*), count(*) FILTER (WHERE report = 'reached' AND why = ''), "
            "count(*) FILTER (WHERE report = 'reached' AND why = 'voicemail') "
            f"FROM notifications_outcome o {REPORTED} "
            "WHERE municipality_id = %s AND message_id = %s AND is_final GROUP BY 1, 2, 3",
            [message.municipality_id, message.pk, message.municipality_id, message.pk],
        )
        for channel, state, reason, count, arrived, voicemail in cursor.fetchall():
            found[channel].arrived += arrived
            found[channel].voicemail += voicemail
            if state == State.HANDED_OVER:
                found[channel].handed += count
                continue
            if state == State.SPARED:
                found[channel].spared += count
                continue
            if state == State.UNCERTAIN:
                found[channel].uncertain += count
            else:
                found[channel].failed += count
            reasons[channel, reason] = reasons.get((channel, reason), 0) + count
        cursor.execute(
            f"SELECT count(DISTINCT resident_id) FROM notifications_outcome o {REPORTED} "
            "WHERE municipality_id = %s AND message_id = %s AND is_final AND channel <> 'inapp' "
            f"AND {AFTER_ALL} = 'handed'",
            [message.municipality_id, message.pk, message.municipality_id, message.pk],
        )
        reached: int = cursor.fetchone()[0]
    openings = openings_counted(message)
    for name, one in found.items():
        one.opened = len({who for who, channel in openings if channel == name})
    opened = len({who for who, _channel in openings})
    for one in found.values():
        one.waiting = one.targeted - one.handed - one.failed - one.uncertain - one.spared
    return Figures(
        message=message,
        targeted=message.targeted,
        reached=reached,
        opened=opened,
        not_reached=max(0, message.targeted - reached),
        channels=[one for one in found.values() if one.targeted],
        reasons=[
            Reason(channel, reason, *words(reason, count))
            for (channel, reason), count in sorted(reasons.items(), key=lambda item: -item[1])
        ],
        waiting=sum(one.waiting for one in found.values()),
        replies=replies_counted(message),
    )


def newest_replies(message: Message) -> list[Reply]:
    """The newest answer of each person to this message, who needs help first."""
    rows = (
        Reply.objects.of(message.municipality_id)
        .filter(message_id=message.pk, answer__in=["seen", "help", "other"])
        .order_by("resident_id", "-at", "-pk")
        .distinct("resident_id")
        .select_related("resident", "phone")
    )
    first = {"help": 0, "other": 1, "seen": 2}
    return sorted(rows, key=lambda row: (first[row.answer], row.at))


def replies_counted(message: Message) -> dict[str, int]:
    return dict(Counter(row.answer for row in newest_replies(message)))


def openings_counted(message: Message) -> set[tuple[int, str]]:
    """(person, channel) of openings, only of those who agreed that they be counted."""
    agreed = Consent.objects.of(message.municipality_id).agreed("openings")
    return set(
        Opening.objects.of(message.municipality_id)
        .filter(message_id=message.pk, resident_id__in=agreed.values("resident_id"))
        .values_list("resident_id", "channel")
    )


def words(reason: str, count: int) -> tuple[str, int, str]:
    label, following = rules.REASONS.get(reason, (reason, ""))
    return str(label), count, str(following)


def is_finished(message: Message) -> bool:
    """Whether no chunk of the message waits any more."""
    return not (
        Work.objects.filter(municipality_id=message.municipality_id, message_id=message.pk)
        .exclude(state=Work.State.DONE)
        .exists()
    )


def unfinished(municipality: Municipality, message_ids: Sequence[int]) -> set[int]:
    """Those of these messages of which a chunk still waits."""
    waiting = Work.objects.filter(municipality=municipality, message_id__in=message_ids)
    return set(waiting.exclude(state=Work.State.DONE).values_list("message_id", flat=True))


COLUMNS = ("message", "canal", "personne", "contact", "état", "motif", "essai", "instant")


def export(message: Message) -> Iterator[str]:
    """The proof as CSV, line by line: every outcome, identifiers only."""
    yield line(COLUMNS)
    rows: Any = (
        Outcome.objects.of(message.municipality_id)
        .filter(message_id=message.pk)
        .order_by("id")
        .values_list("channel", "resident_id", "contact_id", "state", "reason", "attempt", "at")
    )
    for channel, resident_id, contact_id, state, reason, attempt, at in rows.iterator():
        yield line(
            (
                message.identity,
                channel,
                resident_id,
                contact_id,
                state,
                reason,
                attempt + 1,
                at.isoformat(),
            )
        )


def line(values: Any) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerow(values)
    return out.getvalue()
