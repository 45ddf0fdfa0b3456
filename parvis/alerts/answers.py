"""What people answer to an alert, who goes to see them, and what is kept of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from parvis.alerts.models import Alert, Answer
from parvis.alerts.rules import HELP_NOTE_MAX
from parvis.core import live, prose
from parvis.core.errors import Refused
from parvis.municipalities.actions import record
from parvis.municipalities.models import StaffMember
from parvis.notifications.actions import mark_opened
from parvis.notifications.models import Channel
from parvis.residents.models import Resident


def desk_topic(alert_id: int) -> str:
    """What the Bureau watches of an alert: its figures, its drafts, who asks for help."""
    return f"alert-desk:{alert_id}"


def own_topic(alert_id: int, resident_id: int | None) -> str:
    """What one person's page watches: that somebody is on the way."""
    return f"alert-own:{alert_id}:{resident_id}"


SEEN, SAFE, HELP = Answer.Kind.SEEN, Answer.Kind.SAFE, Answer.Kind.HELP


@transaction.atomic
def answer(
    alert: Alert,
    *,
    resident: Resident,
    kind: str,
    now: datetime,
    note: str = "",
    by_letter: bool = False,
) -> Answer:
    """Note that the person saw it, is safe, or needs help, or raise Refused.

    One answer for each person: pressed twice it is the same, and it may change while the alert
    lasts. «Vue» never replaces what says more, and whoever asked for help stays on the list.
    """
    if kind not in Answer.Kind.values:
        raise Refused(_("Choisissez une réponse."))
    fresh = Alert.objects.of(alert.municipality_id).get(pk=alert.pk)
    if fresh.begun_at is None or fresh.is_over or not fresh.stands(now):
        raise Refused(_("Cette alerte est terminée. En danger, appelez le 911."))
    note = prose.tidy_line(note)[:HELP_NOTE_MAX] if kind == HELP else ""
    found: Answer
    found, made = (
        Answer.objects.of(alert.municipality_id)
        .select_for_update()
        .get_or_create(
            alert=fresh,
            resident=resident,
            defaults={
                "municipality_id": alert.municipality_id, "kind": kind, "note": note,
                "by_letter": by_letter, "first_at": now, "at": now,
                "help_at": now if kind == HELP else None,
            },
        )
    )  # fmt: skip
    confirm(fresh, resident, now=now)
    if not made and (kind == SEEN or (kind, note or found.note) == (found.kind, found.note)):
        return found
    if not made:
        found.kind, found.at, found.by_letter = kind, now, by_letter
        if kind == HELP:
            # Asked again: somebody must go and see again.
            found.note, found.help_at = note or found.note, found.help_at or now
            found.taken_by_id = found.taken_at = None
        found.save()
    # Neither who nor what: the trail is read by more people than the rescuers.
    record("alerts.answered", municipality=alert.municipality_id, alert=alert.pk)
    live.publish(alert.municipality_id, desk_topic(alert.pk))
    return found


def confirm(alert: Alert, resident: Resident, *, now: datetime) -> None:
    """Who answers has what the alert says now: no further channel is tried for this person."""
    newest = alert.revisions.sent().order_by("-number").values_list("message_id", flat=True).first()
    if newest is not None:
        mark_opened(
            municipality=alert.municipality, message_id=newest, resident_id=resident.pk,
            channel=Channel.INAPP, now=now,
        )  # fmt: skip


@transaction.atomic
def take(found: Answer, *, member: StaffMember, now: datetime) -> Answer:
    """Say that one goes to help this person, or raise Refused when another already does."""
    taken = (
        Answer.objects.of(found.municipality_id)
        .filter(pk=found.pk, help_at__isnull=False, taken_at__isnull=True)
        .update(taken_at=now, taken_by_id=member.person_id)
    )
    if not taken:
        raise Refused(_("Une autre personne s’en occupe déjà, ou l’aide n’est plus demandée."))
    record(
        "alerts.help_taken", municipality=found.municipality_id, actor=member.person,
        alert=found.alert_id, answer=found.pk,
    )  # fmt: skip
    live.publish(found.municipality_id, desk_topic(found.alert_id))
    live.publish(found.municipality_id, own_topic(found.alert_id, found.resident_id))
    found.refresh_from_db()
    return found


@transaction.atomic
def forget(resident: Resident) -> None:
    """Keep the figure, forget the person and what was told to the rescuers."""
    Answer.objects.of(resident.municipality_id).filter(resident=resident).update(
        resident=None, note=""
    )


def answers_of(resident: Resident) -> list[dict[str, Any]]:
    """Every answer of the person, in the words of the export."""
    return [
        {
            "alerte": one.alert_id,
            "reponse": one.kind,
            "precisions": one.note,
            "premiere_reponse_le": one.first_at,
            "le": one.at,
            "aide_demandee_le": one.help_at,
            "prise_en_charge_le": one.taken_at,
        }
        for one in Answer.objects.of(resident.municipality_id)
        .filter(resident=resident)
        .order_by("pk")
    ]
