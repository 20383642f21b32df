"""What the server signs about a sum, so that a client can check that its term is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.errors import ProtocolError
from hedgerow.privacy.secure import identity, merkle
from hedgerow.privacy.secure.identity import Path
from hedgerow.privacy.secure.wire import Key32, Signature

_RECEIPT = b"hedgerow/receipt/v1\0"


@dataclass(frozen=True)
class Receipt:
    """That a sum was made, over whose uploads.

    Parameters
    ----------
    session
        The session's `sid`.
    contributors
        How many there are.
    total
        SHA-256 of the sum's words, packed.
    uploads
        Merkle root over the hashes of the uploads that the sum holds.
    signature
        By the aggregator.
    """

    session: Key32
    contributors: int
    total: Key32
    uploads: Key32
    signature: Signature


@dataclass(frozen=True)
class Inclusion:
    """Where in the tree of uploads a client's is, and the proof."""

    position: int
    proof: Path


def issue(
    key: Ed25519PrivateKey, session: bytes, total: bytes, uploads: Mapping[int, bytes]
) -> tuple[Receipt, dict[int, Inclusion]]:
    """Return a signed receipt, and the proof for each contributor.

    Parameters
    ----------
    key
        The aggregator's.
    session
        The session's `sid`.
    total
        SHA-256 of the sum's words, packed.
    uploads
        The SHA-256 of each contributor's upload, by its position in the roster.
    """
    positions = sorted(uploads)
    tree = merkle.Tree([merkle.leaf(uploads[position]) for position in positions])
    signature = key.sign(_to_sign(session, len(positions), total, tree.root))
    receipt = Receipt(session, len(positions), total, tree.root, signature)
    proofs = {p: Inclusion(at, tree.proof(at)) for at, p in enumerate(positions)}
    return receipt, proofs


def check_receipt(
    receipt: Receipt, inclusion: Inclusion, server: bytes, session: bytes, digest: bytes
) -> None:
    """Refuse a receipt that does not say that an upload is in the session's sum.

    Parameters
    ----------
    receipt, inclusion
        What the server says.
    server
        The aggregator's Ed25519 public key.
    session
        The `sid` of the client's session.
    digest
        SHA-256 of the client's upload.

    Raises
    ------
    ProtocolError
        ``bad-receipt``: it is of another session, or the upload is not in it; ``bad-proof``;
        ``bad-signature``.
    """
    message = _to_sign(receipt.session, receipt.contributors, receipt.total, receipt.uploads)
    identity.verify(server, message, receipt.signature, "A receipt is not signed by the server.")
    found = merkle.root_of(
        merkle.leaf(digest), inclusion.position, receipt.contributors, inclusion.proof
    )
    if receipt.session != session or found != receipt.uploads:
        raise ProtocolError("bad-receipt", "A receipt does not say that this vector was counted.")


def _to_sign(session: bytes, contributors: int, total: bytes, uploads: bytes) -> bytes:
    return _RECEIPT + session + contributors.to_bytes(8, "big") + total + uploads
