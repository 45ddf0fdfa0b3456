"""Signatures of CAP messages: a stranger reads ours, we read a stranger's, and no trick holds."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import timedelta

import pytest
import signxml
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from parvis.alerts import cap, cap_certificates
from parvis.alerts.cap_certificates import Trust
from parvis.alerts.cap_signature import MOST_SIGNATURES, State, sign, verify
from parvis.alerts.tests.make import changed
from parvis.alerts.tests.signing import (
    ISSUED_AT,
    MESSAGE,
    NOW,
    RSA_CERTIFICATE,
    RSA_KEY,
    TOWN,
    TOWN_KEY,
    certificate,
    stranger_signs,
)
from parvis.core.errors import Refused

SIGNED = sign(MESSAGE, key=TOWN_KEY, certificate=TOWN)
OURS = Trust(certificates=(TOWN,))
THEIRS = Trust(certificates=(RSA_CERTIFICATE,))
WHOLE = re.compile(rb"<Signature .*</Signature>", re.DOTALL)
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE_11 = "http://www.w3.org/2006/12/xml-c14n11"
COMMENTED = EXCLUSIVE + "WithComments"


def states(content: bytes, trust: Trust = OURS, now=NOW) -> list[State]:
    return [one.state for one in verify(content, trust=trust, now=now).verdicts]


def holds(content: bytes, trust: Trust = OURS, now=NOW) -> bool:
    return verify(content, trust=trust, now=now).holds


# --- made and read by a stranger ------------------------------------------------------------------


@pytest.mark.parametrize(("key", "own"), [(TOWN_KEY, TOWN), (RSA_KEY, RSA_CERTIFICATE)])
def test_a_stranger_reads_our_signature(key, own):
    signed = sign(MESSAGE, key=key, certificate=own)
    ours = signxml.SignatureConfiguration(location="./")
    read = signxml.XMLVerifier().verify(
        signed, x509_cert=own, expect_config=ours, validate_schema=True
    )
    assert cap.read(etree.tostring(read.signed_xml)) == cap.read(MESSAGE)
    with pytest.raises(signxml.InvalidSignature):
        signxml.XMLVerifier().verify(
            signed.replace(b"gymnase", b"sous-sol"), x509_cert=own, expect_config=ours
        )
    assert holds(signed, Trust(certificates=(own,)))


def test_the_signed_message_is_valid_and_reads_the_same():
    assert cap.read(SIGNED) == cap.read(MESSAGE)
    assert cap.read(verify(SIGNED, now=NOW).message) == cap.read(MESSAGE)


@pytest.mark.parametrize("form", [None, EXCLUSIVE, INCLUSIVE_11])
@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_a_strangers_signature_is_read_in_each_form(form, digest):
    signed = stranger_signs(
        MESSAGE, RSA_KEY, [RSA_CERTIFICATE], signature=f"rsa-{digest}", digest=digest, form=form
    )
    assert states(signed, THEIRS) == [State.HOLDS]
    assert states(signed.replace(b"gymnase", b"sous-sol"), THEIRS) == [State.BROKEN]


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_a_strangers_curve_is_read(curve):
    key = ec.generate_private_key(curve)
    own = certificate(key)
    signed = stranger_signs(MESSAGE, key, [own], signature="ecdsa-sha256")
    assert states(signed, Trust(certificates=(own,))) == [State.HOLDS]


def test_a_namespace_declared_above_does_not_change_what_is_read():
    """Under inclusive canonical XML it becomes part of what is signed, twice."""
    message = MESSAGE.replace(b"<alert ", b'<alert xmlns:x="urn:x" ')
    signed = stranger_signs(message, RSA_KEY, [RSA_CERTIFICATE])
    assert states(signed, THEIRS) == [State.HOLDS]


def test_instructions_are_covered_and_comments_are_not():
    with_both = MESSAGE.replace(b"<alert ", b"<?a b?><alert ").replace(b"L\xe2", b"L<?c?>\xe2", 1)
    signed = sign(MESSAGE.replace(b"<sent>", b"<!-- c --><sent>"), key=TOWN_KEY, certificate=TOWN)
    assert holds(signed)
    assert holds(SIGNED.replace(b"<sent>", b"<!-- c --><sent>"))
    assert not holds(SIGNED.replace(b"<sent>", b"<?c d?><sent>"))
    assert states(stranger_signs(with_both, RSA_KEY, [RSA_CERTIFICATE]), THEIRS) == [State.HOLDS]


def test_the_space_around_a_signature_is_part_of_what_is_signed():
    there = b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#" Id="placeholder"/>\n \n</alert>'
    signed = stranger_signs(MESSAGE.replace(b"</alert>", there), RSA_KEY, [RSA_CERTIFICATE])
    assert b"\n \n</alert>" in signed
    assert states(signed, THEIRS) == [State.HOLDS]
    assert states(signed.replace(b"\n \n</alert>", b"</alert>"), THEIRS) == [State.BROKEN]


def test_an_unsigned_message_says_so():
    read = verify(MESSAGE, now=NOW, trust=OURS)
    assert (read.is_signed, read.holds, read.verdicts) == (False, False, ())
    assert cap.read(read.message) == cap.read(MESSAGE)


@pytest.mark.parametrize("message", [SIGNED, b"<alert/>", b"<other/>"])
def test_only_an_unsigned_message_of_cap_is_signed(message):
    with pytest.raises(Refused, match="Seul un message CAP"):
        sign(message, key=TOWN_KEY, certificate=TOWN)


def test_a_certificate_of_another_key_is_not_put_beside_a_signature():
    with pytest.raises(ValueError, match="another key"):
        sign(MESSAGE, key=TOWN_KEY, certificate=RSA_CERTIFICATE)


# --- altered --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"gymnase", b"sous-sol"),
        (b"Actual", b"Test"),
        (b"<scope>", b"<source>x</source><scope>"),
        (b"<ceiling>20</ceiling>", b""),
        (b"</info>", b"<area><areaDesc>ailleurs</areaDesc></area></info>"),
        (b"46.1,-72.1 1.5", b"46.1,-72.1 1.6"),
        (b"<note>", b"<note> "),
        (b"<alert ", b'<alert xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
         b'xsi:schemaLocation="a b" '),
    ],
)  # fmt: skip
def test_any_change_breaks_it(old, new):
    altered = SIGNED.replace(old, new, 1)
    assert altered != SIGNED
    assert states(altered) == [State.BROKEN]
    assert "a été modifié" in verify(altered, now=NOW, trust=OURS).verdicts[0].reason


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 40), st.binary(max_size=12))
def test_whatever_is_done_to_the_file_what_holds_reads_as_it_was_signed(place, length, put):
    altered = SIGNED[:place] + put + SIGNED[place + length :]
    try:
        read = verify(altered, now=NOW, trust=OURS)
    except Refused:
        return
    if read.holds:
        assert cap.read(read.message) == cap.read(MESSAGE)


def test_another_key_under_the_same_name_is_a_stranger():
    key = ec.generate_private_key(ec.SECP256R1())
    forged = cap_certificates.own_certificate(
        key, name="Ville de Val-des-Brumes", host="val-des-brumes.example", now=ISSUED_AT
    )
    message = changed("gymnase", "sous-sol")
    signed = sign(message, key=key, certificate=forged)
    assert states(signed) == states(signed, Trust()) == [State.STRANGER]
    assert not holds(signed)
    # With the true certificate in place of its own, nothing computes.
    posing = signed.replace(
        cap_certificates.of_text(forged).encode(), cap_certificates.of_text(TOWN).encode()
    )
    assert states(posing) == states(posing, Trust()) == [State.BROKEN]


# --- wrapped --------------------------------------------------------------------------------------


def reseated(signed: bytes, into: bytes) -> bytes:
    """The signature of one message, set into another."""
    (signature,) = WHOLE.findall(signed)
    return into.replace(b"</alert>", signature + b"</alert>")


HOSTILE = changed("Allez au gymnase", "Restez au sous-sol")


def test_a_signature_of_another_message_does_not_hold():
    assert states(reseated(SIGNED, HOSTILE)) == [State.BROKEN]


def test_the_signed_message_hidden_inside_another_does_not_hold():
    """The classic wrapping: the true message goes inside the signature, by its `Id`."""
    key, own = RSA_KEY, RSA_CERTIFICATE
    signed = stranger_signs(MESSAGE.replace(b"<alert ", b'<alert Id="true" '), key, [own])
    assert signxml.XMLVerifier().verify(signed, x509_cert=own)
    root = etree.fromstring(signed)
    (signature,) = root.findall("{*}Signature")
    true = etree.fromstring(signed)
    true.remove(true.find("{*}Signature"))
    etree.SubElement(signature, "{http://www.w3.org/2000/09/xmldsig#}Object").append(true)
    hostile = etree.fromstring(HOSTILE)
    hostile.append(signature)
    read = verify(etree.tostring(hostile), now=NOW, trust=THEIRS)
    assert [one.state for one in read.verdicts] == [State.UNKNOWN]
    assert not read.holds
    assert "message entier" in read.verdicts[0].reason
    assert "sous-sol" in cap.read(read.message).infos[0].instruction


def test_a_signature_anywhere_else_is_none():
    root = etree.fromstring(SIGNED)
    signature = root.find("{*}Signature")
    root.find("{*}info").append(signature)
    moved = etree.tostring(root)
    assert verify(moved, now=NOW, trust=OURS).verdicts == ()
    with pytest.raises(Refused, match="n’existe pas"):
        cap.read(moved)


def test_a_second_message_beside_the_first_is_not_read():
    inner = SIGNED[SIGNED.index(b"<alert") :]
    both = HOSTILE.replace(b"</alert>", inner + b"</alert>")
    assert verify(both, now=NOW, trust=OURS).verdicts == ()
    with pytest.raises(Refused):
        cap.read(both)


def replaced(old: bytes, new: bytes) -> bytes:
    assert old in SIGNED
    return SIGNED.replace(old, new, 1)


ENVELOPED = b'<Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>'


@pytest.mark.parametrize(
    ("altered", "state"),
    [
        (replaced(b'URI=""', b'URI="#x"'), State.UNKNOWN),
        (replaced(b' URI=""', b""), State.UNKNOWN),
        (replaced(b'URI=""', b'URI="http://example.ca/"'), State.UNKNOWN),
        (replaced(b"</Reference>", b'</Reference><Reference URI=""/>'), State.UNKNOWN),
        (replaced(ENVELOPED, b""), State.UNKNOWN),
        (replaced(ENVELOPED, ENVELOPED * 2), State.UNKNOWN),
        (replaced(b"</Transforms>", b'<Transform Algorithm="http://www.w3.org/TR/1999/'
                  b'REC-xslt-19991116"/></Transforms>'), State.UNKNOWN),
        (replaced(ENVELOPED, ENVELOPED.replace(b"http://www.w3.org/2000/09/xmldsig#enveloped"
                  b"-signature", b"http://www.w3.org/TR/1999/REC-xpath-19991116")), State.UNKNOWN),
        (replaced(b"xmldsig-more#ecdsa-sha256", b"xmldsig-more#hmac-sha256"), State.UNKNOWN),
        (replaced(b"xmldsig-more#ecdsa-sha256", b"xmldsig-more#rsa-sha256"), State.BROKEN),
        (replaced(b"xmlenc#sha256", b"xmldsig-more#md5"), State.UNKNOWN),
        (replaced(b"xml-exc-c14n#", COMMENTED.encode().removeprefix(b"http://www.w3.org/2001/10/")),
         State.UNKNOWN),
        (replaced(b"<SignatureValue>", b"<SignatureValue>****"), State.BROKEN),
        (replaced(b"<SignatureValue>", b"<SignatureValue>AAAA"), State.BROKEN),
        (re.sub(rb"<SignatureValue>.*</SignatureValue>", b"<SignatureValue/>", SIGNED),
         State.BROKEN),
        (re.sub(rb"<SignedInfo>.*</SignedInfo>", b"", SIGNED), State.BROKEN),
        (re.sub(rb"(<SignedInfo>.*</SignedInfo>)", rb"\1\1", SIGNED), State.BROKEN),
        (re.sub(rb"<X509Certificate>.*</X509Certificate>", b"<X509Certificate>AAAA"
                b"</X509Certificate>", SIGNED), State.BROKEN),
        (re.sub(rb"(<X509Certificate>.*</X509Certificate>)", rb"\1" * 9, SIGNED), State.UNKNOWN),
    ],
)  # fmt: skip
def test_a_signature_of_another_shape_never_holds(altered, state):
    read = verify(altered, now=NOW, trust=OURS)
    assert [one.state for one in read.verdicts] == [state]
    assert not read.holds and read.verdicts[0].reason


def test_the_public_certificate_is_no_secret_to_sign_with():
    """The key of an HMAC would be known to everybody."""
    forged = replaced(b"xmldsig-more#ecdsa-sha256", b"xmldsig-more#hmac-sha256")
    info = etree.fromstring(forged).find("{*}Signature/{*}SignedInfo")
    code = hmac.digest(
        TOWN.public_bytes(Encoding.DER),
        etree.tostring(info, method="c14n", exclusive=True),
        hashlib.sha256,
    )
    forged = re.sub(
        rb"(?<=<SignatureValue>).*(?=</SignatureValue>)", base64.b64encode(code), forged
    )
    assert states(forged) == [State.UNKNOWN]


def test_a_flood_of_signatures_is_refused():
    (signature,) = WHOLE.findall(SIGNED)
    many = SIGNED.replace(signature, signature * (MOST_SIGNATURES + 1))
    with pytest.raises(Refused, match="plus de 4 signatures"):
        verify(many, now=NOW)


@pytest.mark.parametrize("declared", ['<!ENTITY lieu "sous-sol">', '<!ENTITY lieu SYSTEM "/x">'])
def test_entities_are_refused_signed_or_not(declared):
    """Otherwise the words that are signed would stand elsewhere than in the message."""
    message = SIGNED.replace(b"<!-- Invented", f"<!DOCTYPE alert [{declared}]><!-- ".encode())
    message = message.replace(b"<alert ", f"<!DOCTYPE alert [{declared}]><alert ".encode(), 1)
    with pytest.raises(Refused, match="DOCTYPE"):
        verify(message.replace(b"gymnase", b"&lieu;"), now=NOW)


# --- what proves nothing --------------------------------------------------------------------------


@pytest.mark.parametrize(("signature", "digest"), [("rsa-sha1", "sha256"), ("rsa-sha256", "sha1")])
def test_sha_1_computes_and_proves_nothing(signature, digest):
    signed = stranger_signs(MESSAGE, RSA_KEY, [RSA_CERTIFICATE], signature=signature, digest=digest)
    read = verify(signed, now=NOW, trust=THEIRS)
    assert [one.state for one in read.verdicts] == [State.WEAK]
    assert "SHA-1" in read.verdicts[0].reason and not read.holds
    assert states(signed.replace(b"gymnase", b"sous-sol"), THEIRS) == [State.BROKEN]


def test_a_short_key_proves_nothing():
    key = rsa.generate_private_key(65537, 1024)
    own = certificate(key)
    signed = stranger_signs(MESSAGE, key, [own])
    assert states(signed, Trust(certificates=(own,))) == [State.WEAK]


def test_an_expired_certificate_is_said():
    sent = cap.read(MESSAGE).sent
    then = certificate(RSA_KEY, start=sent - timedelta(days=9), end=sent + timedelta(hours=1))
    signed = stranger_signs(MESSAGE, RSA_KEY, [then])
    read = verify(signed, now=sent + timedelta(days=400), trust=Trust(certificates=(then,)))
    assert read.holds
    assert "échu depuis le 2026-04-19" in read.verdicts[0].reason
    before = verify(signed, now=sent + timedelta(minutes=5), trust=Trust(certificates=(then,)))
    assert "échu" not in before.verdicts[0].reason


@pytest.mark.parametrize("days", [-3, 3])
def test_a_certificate_that_was_not_valid_when_it_was_sent_does_not_hold(days):
    sent = cap.read(MESSAGE).sent + timedelta(days=days)
    own = certificate(RSA_KEY, start=sent - timedelta(hours=1), end=sent + timedelta(hours=1))
    signed = stranger_signs(MESSAGE, RSA_KEY, [own])
    assert states(signed, Trust(certificates=(own,))) == [State.EXPIRED]
    assert not holds(signed, Trust(certificates=(own,)))
