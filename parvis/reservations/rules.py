"""What may be asked of a place or of equipment, when, and until when it may be undone.

Pure: no database, no clock, no request. The town's hours are in `hours`, what is free in `slots`,
how much one may have in `quotas`, what it costs in `prices`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parvis.core import typography
from parvis.core.errors import Refused
from parvis.reservations.hours import Span, merged

MINUTE = timedelta(minutes=1)
LONGEST_AHEAD_DAYS = 731


class Taken(Refused):
    """What was asked is no longer free, or never was; `nearest` holds what still is, by start."""

    def __init__(self, message: str, nearest: Sequence[Span] = ()) -> None:
        super().__init__(message)
        self.nearest = list(nearest)


@dataclass(frozen=True)
class Terms:
    """The resource's own rules of time."""

    step: timedelta
    """Between two starts to choose from."""
    shortest: timedelta
    longest: timedelta
    notice: timedelta = timedelta(0)
    """At least this long before."""
    days_ahead: int = 90
    """At most so many local days before."""
    before: timedelta = timedelta(0)
    after: timedelta = timedelta(0)
    """Preparation, when nobody else may have it."""


def check_terms(terms: Terms) -> None:
    """Raise Refused unless someone could ever book by these terms."""
    if not 5 * MINUTE <= terms.step <= timedelta(days=1):
        raise Refused(_("Les débuts se suivent de 5 minutes à 24 heures."))
    if not timedelta(0) < terms.shortest <= terms.longest:
        raise Refused(_("La durée maximale doit atteindre au moins la durée minimale."))
    if terms.longest > timedelta(days=31):
        raise Refused(_("Une réservation dure 31 jours au plus."))
    if not 1 <= terms.days_ahead <= LONGEST_AHEAD_DAYS:
        raise Refused(_("La réservation ouvre de 1 à 731 jours à l’avance."))
    if terms.notice < timedelta(0) or terms.notice >= timedelta(days=terms.days_ahead):
        raise Refused(_("Le préavis doit être plus court que l’ouverture à l’avance."))
    if not timedelta(0) <= max(terms.before, terms.after) <= timedelta(days=7):
        raise Refused(_("La préparation prend au plus 7 jours."))
    if min(terms.before, terms.after) < timedelta(0):
        raise Refused(_("La préparation prend au plus 7 jours."))


