"""Messages of others, kept as proposals: a person sets them aside, or begins an alert from one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from parvis.alerts import cap, cap_compose, drafts, naad
from parvis.alerts.cap_cp_rules import EVENT
from parvis.alerts.cap_models import Received
from parvis.alerts.cap_signature import Verdict
from parvis.alerts.models import Alert, Revision
from parvis.core.errors import Refused
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality

KEPT = timedelta(days=30)
LONGEST_TEXT = 8_000
WORTH = {
    naad.Rank.HOLDS: Received.Worth.HOLDS,
    naad.Rank.NONE: Received.Worth.NONE,
    naad.Rank.BROKEN: Received.Worth.BROKEN,
}


@transaction.atomic
def take_in(town: Municipality, message: naad.Message, *, now: datetime) -> bool:
    """Keep what concerns the town, once; answer whether it is new. Older proposals end here."""
    if not naad.concerns(message.alert, f"{cap_compose.PROVINCE}{town.code}"):
        return False
    Received.objects.of(town).waiting().filter(arrived_at__lt=now - KEPT).delete()
    facts = facts_of(message)
    _row, new = Received.objects.of(town).get_or_create(
        municipality=town, sha256=hashlib.sha256(message.content).hexdigest(),
        defaults={**facts, "content": message.content, "arrived_at": now},
    )  # fmt: skip
    return bool(new)


def facts_of(message: naad.Message) -> dict[str, Any]:
    """What the list says of a message, in French where it speaks French."""
    alert = message.alert
    info = _spoken(alert)
    facts: dict[str, Any] = {
        "source": message.source[:200], "sender": alert.sender[:200],
        "identifier": alert.identifier[:200], "sent_at": alert.sent, "kind": alert.msg_type,
        "status": alert.status, "worth": WORTH[naad.rank_of(message.verified)],
        "signatures": "\n".join(_line(one) for one in message.verified.verdicts),
        "contradicts": message.contradicts,
    }  # fmt: skip
    if info is not None:
        codes = [pair.value for pair in info.event_codes if pair.value_name == EVENT]
        areas: Sequence[cap.Area] = info.areas
        facts |= {
            "severity": info.severity, "urgency": info.urgency, "certainty": info.certainty,
            "sender_name": info.sender_name[:200], "event": info.event[:200],
            "event_code": codes[0][:40] if codes else "", "title": info.headline[:300],
            "text": info.description[:LONGEST_TEXT], "language": info.language[:20],
            "instruction": info.instruction[:LONGEST_TEXT], "expires_at": info.expires,
            "where": " · ".join(area.area_desc for area in areas)[:LONGEST_TEXT],
        }  # fmt: skip
    return {name: _clean(value) for name, value in facts.items()}


def _clean(value: Any) -> Any:
    """PostgreSQL keeps no zero character; nothing unseen turns the direction of a line."""
    return cap_compose.UNWRITABLE.sub("", value) if isinstance(value, str) else value


def _spoken(alert: cap.Alert) -> cap.Info | None:
    french = [one for one in alert.infos if one.language.casefold().startswith("fr")]
    return next(iter([*french, *alert.infos]), None)


def _line(one: Verdict) -> str:
    return f"{one.signer}\u00a0: {one.reason}" if one.signer else one.reason


def event_of(row: Received) -> str:
    """The town's event that this one tells of, or nothing."""
    return next((name for name, code in cap_compose.CODES.items() if code == row.event_code), "")


@transaction.atomic
def begin_from(row: Received, *, event: str, actor: Any, now: datetime) -> Revision:
    """Begin an alert of the town from a message of others, or raise Refused.

    A draft with the town's own words: people change it, and decide.
    """
    row = locked(row)
    revision = drafts.begin_alert(
        municipality=row.municipality, event=event, is_drill=row.status != "Actual", actor=actor,
        now=now,
    )  # fmt: skip
    row.alert = Alert.objects.of(row.municipality_id).get(pk=revision.alert_id)
    row.save(update_fields=["alert"])
    record(
        "alerts.begun_from_received", municipality=row.municipality, actor=actor,
        received=row.pk, alert=revision.alert_id,
    )  # fmt: skip
    return revision


@transaction.atomic
def set_aside(row: Received, *, actor: Any, now: datetime) -> None:
    """Nothing is to be done of it, or raise Refused when somebody has begun something."""
    row = locked(row)
    row.set_aside_at, row.set_aside_by_id = now, actor.pk
    row.save(update_fields=["set_aside_at", "set_aside_by_id"])
    record("alerts.received_set_aside", municipality=row.municipality, actor=actor, received=row.pk)


def locked(row: Received) -> Received:
    """The row as it stands, or raise Refused when it waits for nobody any more."""
    fresh: Received = (
        Received.objects.of(row.municipality_id).select_for_update(no_key=True).get(pk=row.pk)
    )
    if fresh.alert_id is not None:
        raise Refused(_("Une alerte a déjà été commencée d’après ce message."))
    if fresh.set_aside_at is not None:
        raise Refused(_("Ce message a déjà été écarté."))
    return fresh
