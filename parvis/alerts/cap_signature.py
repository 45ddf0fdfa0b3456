"""Signatures of CAP messages (XML Signature, enveloped): made, and verified. Pure.

What is verified is what is read: a signature counts only when it stands directly in `alert` and
covers the whole message, and readers are handed those very bytes. Nothing is looked up by an `Id`,
no transform is run that a message asks for, and no key is believed because the message carries it.
"""

from __future__ import annotations

import base64
import copy
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree

from parvis.alerts import cap_values as values
from parvis.alerts.cap_certificates import Trust, name_of, of_text, vouched
from parvis.alerts.cap_file import tree
from parvis.alerts.cap_schema import CAP, SIGNATURES, children, text
from parvis.alerts.cap_signature_parts import (
    ENC,
    ENVELOPED,
    EXCLUSIVE,
    INCLUSIVE,
    MORE,
    Broken,
    Parts,
    Unfit,
    canonical_form,
    digest_of,
)
from parvis.core.errors import Refused

MOST_SIGNATURES = 4

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class State(Enum):
    """What became of one signature."""

    HOLDS = "holds"
    """Made by someone whom the reader named."""
    STRANGER = "stranger"
    """Made with the certificate that it carries, which nobody vouches for here."""
    WEAK = "weak"
    """It computes, and proves nothing: SHA-1, a short key."""
    UNKNOWN = "unknown"
    """It cannot be computed: its method is not ours, or there is no certificate."""
    EXPIRED = "expired"
    """By a certificate that was not valid when the message says that it was sent."""
    BROKEN = "broken"
    """It does not compute: something was changed, or it was never good."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One signature: the place where it stands, what became of it, and why, in a sentence."""

    line: int
    state: State
    reason: str
    signer: str = ""


@dataclass(frozen=True, kw_only=True)
class Verified:
    """A message, and its signatures in their order. Read `message`, never the file again."""

    message: bytes
    verdicts: tuple[Verdict, ...] = field(default=())

    @property
    def is_signed(self) -> bool:
        return bool(self.verdicts)

    @property
    def holds(self) -> bool:
        """Someone whom the reader named signed it, and no signature is broken."""
        states = {one.state for one in self.verdicts}
        return State.HOLDS in states and State.BROKEN not in states


# --- made -----------------------------------------------------------------------------------------


def sign(message: bytes, *, key: PrivateKey, certificate: x509.Certificate) -> bytes:
    """The message with the town's signature at its end, or raise Refused for what is not CAP.

    SHA-256 over exclusive canonical XML; the key says whether RSA or ECDSA.
    """
    root = tree(message)
    if root.tag != f"{{{CAP}}}alert" or _signatures(root):
        raise Refused("Seul un message CAP qui ne l’est pas encore peut être signé.")
    if certificate.public_key() != key.public_key():
        raise ValueError("the certificate is of another key")
    digest = digest_of(etree.tostring(root, method="c14n", exclusive=True), hashes.SHA256())
    kind = "ecdsa" if isinstance(key, ec.EllipticCurvePrivateKey) else "rsa"
    signature = etree.SubElement(
        root,
        f"{{{SIGNATURES}}}Signature",
        nsmap={None: SIGNATURES},  # type: ignore[dict-item]  # the default one
    )
    info = _child(signature, "SignedInfo")
    _child(info, "CanonicalizationMethod", Algorithm=EXCLUSIVE)
    _child(info, "SignatureMethod", Algorithm=f"{MORE}{kind}-sha256")
    reference = _child(info, "Reference", URI="")
    transforms = _child(reference, "Transforms")
    _child(transforms, "Transform", Algorithm=ENVELOPED)
    _child(transforms, "Transform", Algorithm=EXCLUSIVE)
    _child(reference, "DigestMethod", Algorithm=ENC + "sha256")
    _child(reference, "DigestValue").text = base64.b64encode(digest).decode()
    signed = etree.tostring(info, method="c14n", exclusive=True)
    _child(signature, "SignatureValue").text = base64.b64encode(_made(key, signed)).decode()
    data = _child(_child(signature, "KeyInfo"), "X509Data")
    _child(data, "X509Certificate").text = of_text(certificate)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"


def _child(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{SIGNATURES}}}{name}", attributes)


def _made(key: PrivateKey, signed: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
    if not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("a town signs with P-256 or RSA")
    first, second = decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256())))
    return first.to_bytes(32, "big") + second.to_bytes(32, "big")


