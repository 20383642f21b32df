"""Certificates are the authority's alone."""

import dataclasses

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.errors import ProtocolError
from hedgerow.privacy.secure.identity import Identity, certify, public, verify


def key(number):
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


AUTHORITY = key(1)


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_a_batch_is_certified(batch):
    keys = [public(key(10 + i)) for i in range(batch)]
    certificates = certify(AUTHORITY, keys)
    assert [c.key for c in certificates] == keys
    for certificate in certificates:
        certificate.check(public(AUTHORITY))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"key": bytes(32)}, "bad-certificate"),
        ({"position": 1}, "bad-certificate"),
        ({"position": 9}, "bad-proof"),
        ({"size": 4}, "bad-certificate"),
        ({"path": b""}, "bad-proof"),
        ({"signature": bytes(64)}, "bad-certificate"),
    ],
)
def test_changed_certificates_are_refused(change, code):
    certificate = certify(AUTHORITY, [public(key(i)) for i in (10, 11, 12)])[0]
    with pytest.raises(ProtocolError) as refused:
        dataclasses.replace(certificate, **change).check(public(AUTHORITY))
    assert refused.value.code == code


def test_another_authority_does_not_count():
    certificate = certify(key(2), [public(key(10))])[0]
    with pytest.raises(ProtocolError) as refused:
        certificate.check(public(AUTHORITY))
    assert refused.value.code == "bad-certificate"


def test_an_enrolled_client_cannot_enrol_another():
    (parent,) = certify(AUTHORITY, [public(key(10))])
    (child,) = certify(key(10), [public(key(11))])
    parent.check(public(AUTHORITY))
    with pytest.raises(ProtocolError):
        child.check(public(AUTHORITY))


def test_signatures():
    (certificate,) = certify(AUTHORITY, [public(key(10))])
    signature = Identity(key(10), certificate).sign(b"message")
    verify(certificate.key, b"message", signature, "unused")
    for wrong in [
        (certificate.key, b"massage", signature),
        (public(key(11)), b"message", signature),
        (b"\xff" * 32, b"message", signature),
    ]:
        with pytest.raises(ProtocolError, match="so it is") as refused:
            verify(*wrong, "so it is")
        assert refused.value.code == "bad-signature"
