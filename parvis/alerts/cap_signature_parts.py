"""What one signature says of itself, of the only shape that is admitted. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree

from parvis.alerts import cap_values as values
from parvis.alerts.cap_schema import SIGNATURES, local, text

MOST_CERTIFICATES = 8
LEAST_RSA, MOST_RSA = 2048, 8192
LONGEST_VALUE = 8_192

INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
INCLUSIVE_11 = "http://www.w3.org/2006/12/xml-c14n11"
"""As the first, for us: they part only on attributes `xml:`, which CAP has not."""
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = SIGNATURES + "enveloped-signature"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
ENC = "http://www.w3.org/2001/04/xmlenc#"
DIGESTS: dict[str, hashes.HashAlgorithm] = {
    ENC + "sha256": hashes.SHA256(),
    MORE + "sha384": hashes.SHA384(),
    ENC + "sha512": hashes.SHA512(),
    SIGNATURES + "sha1": hashes.SHA1(),
}
METHODS: dict[str, tuple[str, hashes.HashAlgorithm]] = {
    MORE + "rsa-sha256": ("RSA", hashes.SHA256()),
    MORE + "rsa-sha384": ("RSA", hashes.SHA384()),
    MORE + "rsa-sha512": ("RSA", hashes.SHA512()),
    SIGNATURES + "rsa-sha1": ("RSA", hashes.SHA1()),
    MORE + "ecdsa-sha256": ("ECDSA", hashes.SHA256()),
    MORE + "ecdsa-sha384": ("ECDSA", hashes.SHA384()),
    MORE + "ecdsa-sha512": ("ECDSA", hashes.SHA512()),
}

CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)


class Unfit(Exception):
    """Why a signature is not what we verify."""


class Broken(Exception):
    """Why it does not compute."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What one signature says of itself, of the only shape that is admitted."""

    element: etree._Element
    info: etree._Element
    canonical: str
    own_prefixes: tuple[str, ...]
    kind: str
    method: hashes.HashAlgorithm
    covering: str
    prefixes: tuple[str, ...]
    digest: hashes.HashAlgorithm
    expected: bytes
    value: bytes

    @classmethod
    def of(cls, signature: etree._Element) -> Parts:
        info = _one(signature, "SignedInfo")
        canonical = _one(info, "CanonicalizationMethod")
        method = _algorithm(_one(info, "SignatureMethod"))
        if method not in METHODS:
            raise Unfit(f"sa méthode n’est pas admise\u00a0: {values.quoted(method)}")
        references = _several(info, "Reference")
        if len(references) != 1 or references[0].get("URI") != "":
            raise Unfit("elle ne porte pas sur le message entier, et sur lui seul")
        covering, prefixes = _transforms(references[0])
        digest = _algorithm(_one(references[0], "DigestMethod"))
        if digest not in DIGESTS:
            raise Unfit(f"son empreinte n’est pas admise\u00a0: {values.quoted(digest)}")
        return cls(
            element=signature,
            info=info,
            canonical=_form(canonical),
            own_prefixes=_prefixes(canonical),
            kind=METHODS[method][0],
            method=METHODS[method][1],
            covering=covering,
            prefixes=prefixes,
            digest=DIGESTS[digest],
            expected=_octets(_one(references[0], "DigestValue")),
            value=_octets(_one(signature, "SignatureValue")),
        )

    def signed(self) -> Iterator[bytes]:
        """`SignedInfo` where it stands, and then alone, as the Canadian distributor takes it."""
        within = etree.fromstring(etree.tostring(self.info, with_tail=False))
        yield canonical_form(within, self.canonical, self.own_prefixes)
        yield canonical_form(self.info, self.canonical, self.own_prefixes)

    def computes(self, certificate: x509.Certificate, signed: bytes) -> bool:
        key = certificate.public_key()
        try:
            if self.kind == "RSA" and isinstance(key, rsa.RSAPublicKey):
                if key.key_size > MOST_RSA:
                    return False
                key.verify(self.value, signed, padding.PKCS1v15(), self.method)
                return True
            if self.kind == "ECDSA" and isinstance(key, ec.EllipticCurvePublicKey):
                half = (key.key_size + 7) // 8
                if not isinstance(key.curve, CURVES) or len(self.value) != 2 * half:
                    return False
                first, second = self.value[:half], self.value[half:]
                numbers = encode_dss_signature(
                    int.from_bytes(first, "big"), int.from_bytes(second, "big")
                )
                key.verify(numbers, signed, ec.ECDSA(self.method))
                return True
        except (InvalidSignature, ValueError):
            pass
        return False

    def weakness(self, certificate: x509.Certificate) -> str:
        if isinstance(self.method, hashes.SHA1) or isinstance(self.digest, hashes.SHA1):
            return "elle repose sur SHA-1, qui ne prouve plus rien"
        key = certificate.public_key()
        if isinstance(key, rsa.RSAPublicKey) and key.key_size < LEAST_RSA:
            return f"sa clé de {key.key_size} bits est trop courte pour prouver quelque chose"
        return ""

    def certificates(self) -> list[x509.Certificate]:
        found = self.element.iterfind(
            f"{{{SIGNATURES}}}KeyInfo/{{{SIGNATURES}}}X509Data/{{{SIGNATURES}}}X509Certificate"
        )
        held = []
        for number, one in enumerate(found):
            if number == MOST_CERTIFICATES:
                raise Unfit(f"elle porte plus de {MOST_CERTIFICATES} certificats")
            try:
                certificate = x509.load_der_x509_certificate(
                    base64.b64decode(values.collapsed(text(one)))
                )
                certificate.public_key()
            except Exception as error:
                # What a hostile file makes the library say is not all ValueError.
                raise Broken("son certificat est illisible") from error
            held.append(certificate)
        return held


