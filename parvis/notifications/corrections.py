"""Addresses that a server refused for good: corrected by a clerk, or found good after all."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from parvis.core.errors import Refused
from parvis.municipalities.actions import record
from parvis.municipalities.models import StaffMember
from parvis.notifications.letters import send_letter
from parvis.notifications.models import BadAddress
from parvis.residents.models import Resident


@transaction.atomic
def correct_address(bad: BadAddress, *, email: str, actor: Any, now: datetime) -> None:
    """Put this address in the place of the refused one, or raise Refused. Both are told apart.

    The same address again means: try it once more. A letter to the new one says who changed it.
    """
    town = bad.municipality
    standing = (
        BadAddress.objects.of(town)
        .select_for_update(no_key=True, of=("self",))
        .filter(pk=bad.pk, corrected_at__isnull=True)
        .first()
    )
    if standing is None:
        raise Refused(_("Cette adresse a déjà été corrigée."))
    row = EmailAddress.objects.filter(pk=bad.email_id, user_id=bad.resident_id).first()
    if row is None:
        raise Refused(_("La personne a retiré cette adresse."))
    email = email.strip().lower()
    if email != row.email.lower():
        # Whoever reads a colleague's mail could sign in as that colleague.
        if (
            StaffMember.objects.of(town)
            .filter(person_id=bad.resident_id, left_at__isnull=True)
            .exists()
        ):
            raise Refused(_("L’adresse d’une personne de l’équipe se change par elle-même."))
        _replace(row, email, town_id=town.pk)
        send_letter(
            municipality=town,
            to=email,
            subject=_("Votre adresse de courriel a été corrigée"),
            text=_(
                "%(town)s a corrigé votre adresse de courriel\u00a0: les avis arriveront ici. "
                "Si ce n’est pas vous, répondez à la ville."
            )
            % {"town": town.name},
            html="",
            now=now,
        )
    BadAddress.objects.of(town).filter(pk=bad.pk).update(corrected_at=now)
    record(
        "notifications.address_corrected",
        municipality=town,
        actor=actor,
        resident=bad.resident_id,
        email=row.pk,
    )


def _replace(row: EmailAddress, email: str, *, town_id: int) -> None:
    """Change the address, and the account's own when it is the primary one, or raise Refused."""
    try:
        with transaction.atomic():
            if EmailAddress.objects.filter(email__iexact=email).exclude(pk=row.pk).exists():
                raise Refused(_("Cette adresse sert déjà à un autre compte."))
            EmailAddress.objects.filter(pk=row.pk).update(email=email)
            if row.primary:
                Resident.objects.of(town_id).filter(pk=row.user_id).update(email=email)
    except IntegrityError as error:
        raise Refused(_("Cette adresse sert déjà à un autre compte.")) from error
