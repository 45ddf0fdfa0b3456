"""Whose signatures of CAP messages hold: named signers, authorities, and the distributor's two."""

from __future__ import annotations

import pytest
import signxml
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from parvis.alerts import cap, cap_certificates
from parvis.alerts.cap_certificates import Trust
from parvis.alerts.cap_signature import State, sign, verify
from parvis.alerts.tests.signing import (
    MESSAGE,
    NOW,
    RSA_CERTIFICATE,
    RSA_KEY,
    TOWN,
    TOWN_KEY,
    certificate,
    distributor_signs,
    stranger_signs,
)
from parvis.core.errors import Refused

SIGNED = sign(MESSAGE, key=TOWN_KEY, certificate=TOWN)
THEIRS = Trust(certificates=(RSA_CERTIFICATE,))


def states(content: bytes, trust: Trust) -> list[State]:
    return [one.state for one in verify(content, trust=trust, now=NOW).verdicts]


def holds(content: bytes, trust: Trust) -> bool:
    return verify(content, trust=trust, now=NOW).holds


# --- whom one trusts ------------------------------------------------------------------------------

ROOT_KEY = ec.generate_private_key(ec.SECP256R1())
ROOT = certificate(ROOT_KEY, name="Autorité", authority=True)
MIDDLE_KEY = ec.generate_private_key(ec.SECP256R1())
MIDDLE = certificate(
    MIDDLE_KEY, name="Intermédiaire", issuer=ROOT, issuer_key=ROOT_KEY, authority=True
)
LEAF = certificate(RSA_KEY, name="Feuille", issuer=MIDDLE, issuer_key=MIDDLE_KEY)


def test_an_authority_answers_for_the_certificates_under_it():
    signed = stranger_signs(MESSAGE, RSA_KEY, [LEAF, MIDDLE])
    assert states(signed, Trust(authorities=(ROOT,))) == [State.HOLDS]
    alone = stranger_signs(MESSAGE, RSA_KEY, [LEAF])
    assert states(alone, Trust(authorities=(ROOT,))) == [State.STRANGER]
    assert states(alone, Trust(authorities=(ROOT, MIDDLE))) == [State.HOLDS]


def test_another_authority_of_the_same_name_does_not():
    key = ec.generate_private_key(ec.SECP256R1())
    posing = certificate(key, name="Autorité", authority=True)
    signed = stranger_signs(MESSAGE, RSA_KEY, [LEAF, MIDDLE])
    assert states(signed, Trust(authorities=(posing,))) == [State.STRANGER]


def test_a_signer_is_not_an_authority():
    key = rsa.generate_private_key(65537, 2048)
    under = certificate(key, name="Dessous", issuer=LEAF, issuer_key=RSA_KEY)
    signed = stranger_signs(MESSAGE, key, [under, LEAF, MIDDLE])
    assert states(signed, Trust(authorities=(ROOT,))) == [State.STRANGER]


def test_an_authoritys_key_signs_no_message():
    signed = stranger_signs(MESSAGE, MIDDLE_KEY, [MIDDLE], signature="ecdsa-sha256")
    assert states(signed, Trust(authorities=(ROOT,))) == [State.STRANGER]


def test_certificates_are_read_in_both_forms():
    pem = TOWN.public_bytes(Encoding.PEM)
    both = cap_certificates.read_certificates(pem + RSA_CERTIFICATE.public_bytes(Encoding.PEM))
    assert both == (TOWN, RSA_CERTIFICATE)
    assert cap_certificates.read_certificates(TOWN.public_bytes(Encoding.DER)) == (TOWN,)
    for wrong in (b"", b"x", pem[:200], MESSAGE):
        with pytest.raises(Refused, match="certificat lisible"):
            cap_certificates.read_certificates(wrong)


# --- two signatures, as the Canadian distributor sends --------------------------------------------

ISSUER_KEY = rsa.generate_private_key(65537, 2048)
ISSUER = certificate(ISSUER_KEY, name="Émetteur")
ISSUED = stranger_signs(MESSAGE, ISSUER_KEY, [ISSUER])
DOUBLE = distributor_signs(ISSUED, RSA_KEY, [RSA_CERTIFICATE])
BOTH = Trust(certificates=(ISSUER, RSA_CERTIFICATE))


def test_both_signatures_hold_and_a_stranger_shows_why_the_rule_is_needed():
    read = verify(DOUBLE, now=NOW, trust=BOTH)
    assert [(one.state, one.signer) for one in read.verdicts] == [
        (State.HOLDS, "Diffuseur inventé"),
        (State.HOLDS, "Émetteur"),
    ]
    assert cap.read(read.message) == cap.read(MESSAGE)
    root = etree.fromstring(DOUBLE)
    with pytest.raises(signxml.exceptions.SignXMLException):
        signxml.XMLVerifier().verify(
            root,
            x509_cert=ISSUER,
            expect_config=signxml.SignatureConfiguration(location="./"),
            validate_schema=False,
        )


def test_by_the_rule_of_the_standard_the_second_covers_the_first():
    """One signs the message with the first signature in it; without it the second breaks."""
    second = stranger_signs(SIGNED, RSA_KEY, [RSA_CERTIFICATE])
    both = Trust(certificates=(TOWN, RSA_CERTIFICATE))
    assert states(second, both) == [State.HOLDS, State.HOLDS]
    root = etree.fromstring(second)
    root.remove(root.find("{*}Signature"))
    assert states(etree.tostring(root), both) == [State.BROKEN]


def test_what_is_changed_between_issuer_and_distributor_breaks_the_issuers_only():
    changed_between = distributor_signs(
        ISSUED.replace(b"gymnase", b"sous-sol"), RSA_KEY, [RSA_CERTIFICATE]
    )
    assert states(changed_between, BOTH) == [State.HOLDS, State.BROKEN]
    assert not holds(changed_between, BOTH)


def test_what_is_changed_after_both_breaks_both():
    assert states(DOUBLE.replace(b"gymnase", b"sous-sol"), BOTH) == [State.BROKEN] * 2


def test_one_of_both_is_enough_when_only_one_is_named():
    assert states(DOUBLE, THEIRS) == [State.HOLDS, State.STRANGER]
    assert holds(DOUBLE, THEIRS)
    assert not holds(DOUBLE, Trust())
