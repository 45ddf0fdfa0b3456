"""Everything that changes a household: who belongs to it, and as what."""

from __future__ import annotations

from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils.translation import gettext as _

from parvis.core import secret
from parvis.core.errors import Refused
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality
from parvis.residents import rules
from parvis.residents.models import Household, HouseholdMember, Resident

HOUSEHOLDS = 4
MEMBERS = 20
Role = HouseholdMember.Role


def households_of(person: Resident) -> list[Household]:
    """The person's households, each with its members and the person's own row as `mine`."""
    own = (
        HouseholdMember.objects.of(person.municipality_id)
        .filter(resident=person, accepted_at__isnull=False)
        .select_related("household__address")
        .order_by("household_id")
    )
    found = []
    for row in own:
        household = row.household
        household.mine = row
        household.people = list(household.members.select_related("resident").order_by("id"))
        found.append(household)
    return found


def belongs(household: Household, person: Resident) -> bool:
    return (
        HouseholdMember.objects.of(household.municipality_id)
        .filter(household=household, resident=person, accepted_at__isnull=False)
        .exists()
    )


def check_belongs(household: Household, person: Resident) -> None:
    """Raise Refused unless the person is of the household."""
    if not belongs(household, person):
        raise Refused(_("Vous ne faites pas partie de ce ménage."))


def check_adult_role(role: str) -> None:
    if role not in Role.values or role == Role.CHILD:
        raise Refused(_("Choisissez un rôle de la liste."))


@transaction.atomic
def open_household(person: Resident, *, role: str, now: datetime, name: str = "") -> Household:
    """Found a household at the person's home, or raise Refused."""
    check_adult_role(role)
    Resident.objects.of(person.municipality_id).select_for_update(no_key=True).get(pk=person.pk)
    held = HouseholdMember.objects.of(person.municipality_id).filter(resident=person)
    if held.count() >= HOUSEHOLDS:
        raise Refused(_("Vous faites déjà partie de %(n)s ménages.") % {"n": HOUSEHOLDS})
    home = person.home
    household = Household.objects.create(
        municipality_id=person.municipality_id,
        name=name,
        address=home.address if home else None,
        created_at=now,
    )
    HouseholdMember.objects.create(
        municipality_id=person.municipality_id,
        household=household,
        resident=person,
        role=role,
        accepted_at=now,
        created_at=now,
    )
    _record("residents.household_opened", household, actor=person)
    return household


@transaction.atomic
def invite(
    household: Household, *, actor: Resident, email: str, role: str, now: datetime, token: str
) -> HouseholdMember:
    """Invite someone into the household by e-mail, or raise Refused. Asked again, it is renewed.

    The token goes into the letter only; what is kept of it is its digest.
    """
    check_belongs(household, actor)
    check_adult_role(role)
    _lock(household)
    email = email.lower()
    people = HouseholdMember.objects.of(household.municipality_id).filter(household=household)
    there = EmailAddress.objects.filter(
        email=email, verified=True, user_id__in=people.values("resident_id")
    )
    if there.exists():
        raise Refused(_("Cette personne fait déjà partie du ménage."))
    if people.exclude(invited_email=email).count() >= MEMBERS:
        raise Refused(_("Un ménage compte %(n)s personnes au plus.") % {"n": MEMBERS})
    member: HouseholdMember
    member, _new = people.update_or_create(
        household=household,
        invited_email=email,
        accepted_at=None,
        defaults={
            "municipality_id": household.municipality_id,
            "role": role,
            "secret_hash": secret.digest(token),
            "expires_at": now + timedelta(days=rules.HOUSEHOLD_INVITATION_DAYS),
        },
        create_defaults={
            "municipality_id": household.municipality_id,
            "role": role,
            "secret_hash": secret.digest(token),
            "expires_at": now + timedelta(days=rules.HOUSEHOLD_INVITATION_DAYS),
            "created_at": now,
        },
    )
    _record("residents.household_invited", household, actor=actor, member=member.pk)
    return member


