"""Who takes part: clients' signing keys, enrolled by an authority apart from the aggregator.

The authority signs the Merkle root of a batch of keys (of one or of a million), and a certificate
is a proof of inclusion. So whoever checks a thousand clients of a batch checks one signature and a
thousand short paths, at the first meeting already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hedgerow.errors import ProtocolError
from hedgerow.privacy.secure import merkle
from hedgerow.privacy.secure.wire import Between, Key32, Signature

_BATCH = b"hedgerow/enrolment-batch/v1\0"
_ENROLLED = b"hedgerow/enrolled/v1\0"

Path = Annotated[bytes, Between(0, 64 * merkle.HASH_BYTES)]
"""A proof of inclusion."""


@dataclass(frozen=True)
class Certificate:
    """That the authority enrolled a key.

    Parameters
    ----------
    key
        The client's Ed25519 public key, which is also its identity.
    position, size, path
        Its place in a batch, and the proof.
    signature
        The authority's, over the batch.
    """

    key: Key32
    position: int
    size: int
    path: Path
    signature: Signature

    def check(self, authority: bytes) -> None:
        """Refuse a certificate that the authority did not give.

        Parameters
        ----------
        authority
            Its Ed25519 public key.

        Raises
        ------
        ProtocolError
            ``bad-proof`` or ``bad-certificate``.
        """
        entry = merkle.leaf(_ENROLLED + self.key)
        root = merkle.root_of(entry, self.position, self.size, self.path)
        if not _signed(authority, _batch(self.size, root), self.signature):
            raise ProtocolError("bad-certificate", "A client is not enrolled with the authority.")


@dataclass(frozen=True)
class Identity:
    """A client's enrolled key, with which it signs its messages."""

    key: Ed25519PrivateKey
    certificate: Certificate

    def sign(self, message: bytes) -> bytes:
        """Return a signature, 64 bytes."""
        return self.key.sign(message)


def certify(authority: Ed25519PrivateKey, keys: Sequence[bytes]) -> tuple[Certificate, ...]:
    """Enrol a batch of Ed25519 public keys."""
    tree = merkle.Tree([merkle.leaf(_ENROLLED + key) for key in keys])
    signature = authority.sign(_batch(len(keys), tree.root))
    return tuple(
        Certificate(key, position, len(keys), tree.proof(position), signature)
        for position, key in enumerate(keys)
    )


def public(key: Ed25519PrivateKey) -> bytes:
    """Return the public half of a signing key, 32 bytes."""
    return key.public_key().public_bytes_raw()


def verify(key: bytes, message: bytes, signature: bytes, sentence: str) -> None:
    """Refuse a signature that a key did not make over a message.

    Raises
    ------
    ProtocolError
        ``bad-signature``, with the sentence.
    """
    if not _valid(key, message, signature):
        raise ProtocolError("bad-signature", sentence)


def _batch(size: int, root: bytes) -> bytes:
    return _BATCH + size.to_bytes(8, "big") + root


@lru_cache(maxsize=1024)
def _signed(authority: bytes, batch: bytes, signature: bytes) -> bool:
    """Remember the batches that were met; a cached answer is as good as a fresh one."""
    return _valid(authority, batch, signature)


def _valid(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
