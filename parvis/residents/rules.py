"""What may be offered to a person, in which language, and what is kept of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from parvis.core.errors import Refused


def interface_language(chosen: str, *, recognised: bool, offered: Mapping[str, str]) -> str:
    """French, unless the town is recognised under s. 29.1 of the Charter and offers the other."""
    if recognised and chosen == "en" and offered.get("en") == "all":
        return "en"
    return "fr"


def phone_number(typed: str) -> str:
    """A North American number as E.164 («418 555-0142» gives +14185550142), or raise Refused."""
    digits = re.sub(r"[^\d+]", "", typed)
    if digits.startswith("+") and not digits.startswith("+1"):
        if 8 <= len(digits) - 1 <= 15:
            return digits
        raise Refused(_("Vérifiez le numéro\u00a0: il lui manque des chiffres."))
    digits = digits.lstrip("+")
    if len(digits) == 11 and digits.startswith("1"):
        digits = digits[1:]
    if not re.fullmatch(r"[2-9]\d{2}[2-9]\d{6}", digits):
        raise Refused(_("Écrivez les dix chiffres du numéro, par exemple 418\u00a0555-0142."))
    return f"+1{digits}"


CODE_MINUTES = 10
CODE_TRIES = 5
CODES_PER_HOUR, CODES_PER_DAY, CODES_PER_PERSON = 3, 6, 10
"""To one number in an hour and in a day; for one account in a day."""
NO_CODES = frozenset(
    (
        "242", "246", "264", "268", "284", "345", "441", "473", "649", "658", "664", "721", "758",
        "767", "784", "809", "829", "849", "868", "869", "876", "900", "976",
    )
)  # fmt: skip
"""Area codes of +1 outside Canada and the United States, or that charge the caller: fraud."""


def check_code_number(number: str) -> None:
    """Codes go to numbers of Canada and the United States, or raise Refused."""
    if not number.startswith("+1") or number[2:5] in NO_CODES:
        raise Refused(
            _("Aucun code ne part vers ce numéro. Passez au comptoir pour le faire vérifier.")
        )


def check_code_pace(
    to_number: Sequence[datetime], for_person: Sequence[datetime], *, now: datetime
) -> None:
    """A minute between two codes, a few in an hour and in a day; or raise Refused."""
    recent = [at for at in to_number if at > now - timedelta(hours=1)]
    if any(at > now - timedelta(minutes=1) for at in recent):
        raise Refused(_("Un code vient de partir. Attendez une minute avant d’en demander un."))
    if len(recent) >= CODES_PER_HOUR:
        raise Refused(
            _("Trois codes sont partis vers ce numéro. Réessayez dans une heure, ou au comptoir.")
        )
    day = now - timedelta(days=1)
    if (
        sum(at > day for at in to_number) >= CODES_PER_DAY
        or sum(at > day for at in for_person) >= CODES_PER_PERSON
    ):
        raise Refused(_("Trop de codes sont partis aujourd’hui. Réessayez demain, ou au comptoir."))


@dataclass(frozen=True)
class Purpose:
    """Something the town may do with what it knows, only after a yes."""

    title: object
    sentence: object
    """What the person agrees to, word for word; kept with each answer."""


PURPOSES: dict[str, Purpose] = {
    "openings": Purpose(
        title=_("Savoir si un avis a été lu"),
        sentence=_(
            "J’accepte que la Ville note que j’ai ouvert un avis, et par quel moyen, pour compter "
            "combien de personnes l’ont lu. Ces notes ne servent à rien d’autre."
        ),
    ),
}
"""Every purpose that asks for consent. All are off until the person says yes (A-2.1, s. 63.7)."""

HOUSEHOLD_INVITATION_DAYS = 14


def languages_offered(languages: Mapping[str, str]) -> list[str]:
    """French first, then what the town may write in, were it only for safety (Charter, s. 22.3)."""
    return ["fr", *sorted(code for code in languages if code != "fr")]


LINK = re.compile(r"://|[@\x00-\x1f]|[Ww]{3}\.|\w\.(?:[a-z]{2,}|COM|CA|NET|ORG)\b")


def check_name(name: str) -> None:
    """Refuse what no one is called: the town's letters say who invites, to any address given.

    A link there would be a stranger's message under the town's name.
    """
    if LINK.search(name):
        raise Refused(_("Écrivez un nom seulement, sans adresse ni lien."))


def shown_phone(number: str) -> str:
    """A number as people write it here: 418 555-0142; abroad, as it is dialled."""
    found = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", number)
    return f"{found[1]}\u00a0{found[2]}-{found[3]}" if found else number


def folded(text: str) -> str:
    """Text as the database folds it for searching: no accents, no capitals, plain letters."""
    text = unicodedata.normalize("NFD", text)
    text = "".join(letter for letter in text if not "\u0300" <= letter <= "\u036f")
    for fancy, plain in (("œ", "oe"), ("Œ", "OE"), ("æ", "ae"), ("’", "'")):
        text = text.replace(fancy, plain)
    return text.lower()


def search_words(query: str) -> list[str]:
    """At most six words of what was typed, folded; each must be found."""
    return folded(query.replace("\0", "")).split()[:6]


def csv_cell(value: object) -> str:
    """A value as text for a table; what a spreadsheet would run as a formula is made inert."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (int, float, Decimal)):
        return str(value)
    text = str(value)
    if text[:1] in "=@\t\r" or (text[:1] in "+-" and not re.fullmatch(r"[+-]\d+", text)):
        return f"'{text}" if text else ""
    return text


def check_invitation(*, expires_at: datetime | None, taken: bool, now: datetime) -> None:
    """An invitation serves once, within fourteen days."""
    if taken:
        raise Refused(_("Cette invitation a déjà servi."))
    if expires_at is None or expires_at <= now:
        raise Refused(_("Cette invitation n’est plus valable. Demandez-en une nouvelle."))
