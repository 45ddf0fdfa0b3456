"""Everything that changes a town, its staff, and its audit trail."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from parvis.core import secret
from parvis.core.db import as_town
from parvis.core.errors import Refused
from parvis.municipalities import rules, signals
from parvis.municipalities.models import (
    AuditLine,
    HostName,
    Invitation,
    Municipality,
    PushKey,
    StaffMember,
    StaffRole,
)
from parvis.municipalities.seals import anchor_file as anchor_file
from parvis.municipalities.seals import note_head as note_head
from parvis.municipalities.seals import seal_lines as seal_lines
from parvis.municipalities.seals import verify_trail as verify_trail
from parvis.municipalities.vapid import new_key_pair


def record(
    deed: str, *, municipality: Municipality | int, actor: Any = None, **facts: Any
) -> AuditLine:
    """Write the audit line of a deed, in the deed's own transaction. Facts are identifiers."""
    return AuditLine.objects.create(
        municipality_id=municipality if isinstance(municipality, int) else municipality.pk,
        at=timezone.now(),
        deed=deed,
        actor_id=actor.pk if actor is not None else None,
        facts=facts,
    )


@transaction.atomic
def open_town(
    *, slug: str, name: str, host: str, now: datetime, brand: str = "#34468f", **facts: Any
) -> Municipality:
    """Open a town at this host name, with its push key, or raise Refused.

    Runs without a town set: the town does not exist yet.
    """
    rules.check_host_name(host)
    rules.check_code(facts.get("code", ""))
    try:
        with transaction.atomic():
            town = Municipality.objects.create(
                slug=slug, name=name, brand=brand, opened_at=now, **facts
            )
            HostName.objects.create(municipality=town, name=host, is_main=True)
    except IntegrityError as error:
        raise Refused(_("Ce nom d’hôte ou cet identifiant sert déjà.")) from error
    with as_town(town.pk):
        renew_push_key(town, now=now)
        record("municipalities.opened", municipality=town, host=host)
        signals.opened.send(sender=Municipality, municipality=town, now=now)
    return town


@transaction.atomic
def renew_push_key(town: Municipality, *, now: datetime) -> PushKey:
    """Give the town a new VAPID key; devices of the old one keep working until they renew."""
    PushKey.objects.of(town).filter(retired_at__isnull=True).update(retired_at=now)
    private, public = new_key_pair()
    key = PushKey.objects.create(
        municipality=town,
        private=secret.encipher("vapid", private),
        public=public,
        created_at=now,
    )
    record("municipalities.push_key_renewed", municipality=town, key=key.pk)
    return key


@transaction.atomic
def change_town(town: Municipality, *, actor: Any, **changes: Any) -> Municipality:
    """Change the town's settings, or raise Refused. The trail keeps what changed, from and to."""
    known = {
        "name", "code", "brand", "crest", "languages", "recognised_29_1", "time_zone", "rooms",
        "help_phone", "night_phone", "contact_email", "street_address", "privacy_officer",
        "privacy_email", "step_minutes",
    }  # fmt: skip
    if not changes.keys() <= known:
        raise ValueError(f"not settings of a town: {changes.keys() - known}")
    if "time_zone" in changes:
        rules.check_time_zone(changes["time_zone"])
    rules.check_step(changes.get("step_minutes", town.step_minutes))
    rules.check_code(changes.get("code", ""))
    if "brand" in changes:
        changes["brand"] = rules.check_brand(changes["brand"])
    town = Municipality.objects.select_for_update().get(pk=town.pk)
    if {"languages", "recognised_29_1"} & changes.keys():
        rules.check_languages(
            changes.get("languages", town.languages),
            recognised=changes.get("recognised_29_1", town.recognised_29_1),
        )
    moved = {
        key: [getattr(town, key), value]
        for key, value in changes.items()
        if getattr(town, key) != value
    }
    for key, (_before, after) in moved.items():
        setattr(town, key, after)
    if moved:
        town.save(update_fields=[*moved, "updated_at"])
        record("municipalities.changed", municipality=town, actor=actor, changes=moved)
    return town


@transaction.atomic
def invite(
    town: Municipality,
    *,
    email: str,
    actor: Any,
    now: datetime,
    title: str = "",
    roles: dict[str, str] | None = None,
    is_administrator: bool = False,
    is_alert_authority: bool = False,
) -> tuple[Invitation, str]:
    """Prepare an invitation to the staff, or raise Refused; answer it with its letter's secret.

    It takes the place of one already sent to the same address.
    """
    email = email.strip().lower()
    check_roles(roles or {})
    staff = StaffMember.objects.of(town).filter(left_at__isnull=True)
    if staff.filter(person__email__iexact=email).exists():
        raise Refused(_("Cette personne fait déjà partie de l’équipe."))
    waiting = Invitation.objects.of(town).filter(
        email=email, accepted_at__isnull=True, withdrawn_at__isnull=True
    )
    waiting.update(withdrawn_at=now)
    token = secrets.token_urlsafe(24)
    invitation = Invitation.objects.create(
        municipality=town,
        email=email,
        title=title,
        roles=roles or {},
        is_administrator=is_administrator,
        is_alert_authority=is_alert_authority,
        secret_hash=secret.digest(token),
        invited_by=actor,
        created_at=now,
        expires_at=now + timedelta(days=rules.INVITATION_DAYS),
    )
    record("municipalities.invited", municipality=town, actor=actor, invitation=invitation.pk)
    return invitation, token


