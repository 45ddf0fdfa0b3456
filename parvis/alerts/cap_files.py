"""Writing each sent revision as a signed CAP file, once; and the key that signs."""

from __future__ import annotations

import hashlib
import logging
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from django.db import transaction
from django.db.models import Min
from django.utils import timezone, translation

from parvis.alerts import audience, cap, cap_compose, rules
from parvis.alerts.cap_certificates import own_certificate
from parvis.alerts.cap_models import CapFile, SigningKey
from parvis.alerts.cap_signature import PrivateKey, sign
from parvis.alerts.models import Alert, Revision
from parvis.core import secret
from parvis.core.db import as_town
from parvis.core.jobs import each, town_job
from parvis.municipalities.actions import record
from parvis.municipalities.models import Municipality
from parvis.notifications.urls_of import absolute, origin
from parvis.territory.models import Address, Sector

PURPOSE = "cap"
LATEST = timedelta(days=60)
logger = logging.getLogger("parvis.alerts")


# --- the key --------------------------------------------------------------------------------------


@transaction.atomic
def renew_signing_key(
    town: Municipality, *, now: datetime, actor: Any = None, since: datetime | None = None
) -> SigningKey:
    """Give the town a new key and certificate. What the former one signed stays as it is."""
    Municipality.objects.select_for_update(no_key=True).get(pk=town.pk)
    SigningKey.objects.of(town).filter(retired_at__isnull=True).update(retired_at=now)
    key = ec.generate_private_key(ec.SECP256R1())
    host = urlsplit(origin(town)).hostname or ""
    certificate = own_certificate(key, name=town.name, host=host, now=now, since=since)
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    row = SigningKey.objects.create(
        municipality=town,
        private=secret.encipher(PURPOSE, private),
        certificate=certificate.public_bytes(Encoding.PEM).decode(),
        created_at=now,
    )
    record("alerts.signing_key_renewed", municipality=town, actor=actor, key=row.pk)
    return row


def signing_key(town: Municipality, *, now: datetime, since: datetime | None = None) -> SigningKey:
    """The key that signs today: made at the first need, and anew before its certificate ends."""
    Municipality.objects.select_for_update(no_key=True).get(pk=town.pk)
    row: SigningKey | None = SigningKey.objects.of(town).filter(retired_at__isnull=True).first()
    if row is None or certificate_of(row).not_valid_after_utc <= now:
        return renew_signing_key(town, now=now, since=since)
    return row


def certificate_of(row: SigningKey) -> x509.Certificate:
    return x509.load_pem_x509_certificate(row.certificate.encode())


