"""Deeds of the Bureau that join several rooms: an invitation and the letter that carries it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from parvis.municipalities import actions as municipalities
from parvis.municipalities.models import Invitation, Municipality
from parvis.notifications import letters


@transaction.atomic
def send_invitation(
    town: Municipality,
    *,
    email: str,
    actor: Any,
    base_url: str,
    now: datetime,
    title: str = "",
    roles: dict[str, str] | None = None,
    is_administrator: bool = False,
    is_alert_authority: bool = False,
) -> Invitation:
    """Invite someone to the staff by a letter, or raise Refused.

    The letter and the invitation commit together: no secret is sent that does not exist.
    """
    invitation, token = municipalities.invite(
        town,
        email=email,
        actor=actor,
        now=now,
        title=title,
        roles=roles,
        is_administrator=is_administrator,
        is_alert_authority=is_alert_authority,
    )
    facts = {
        "town": town,
        "invitation": invitation,
        "inviter": actor,
        "url": f"{base_url}/bureau/invitation/{token}/",
    }
    letters.send_letter(
        municipality=town,
        to=invitation.email,
        subject=_("%(town)s vous invite à son Bureau") % {"town": town.name},
        text=render_to_string("backoffice/letters/invitation.txt", facts),
        html=render_to_string("backoffice/letters/invitation.html", facts),
        now=now,
    )
    return invitation
