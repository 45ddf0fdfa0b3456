"""What an alert may say and become, and who decides it: pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _

from parvis.alerts.short_text import measure
from parvis.core import prose
from parvis.core.errors import Refused

DRAFT, IN_FORCE, LIFTED, CANCELLED, EXPIRED = "draft", "in_force", "lifted", "cancelled", "expired"
ALERT, UPDATE, LIFT, CANCEL = "alert", "update", "lift", "cancel"
WRITTEN, PROPOSED, SENT = "draft", "proposed", "sent"
ENDS: Mapping[str, str] = {LIFT: LIFTED, CANCEL: CANCELLED}
"""Kind of revision that ends the alert → what the alert then is."""

TITLE_MAX, TITLE_ADVISED, SHORT_MAX, TEXT_MAX, NOTE_MAX = 120, 60, 160, 4000, 300
STEPS_MOST, STEP_MAX, HELP_NOTE_MAX = 8, 300, 300
REASON_LEAST = 10
LONGEST = timedelta(days=14)
"""An alert that nobody confirms again must not stand for longer."""

YEAR = timedelta(days=366)
HEALTH, SAFETY = "health", "safety"
BASES: Mapping[str, object] = {
    HEALTH: _("Santé publique (Charte de la langue française, art. 22.3)"),
    SAFETY: _("Sécurité publique (Charte de la langue française, art. 22.3)"),
}
SEVERITIES: Mapping[str, object] = {
    "Extreme": _("Extrême\u00a0: vies en danger"),
    "Severe": _("Grave"),
    "Moderate": _("Modérée"),
    "Minor": _("Mineure"),
}
EXTREME = "Extreme"
URGENCIES: Mapping[str, object] = {
    "Immediate": _("Agir tout de suite"),
    "Expected": _("Agir bientôt"),
    "Future": _("Se préparer"),
    "Past": _("Passé"),
}
CERTAINTIES: Mapping[str, object] = {
    "Observed": _("Constaté"),
    "Likely": _("Probable"),
    "Possible": _("Possible"),
    "Unlikely": _("Peu probable"),
}
"""CAP 1.2, in its own words and in the town's."""
Words = Mapping[str, Mapping[str, object]]


class Overtaken(Refused):
    """Someone else wrote, proposed or sent in the meantime: nothing of theirs was replaced."""


def check_token(given: int, standing: int) -> None:
    """Who writes or decides must have seen the last writing."""
    if given != standing:
        raise Overtaken(
            _(
                "Quelqu’un d’autre a modifié cette alerte entre-temps. Relisez-la\u00a0: rien "
                "n’est parti."
            )
        )


def check_next(state: str, kind: str) -> None:
    """An alert begins once; it is updated and ended while in force; an ended one stays ended."""
    if kind == ALERT:
        if state != DRAFT:
            raise Refused(_("Cette alerte est déjà partie\u00a0: mettez-la à jour."))
        return
    if state == DRAFT:
        raise Refused(_("Cette alerte n’est pas encore partie\u00a0: modifiez-la plutôt."))
    if state != IN_FORCE:
        raise Refused(_("Cette alerte est terminée\u00a0: composez-en une nouvelle."))


def check_words(words: Words, *, complete: bool) -> None:
    """French always stands; another language only with its legal basis; the short text is short."""
    if "fr" not in words:
        raise Refused(_("Le texte français manque."))
    for language, said in words.items():
        title, short, text = (str(said.get(name, "")) for name in ("title", "short", "text"))
        steps = said.get("steps", ())
        steps = steps if isinstance(steps, list | tuple) else ()
        if len(title) > TITLE_MAX:
            raise Refused(_("Le titre dépasse {n} caractères.").format(n=TITLE_MAX))
        if len(text) > TEXT_MAX:
            raise Refused(_("Le texte dépasse {n} caractères.").format(n=TEXT_MAX))
        if len(steps) > STEPS_MOST or any(len(str(step)) > STEP_MAX for step in steps):
            raise Refused(
                _("Les consignes\u00a0: au plus {n} lignes de {m} caractères.").format(
                    n=STEPS_MOST, m=STEP_MAX
                )
            )
        check_short(short)
        if language != "fr" and said.get("basis") not in BASES:
            raise Refused(_("Indiquez le motif légal du texte anglais\u00a0: santé ou sécurité."))
        if complete:
            _check_whole(language, title, short, text)


