"""How one meets the town, and what becomes of an appointment on its day. Pure: no database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from parvis.core.errors import Refused
from parvis.reservations.hours import Span

HERE, PHONE, VIDEO = "here", "phone", "video"
EXPECTED, ARRIVED, SERVED, ABSENT = "", "arrived", "served", "absent"
NEXT = {
    EXPECTED: (ARRIVED, SERVED, ABSENT),
    ARRIVED: (SERVED, EXPECTED),
    SERVED: (ARRIVED, EXPECTED),
    ABSENT: (ARRIVED, EXPECTED),
}
"""Presence → what it may become; a mistake is taken back to what was expected."""


def chosen_way(ways: Sequence[str], asked: str) -> str:
    """How the appointment takes place, or raise Refused; the only way need not be said."""
    if not asked and len(ways) == 1:
        return ways[0]
    if asked not in ways:
        raise Refused(_("Choisissez comment le rendez-vous se passe."))
    return asked


def check_presence(before: str, after: str, span: Span, *, now: datetime, zone: ZoneInfo) -> None:
    """Raise Refused unless the desk may note this: nobody arrives before the day comes."""
    if after not in NEXT.get(before, ()):
        raise Refused(_("Ce n’est plus possible\u00a0: rechargez la page, puis recommencez."))
    if after == EXPECTED:
        return
    if now.astimezone(zone).date() < span.start.astimezone(zone).date():
        raise Refused(_("Ce rendez-vous n’est pas aujourd’hui\u00a0: attendez son jour."))
    if after == ABSENT and now < span.start:
        raise Refused(_("L’heure du rendez-vous n’est pas passée\u00a0: attendez un peu."))


def said(
    way: str, *, places: Sequence[str] = (), bring: str = "", meeting: str = ""
) -> list[tuple[str, str]]:
    """How it takes place and what to have at hand: a title and its words, for every page.

    `meeting` is said to those only who may read it: the caller passes it, or nothing.
    """
    found = []
    if way == HERE:
        found.append((_("En personne"), "; ".join(places) or _("À la Ville")))
    elif way == PHONE:
        found.append((_("Par téléphone"), _("La Ville vous appelle, au numéro de votre compte.")))
    elif way == VIDEO:
        found.append((_("Par vidéo"), meeting.strip() or _("L’adresse suit la confirmation.")))
    if things := [line.strip() for line in bring.splitlines() if line.strip()]:
        found.append((_("À avoir en main"), "\n".join(things)))
    return found
