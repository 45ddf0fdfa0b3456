"""What an announcement may be and become: states, dates, languages, texts."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _

from parvis.core import prose
from parvis.core.errors import Refused

TITLE_MAX, SUMMARY_MAX, TEXT_MAX, ALT_MAX = 200, 400, 50_000, 300
CONTENT = ("title", "summary", "text")

DRAFT, SCHEDULED, PUBLISHED = "draft", "scheduled", "published"
LIFTED, EXPIRED, ARCHIVED = "lifted", "expired", "archived"
PUBLIC = frozenset({PUBLISHED, LIFTED, EXPIRED, ARCHIVED})
"""States that anyone may read; an archived announcement keeps its address."""
NEXT: Mapping[str, frozenset[str]] = {
    DRAFT: frozenset({SCHEDULED, PUBLISHED}),
    SCHEDULED: frozenset({DRAFT, PUBLISHED}),
    PUBLISHED: frozenset({LIFTED, EXPIRED, ARCHIVED}),
    LIFTED: frozenset({EXPIRED, ARCHIVED}),
    EXPIRED: frozenset({ARCHIVED}),
    ARCHIVED: frozenset(),
}

LANGUAGES: Mapping[str, str] = {
    "en": "English",
    "es": "Español",
    "moe": "Innu-aimun",
    "atj": "Atikamekw Nehiromowin",
    "cr": "Nehiyawewin",
    "iu": "Inuktitut",
    "ar": "العربية",
    "zh": "中文",
    "pt": "Português",
    "ht": "Kreyòl ayisyen",
    "uk": "Українська",
}
"""Languages of a translation, each by its own name."""
RIGHT_TO_LEFT = frozenset({"ar"})

HEALTH, SAFETY, JUSTICE, RECOGNISED = "health", "safety", "justice", "recognised"
BASES: Mapping[str, object] = {
    HEALTH: _("Santé (Charte de la langue française, art. 22.3)"),
    SAFETY: _("Sécurité publique (Charte de la langue française, art. 22.3)"),
    JUSTICE: _("Principes de justice naturelle (Charte de la langue française, art. 22.3)"),
    RECOGNISED: _("Municipalité reconnue (Charte de la langue française, art. 29.1)"),
}


class Overtaken(Refused):
    """Someone else wrote in the meantime: nothing of theirs was replaced."""


def check_turn(state: str, to: str) -> None:
    """An announcement is prepared, published once, then ends; it never goes back to draft."""
    if to in NEXT[state]:
        return
    if state == to:
        raise Refused(_("C’est déjà fait\u00a0: l’avis est dans cet état."))
    if to in {SCHEDULED, PUBLISHED}:
        raise Refused(_("Cet avis est déjà publié\u00a0: modifiez-le plutôt."))
    if to in {LIFTED, EXPIRED, ARCHIVED} and state in {DRAFT, SCHEDULED}:
        raise Refused(_("Cet avis n’est pas encore publié."))
    raise Refused(_("Cet avis est terminé\u00a0: il ne change plus d’état."))


def check_token(given: int, standing: int) -> None:
    """Who writes must have seen the last writing."""
    if given != standing:
        raise Overtaken(
            _(
                "Quelqu’un d’autre a modifié cet avis entre-temps. Rechargez la page\u00a0: "
                "votre texte n’a rien remplacé."
            )
        )


def check_text(title: str, summary: str, text: str, *, complete: bool) -> None:
    """A draft may lack anything but be too long; what is published has a title and a text."""
    if len(title) > TITLE_MAX:
        raise Refused(
            _("Le titre dépasse {n} caractères\u00a0: raccourcissez-le.").format(n=TITLE_MAX)
        )
    if len(summary) > SUMMARY_MAX:
        raise Refused(
            _("Le résumé dépasse {n} caractères\u00a0: raccourcissez-le.").format(n=SUMMARY_MAX)
        )
    if len(text) > TEXT_MAX:
        raise Refused(_("Le texte est trop long\u00a0: joignez plutôt un fichier."))
    if complete and not prose.has_words(title):
        raise Refused(_("Écrivez un titre\u00a0: ce que ça change, en une ligne."))
    if complete and not prose.has_words(text):
        raise Refused(_("Écrivez le texte de l’avis."))


def check_dates(
    *,
    in_force_from: datetime | None,
    in_force_until: datetime | None,
    expires_at: datetime | None,
    publish_at: datetime | None = None,
) -> None:
    """What ends does so after it began."""
    if in_force_from and in_force_until and in_force_until <= in_force_from:
        raise Refused(_("La fin prévue doit venir après l’entrée en vigueur."))
    if expires_at and publish_at and expires_at <= publish_at:
        raise Refused(_("La date de retrait doit venir après la publication."))
    if expires_at and in_force_until and expires_at < in_force_until:
        raise Refused(_("La date de retrait doit venir après la fin prévue."))


def check_schedule(publish_at: datetime, *, now: datetime) -> None:
    """A publication is planned for later, and within two years."""
    if publish_at <= now:
        raise Refused(_("Choisissez un moment à venir, ou publiez tout de suite."))
    if publish_at > now + timedelta(days=731):
        raise Refused(_("Choisissez un moment d’ici deux ans."))


def check_basis(language: str, basis: str, *, offered: Mapping[str, str], recognised: bool) -> None:
    """Another language than French stands only on a legal basis (Charter, ss. 22.3 and 29.1)."""
    if language not in LANGUAGES:
        raise Refused(_("Cette langue n’est pas dans la liste."))
    if basis not in BASES:
        raise Refused(
            _(
                "Indiquez le motif légal de cette langue\u00a0: santé, sécurité publique, "
                "justice naturelle ou municipalité reconnue."
            )
        )
    if basis == RECOGNISED and not (recognised and offered.get(language) == "all"):
        raise Refused(
            _(
                "Votre municipalité n’est pas reconnue pour cette langue en vertu de l’article "
                "29.1 de la Charte."
            )
        )


def is_in_force(
    *,
    state: str,
    takes_force: bool,
    in_force_from: datetime | None,
    in_force_until: datetime | None,
    expires_at: datetime | None,
    now: datetime,
) -> bool:
    """Published, begun, and neither lifted, past its planned end, nor expired."""
    return (
        state == PUBLISHED
        and takes_force
        and in_force_from is not None
        and in_force_from <= now
        and (in_force_until is None or now < in_force_until)
        and (expires_at is None or now < expires_at)
    )


def reminder_due(
    *, concerns_at: datetime | None, minutes_before: int | None, at: datetime | None
) -> datetime:
    """The instant of a reminder: named, or so long before the date; never after that date."""
    if at is None:
        if concerns_at is None or minutes_before is None:
            raise Refused(_("Indiquez d’abord la date que l’avis concerne."))
        if not 0 < minutes_before <= 60 * 24 * 60:
            raise Refused(_("Un rappel se fait au plus 60 jours avant."))
        return concerns_at - timedelta(minutes=minutes_before)
    if concerns_at is not None and at > concerns_at:
        raise Refused(_("Le rappel doit précéder la date que l’avis concerne."))
    return at


def may_remind(
    *, state: str, due_at: datetime, concerns_at: datetime | None, now: datetime
) -> bool:
    """A late reminder is still sent before the date; after it, it would only confuse."""
    return state == PUBLISHED and due_at <= now and (concerns_at is None or now < concerns_at)


def slug(title: str) -> str:
    """The words of an address: «L’œuf à Noël» gives loeuf-a-noel, at most 60 characters."""
    plain = title.replace("œ", "oe").replace("Œ", "Oe").replace("æ", "ae").replace("Æ", "Ae")
    plain = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9\s-]", "", plain)
    joined = re.sub(r"[\s-]+", "-", words).strip("-")
    return joined[:60].rstrip("-") or "avis"


def text_hash(content: Mapping[str, object]) -> str:
    """SHA-256 of what was published, independent of how it is stored: JSON with sorted keys."""
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def changed(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """Names of what differs, in the order of `after`."""
    return [name for name, value in after.items() if before.get(name) != value]


def missing_sectors(wanted: Sequence[int], standing: Sequence[int]) -> list[int]:
    known = set(standing)
    return [pk for pk in wanted if pk not in known]