def said_length(length: timedelta) -> str:
    """A length in words: «45 minutes», «2 h 30», «3 jours»."""
    minutes = length // MINUTE
    if minutes >= 1440 and minutes % 1440 == 0:
        days = minutes // 1440
        return ngettext("{n}\u00a0jour", "{n}\u00a0jours", days).format(n=days)
    if minutes < 60:
        return ngettext("{n}\u00a0minute", "{n}\u00a0minutes", minutes).format(n=minutes)
    if minutes % 60 == 0:
        return ngettext("{n}\u00a0heure", "{n}\u00a0heures", minutes // 60).format(n=minutes // 60)
    return f"{minutes // 60}\u00a0h\u00a0{minutes % 60:02}"


def check_order(span: Span) -> None:
    """Raise Refused unless the end comes after the start."""
    if span.end <= span.start:
        raise Refused(_("La fin doit suivre le début."))


def check_length(span: Span, terms: Terms) -> None:
    """Raise Refused unless the use lasts as long as it may, in time that passes."""
    check_order(span)
    if span.length < terms.shortest:
        raise Refused(_("Choisissez au moins {length}.").format(length=said_length(terms.shortest)))
    if span.length > terms.longest:
        raise Refused(_("Choisissez au plus {length}.").format(length=said_length(terms.longest)))


def first_start(terms: Terms, now: datetime) -> datetime:
    """The earliest start that the notice allows."""
    return now + terms.notice


def last_day(terms: Terms, now: datetime, zone: ZoneInfo) -> date:
    """The last local day that may be booked today."""
    return now.astimezone(zone).date() + timedelta(days=terms.days_ahead)


def check_notice(span: Span, terms: Terms, *, now: datetime, zone: ZoneInfo) -> None:
    """Raise Refused unless the start is to come, neither too soon nor too far."""
    if span.start <= now:
        raise Refused(_("Ce moment est passé\u00a0: choisissez un moment à venir."))
    if span.start < first_start(terms, now):
        raise Refused(
            _("Il faut réserver au moins {length} à l’avance.").format(
                length=said_length(terms.notice)
            )
        )
    if span.start.astimezone(zone).date() > last_day(terms, now, zone):
        raise Refused(
            ngettext(
                "On peut réserver {n}\u00a0jour à l’avance, pas davantage.",
                "On peut réserver {n}\u00a0jours à l’avance, pas davantage.",
                terms.days_ahead,
            ).format(n=terms.days_ahead)
        )


def check_open(span: Span, opened: Sequence[Span]) -> None:
    """Raise Refused unless it is open from start to end."""
    if not any(one.holds(span) for one in merged(opened)):
        raise Refused(_("C’est fermé à ce moment\u00a0: choisissez dans les heures d’ouverture."))


def check_pick_up(span: Span, opened: Sequence[Span]) -> None:
    """Raise Refused unless it is open when equipment is fetched and when it is brought back."""
    doors = merged(opened)
    if not any(one.start <= span.start < one.end for one in doors):
        raise Refused(
            _("Le prêt est fermé à ce moment\u00a0: choisissez une autre heure de départ.")
        )
    if not any(one.start < span.end <= one.end for one in doors):
        raise Refused(
            _("Le prêt est fermé à ce moment\u00a0: choisissez une autre heure de retour.")
        )


def check_step(span: Span, terms: Terms, opened: Sequence[Span]) -> None:
    """Raise Refused unless the start is one of those offered."""
    for one in merged(opened):
        if one.start <= span.start < one.end:
            if (span.start - one.start) % terms.step:
                raise Refused(_("Choisissez une des heures proposées."))
            return


def check_wish(
    span: Span, terms: Terms, opened: Sequence[Span], *, now: datetime, zone: ZoneInfo
) -> None:
    """Raise Refused unless a place may be asked for then, whoever else has it."""
    check_order(span)
    check_notice(span, terms, now=now, zone=zone)
    check_length(span, terms)
    check_open(span, opened)
    check_step(span, terms, opened)


def check_loan(
    span: Span, terms: Terms, opened: Sequence[Span], *, now: datetime, zone: ZoneInfo
) -> None:
    """Raise Refused unless equipment may leave and come back then, whoever else has it."""
    check_order(span)
    check_notice(span, terms, now=now, zone=zone)
    check_length(span, terms)
    check_pick_up(span, opened)


def check_quantity(wanted: int, total: int) -> None:
    """Raise Refused unless the quantity is one that the town could ever lend."""
    if wanted < 1:
        raise Refused(_("Choisissez une quantité d’au moins 1."))
    if wanted > total:
        raise Refused(_("La Ville n’en prête que {n}.").format(n=typography.number(total)))


def cancels_until(start: datetime, notice: timedelta) -> datetime:
    """The last instant when the person may still cancel or change it alone."""
    return start - notice


def offered_until(start: datetime, kept_for: timedelta, terms: Terms, *, now: datetime) -> datetime:
    """Until when a freed place is kept for the first in line: never past the notice it needs."""
    return min(now + kept_for, start - terms.notice)


def may_cancel(start: datetime, notice: timedelta, *, now: datetime) -> bool:
    return now < start and now <= cancels_until(start, notice)


def check_cancel(start: datetime, notice: timedelta, *, now: datetime) -> None:
    """Raise Refused once it began, or once the time to cancel alone is over."""
    if now >= start:
        raise Refused(_("C’est commencé\u00a0: on ne peut plus l’annuler."))
    if not may_cancel(start, notice, now=now):
        raise Refused(
            _(
                "On annule soi-même jusqu’à {length} avant. Appelez la Ville\u00a0: elle peut "
                "encore vous aider."
            ).format(length=said_length(notice))
        )
