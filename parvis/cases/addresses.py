"""The address to which a letter of a case is answered: who may use it is signed into it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from django.conf import settings

from parvis.cases.models import Case

PREFIX = "reponse"
SALT = b"parvis.cases.reply"
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
LOCAL = re.compile(
    rf"{PREFIX}\+([0-9a-z]{{1,13}})\.([0-9a-z]{{1,13}})\.([0-9a-z]{{1,13}})\.([a-z2-7]{{16}})"
)
"""Lower case throughout: some servers change the case. At most 64 characters (RFC 5321)."""


def base36(value: int) -> str:
    text = ""
    while value:
        value, digit = divmod(value, 36)
        text = DIGITS[digit] + text
    return text or "0"


def signature(about: str) -> str:
    """Eighty bits of HMAC-SHA-256, in letters that survive a change of case."""
    key = hashlib.sha256(SALT + settings.SECRET_KEY.encode()).digest()
    digest = hmac.new(key, about.encode(), hashlib.sha256).digest()[:10]
    return base64.b32encode(digest).decode().lower()


def sign(town_id: int, case_id: int, resident_id: int) -> str:
    about = ".".join(base36(value) for value in (town_id, case_id, resident_id))
    return f"{PREFIX}+{about}.{signature(about)}@{settings.MAIL_DOMAIN}"


def reply_address(case: Case) -> str:
    """The address for answers of this case's person; none when nobody reads the mailbox."""
    if not (settings.REPLY_IMAP_URL or settings.REPLY_MAILDIR):
        return ""
    return sign(case.municipality_id, case.pk, case.resident_id or 0)


def read(address: str) -> tuple[int, int, int] | None:
    """(town, case, resident) of an address that we signed, or None; resident 0 has no account."""
    local = address.strip().lower().partition("@")[0]
    found = LOCAL.fullmatch(local)
    if found is None:
        return None
    about = ".".join(found.groups()[:3])
    if not hmac.compare_digest(signature(about), found[4]):
        return None
    town_id, case_id, resident_id = (int(part, 36) for part in found.groups()[:3])
    return town_id, case_id, resident_id