def invitation(
    town: Municipality, *, token: str, person: Resident, now: datetime
) -> HouseholdMember:
    """The invitation that this token opens for this person, or raise Refused."""
    member: HouseholdMember | None = (
        HouseholdMember.objects.of(town)
        .select_related("household")
        .filter(secret_hash=secret.digest(token))
        .first()
    )
    if member is None:
        raise Refused(_("Cette invitation n’est plus valable. Demandez-en une nouvelle."))
    rules.check_invitation(
        expires_at=member.expires_at, taken=member.accepted_at is not None, now=now
    )
    verified = EmailAddress.objects.filter(user=person, verified=True, email=member.invited_email)
    if not verified.exists():
        raise Refused(
            _("Cette invitation est pour un autre courriel. Ajoutez-le d’abord à votre compte.")
        )
    return member


@transaction.atomic
def accept_invitation(
    town: Municipality, *, token: str, person: Resident, now: datetime
) -> Household:
    """Join the household as invited, or raise Refused."""
    found = invitation(town, token=token, person=person, now=now)
    household = found.household
    _lock(household)
    member = HouseholdMember.objects.of(town).select_for_update().get(pk=found.pk)
    rules.check_invitation(
        expires_at=member.expires_at, taken=member.accepted_at is not None, now=now
    )
    if belongs(household, person):
        raise Refused(_("Vous faites déjà partie de ce ménage."))
    member.resident, member.accepted_at = person, now
    # The digest stays, so that a second use is told apart from a false link.
    member.invited_email = ""
    member.save(update_fields=["resident", "accepted_at", "invited_email"])
    _record("residents.household_joined", household, actor=person, member=member.pk)
    return household


@transaction.atomic
def decline_invitation(town: Municipality, *, token: str, person: Resident, now: datetime) -> None:
    """Say no to an invitation: nothing of it stays. Or raise Refused."""
    member = invitation(town, token=token, person=person, now=now)
    _record("residents.household_declined", member.household, actor=person, member=member.pk)
    HouseholdMember.objects.of(town).filter(pk=member.pk).delete()


@transaction.atomic
def add_child(
    household: Household, *, actor: Resident, name: str, now: datetime
) -> HouseholdMember:
    """Write down a child, who has no account, or raise Refused."""
    check_belongs(household, actor)
    _lock(household)
    if household.members.count() >= MEMBERS:
        raise Refused(_("Un ménage compte %(n)s personnes au plus.") % {"n": MEMBERS})
    member = HouseholdMember.objects.create(
        municipality_id=household.municipality_id,
        household=household,
        name=name,
        role=Role.CHILD,
        accepted_at=now,
        created_at=now,
    )
    _record("residents.household_child_added", household, actor=actor, member=member.pk)
    return member


@transaction.atomic
def change_role(member: HouseholdMember, *, actor: Resident, role: str) -> None:
    """Change what one is oneself in a household, or raise Refused."""
    check_adult_role(role)
    if member.resident_id != actor.pk:
        raise Refused(_("Chacun choisit son propre rôle."))
    if member.role != role:
        member.role = role
        member.save(update_fields=["role"])
        _record("residents.household_role_changed", member.household, actor=actor, role=role)


@transaction.atomic
def remove_member(member: HouseholdMember, *, actor: Resident) -> None:
    """Leave the household, or take out a child or an invitation; or raise Refused.

    With the last person who has an account goes the household itself.
    """
    household = member.household
    check_belongs(household, actor)
    _lock(household)
    if member.resident_id not in (None, actor.pk):
        raise Refused(_("Seule cette personne peut quitter le ménage."))
    deed = "residents.household_left" if member.resident_id else "residents.household_removed"
    _record(deed, household, actor=actor, member=member.pk)
    member.delete()
    close_if_empty(household)


@transaction.atomic
def forget_old_invitations(town_id: int, *, now: datetime) -> int:
    """Remove invitations that nobody took up in time, with the address they were sent to."""
    old = HouseholdMember.objects.of(town_id).filter(
        accepted_at__isnull=True, resident__isnull=True, expires_at__lte=now
    )
    gone: int = old.delete()[0]
    return gone


def close_if_empty(household: Household) -> None:
    people = HouseholdMember.objects.of(household.municipality_id).filter(household=household)
    if not people.filter(resident__isnull=False).exists():
        Household.objects.of(household.municipality_id).filter(pk=household.pk).delete()


def _lock(household: Household) -> None:
    Household.objects.of(household.municipality_id).select_for_update().get(pk=household.pk)


def _record(deed: str, household: Household, *, actor: Resident, **facts: object) -> None:
    record(
        deed,
        municipality=household.municipality_id,
        actor=actor,
        household=household.pk,
        **facts,
    )
