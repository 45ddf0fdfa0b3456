"""Who may sign a CAP message: certificates that a reader named, and the authorities. Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from parvis.core.errors import Refused

LASTS = timedelta(days=5 * 365)
"""Of a town's certificate. Receivers are told of the next before this one ends."""
LONGEST_NAME = 64
"""Of a common name (RFC 5280)."""


@dataclass(frozen=True)
class Trust:
    """Whose signatures hold: certificates named one by one, and authorities for the others."""

    certificates: tuple[x509.Certificate, ...] = ()
    authorities: tuple[x509.Certificate, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.certificates or self.authorities)


def read_certificates(content: bytes) -> tuple[x509.Certificate, ...]:
    """Of a file in PEM (several) or DER (one), or raise Refused."""
    try:
        if b"-----BEGIN" in content:
            return tuple(x509.load_pem_x509_certificates(content))
        return (x509.load_der_x509_certificate(content),)
    except ValueError as error:
        raise Refused("Ce fichier ne contient pas de certificat lisible (PEM ou DER).") from error


def vouched(
    signer: x509.Certificate,
    beside: Iterable[x509.Certificate],
    *,
    trust: Trust,
    at: datetime,
) -> bool:
    """Whether the reader named this certificate, or an authority from which it comes."""
    if signer in trust.certificates or signer in trust.authorities:
        return True
    if not trust.authorities:
        return False
    verifier = (
        PolicyBuilder()
        .store(Store(list(trust.authorities)))
        .time(at)
        .extension_policies(
            ca_policy=ExtensionPolicy.webpki_defaults_ca(),
            ee_policy=ExtensionPolicy.permit_all().may_be_present(
                x509.KeyUsage, Criticality.AGNOSTIC, _for_signing
            ),
        )
        .build_client_verifier()
    )
    try:
        verifier.verify(signer, [one for one in beside if one != signer])
    except (VerificationError, ValueError):
        return False
    return True


def _for_signing(_policy: Policy, _one: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.digital_signature:
        raise ValueError("this key is not for signing")


def name_of(certificate: x509.Certificate) -> str:
    """Whom it names, for a sentence."""
    try:
        for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
            for one in certificate.subject.get_attributes_for_oid(kind):
                return str(one.value)
        return certificate.subject.rfc4514_string()
    except ValueError:
        return ""


def of_text(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()


def own_certificate(
    key: ec.EllipticCurvePrivateKey, *, name: str, host: str, now: datetime,
    since: datetime | None = None,
) -> x509.Certificate:  # fmt: skip
    """The town's word for its own key: no authority signs it, receivers are handed it.

    Valid from a day before: for what was sent while nothing could be signed, `since` its hour.
    """
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CA"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, name[:LONGEST_NAME]),
            x509.NameAttribute(NameOID.COMMON_NAME, name[:LONGEST_NAME]),
        ]
    )
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=True, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=False, crl_sign=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, since or now) - timedelta(days=1))
        .not_valid_after(now + LASTS)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
