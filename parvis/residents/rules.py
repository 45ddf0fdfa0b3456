"""What may be offered to a person, in which language, and what is kept of them."""

from __future__ import annotations

import re
from collections.abc import Mapping

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
