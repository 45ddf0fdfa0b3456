"""An address that someone else wrote down: confirmed by whoever reads the letter sent there."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.core import signing
from django.db import transaction
from django.utils.translation import gettext as _

from parvis.core.errors import Refused
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality

SALT = "parvis.residents.confirmation"
DAYS = 7


def token_for(row: EmailAddress) -> str:
    """The secret of a confirmation letter. It names the address as well as its row.

    The library's own confirmation names the row alone: after a second correction, the letter that
    went to the first address would confirm the second.
    """
    return signing.dumps([row.pk, row.email.lower()], salt=SALT)


def awaiting(town: Municipality, *, token: str) -> EmailAddress:
    """The address that this letter asks about, confirmed already or not; or raise Refused."""
    gone = _("Ce lien n’est plus valable. Demandez à la ville de vérifier votre adresse.")
    try:
        pk, email = signing.loads(token, salt=SALT, max_age=DAYS * 24 * 3600)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise Refused(gone) from error
    row = (
        EmailAddress.objects.select_for_update(no_key=True, of=("self",))
        .filter(pk=pk, email=email, user__municipality_id=town.pk, user__is_active=True)
        .select_related("user")
        .first()
    )
    if row is None:
        raise Refused(gone)
    return row


@transaction.atomic
def confirm_address(town: Municipality, *, token: str) -> EmailAddress:
    """Note that the address is read by someone who says so, or raise Refused. Twice is once."""
    row = awaiting(town, token=token)
    if row.verified:
        return row
    if not row.set_verified():
        raise Refused(_("Cette adresse sert déjà à un autre compte."))
    record(
        "residents.address_confirmed",
        municipality=town,
        actor=row.user,
        resident=row.user_id,
        email=row.pk,
    )
    return row