# --- verified -------------------------------------------------------------------------------------


def verify(content: bytes, *, now: datetime, trust: Trust | None = None) -> Verified:
    """The message without its signatures, and what each of them is worth; or raise Refused.

    Two rules hold for what a signature covers: that of the standard (all but itself) and that of
    the Canadian distributor, NAAD (all but every signature). Both cover the whole message.
    """
    root = tree(content, instructions=True)
    found = _signatures(root)
    if len(found) > MOST_SIGNATURES:
        raise Refused(f"Le message porte plus de {MOST_SIGNATURES} signatures.")
    bare = _without(root, set(range(len(found))))
    sent = _sent(root)
    verdicts = [
        _verdict(root, number, trust=trust or Trust(), sent=sent, now=now)
        for number in range(len(found))
    ]
    return Verified(message=canonical_form(bare, INCLUSIVE), verdicts=tuple(verdicts))


def _signatures(root: etree._Element) -> list[etree._Element]:
    """Those that stand directly in the message: no other is a signature of it."""
    return root.findall(f"{{{SIGNATURES}}}Signature")


def _sent(root: etree._Element) -> datetime | None:
    try:
        return values.moment(text(children(root, "sent")[0]))
    except (IndexError, ValueError):
        return None


def _verdict(
    root: etree._Element, number: int, *, trust: Trust, sent: datetime | None, now: datetime
) -> Verdict:
    signature = _signatures(root)[number]
    line: int = signature.sourceline or 0  # type: ignore[assignment]  # the stubs say «...»

    def said(state: State, reason: str, signer: str = "") -> Verdict:
        return Verdict(line=line, state=state, reason=reason, signer=signer)

    try:
        parts = Parts.of(signature)
        carried = parts.certificates()
        maker = _maker(parts, [*trust.certificates, *carried])
        if maker is None:
            if carried or trust.certificates:
                _covers(parts, root, number)
                return said(State.BROKEN, "sa valeur n’est d’aucune des clés connues")
            return said(State.UNKNOWN, "elle ne porte pas de certificat")
        _covers(parts, root, number)
    except Unfit as reason:
        return said(State.UNKNOWN, str(reason))
    except Broken as reason:
        return said(State.BROKEN, str(reason))
    signer = name_of(maker)
    weak = parts.weakness(maker)
    if weak:
        return said(State.WEAK, weak, signer)
    at = sent or now
    if not maker.not_valid_before_utc <= at <= maker.not_valid_after_utc:
        late = f"son certificat ne valait pas le {at:%Y-%m-%d}, jour de l’envoi"
        return said(State.EXPIRED, late, signer)
    expired = maker.not_valid_after_utc
    ended = f", par un certificat échu depuis le {expired:%Y-%m-%d}" if expired < now else ""
    if vouched(maker, carried, trust=trust, at=at):
        return said(State.HOLDS, f"elle tient{ended}", signer)
    who = "n’est pas de ceux qui sont admis" if trust else "n’est attesté par personne ici"
    return said(State.STRANGER, f"elle tient{ended}, mais son certificat {who}", signer)


def _maker(parts: Parts, candidates: Iterable[x509.Certificate]) -> x509.Certificate | None:
    """The certificate whose key made it."""
    for certificate in candidates:
        if any(parts.computes(certificate, signed) for signed in parts.signed()):
            return certificate
    return None


def _covers(parts: Parts, root: etree._Element, number: int) -> None:
    """Raise Broken unless the digest is that of the whole message."""
    every = set(range(len(_signatures(root))))
    for removed in ({number}, every) if len(every) > 1 else ({number},):
        covered = canonical_form(_without(root, removed), parts.covering, parts.prefixes)
        if hmac.compare_digest(digest_of(covered, parts.digest), parts.expected):
            return
    raise Broken("le message a été modifié depuis qu’elle a été faite")


def _without(root: etree._Element, numbers: set[int]) -> etree._Element:
    """A copy without those signatures; what is written between them stays."""
    bare: etree._Element = copy.deepcopy(root.getroottree()).getroot()
    for number, signature in enumerate(_signatures(bare)):
        if number in numbers:
            before = signature.getprevious()
            if before is None:
                bare.text = (bare.text or "") + (signature.tail or "")
            else:
                before.tail = (before.tail or "") + (signature.tail or "")
            bare.remove(signature)
    return bare
