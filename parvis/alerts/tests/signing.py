"""Keys, certificates and signatures for the tests, some made by a stranger (signxml)."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import signxml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from lxml import etree

from parvis.alerts import cap_certificates
from parvis.alerts.cap_schema import SIGNATURES
from parvis.alerts.tests.make import FLOOD

NOW = datetime(2026, 4, 19, 12, tzinfo=UTC)
ISSUED_AT = NOW - timedelta(days=30)
MESSAGE = FLOOD.encode()
TOWN_KEY = ec.generate_private_key(ec.SECP256R1())
TOWN = cap_certificates.own_certificate(
    TOWN_KEY, name="Ville de Val-des-Brumes", host="val-des-brumes.example", now=ISSUED_AT
)
RSA_KEY = rsa.generate_private_key(65537, 2048)


def certificate(
    key,
    *,
    name="Diffuseur inventé",
    issuer=None,
    issuer_key=None,
    authority=False,
    start=NOW - timedelta(days=30),
    end=NOW + timedelta(days=365),
) -> x509.Certificate:
    """Signed by itself, or by the issuer's key; an authority of its own when asked."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = issuer_key or key
    usage = dict.fromkeys(
        ["content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "encipher_only", "decipher_only"], False,
    )  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=not authority,
                key_cert_sign=authority,
                crl_sign=authority,
                **usage,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, hashes.SHA256())
    )


RSA_CERTIFICATE = certificate(RSA_KEY)


class OldSigner(signxml.XMLSigner):
    """Makes what nobody should make any more."""

    def check_deprecated_methods(self) -> None:
        pass


def stranger_signs(
    message: bytes, key, chain, *, signature="rsa-sha256", digest="sha256", form=None, **more
) -> bytes:
    signer = OldSigner(
        signature_algorithm=signature,
        digest_algorithm=digest,
        c14n_algorithm=form or "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    )
    root = signer.sign(etree.fromstring(message), key=key, cert=chain, **more)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def distributor_signs(message: bytes, key, chain) -> bytes:
    """As the Canadian distributor does: a second signature, first in place, that covers the
    message without any signature, and a `SignedInfo` taken alone."""
    root = etree.fromstring(message)
    held = root.findall(f"{{{SIGNATURES}}}Signature")
    bare = etree.fromstring(message)
    for one in bare.findall(f"{{{SIGNATURES}}}Signature"):
        bare.remove(one)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(etree.tostring(bare, method="c14n", with_comments=False))
    info = (
        f'<SignedInfo xmlns="{SIGNATURES}"><CanonicalizationMethod Algorithm='
        '"http://www.w3.org/TR/2001/REC-xml-c14n-20010315"></CanonicalizationMethod>'
        '<SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256">'
        '</SignatureMethod><Reference URI=""><Transforms><Transform Algorithm='
        f'"{SIGNATURES}enveloped-signature"></Transform></Transforms><DigestMethod '
        'Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></DigestMethod><DigestValue>'
        f"{base64.b64encode(digest.finalize()).decode()}</DigestValue></Reference></SignedInfo>"
    )
    value = key.sign(info.encode(), padding.PKCS1v15(), hashes.SHA256())
    carried = "".join(
        f"<X509Certificate>{cap_certificates.of_text(one)}</X509Certificate>" for one in chain
    )
    made = etree.fromstring(
        f'<Signature xmlns="{SIGNATURES}" Id="NAADS Signature">{info}<SignatureValue>'
        f"{base64.b64encode(value).decode()}</SignatureValue><KeyInfo><X509Data>{carried}"
        '</X509Data></KeyInfo><Object xmlns=""><SignatureProperties/></Object></Signature>'
    )
    if held:
        held[0].addprevious(made)
    else:
        root.append(made)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
