"""Preparing what an alert will say, and proposing it to whoever decides."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from parvis.alerts import audience, events, rules
from parvis.alerts.answers import desk_topic
from parvis.alerts.models import Alert, Revision
from parvis.core import live, prose
from parvis.core.db import violated_constraint
from parvis.core.errors import Refused
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality
from parvis.territory import geometry
from parvis.territory.search import addresses_within

TOPIC = "alerts"
USUAL_LENGTH = timedelta(hours=24)
EDITABLE = frozenset(
    {
        "severity", "urgency", "certainty", "words", "note", "everywhere", "sector_ids",
        "address_ids", "area", "next_at", "expires_at",
    }
)  # fmt: skip
COPIED = (
    "severity", "urgency", "certainty", "words", "everywhere", "sector_ids", "address_ids", "area",
    "area_address_ids", "expires_at",
)  # fmt: skip


def locked(revision: Revision) -> Revision:
    """The revision as it stands, its alert held until the transaction ends."""
    Alert.objects.of(revision.municipality_id).select_for_update(no_key=True).get(
        pk=revision.alert_id
    )
    row: Revision | None = (
        Revision.objects.of(revision.municipality_id)
        .select_for_update(no_key=True, of=("self",))
        .select_related("alert", "municipality")
        .filter(pk=revision.pk)
        .first()
    )
    if row is None:
        raise Refused(_("Ce brouillon n’existe plus."))
    return row


def offered(municipality: Municipality) -> list[str]:
    """Languages in which this town speaks of danger."""
    return ["fr", *(one for one in municipality.languages if one == "en")]


@transaction.atomic
def begin_alert(
    *, municipality: Municipality, event: str, is_drill: bool, actor: Any, now: datetime
) -> Revision:
    """Begin an alert or a drill with the words of its template, or raise Refused."""
    if event not in events.EVENTS:
        raise Refused(_("Choisissez un modèle."))
    alert = Alert.objects.create(
        municipality=municipality, event=event, is_drill=is_drill, created_at=now,
        author_id=actor.pk if actor is not None else None,
    )  # fmt: skip
    kind = alert.kind
    revision = Revision.objects.create(
        municipality=municipality, alert=alert, number=1, kind=rules.ALERT,
        severity=kind.severity, urgency=kind.urgency, certainty=kind.certainty,
        words=template_words(municipality, event, rules.ALERT), expires_at=now + USUAL_LENGTH,
        author_id=actor.pk if actor is not None else None, created_at=now, revised_at=now,
    )  # fmt: skip
    record(
        "alerts.drafted", municipality=municipality, actor=actor, alert=alert.pk, event=event,
        drill=is_drill,
    )  # fmt: skip
    return revision


def template_words(municipality: Municipality, event: str, kind: str) -> dict[str, Any]:
    found = events.first_words(event, kind, municipality.name)
    return {language: found[language] for language in offered(municipality)}


@transaction.atomic
def begin_revision(alert: Alert, *, kind: str, actor: Any, now: datetime) -> Revision:
    """Begin an update, a lifting or a cancellation of what is in force, or raise Refused."""
    fresh = Alert.objects.of(alert.municipality_id).select_for_update(no_key=True).get(pk=alert.pk)
    rules.check_next(fresh.state, kind)
    last = fresh.revisions.sent().order_by("-number").first()
    facts = {name: getattr(last, name) for name in COPIED}
    town = fresh.municipality
    if kind == rules.LIFT:
        facts["words"] = template_words(town, fresh.event, kind)
    elif kind == rules.CANCEL:
        facts["words"] = cancel_words(facts["words"])
    if kind in rules.ENDS:
        facts |= {"urgency": "Past"}
    try:
        with transaction.atomic():
            revision = Revision.objects.create(
                municipality=town, alert=fresh, number=last.number + 1, kind=kind, created_at=now,
                revised_at=now, author_id=actor.pk if actor is not None else None, **facts,
            )  # fmt: skip
    except IntegrityError as error:
        if violated_constraint(error) in {"one_open_revision_per_alert", "one_revision_per_number"}:
            raise Refused(
                _("Une suite de cette alerte est déjà en préparation\u00a0: reprenez-la.")
            ) from error
        raise
    record(
        "alerts.revision_drafted", municipality=town, actor=actor, alert=fresh.pk,
        revision=revision.pk, kind=kind,
    )  # fmt: skip
    return revision


CANCELLED = {
    "fr": (
        "Annulé\u00a0: {title}",
        "Message annulé. Ne tenez pas compte de notre dernière alerte.",
        "L’alerte envoyée plus tôt était une erreur. Vous n’avez rien à faire.",
    ),
    "en": (
        "Cancelled: {title}",
        "Message cancelled. Please disregard our last alert.",
        "The alert sent earlier was a mistake. There is nothing that you need to do.",
    ),
}


def cancel_words(words: dict[str, Any]) -> dict[str, Any]:
    """A cancelled alert was a mistake: say so, in every language in which it was said."""
    found = {}
    for language, said in words.items():
        title, short, text = CANCELLED[language]
        title = title.format(title=said["title"])[: rules.TITLE_MAX]
        found[language] = {**said, "title": title, "short": short, "text": text, "steps": []}
    return found


def apply(revision: Revision, changes: dict[str, Any], *, now: datetime) -> list[str]:
    """Put the changes on the row, unsaved, or raise Refused; names of the columns that moved."""
    if not changes.keys() <= EDITABLE:
        raise ValueError(f"not of a revision: {sorted(changes.keys() - EDITABLE)}")
    town = revision.municipality
    for name in ("next_at", "expires_at"):
        rules.check_instant(changes.get(name), now=now)
    if "words" in changes:
        changes["words"] = {
            language: tidied(said) for language, said in changes["words"].items()
        }  # fmt: skip
        rules.check_words(changes["words"], complete=False)
    if "note" in changes:
        changes["note"] = prose.tidy_line(changes["note"])[: rules.NOTE_MAX]
    if "sector_ids" in changes:
        changes["sector_ids"] = audience.standing_sectors(town, changes["sector_ids"])
    if "address_ids" in changes:
        changes["address_ids"] = audience.standing_addresses(town, changes["address_ids"])
    if changes.get("area") is not None:
        changes["area"] = geometry.check_polygons(changes["area"])
        if changes["area"] != revision.area:
            audience.check_in_town(town, changes["area"])
    moved = [name for name, value in changes.items() if getattr(revision, name) != value]
    for name in moved:
        setattr(revision, name, changes[name])
    if "area" in moved:
        revision.area_address_ids = (
            [] if revision.area is None else addresses_within(town, revision.area)
        )
        moved.append("area_address_ids")
    return moved


def tidied(said: dict[str, Any]) -> dict[str, Any]:
    steps = [prose.tidy_line(step) for step in said.get("steps", ())]
    found = {
        "title": prose.tidy_line(said.get("title", "")),
        "short": prose.tidy_line(said.get("short", "")),
        "text": prose.tidy(said.get("text", "")),
        "steps": [step for step in steps if step],
    }
    return found | ({"basis": said["basis"]} if "basis" in said else {})


def touch(revision: Revision, *, now: datetime, columns: list[str]) -> None:
    """Save these columns, and raise the token so that whoever else looks at it learns of it."""
    revision.token += 1
    revision.revised_at = now
    revision.save(update_fields=[*columns, "token", "revised_at"])
    live.publish(revision.municipality_id, desk_topic(revision.alert_id))


@transaction.atomic
def revise(
    revision: Revision, *, actor: Any, token: int, now: datetime, **changes: Any
) -> Revision:
    """Save what changed in a draft, or raise Refused; what was proposed is a draft again only when
    taken back, so that nobody approves what they did not read."""
    fresh = locked(revision)
    if fresh.state == rules.SENT:
        raise Refused(_("Ce message est parti\u00a0: il ne change plus."))
    if fresh.state == rules.PROPOSED:
        raise Refused(_("Ce message attend l’approbation\u00a0: reprenez-le d’abord."))
    rules.check_token(token, fresh.token)
    moved = apply(fresh, changes, now=now)
    if moved:
        touch(fresh, now=now, columns=moved)
    return fresh


def check_ready(revision: Revision, *, now: datetime) -> None:
    """Whether it could be sent at this instant, or raise Refused."""
    rules.check_next(revision.alert.state, revision.kind)
    if revision.kind != rules.ALERT and not revision.alert.stands(now):
        raise Refused(_("Cette alerte est terminée\u00a0: composez-en une nouvelle."))
    rules.check_words(revision.words, complete=True)
    rules.check_dates(
        kind=revision.kind, now=now, next_at=revision.next_at, expires_at=revision.expires_at
    )
    if not revision.ends_it:
        audience.area_of(revision)


@transaction.atomic
def propose(revision: Revision, *, actor: Any, token: int, now: datetime) -> Revision:
    """Ask a designated person to decide, or raise Refused."""
    fresh = locked(revision)
    if fresh.state != rules.WRITTEN:
        raise Refused(_("Ce message est déjà proposé ou parti."))
    rules.check_token(token, fresh.token)
    check_ready(fresh, now=now)
    fresh.state, fresh.proposed_at, fresh.proposed_by_id = rules.PROPOSED, now, actor.pk
    touch(fresh, now=now, columns=["state", "proposed_at", "proposed_by_id"])
    record(
        "alerts.proposed", municipality=fresh.municipality_id, actor=actor, alert=fresh.alert_id,
        revision=fresh.pk,
    )  # fmt: skip
    return fresh


@transaction.atomic
def take_back(revision: Revision, *, actor: Any, now: datetime) -> Revision:
    """Make what was proposed a draft again: to change it, or because the decider says no."""
    fresh = locked(revision)
    if fresh.state != rules.PROPOSED:
        raise Refused(_("Ce message n’attend pas d’approbation."))
    fresh.state, fresh.proposed_at, fresh.proposed_by_id = rules.WRITTEN, None, None
    touch(fresh, now=now, columns=["state", "proposed_at", "proposed_by_id"])
    record(
        "alerts.taken_back", municipality=fresh.municipality_id, actor=actor,
        alert=fresh.alert_id, revision=fresh.pk,
    )  # fmt: skip
    return fresh


@transaction.atomic
def discard(revision: Revision, *, actor: Any, now: datetime) -> None:
    """Throw a draft away, or raise Refused if it was sent or waits for a decision."""
    fresh = locked(revision)
    if fresh.state != rules.WRITTEN:
        raise Refused(_("Seul un brouillon se jette."))
    alert = fresh.alert
    record(
        "alerts.discarded", municipality=fresh.municipality_id, actor=actor, alert=alert.pk,
        revision=fresh.pk,
    )  # fmt: skip
    fresh.delete()
    if alert.begun_at is None:
        alert.delete()
