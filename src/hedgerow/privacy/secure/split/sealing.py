"""Sealing to the helper: HPKE (RFC 9180) in base mode, single-shot.

The suite is DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, which DAP asks of everyone.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from hedgerow.errors import ProtocolError

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)

OVERHEAD = 32 + 16
"""By how many bytes sealing lengthens: an encapsulated key before, an authentication tag after."""

Seal = Callable[[bytes, bytes, bytes], bytes]
"""Seals a plaintext to a recipient's public key, bound to some information."""


def seal(plaintext: bytes, recipient: bytes, info: bytes) -> bytes:
    """Return a plaintext that only the recipient can read, as ``encapsulated key || ciphertext``.

    Parameters
    ----------
    plaintext
        What to seal.
    recipient
        The recipient's X25519 public key, 32 bytes.
    info
        What the recipient has to know as well to open it.
    """
    return SUITE.encrypt(plaintext, X25519PublicKey.from_public_bytes(recipient), info)


def unseal(sealed: bytes, key: X25519PrivateKey, info: bytes) -> bytes:
    """Return what was sealed to a key with this information.

    Raises
    ------
    ProtocolError
        ``cannot-open``: it was sealed to another key or with other information, or is damaged.
    """
    try:
        return SUITE.decrypt(sealed, key, info)
    except (InvalidTag, ValueError):
        raise ProtocolError(
            "cannot-open", "A sealed seed does not open with the helper's key for this session."
        ) from None
