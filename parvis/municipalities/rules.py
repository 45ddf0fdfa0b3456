"""What a town's settings may be, who on its staff may do what, and how the trail is sealed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from zoneinfo import available_timezones

from django.utils.translation import gettext_lazy as _

from parvis.core import palette
from parvis.core.errors import Refused

ROOMS: dict[str, object] = {
    "announcements": _("Avis"),
    "alerts": _("Alertes"),
    "reservations": _("Réservations"),
    "cases": _("Demandes"),
    "residents": _("Citoyens"),
    "rescue": _("Secours"),
}
"""Rooms whose staff pages are guarded by a role of their own."""

ALWAYS_ON = frozenset({"announcements", "reservations", "residents"})
HOST = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
)
CODE = re.compile(r"[0-9]{5}")
INVITATION_DAYS = 7
FIRST_HASH = "0" * 64


def default_languages() -> dict[str, str]:
    """English only where health or public safety requires it (Charter, s. 22.3)."""
    return {"en": "safety"}


def default_rooms() -> list[str]:
    return sorted(ALWAYS_ON)


def initials(name: str) -> str:
    """Two letters that stand for the town where it has no crest: «Ville d’Alma» gives «VA»."""
    words = [word for word in re.split(r"[\s’'-]+", name) if word[:1].isupper()]
    return "".join(word[0] for word in words[:2]) or name[:2].upper()


def check_host_name(name: str) -> None:
    """Refuse what cannot be a host name."""
    if not HOST.fullmatch(name):
        raise Refused(_("Écrivez un nom d’hôte comme «\u00a0portail.ville.qc.ca\u00a0»."))


def check_code(code: str) -> None:
    """A code géographique has five digits (Répertoire des municipalités); a town may have none."""
    if code and not CODE.fullmatch(code):
        raise Refused(_("Le code géographique compte cinq chiffres, par exemple 93042."))


def check_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise Refused(_("Ce fuseau horaire n’existe pas. Exemple\u00a0: America/Toronto."))


STEP_MINUTES = range(1, 61)
"""In an emergency, between one of a person's channels and the next."""


def check_step(minutes: int) -> None:
    if minutes not in STEP_MINUTES:
        raise Refused(_("Choisissez de 1 à 60 minutes entre deux moyens."))


def check_brand(colour: str) -> str:
    """The town's colour as #rrggbb, or raise Refused."""
    try:
        return palette.check_brand(colour)
    except ValueError as error:
        raise Refused(str(error)) from error


def check_languages(languages: Mapping[str, str], *, recognised: bool) -> None:
    """Outside French, only what health or public safety requires (Charter, s. 22.3), unless the
    town is recognised under section 29.1."""
    if "all" in languages.values() and not recognised:
        raise Refused(
            _("Tous les textes en anglais\u00a0: seule une ville reconnue (art. 29.1) le peut.")
        )
    if not set(languages.values()) <= {"all", "safety"} or not languages.keys() <= {"en"}:
        raise Refused(_("Cette langue ou ce motif n’est pas offert."))


def may(room: str, level: str, *, is_administrator: bool, roles: Mapping[str, str]) -> bool:
    """An administrator may do everything; others, what their role in the room says."""
    if is_administrator:
        return True
    held = roles.get(room)
    return held == "act" or (level == "see" and held == "see")


def canonical_line(
    *, pk: int, municipality_id: int, at: datetime, deed: str, actor_id: int | None, facts: object
) -> bytes:
    """The bytes of a line that its seal covers: JSON with sorted keys, instants in UTC."""
    return json.dumps(
        [
            pk,
            municipality_id,
            at.astimezone(UTC).isoformat(timespec="microseconds"),
            deed,
            actor_id,
            facts,
        ],
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


def seal(previous: str, line: bytes) -> str:
    """Hash of one link: SHA-256 over the previous hash and the line."""
    return hashlib.sha256(previous.encode() + b"\n" + line).hexdigest()


def chain_faults(
    links: Iterable[tuple[int, str, bytes | None]], *, anchored: Mapping[int, str]
) -> list[str]:
    """What is wrong with a town's chain, in sentences; empty when nothing is.

    A link is (sequence, hash written down, bytes of the line or None where the line is gone), in
    order. `anchored` holds every head written down outside the database, hash by sequence: the
    newest one may have been noted after somebody wrote the chain anew.
    """
    faults: list[str] = []
    previous, expected = FIRST_HASH, 1
    for sequence, written, line in links:
        if sequence != expected:
            faults.append(str(_("Sceau {n}\u00a0: absent.")).format(n=expected))
            expected = sequence
        if line is None:
            faults.append(str(_("Sceau {n}\u00a0: la ligne a été retirée.")).format(n=sequence))
        elif seal(previous, line) != written:
            faults.append(str(_("Sceau {n}\u00a0: la ligne a été modifiée.")).format(n=sequence))
        if anchored.get(sequence, written) != written:
            faults.append(
                str(_("Sceau {n}\u00a0: différent de celui noté hors de la base.")).format(
                    n=sequence
                )
            )
        previous, expected = written, expected + 1
    if max(anchored, default=0) >= expected:
        faults.append(
            str(_("La fin de la chaîne a été coupée\u00a0: {n} sceaux étaient notés.")).format(
                n=max(anchored)
            )
        )
    return faults