def private_of(row: SigningKey) -> PrivateKey:
    """Or raise ValueError when it was enciphered with another SECRET_KEY."""
    key = load_der_private_key(secret.decipher(PURPOSE, bytes(row.private)), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("not a key that signs CAP messages")
    return key


# --- the files ------------------------------------------------------------------------------------


@town_job()
def write_files(*, municipality_id: int, alert_id: int) -> None:
    """Write what is missing of an alert's chain. A job: CAP neither delays nor stops a sending."""
    write_missing(Alert.objects.of(municipality_id).get(pk=alert_id), now=timezone.now())


@each("*/10 * * * *")
def write_late_files(*, at: int) -> None:
    """What a job could not write (a key of another SECRET_KEY, a full disk) is tried again."""
    now = datetime.fromtimestamp(at, UTC)
    for municipality_id in Municipality.objects.order_by("pk").values_list("pk", flat=True):
        try:
            with as_town(municipality_id):
                write_late(municipality_id, now=now)
        except Exception:
            # One town's trouble is not the others'.
            logger.exception("CAP files of town %s were not written", municipality_id)


def write_late(municipality_id: int, *, now: datetime) -> int:
    """Write what is missing of the alerts of the last weeks; answer how many files."""
    late = (
        Alert.objects.of(municipality_id)
        .filter(
            begun_at__gt=now - LATEST, revisions__state=rules.SENT, revisions__cap_file__isnull=True
        )
        .distinct()
    )
    return sum(len(write_missing(alert, now=now)) for alert in late)


@transaction.atomic
def write_missing(alert: Alert, *, now: datetime) -> list[CapFile]:
    """Write the file of each sent revision that has none, the earlier before the later."""
    # In turn: the next file names those before it.
    alert = Alert.objects.of(alert.municipality_id).select_for_update(no_key=True).get(pk=alert.pk)
    before: list[CapFile] = list(
        CapFile.objects.of(alert.municipality_id).filter(alert=alert).order_by("number")
    )
    has = {one.number for one in before}
    missing = (
        Revision.objects.of(alert.municipality_id).sent().filter(alert=alert).order_by("number")
    )
    return [_write(one, before, now=now) for one in missing if one.number not in has]


def _write(revision: Revision, before: list[CapFile], *, now: datetime) -> CapFile:
    """Add the file of one revision, and itself to those that the next one names."""
    town = revision.municipality
    told = told_of(revision, [one.reference for one in before])
    message = cap_compose.message(told)
    row = signing_key(town, now=now, since=_first_sending(town))
    content = sign(cap.write(message), key=private_of(row), certificate=certificate_of(row))
    file = CapFile.objects.create(
        municipality=town,
        revision=revision,
        alert_id=revision.alert_id,
        number=revision.number,
        reference=cap_compose.reference(message.sender, message.identifier, message.sent),
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        title=message.infos[0].headline,
        sent_at=message.sent,
        expires_at=cap_compose.end_of(told),
        written_at=now,
    )
    before.append(file)
    return file


def _first_sending(town: Municipality) -> datetime | None:
    """A first key vouches for whatever left before it was made."""
    first: datetime | None = Alert.objects.of(town).aggregate(at=Min("begun_at"))["at"]
    return first


def told_of(revision: Revision, references: list[str]) -> cap_compose.Told:
    """What a revision says, gathered from the town's tables."""
    town, alert = revision.municipality, revision.alert
    assert revision.sent_at is not None and revision.expires_at is not None
    said = []
    for language in sorted(revision.words, key=lambda one: one != "fr"):
        words = revision.said(language)
        with translation.override(language):
            where = f"{town.name}\u00a0: {audience.where(revision)}"
            event = str(alert.kind.label)
        said.append(
            cap_compose.Said(
                language=language,
                event=event,
                title=str(words["title"]),
                text=str(words["text"]),
                steps=[str(step) for step in words.get("steps", ())],
                where=where,
            )
        )
    return cap_compose.Told(
        identifier=f"urn:uuid:{revision.identity}",
        sender=urlsplit(origin(town)).hostname or town.slug,
        sent=revision.sent_at.astimezone(town.zone),
        kind=revision.kind,
        event=alert.event,
        category=alert.kind.category,
        response=alert.kind.response,
        severity=revision.severity,
        urgency=revision.urgency,
        certainty=revision.certainty,
        expires=revision.expires_at.astimezone(town.zone),
        said=said,
        town=town.name,
        code=town.code,
        is_drill=alert.is_drill,
        is_demonstration=town.demonstration,
        references=references,
        note=revision.note,
        web=absolute(town, alert.get_absolute_url()),
        contact=town.help_phone,
        surfaces=surfaces(revision),
        places=_places(revision),
    )


def surfaces(revision: Revision) -> list[cap_compose.Geometry]:
    """What was drawn. The whole town is told by its code: its limits are not among our tables."""
    if revision.everywhere:
        return []
    sectors = Sector.objects.of(revision.municipality_id).filter(pk__in=revision.sector_ids)
    drawn = list(sectors.order_by("pk").values_list("geometry", flat=True))
    return [*drawn, *([revision.area] if revision.area else [])]


def _places(revision: Revision) -> list[cap_compose.Place]:
    if revision.everywhere:
        return []
    rows = Address.objects.of(revision.municipality_id).filter(
        pk__in=revision.address_ids, longitude__isnull=False, latitude__isnull=False
    )
    return list(rows.order_by("pk").values_list("longitude", "latitude"))
