"""What a case may become, who may move it, and what may be written in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _

from parvis.core.errors import Refused

SUBJECT_MAX, TEXT_MAX, FILES_MAX, NAME_MAX = 120, 20_000, 5, 120

RECEIVED, WORKING, WAITING = "received", "working", "waiting"
ANSWERED, CLOSED, REOPENED, WITHDRAWN = "answered", "closed", "reopened", "withdrawn"
STATES: Mapping[str, object] = {
    RECEIVED: _("Reçue"),
    WORKING: _("En cours"),
    WAITING: _("En attente de la personne"),
    ANSWERED: _("Répondue"),
    CLOSED: _("Fermée"),
    REOPENED: _("Rouverte"),
    WITHDRAWN: _("Retirée"),
}
OPEN = frozenset({RECEIVED, WORKING, WAITING, REOPENED})
"""States in which the town, or the person, still has something to do."""
NEXT: Mapping[str, frozenset[str]] = {
    RECEIVED: frozenset({WORKING, WAITING, ANSWERED, CLOSED, WITHDRAWN}),
    WORKING: frozenset({WAITING, ANSWERED, CLOSED, WITHDRAWN}),
    WAITING: frozenset({WORKING, ANSWERED, CLOSED, WITHDRAWN}),
    ANSWERED: frozenset({CLOSED, REOPENED}),
    CLOSED: frozenset({REOPENED}),
    REOPENED: frozenset({WORKING, WAITING, ANSWERED, CLOSED, WITHDRAWN}),
    WITHDRAWN: frozenset(),
}
"""Every move that exists; the table has a trigger that knows the same ones."""
REOPEN_DAYS = 30
MOST_A_DAY = 20
"""Cases that one person may open in a day by themselves."""
NUMBER = re.compile(r"\s*(?:n[o°º]\s*)?(\d{4})\s*[-–\u2011 ]\s*(\d{1,9})\s*", re.IGNORECASE)

# Marks that turn the direction of what follows, and characters that nobody sees or types.
_UNSEEN = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)


class Overtaken(Refused):
    """Someone else wrote in the meantime: what this person wrote is still in their form."""


def number(year: int, sequence: int) -> str:
    """What a person says on the telephone: 2026-0147."""
    return f"{year}-{sequence:04d}"


def read_number(typed: str) -> tuple[int, int] | None:
    """(year, sequence) of a number as people type it, or None."""
    found = NUMBER.fullmatch(typed)
    return (int(found[1]), int(found[2])) if found else None


def check_move(state: str, to: str) -> None:
    """A case goes only where the table says."""
    if to in NEXT[state]:
        return
    if state == to:
        raise Refused(_("C’est déjà fait\u00a0: la demande est dans cet état."))
    if state == WITHDRAWN:
        raise Refused(_("Cette demande a été retirée\u00a0: elle ne change plus."))
    if to == WITHDRAWN:
        raise Refused(_("Cette demande est déjà répondue ou fermée\u00a0: rien à retirer."))
    if to == REOPENED:
        raise Refused(_("Cette demande est encore ouverte\u00a0: écrivez-y votre message."))
    raise Refused(_("Cette demande est fermée\u00a0: rouvrez-la d’abord."))


def may_reopen(state: str, since: datetime, now: datetime) -> bool:
    """For thirty days after the answer the person may say that it is not settled."""
    return state in {ANSWERED, CLOSED} and now <= since + timedelta(days=REOPEN_DAYS)


def check_reopen(state: str, since: datetime, now: datetime) -> None:
    check_move(state, REOPENED)
    if not may_reopen(state, since, now):
        raise Refused(
            _(
                "Cette demande est fermée depuis plus de {n} jours\u00a0: écrivez-en une nouvelle, "
                "et donnez-y ce numéro."
            ).format(n=REOPEN_DAYS)
        )


def moves(state: str) -> list[str]:
    """Where the staff may take it, in the order of the work. The person alone withdraws."""
    return [to for to in STATES if to in NEXT[state] and to != WITHDRAWN]


def after_reply(state: str) -> str:
    """The state in which a case is once the person has written in it."""
    return {WAITING: WORKING, ANSWERED: REOPENED, CLOSED: REOPENED}.get(state, state)


def tidy(text: str) -> str:
    """Text as it is kept: plain line ends, nothing unseen, no empty lines around it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNSEEN.sub("", text).strip()


def tidy_line(text: str) -> str:
    return " ".join(tidy(text).split())


def check_text(text: str) -> None:
    """A message says something, in fewer words than a book."""
    if not any(char.isalnum() for char in text):
        raise Refused(_("Écrivez votre message."))
    if len(text) > TEXT_MAX:
        raise Refused(_("Ce message est trop long\u00a0: joignez plutôt un fichier."))


def check_subject(subject: str) -> None:
    """The subject is one line that tells what it is about."""
    if not any(char.isalnum() for char in subject):
        raise Refused(_("Écrivez en une ligne de quoi il s’agit."))
    if len(subject) > SUBJECT_MAX:
        raise Refused(
            _("L’objet dépasse {n} caractères\u00a0: raccourcissez-le.").format(n=SUBJECT_MAX)
        )


def check_files(count: int) -> None:
    if count > FILES_MAX:
        raise Refused(_("Joignez au plus {n} fichiers à la fois.").format(n=FILES_MAX))


def check_seen(seen: int | None, newest: int) -> None:
    """Who answers must have read the newest message."""
    if seen is not None and seen < newest:
        raise Overtaken(
            _(
                "Un nouveau message est arrivé pendant que vous écriviez. Lisez-le "
                "ci-dessous\u00a0: votre texte est encore là, il n’est pas parti."
            )
        )


def check_state_seen(seen: str | None, state: str) -> None:
    """Who moves a case must know in which state it is."""
    if seen is not None and seen != state:
        raise Overtaken(
            _(
                "Quelqu’un d’autre vient de changer l’état de cette demande. Regardez où elle "
                "en est."
            )
        )