def _check_whole(language: str, title: str, short: str, text: str) -> None:
    missing = [
        name
        for name, value in ((_("titre"), title), (_("texte court"), short), (_("texte"), text))
        if not prose.has_words(value)
    ]
    if missing:
        raise Refused(
            _("Il manque en {language}\u00a0: {what}.").format(
                language=_("français") if language == "fr" else _("anglais"),
                what=", ".join(str(one) for one in missing),
            )
        )


def check_short(short: str) -> None:
    """One text message, and it says which character makes it too long."""
    length = measure(short)
    if length.fits:
        return
    if length.odd:
        raise Refused(
            _(
                "Le texte court contient «\u00a0{odd}\u00a0»\u00a0: avec ce signe, un texto ne "
                "porte que {most} caractères, et il en faut {used}. Remplacez le signe ou "
                "raccourcissez."
            ).format(odd=length.odd, most=length.most, used=length.used)
        )
    raise Refused(
        _("Le texte court prend {used} caractères\u00a0: raccourcissez-le à {most}.").format(
            used=length.used, most=length.most
        )
    )


def check_dates(
    *, kind: str, now: datetime, next_at: datetime | None, expires_at: datetime | None
) -> None:
    """What is sent says until when it holds, and promises the next word before that."""
    if kind in ENDS:
        return
    if expires_at is None:
        raise Refused(_("Dites jusqu’à quand l’alerte vaut si rien ne change."))
    if expires_at <= now:
        raise Refused(_("Cette alerte est déjà échue\u00a0: repoussez la fin de validité."))
    if expires_at - now > LONGEST:
        raise Refused(
            _("Une alerte vaut au plus 14 jours\u00a0: confirmez-la par une mise à jour.")
        )
    if next_at is not None and not now < next_at <= expires_at:
        raise Refused(
            _("Promettez la prochaine mise à jour entre maintenant et la fin de validité.")
        )


def check_instant(at: datetime | None, *, now: datetime) -> None:
    """A date is one that people meet: an age away, it is a slip of the hand."""
    if at is not None and not now - YEAR < at < now + YEAR:
        raise Refused(_("Cette date est à plus d’un an\u00a0: corrigez l’année."))


def check_decider(
    *, is_authority: bool, decider_id: int, proposer_id: int | None, alone_reason: str
) -> None:
    """Regulation S-2.4, r. 1, s. 5: a designated person decides. A second one than the person who
    proposed, or one alone who says why lives cannot wait."""
    if not is_authority:
        raise Refused(
            _(
                "Seule une personne désignée par la municipalité décide d’alerter (règlement "
                "S-2.4, r. 1, art. 5)."
            )
        )
    if alone_reason:
        if len(alone_reason) < REASON_LEAST or not prose.has_words(alone_reason):
            raise Refused(_("Dites en une phrase pourquoi une seule personne décide."))
    elif decider_id == proposer_id:
        raise Refused(
            _(
                "Une deuxième personne doit approuver. Si des vies ne peuvent pas attendre, "
                "décidez seul en disant pourquoi."
            )
        )


def lines(text: str) -> list[str]:
    """The steps, one on each line, empty ones left out."""
    return [line for line in (prose.tidy_line(one) for one in text.splitlines()) if line]


def gesture(step: str) -> tuple[str, str]:
    """The first sentence of a step, then how: «Portez l’eau à gros bouillons», «Laissez…»."""
    head, _space, more = re.sub(r"(?<=[.!?…])\s+", "\n", step, count=1).partition("\n")
    return head.rstrip("."), more


def words_hash(facts: Mapping[str, object]) -> str:
    """SHA-256 of what was decided, independent of how it is stored: JSON with sorted keys."""
    canonical = json.dumps(facts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def hints(said: Mapping[str, object]) -> list[str]:
    """What would make the French text easier to read: advice, never a refusal."""
    steps = said.get("steps", ())
    whole = " ".join(
        [str(said.get("text", "")), *map(str, steps if isinstance(steps, list) else ())]
    )
    found = prose.reading_hints(whole)
    if len(str(said.get("title", ""))) > TITLE_ADVISED:
        found.append(
            str(_("Un titre de {n} caractères au plus se lit d’un coup d’œil.")).format(
                n=TITLE_ADVISED
            )
        )
    return found


def union(areas: Sequence[Sequence[int]]) -> list[int]:
    """Everyone named in any of the lists, once, in order."""
    return sorted({one for area in areas for one in area})
