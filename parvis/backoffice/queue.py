"""What awaits someone on the staff today, the nearest promise first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from allauth.mfa.models import Authenticator
from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parvis.alerts.models import Revision
from parvis.alerts.rules import PROPOSED, SENT
from parvis.announcements import rules
from parvis.announcements.models import Announcement
from parvis.cases.models import Case, StrayLetter
from parvis.cases.rules import REOPENED
from parvis.municipalities.models import Invitation, StaffMember
from parvis.notifications.models import BadAddress, Lane, Message, Outcome
from parvis.residents.doors import may_enter

RECENT_DAYS = 7
LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Item:
    """One thing to do: what, by when, and where it is done."""

    title: str
    detail: str
    url: str
    action: str
    room: str
    due_at: datetime | None = None
    """The instant that was promised; without one it waits its turn."""
    is_mine: bool = False
    key: str = field(default="", compare=False)


@dataclass(frozen=True)
class Counts:
    total: int
    late: int
    cases: int = 0
    """Cases in which the town has something to do, whoever has them."""


def order(items: list[Item]) -> list[Item]:
    """By promise: what has a date first, the nearest before the others."""
    return sorted(items, key=lambda item: (item.due_at is None, item.due_at or LATEST, item.title))


def awaiting(member: StaffMember, *, now: datetime) -> list[Item]:
    """Everything that awaits this person, the nearest promise first."""
    items: list[Item] = []
    if may_enter(member, "alerts", "see"):
        items += alerts(member, now=now)
    elif may_enter(member, "rescue", "see"):
        items += rescues(member, now=now)
    if may_enter(member, "announcements", "see"):
        items += failed_sends(member, now=now)
        items += announcements(member, now=now)
    if may_enter(member, "cases", "act"):
        items += cases(member)
        items += letters_aside(member)
    if may_enter(member, "residents", "act"):
        items += bad_addresses(member)
    if member.is_administrator:
        items += without_second_factor(member)
        items += invitations_ending(member, now=now)
    return order(items)


def counts(member: StaffMember, *, now: datetime) -> Counts:
    """How many things wait, and how many are late; worked out once for each request."""
    known: Counts | None = getattr(member, "_waiting", None)
    if known is None:
        items = awaiting(member, now=now)
        late = sum(1 for item in items if item.due_at and item.due_at < now)
        waiting = 0
        if may_enter(member, "cases", "see"):
            waiting = Case.objects.of(member.municipality_id).awaiting_town().count()
        known = Counts(total=len(items), late=late, cases=waiting)
        member._waiting = known  # type: ignore[attr-defined]
    return known


def sent_lately(member: StaffMember) -> list[Message]:
    """The last messages that someone on the staff sent, for a glance at their proof."""
    if not may_enter(member, "announcements", "see"):
        return []
    return list(
        Message.objects.of(member.municipality_id)
        .filter(author_id__isnull=False, lane__lte=Lane.NOTICE)
        .order_by("-id")[:3]
    )


def announcements(member: StaffMember, *, now: datetime) -> Iterator[Item]:
    """My drafts, what leaves today, what should have left, what is to be lifted."""
    tomorrow = now + timedelta(days=1)
    rows = Announcement.objects.of(member.municipality_id).filter(
        Q(state=rules.DRAFT, author_id=member.person_id)
        | (Q(state=rules.DRAFT) & ~Q(trouble=""))
        | Q(state=rules.SCHEDULED, publish_at__lt=tomorrow)
        | Q(state=rules.PUBLISHED, takes_force=True, in_force_until__lt=tomorrow)
    )
    may_act = may_enter(member, "announcements", "act")
    for row in rows.select_related("subject").order_by("-id")[:100]:
        title = row.title or _("Sans titre")
        url, due, detail, action = f"/bureau/avis/{row.pk}/", None, "", _("Ouvrir")
        if row.state == rules.DRAFT:
            if not row.title and not row.text:
                continue
            detail = row.trouble or _("Brouillon que vous avez commencé")
            action, url = (_("Continuer"), f"{url}modifier/") if may_act else (action, url)
        elif row.state == rules.SCHEDULED:
            due, detail, action = row.publish_at, _("Part à ce moment"), _("Relire")
        else:
            due, detail = row.in_force_until, _("Avis en vigueur\u00a0: levée prévue")
            action = _("Prolonger ou lever") if may_act else action
        yield Item(
            title=title,
            detail=detail,
            url=url,
            action=action,
            room=_("Avis"),
            due_at=due,
            is_mine=row.author_id == member.person_id,
            key=f"announcement-{row.pk}",
        )


def letters_aside(member: StaffMember) -> Iterator[Item]:
    """Letters to a case that a clerk has to judge."""
    rows = StrayLetter.objects.of(member.municipality_id).filter(settled_at__isnull=True)
    count = rows.count()
    if count:
        yield Item(
            title=ngettext("%(n)s courriel mis de côté", "%(n)s courriels mis de côté", count)
            % {"n": count},
            detail=_("À verser à sa demande, ou à écarter"),
            url="/bureau/demandes/?file=courriels",
            action=_("Lire"),
            room=_("Demandes"),
            key="letters-aside",
        )


MOST_CASES = 50


def cases(member: StaffMember) -> Iterator[Item]:
    """The cases that this person has, and those that nobody has; the queue shows all of them."""
    rows = Case.objects.of(member.municipality_id).awaiting_town()
    mine = Q(assignee=member) | Q(assignee=None)
    for row in rows.filter(mine).select_related("resident").queued()[:MOST_CASES]:
        is_mine = row.assignee_id == member.pk
        detail = f"{row.number}, {row.person_name}"
        if not is_mine:
            detail = f"{detail}. {_('À assigner')}"
        elif row.state == REOPENED:
            detail = f"{detail}. {_('Rouverte')}"
        yield Item(
            title=row.subject or str(row.about.label),
            detail=detail,
            url=f"/bureau/demandes/{row.pk}/",
            action=_("Répondre") if is_mine else _("Assigner"),
            room=_("Demandes"),
            due_at=row.due_at,
            is_mine=is_mine,
            key=f"case-{row.pk}",
        )


def alerts(member: StaffMember, *, now: datetime) -> Iterator[Item]:
    """What waits for a decision, my drafts, and what the town promised to say of an alert."""
    town = member.municipality_id
    room = _("Alertes")
    waiting = Revision.objects.of(town).exclude(state=SENT).select_related("alert")
    for one in waiting.order_by("-pk")[:50]:
        proposed = one.state == PROPOSED
        if not proposed and one.author_id != member.person_id:
            continue
        yield Item(
            title=one.title or _("Sans titre"),
            detail=_("Attend l’approbation d’une personne désignée")
            if proposed
            else _("Brouillon que vous avez commencé"),
            url=f"/bureau/alertes/{one.alert_id}/{'approuver' if proposed else 'modifier'}/",
            action=_("Relire") if proposed else _("Continuer"),
            room=room,
            due_at=one.proposed_at,
            is_mine=one.author_id == member.person_id,
            key=f"alert-revision-{one.pk}",
        )
    for one in Revision.objects.of(town).newest_of_standing(now):
        promised = one.next_at or one.alert.expires_at
        yield Item(
            title=one.title,
            detail=_("Alerte en vigueur\u00a0: prochaine mise à jour promise")
            if one.next_at
            else _("Alerte en vigueur\u00a0: elle prend fin d’elle-même"),
            url=f"/bureau/alertes/{one.alert_id}/",
            action=_("Suivre"),
            room=room,
            due_at=promised,
            is_mine=one.decided_by_id == member.person_id,
            key=f"alert-{one.alert_id}",
        )


def rescues(member: StaffMember, *, now: datetime) -> Iterator[Item]:
    """The way in for a rescuer, who has no menu of alerts: where someone must go."""
    for one in Revision.objects.of(member.municipality_id).newest_of_standing(now):
        yield Item(
            title=one.title,
            detail=_("Alerte en vigueur\u00a0: demandes d’aide et adresses non jointes"),
            url=f"/bureau/alertes/{one.alert_id}/porte-a-porte/",
            action=_("Porte-à-porte"),
            room=_("Alertes"),
            due_at=one.next_at or one.alert.expires_at,
            is_mine=False,
            key=f"alert-round-{one.alert_id}",
        )


def bad_addresses(member: StaffMember) -> Iterator[Item]:
    count = BadAddress.objects.of(member.municipality_id).filter(corrected_at__isnull=True).count()
    if count:
        yield Item(
            title=ngettext(
                "%(n)s adresse de courriel à corriger",
                "%(n)s adresses de courriel à corriger",
                count,
            )
            % {"n": count},
            detail=_("Refusées pour de bon par leur serveur"),
            url="/bureau/envois/#corriger",
            action=_("Corriger"),
            room=_("Envois"),
            key="bad-addresses",
        )


def failed_sends(member: StaffMember, *, now: datetime) -> Iterator[Item]:
    town = member.municipality_id
    since = now - timedelta(days=RECENT_DAYS)
    recent = {
        message.pk: message
        for message in Message.objects.of(town).filter(
            created_at__gte=since, author_id__isnull=False
        )[:200]
    }
    failed = (
        Outcome.objects.of(town)
        .filter(message_id__in=recent, is_final=True, state=Outcome.State.EXPIRED)
        .values_list("message_id")
        .annotate(n=Count("id"))
        .order_by("-message_id")
    )
    for message_id, count in failed:
        message = recent[message_id]
        title = message.content.get("fr", {}).get("title", "")
        yield Item(
            title=_("Envoi inachevé\u00a0: %(title)s") % {"title": title},
            detail=ngettext(
                "%(n)s message non remis à temps", "%(n)s messages non remis à temps", count
            )
            % {"n": count},
            url=f"/bureau/envois/{message_id}/",
            action=_("Voir pourquoi"),
            room=_("Envois"),
            is_mine=message.author_id == member.person_id,
            key=f"send-{message_id}",
        )


def without_second_factor(member: StaffMember) -> Iterator[Item]:
    proven = Authenticator.objects.values("user_id")
    missing = (
        StaffMember.objects.of(member.municipality_id)
        .filter(left_at__isnull=True)
        .exclude(person_id__in=proven)
        .select_related("person")
    )
    for other in missing:
        yield Item(
            title=_("%(name)s n’a pas de second facteur") % {"name": other.person.short_name},
            detail=other.title or _("Équipe"),
            url=f"{reverse('backoffice:team')}#m{other.pk}",
            action=_("Voir"),
            room=_("Équipe"),
            key=f"factor-{other.pk}",
        )


def invitations_ending(member: StaffMember, *, now: datetime) -> Iterator[Item]:
    ending = Invitation.objects.of(member.municipality_id).filter(
        accepted_at__isnull=True, withdrawn_at__isnull=True, expires_at__gt=now,
        expires_at__lt=now + timedelta(days=2),
    )  # fmt: skip
    for invitation in ending:
        yield Item(
            title=_("Invitation sans réponse\u00a0: %(email)s") % {"email": invitation.email},
            detail=_("Elle cesse bientôt d’être valable"),
            url=f"{reverse('backoffice:team')}#invitations",
            action=_("Relancer"),
            room=_("Équipe"),
            due_at=invitation.expires_at,
            key=f"invitation-{invitation.pk}",
        )