@transaction.atomic
def withdraw_invitation(invitation: Invitation, *, actor: Any, now: datetime) -> None:
    """Withdraw an invitation that nobody took up."""
    changed = (
        Invitation.objects.of(invitation.municipality_id)
        .filter(pk=invitation.pk, accepted_at__isnull=True, withdrawn_at__isnull=True)
        .update(withdrawn_at=now)
    )
    if changed:
        record(
            "municipalities.invitation_withdrawn",
            municipality=invitation.municipality_id,
            actor=actor,
            invitation=invitation.pk,
        )


@transaction.atomic
def accept_invitation(town: Municipality, *, token: str, person: Any, now: datetime) -> StaffMember:
    """Make the person signed in a staff member as invited, or raise Refused."""
    invitation = (
        Invitation.objects.of(town)
        .select_for_update()
        .filter(secret_hash=secret.digest(token))
        .first()
    )
    if invitation is None or invitation.withdrawn_at or invitation.expires_at <= now:
        raise Refused(_("Cette invitation n’est plus valable. Demandez-en une nouvelle."))
    if invitation.accepted_at:
        raise Refused(_("Cette invitation a déjà servi."))
    if invitation.email != person.email.lower():
        raise Refused(
            _("Cette invitation est pour une autre adresse. Connectez-vous avec celle-là.")
        )
    invitation.accepted_at = now
    invitation.save(update_fields=["accepted_at"])
    member = add_staff(
        town,
        person=person,
        now=now,
        actor=person,
        title=invitation.title,
        roles=invitation.roles,
        is_administrator=invitation.is_administrator,
        is_alert_authority=invitation.is_alert_authority,
    )
    return member


@transaction.atomic
def add_staff(
    town: Municipality,
    *,
    person: Any,
    now: datetime,
    actor: Any = None,
    title: str = "",
    roles: dict[str, str] | None = None,
    is_administrator: bool = False,
    is_alert_authority: bool = False,
) -> StaffMember:
    """Make this person a member of the town's staff; someone who left may come back."""
    member: StaffMember
    member, _new = StaffMember.objects.of(town).update_or_create(
        person=person,
        defaults={
            "title": title,
            "is_administrator": is_administrator,
            "is_alert_authority": is_alert_authority,
            "left_at": None,
        },
        create_defaults={
            "municipality": town,
            "title": title,
            "is_administrator": is_administrator,
            "is_alert_authority": is_alert_authority,
            "joined_at": now,
        },
    )
    record(
        "municipalities.staff_joined",
        municipality=town,
        actor=actor,
        member=member.pk,
        administrator=is_administrator,
        alert_authority=is_alert_authority,
    )
    set_roles(member, roles=roles or {}, actor=actor)
    return member


@transaction.atomic
def set_roles(
    member: StaffMember,
    *,
    roles: dict[str, str],
    actor: Any,
    is_administrator: bool | None = None,
    is_alert_authority: bool | None = None,
    title: str | None = None,
) -> None:
    """Set what a staff member may do, or raise Refused. The town keeps one administrator."""
    town = member.municipality_id
    check_roles(roles)
    # Two administrators who drop each other's right at once: the second waits, then is refused.
    Municipality.objects.select_for_update(no_key=True).get(pk=town)
    if is_administrator is False:
        check_another_administrator(member)
    for field, value in (
        ("is_administrator", is_administrator),
        ("is_alert_authority", is_alert_authority),
        ("title", title),
    ):
        if value is not None:
            setattr(member, field, value)
    member.save(update_fields=["is_administrator", "is_alert_authority", "title"])
    StaffRole.objects.of(town).filter(member=member).exclude(room__in=roles).delete()
    for room, level in roles.items():
        StaffRole.objects.of(town).update_or_create(
            member=member,
            room=room,
            defaults={"level": level},
            create_defaults={"municipality_id": town, "level": level},
        )
    record(
        "municipalities.roles_set",
        municipality=town,
        actor=actor,
        member=member.pk,
        roles=roles,
        administrator=member.is_administrator,
        alert_authority=member.is_alert_authority,
    )


def check_roles(roles: dict[str, str]) -> None:
    """Raise Refused for a room or a level that does not exist."""
    if not roles.keys() <= rules.ROOMS.keys() or not set(roles.values()) <= {"see", "act"}:
        raise Refused(_("Ce rôle n’existe pas."))


def check_another_administrator(member: StaffMember) -> None:
    """Raise Refused when nobody else administers the town."""
    others = StaffMember.objects.of(member.municipality_id).filter(
        is_administrator=True, left_at__isnull=True
    )
    if member.is_administrator and not others.exclude(pk=member.pk).exists():
        raise Refused(_("Nommez d’abord une autre personne à l’administration."))


@transaction.atomic
def leave_staff(member: StaffMember, *, actor: Any, now: datetime) -> None:
    """End someone's work for the town; every session of theirs ends. Or raise Refused."""
    Municipality.objects.select_for_update(no_key=True).get(pk=member.municipality_id)
    check_another_administrator(member)
    changed = (
        StaffMember.objects.of(member.municipality_id)
        .filter(pk=member.pk, left_at__isnull=True)
        .update(left_at=now, is_administrator=False, is_alert_authority=False)
    )
    if changed:
        StaffRole.objects.of(member.municipality_id).filter(member=member).delete()
        person = member.person
        person.session_epoch += 1
        person.save(update_fields=["session_epoch"])
        record(
            "municipalities.staff_left",
            municipality=member.municipality_id,
            actor=actor,
            member=member.pk,
        )
