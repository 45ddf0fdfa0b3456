"""Showing that a number is one's own, by a code that comes to it; and changing a number."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from parvis.core.errors import Refused
from parvis.municipalities.actions import record
from parvis.residents import rules, signals
from parvis.residents.models import Phone, PhoneCode, Resident


def ways_to(phone: Phone) -> list[str]:
    """How a code can come to this number, as the rooms above answer; none: at the counter only."""
    answers: list[Any] = signals.phone_ways.send(sender=Phone, phone=phone)
    return [str(way) for _receiver, ways in answers for way in ways]


def live_code(phone: Phone, *, now: datetime) -> PhoneCode | None:
    """The code that this number waits for, if it can still be typed."""
    found: PhoneCode | None = (
        PhoneCode.objects.of(phone.municipality_id)
        .filter(phone_id=phone.pk, ended_at__isnull=True, expires_at__gt=now)
        .first()
    )
    return found


def _hash(phone: Phone, code: str) -> str:
    return salted_hmac(
        "parvis.residents.phone_code", f"{phone.pk}:{phone.number}:{code}", algorithm="sha256"
    ).hexdigest()


@transaction.atomic
def send_code(phone: Phone, *, way: str, actor: Resident, now: datetime) -> None:
    """Send a code to the number, which ends the one before; or raise Refused."""
    phone = _locked(phone)
    if phone.verified_at is not None:
        raise Refused(_("Ce numéro est déjà vérifié."))
    if way not in ways_to(phone):
        raise Refused(_("Ce numéro ne peut recevoir de code ainsi. Passez au comptoir."))
    rules.check_code_number(phone.number)
    town = phone.municipality_id
    with connection.cursor() as cursor:
        # Two accounts may have the number: its limits are one and the same.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{town}:{phone.number}"]
        )
    recent = PhoneCode.objects.of(town).filter(sent_at__gt=now - timedelta(days=1))
    rules.check_code_pace(
        list(recent.filter(number=phone.number).values_list("sent_at", flat=True)),
        list(recent.filter(resident_id=phone.resident_id).values_list("sent_at", flat=True)),
        now=now,
    )
    end_codes(phone, why="replaced", now=now)
    code = f"{secrets.randbelow(1_000_000):06}"
    PhoneCode.objects.create(
        municipality_id=town,
        resident_id=phone.resident_id,
        phone_id=phone.pk,
        number=phone.number,
        way=way,
        code_hash=_hash(phone, code),
        sent_at=now,
        expires_at=now + timedelta(minutes=rules.CODE_MINUTES),
    )
    record(
        "residents.phone_code_sent", municipality=town, actor=actor, resident=phone.resident_id,
        phone=phone.pk, way=way,
    )  # fmt: skip
    signals.phone_code.send(sender=Phone, phone=phone, code=code, way=way, now=now)


@transaction.atomic
def try_code(phone: Phone, *, code: str, actor: Resident, now: datetime) -> str:
    """Verify the number by this code; answer nothing, or the sentence that says why not.

    Nothing is raised: what was tried must stay written down, or one could try for ever.
    """
    phone = _locked(phone)
    if phone.verified_at is not None:
        return _("Ce code a déjà servi\u00a0: le numéro est vérifié.")
    row: PhoneCode | None = (
        PhoneCode.objects.of(phone.municipality_id)
        .select_for_update()
        .filter(phone_id=phone.pk, ended_at__isnull=True)
        .first()
    )
    if row is None or row.expires_at <= now:
        return _("Ce code a expiré ou a été remplacé. Demandez-en un nouveau.")
    row.tries += 1
    right = constant_time_compare(
        row.code_hash, _hash(phone, "".join(each for each in code if each.isdigit()))
    )
    if right:
        row.ended_at, row.ended_why = now, "used"
    elif row.tries >= rules.CODE_TRIES:
        row.ended_at, row.ended_why = now, "tries"
    row.save(update_fields=["tries", "ended_at", "ended_why"])
    if not right:
        left = rules.CODE_TRIES - row.tries
        if not left:
            return _("Trop d’essais. Demandez un nouveau code.")
        return ngettext(
            "Ce n’est pas le bon code. Il vous reste %(n)s essai.",
            "Ce n’est pas le bon code. Il vous reste %(n)s essais.",
            left,
        ) % {"n": left}
    phone.verified_at, phone.verified_how = now, row.way
    phone.save(update_fields=["verified_at", "verified_how"])
    record(
        "residents.phone_verified", municipality=phone.municipality_id, actor=actor,
        resident=phone.resident_id, phone=phone.pk, how=row.way,
    )  # fmt: skip
    signals.phone_proved.send(sender=Phone, phone=phone, how=row.way, now=now)
    return ""


@transaction.atomic
def change_phone(
    phone: Phone, *, number: str, actor: Resident, now: datetime, label: str = ""
) -> bool:
    """Correct a number or its name, or raise Refused; answer whether it must be verified again.

    Whoever had shown that the old number is theirs has shown nothing of the new one.
    """
    number = rules.phone_number(number)
    phone = _locked(phone)
    moved = number != phone.number
    others = Phone.objects.of(phone.municipality_id).filter(resident_id=phone.resident_id)
    if moved and others.filter(number=number).exists():
        raise Refused(_("Ce numéro est déjà dans le compte."))
    if not moved and label == phone.label:
        return False
    phone.label = label
    if moved:
        phone.number, phone.verified_at, phone.verified_how = number, None, ""
        end_codes(phone, why="changed", now=now)
    phone.save(update_fields=["number", "label", "verified_at", "verified_how"])
    record(
        "residents.phone_changed", municipality=phone.municipality_id, actor=actor,
        resident=phone.resident_id, phone=phone.pk, moved=moved,
    )  # fmt: skip
    if moved:
        signals.phone_proved.send(sender=Phone, phone=phone, how="", now=now)
    return moved


def _locked(phone: Phone) -> Phone:
    """The phone as it stands, held until the end of the transaction; or raise Refused."""
    found: Phone | None = (
        Phone.objects.of(phone.municipality_id).select_for_update().filter(pk=phone.pk).first()
    )
    if found is None:
        raise Refused(_("Ce numéro n’est plus dans le compte."))
    return found


def end_codes(phone: Phone, *, why: str, now: datetime) -> None:
    """The code that this number waits for serves no more."""
    PhoneCode.objects.of(phone.municipality_id).filter(
        phone_id=phone.pk, ended_at__isnull=True
    ).update(ended_at=now, ended_why=why)


def forget_codes(town_id: int, *, now: datetime) -> int:
    """Remove codes that no limit counts any more; answer how many."""
    old = PhoneCode.objects.of(town_id).filter(sent_at__lte=now - timedelta(days=1))
    return int(old.delete()[0])