def _several(element: etree._Element, name: str) -> list[etree._Element]:
    return element.findall(f"{{{SIGNATURES}}}{name}")


def _one(element: etree._Element, name: str) -> etree._Element:
    found = _several(element, name)
    if len(found) != 1:
        raise Broken(f"elle n’est pas bien formée (\u00ab\u00a0{name}\u00a0\u00bb)")
    return found[0]


def _algorithm(element: etree._Element) -> str:
    return element.get("Algorithm") or ""


def _form(element: etree._Element) -> str:
    form = _algorithm(element)
    if form not in (INCLUSIVE, INCLUSIVE_11, EXCLUSIVE):
        raise Unfit(f"sa forme canonique n’est pas admise\u00a0: {values.quoted(form)}")
    return form


def _prefixes(element: etree._Element) -> tuple[str, ...]:
    found = element.find(f"{{{EXCLUSIVE}}}InclusiveNamespaces")
    return () if found is None else tuple(values.words(found.get("PrefixList") or ""))


def _transforms(reference: etree._Element) -> tuple[str, tuple[str, ...]]:
    """The form in which the message is digested. Without the first it could not be enveloped."""
    asked = [
        one for each in _several(reference, "Transforms") for one in _several(each, "Transform")
    ]
    if not 1 <= len(asked) <= 2 or _algorithm(asked[0]) != ENVELOPED:
        raise Unfit("elle demande des transformations qui ne sont pas admises")
    if len(asked) == 1:
        return INCLUSIVE, ()
    return _form(asked[1]), _prefixes(asked[1])


def _octets(element: etree._Element) -> bytes:
    written = "".join(values.words(text(element)))
    if not written or len(written) > LONGEST_VALUE:
        raise Broken(f"«\u00a0{local(element)}\u00a0» est vide ou démesuré")
    try:
        return base64.b64decode(written, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Broken(f"«\u00a0{local(element)}\u00a0» n’est pas en base 64") from error


def digest_of(octets: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    made = hashes.Hash(algorithm)
    made.update(octets)
    return made.finalize()


def canonical_form(element: etree._Element, form: str, prefixes: Iterable[str] = ()) -> bytes:
    whole: etree._Element | etree._ElementTree = element
    if element.getparent() is None:
        # A whole document: instructions beside its root belong to it.
        whole = element.getroottree()
    return etree.tostring(
        whole,
        method="c14n",
        exclusive=form == EXCLUSIVE,
        with_comments=False,
        inclusive_ns_prefixes=list(prefixes) or None,
        with_tail=False,
    )
