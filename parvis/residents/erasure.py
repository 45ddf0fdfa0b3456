"""A person's right to take what the town holds of them, and to have it erased."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import datetime, timedelta
from typing import Any, cast

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from parvis.core.errors import Refused
from parvis.municipalities.actions import record
from parvis.municipalities.models import AuditLine, Invitation, StaffMember
from parvis.residents import rules, signals
from parvis.residents.households import close_if_empty
from parvis.residents.models import Consent, HouseholdMember, Phone, PhoneCode, Place, Resident

Rows = list[dict[str, Any]]
FORMAT = 1
"""Version of the archive's layout, described in docs/how-to/export-of-a-persons-data.md."""


def rows_about(person: Resident) -> dict[str, Rows]:
    """Everything held of the person: this room's rows, then what the rooms above answer."""
    town = person.municipality_id
    found: dict[str, Rows] = {
        "compte": [
            {
                "prenom": person.first_name,
                "nom": person.last_name,
                "langue": person.language,
                "ouvert_le": person.joined_at,
                "ouvert_au_comptoir": person.opened_at_counter,
                "derniere_connexion": person.last_login,
            }
        ],
        "courriels": [
            {"courriel": one.email, "verifie": one.verified, "principal": one.primary}
            for one in EmailAddress.objects.filter(user=person).order_by("id")
        ],
        "telephones": [
            {
                "numero": one.number,
                "usage": one.label,
                "verifie_le": one.verified_at,
                "verifie_comment": one.verified_how,
                "ajoute_le": one.created_at,
            }
            for one in Phone.objects.of(town).filter(resident=person).order_by("id")
        ],
        "codes_de_telephone": [
            {"numero": one.number, "moyen": one.way, "parti_le": one.sent_at}
            for one in PhoneCode.objects.of(town).filter(resident=person).order_by("id")
        ],
        "adresses": [
            {
                "lien": one.kind,
                "nom": one.label,
                "adresse": str(one.address) if one.address else "",
                "code_postal": one.address.postal_code if one.address else "",
                "secteur": str(one.address.sector or "") if one.address else "",
                "verifiee_le": one.verified_at,
                "ajoutee_le": one.created_at,
            }
            for one in Place.objects.of(town).of_resident(person)
        ],
        "menages": [
            {
                "menage": one.household.name,
                "role": one.role,
                "depuis": one.accepted_at,
            }
            for one in HouseholdMember.objects.of(town)
            .filter(resident=person)
            .select_related("household")
            .order_by("id")
        ],
        "consentements": [
            {
                "objet": one.purpose,
                "oui": one.given,
                "texte": one.wording,
                "moyen": one.how,
                "le": one.at,
            }
            for one in Consent.objects.of(town).filter(resident=person).order_by("id")
        ],
        "protection": [
            {
                "type": str(one.type),
                "ajoutee_le": one.created_at,
                "derniere_utilisation": one.last_used_at,
            }
            for one in Authenticator.objects.filter(user=person).order_by("id")
        ],
        "services_de_connexion": [
            {"service": one.provider, "identifiant": one.uid, "ajoute_le": one.date_joined}
            for one in SocialAccount.objects.filter(user=person).order_by("id")
        ],
        "journal": [
            {"le": one.at, "geste": one.deed}
            for one in AuditLine.objects.of(town).filter(actor_id=person.pk).order_by("id")
        ],
        "dossier_consulte": [
            {"le": one.at, "geste": one.deed}
            for one in AuditLine.objects.of(town)
            .filter(deed="residents.file_seen", facts__resident=person.pk)
            .order_by("id")
        ],
    }
    for _receiver, answered in signals.export.send(sender=Resident, resident=person):
        if answered:
            name, rows = cast(tuple[str, Rows], answered)  # django-stubs takes it for text
            found[name] = rows
    return found


@transaction.atomic
def export_resident(person: Resident, *, actor: Resident, now: datetime) -> bytes:
    """Pack all that is held of the person: one JSON document, one table for each kind of row."""
    found = rows_about(person)
    document = {
        "format": FORMAT,
        "ville": person.municipality.name,
        "cree_le": now,
        "donnees": found,
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "donnees.json",
            json.dumps(document, ensure_ascii=False, indent=2, default=_plain),
        )
        for name, rows in found.items():
            archive.writestr(f"{name}.csv", table(rows))
    record(
        "residents.exported",
        municipality=person.municipality_id,
        actor=actor,
        resident=person.pk,
    )
    return file.getvalue()


def table(rows: Rows) -> str:
    """Rows as CSV (RFC 4180), with the mark that makes spreadsheets read UTF-8."""
    text = io.StringIO()
    text.write("\ufeff")
    if rows:
        writer = csv.DictWriter(text, list(rows[0]), restval="", extrasaction="ignore")
        writer.writeheader()
        for row in rows:
            writer.writerow({key: rules.csv_cell(value) for key, value in row.items()})
    return text.getvalue()


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


@transaction.atomic
def erase_resident(person: Resident, *, actor: Resident, now: datetime) -> None:
    """Erase a person's account, or raise Refused. Twice does nothing more.

    What stays is an empty row of a number: the trail (who did what, by number) and the answers to
    consents (by number) must be kept, and point to it. Everything that says who it was goes, in
    this room and, told by the signal, in the rooms above.
    """
    town = person.municipality_id
    person = Resident.objects.of(town).select_for_update().get(pk=person.pk)
    if person.erased_at is not None:
        return
    if StaffMember.objects.of(town).filter(person=person, left_at__isnull=True).exists():
        raise Refused(
            _(
                "Vous faites partie de l’équipe de la Ville. Une personne de l’administration doit "
                "d’abord vous en retirer."
            )
        )
    emails = list(EmailAddress.objects.filter(user=person).values_list("email", flat=True))
    emails += [person.email] if person.email else []
    signals.erase.send(sender=Resident, resident=person, now=now)
    for member in (
        HouseholdMember.objects.of(town).filter(resident=person).select_related("household")
    ):
        household = member.household
        member.delete()
        close_if_empty(household)
    HouseholdMember.objects.of(town).filter(invited_email__in=emails).delete()
    Invitation.objects.of(town).filter(email__in=emails).update(email="")
    Phone.objects.of(town).filter(resident=person).delete()
    PhoneCode.objects.of(town).filter(resident=person).delete()
    Place.objects.of(town).filter(resident=person).delete()
    EmailAddress.objects.filter(user=person).delete()
    Authenticator.objects.filter(user=person).delete()
    SocialAccount.objects.filter(user=person).delete()
    person.email = person.first_name = person.last_name = ""
    person.set_unusable_password()
    person.last_login = None
    person.is_active = False
    person.erased_at = now
    person.session_epoch += 1
    person.save()
    record("residents.erased", municipality=town, actor=actor, resident=person.pk)


UNCONFIRMED_DAYS = 30


def forget_unconfirmed(town_id: int, *, now: datetime) -> int:
    """Erase accounts whose e-mail nobody confirmed within thirty days; answer how many.

    Whoever wrote the address may not be its owner. Accounts opened at the counter stay.
    """
    confirmed = EmailAddress.objects.filter(user_id=OuterRef("pk"), verified=True)
    waiting = (
        Resident.objects.of(town_id)
        .standing()
        .filter(
            ~Exists(confirmed),
            joined_at__lte=now - timedelta(days=UNCONFIRMED_DAYS),
            opened_at_counter=False,
            last_login__isnull=True,
        )
        .exclude(email="")
    )
    count = 0
    for person in waiting[:1000]:
        erase_resident(person, actor=person, now=now)
        count += 1
    return count
