"""Deciding that an alert leaves; what ends by itself; and the copies that outlive an outage."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from parvis.alerts import audience, cap_files, copies, rules, saying
from parvis.alerts.answers import desk_topic
from parvis.alerts.drafts import TOPIC, check_ready, locked
from parvis.alerts.models import Alert, Revision
from parvis.core import live
from parvis.core.db import as_town
from parvis.core.errors import Refused
from parvis.core.jobs import each
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality, StaffMember
from parvis.notifications.actions import send_message
from parvis.notifications.models import Lane
from parvis.territory.search import addresses_within

logger = logging.getLogger("parvis.alerts")
AFTERWARDS = timedelta(hours=24)
"""The end of an alert is worth telling for a day."""


@transaction.atomic
def send_alert(
    revision: Revision,
    *,
    member: StaffMember,
    token: int,
    now: datetime,
    alone_reason: str = "",
    to_nobody: bool = False,
) -> Revision:
    """Decide that this leaves, and hand it to the dispatchers, or raise Refused: nothing leaves.

    Once, whoever decides and however often: the alert is locked, and a constraint allows one open
    revision. What is unsent of the earlier ones stops in the same transaction. An alert whose area
    holds no account needs `to_nobody`: its page and banner then stand, and no message leaves.
    """
    fresh = locked(revision)
    alert, town = fresh.alert, fresh.municipality
    if fresh.state == rules.SENT:
        raise rules.Overtaken(_("Ce message est déjà parti. Rien n’a été envoyé deux fois."))
    rules.check_token(token, fresh.token)
    alone_reason = " ".join(alone_reason.split())[: rules.NOTE_MAX]
    rules.check_decider(
        is_authority=member.is_alert_authority and member.left_at is None,
        decider_id=member.person_id,
        proposer_id=fresh.proposed_by_id,
        alone_reason=alone_reason,
    )
    if fresh.state != rules.PROPOSED and not alone_reason:
        raise Refused(_("Demandez d’abord l’approbation, ou dites pourquoi vous décidez seul."))
    check_ready(fresh, now=now)
    earlier = list(alert.revisions.sent().select_related("message").order_by("number"))
    to = audience.told(fresh, earlier)
    if fresh.area is not None:
        fresh.area_address_ids = addresses_within(town, fresh.area)
    if fresh.ends_it:
        fresh.expires_at, fresh.next_at = now, None
    fresh.proposed_by_id = fresh.proposed_by_id or member.person_id
    fresh.proposed_at = fresh.proposed_at or now
    message = send_message(
        municipality=town,
        kind=saying.KIND,
        content=saying.letter(fresh),
        now=now,
        subject=audience.emergency_subject(town),
        lane=Lane.EMERGENCY,
        deadline=now + AFTERWARDS if fresh.ends_it else fresh.expires_at,
        author=member.person,
        reference=alert.reference,
        sector_ids=to.sector_ids,
        address_ids=to.address_ids,
        after=[one.message for one in earlier],
        step_minutes=audience.step_of(fresh),
    )
    if message.targeted == 0 and fresh.kind == rules.ALERT and not to_nobody:
        raise Refused(
            _(
                "Personne n’est joint\u00a0: aucun compte n’a d’adresse dans cette zone. "
                "Élargissez-la, ou confirmez que seule la page paraît."
            )
        )
    fresh.state, fresh.sent_at, fresh.message = rules.SENT, now, message
    fresh.decided_by_id, fresh.alone_reason = member.person_id, alone_reason
    fresh.words_hash = rules.words_hash(facts_of(fresh))
    fresh.save()
    alert.state = rules.ENDS.get(fresh.kind, rules.IN_FORCE)
    alert.begun_at = alert.begun_at or now
    alert.expires_at = fresh.expires_at
    alert.ended_at = now if fresh.ends_it else None
    alert.save(update_fields=["state", "begun_at", "expires_at", "ended_at"])
    record(
        "alerts.sent", municipality=town, actor=member.person, alert=alert.pk, revision=fresh.pk,
        kind=fresh.kind, message=message.pk, targeted=message.targeted, drill=alert.is_drill,
        proposed_by=fresh.proposed_by_id, alone=bool(alone_reason), hash=fresh.words_hash,
    )  # fmt: skip
    # A job, so that CAP neither delays nor stops a sending.
    cap_files.write_files.defer(municipality_id=town.pk, alert_id=alert.pk)
    changed(alert)
    return fresh


def facts_of(revision: Revision) -> dict[str, Any]:
    """What was decided: the words, the area, the times. The hash in the audit trail covers it."""
    return {
        "alert": str(revision.alert.identity), "number": revision.number, "kind": revision.kind,
        "event": revision.alert.event, "drill": revision.alert.is_drill,
        "severity": revision.severity, "urgency": revision.urgency,
        "certainty": revision.certainty, "words": revision.words, "note": revision.note,
        "everywhere": revision.everywhere, "sectors": revision.sector_ids,
        "addresses": revision.address_ids, "area": revision.area,
        "next": revision.next_at and revision.next_at.isoformat(),
        "expires": revision.expires_at and revision.expires_at.isoformat(),
    }  # fmt: skip


def changed(alert: Alert) -> None:
    """Open pages look again, and the copies are written anew once this is committed."""
    town = alert.municipality_id
    live.publish(town, TOPIC)
    live.publish(town, f"alert:{alert.pk}")
    live.publish(town, desk_topic(alert.pk))
    transaction.on_commit(lambda: copies.write_safely(town, alert_id=alert.pk))


@transaction.atomic
def show_reach(alert: Alert, *, shown: bool, actor: Any, now: datetime) -> None:
    """Say on the alert's page how many were reached, or no longer."""
    moved = (
        Alert.objects.of(alert.municipality_id)
        .filter(pk=alert.pk, shows_reach=not shown)
        .update(shows_reach=shown)
    )
    if moved:
        deed = "alerts.reach_shown" if shown else "alerts.reach_hidden"
        record(deed, municipality=alert.municipality_id, actor=actor, alert=alert.pk)
        changed(alert)


@transaction.atomic
def expire_due(municipality_id: int, pk: int, now: datetime) -> bool:
    """End an alert whose time ran out; answer whether it was still in force."""
    alert = (
        Alert.objects.of(municipality_id)
        .select_for_update(no_key=True, skip_locked=True)
        .filter(pk=pk, state=rules.IN_FORCE, expires_at__lte=now)
        .first()
    )
    if alert is None:
        return False
    alert.state, alert.ended_at = rules.EXPIRED, alert.expires_at
    alert.save(update_fields=["state", "ended_at"])
    record("alerts.expired", municipality=municipality_id, alert=pk)
    changed(alert)
    return True


def keep_time(now: datetime) -> int:
    """End in every town what is over, and set right the copies that differ; how many ended."""
    done = 0
    for municipality_id in Municipality.objects.order_by("pk").values_list("pk", flat=True):
        with as_town(municipality_id):
            due = list(
                Alert.objects.of(municipality_id)
                .filter(state=rules.IN_FORCE, expires_at__lte=now)
                .values_list("pk", flat=True)
            )
        for pk in due:
            with translation.override("fr"), as_town(municipality_id):
                done += expire_due(municipality_id, pk, now)
        copies.write_safely(municipality_id)
    return done


@each("* * * * *")
def keep_time_every_minute(*, at: int) -> None:
    """End what is over; write again a copy that an interrupted send left behind."""
    keep_time(timezone.now())
