"""One valid alert at each of its steps; tests name only what they are about."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from parvis.alerts import actions, drafts, rules
from parvis.alerts.models import Alert, Revision
from parvis.municipalities.models import Municipality, StaffMember
from parvis.municipalities.tests.make import NOW
from parvis.residents.tests import make


def authority(town: Municipality, **facts: Any) -> StaffMember:
    """A designated person, who may act in the room."""
    member = make.staff(town, roles={"alerts": "act"}, **facts)
    member.is_alert_authority = True
    member.save()
    return member


def draft(
    town: Municipality, *, actor: Any = None, now: datetime = NOW, event: str = "boil",
    is_drill: bool = False, **changes: Any,
) -> Revision:  # fmt: skip
    """A draft that lacks nothing, for the whole town unless an area is named."""
    actor = actor or make.resident(town)
    revision = drafts.begin_alert(
        municipality=town, event=event, is_drill=is_drill, actor=actor, now=now
    )
    if not changes.keys() & {"sector_ids", "address_ids", "area"}:
        changes.setdefault("everywhere", True)
    return drafts.revise(revision, actor=actor, token=revision.token, now=now, **changes)


def proposed(town: Municipality, *, now: datetime = NOW, **facts: Any) -> Revision:
    revision = draft(town, now=now, **facts)
    proposer = make.staff(town, roles={"alerts": "act"}, first_name="Olivier").person
    return drafts.propose(revision, actor=proposer, token=revision.token, now=now)


def approve(revision: Revision, member: StaffMember, *, now: datetime = NOW) -> Revision:
    return actions.send_alert(revision, member=member, token=revision.token, now=now)


def sent(town: Municipality, *, now: datetime = NOW, **facts: Any) -> Alert:
    """In force: two persons decided."""
    revision = approve(proposed(town, now=now, **facts), authority(town), now=now)
    return Alert.objects.of(town).get(pk=revision.alert_id)


def continued(
    alert: Alert, kind: str = rules.LIFT, *, now: datetime = NOW, **changes: Any
) -> Revision:
    """An update, lifting or cancellation, sent."""
    actor = make.resident(alert.municipality)
    revision = drafts.begin_revision(alert, kind=kind, actor=actor, now=now)
    if changes:
        revision = drafts.revise(revision, actor=actor, token=revision.token, now=now, **changes)
    revision = drafts.propose(revision, actor=actor, token=revision.token, now=now)
    return approve(revision, authority(alert.municipality), now=now)
