"""Addresses that a server refused for good: corrected by a clerk, or found good after all."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from parvis.core.errors import Refused
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality, StaffMember
from parvis.notifications.letters import send_letter
from parvis.notifications.models import BadAddress
from parvis.notifications.urls_of import absolute
from parvis.residents import confirmations
from parvis.residents.models import Resident


@transaction.atomic
def correct_address(
    bad: BadAddress, *, email: str, actor: Any, now: datetime, again: bool = False
) -> bool:
    """Put this address in the place of the refused one, or raise Refused; answer if it is in use.

    A new address receives one letter, which asks its reader to confirm it, and nothing else until
    they do. The same address again means: try it once more. `again` corrects, or asks once more
    about, an address that a clerk wrote down and nobody confirmed yet.
    """
    town = bad.municipality
    standing = (
        BadAddress.objects.of(town)
        .select_for_update(no_key=True, of=("self",))
        .filter(pk=bad.pk)
        .first()
    )
    row = EmailAddress.objects.filter(pk=bad.email_id, user_id=bad.resident_id).first()
    if row is None:
        raise Refused(_("La personne a retiré cette adresse."))
    if standing is None or (standing.corrected_at is not None and (row.verified or not again)):
        raise Refused(_("Cette adresse a déjà été corrigée."))
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
        row.refresh_from_db()
    if not row.verified:
        _ask(town, row, now=now)
    BadAddress.objects.of(town).filter(pk=bad.pk).update(corrected_at=now)
    record(
        "notifications.address_corrected",
        municipality=town,
        actor=actor,
        resident=bad.resident_id,
        email=row.pk,
    )
    return bool(row.verified)


def _ask(town: Municipality, row: EmailAddress, *, now: datetime) -> None:
    """Ask the reader of this address to confirm it. The letter names nobody: it may go astray."""
    path = reverse("account_confirm_corrected", args=[confirmations.token_for(row)])
    send_letter(
        municipality=town,
        to=row.email,
        subject=_("Confirmez votre adresse de courriel"),
        text=_(
            "%(town)s a noté cette adresse pour un compte du portail. Si elle est la vôtre, "
            "confirmez-la d’ici %(days)s jours\u00a0:\n\n%(link)s\n\n"
            "Sinon, ne faites rien\u00a0: rien d’autre ne vous sera envoyé."
        )
        % {"town": town.name, "days": confirmations.DAYS, "link": absolute(town, path)},
        html="",
        now=now,
    )


def _replace(row: EmailAddress, email: str, *, town_id: int) -> None:
    """Change the address, which nobody confirmed yet, and the account's own; or raise Refused."""
    try:
        with transaction.atomic():
            if EmailAddress.objects.filter(email__iexact=email).exclude(pk=row.pk).exists():
                raise Refused(_("Cette adresse sert déjà à un autre compte."))
            EmailAddress.objects.filter(pk=row.pk).update(email=email, verified=False)
            if row.primary:
                Resident.objects.of(town_id).filter(pk=row.user_id).update(email=email)
    except IntegrityError as error:
        raise Refused(_("Cette adresse sert déjà à un autre compte.")) from error
