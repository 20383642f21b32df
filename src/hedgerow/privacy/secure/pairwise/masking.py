"""The masks: who adds what to a vector, and the keys that make it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from hedgerow.errors import ProtocolError
from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.ring import Ring, Words
from hedgerow.privacy.secure.session import derive


@dataclass(frozen=True)
class Mask:
    """One stream of uniform words, added or taken away.

    Parameters
    ----------
    key
        32 bytes, for this mask alone.
    adds
        Whether it is added.
    """

    key: bytes
    adds: bool


@dataclass(frozen=True)
class Scope:
    """Where a mask belongs: the session's `sid`, and the hash of its roster."""

    session: bytes
    view: bytes


def apply(masks: Iterable[Mask], words: Words, ring: Ring) -> None:
    """Add masks to words, in place."""
    for mask in masks:
        drawn = Stream(mask.key).words(len(words), ring.dtype)
        if mask.adds:
            np.add(words, drawn, out=words)
        else:
            np.subtract(words, drawn, out=words)


def self_mask(seed: bytes, session: bytes) -> Mask:
    """Return the mask that a client shares with nobody."""
    return Mask(derive(seed, session, "self-mask"), adds=True)


def mask_key(seed: bytes, session: bytes) -> X25519PrivateKey:
    """Return the private key of a client's pairwise masks."""
    return X25519PrivateKey.from_private_bytes(derive(seed, session, "mask-key"))


def pair_mask(own: X25519PrivateKey, other: bytes, scope: Scope, position: int, peer: int) -> Mask:
    """Return the mask that a client at a position adds or takes away together with a peer.

    The lower position adds it and the higher takes it away, so that both vanish in a sum.
    """
    context = scope.view + pair(min(position, peer), max(position, peer))
    secret = agree(own, other)
    return Mask(derive(secret, scope.session, "pair-mask", context), adds=position < peer)


def pair(first: int, second: int) -> bytes:
    """Return two positions in 16 bytes."""
    return first.to_bytes(8, "big") + second.to_bytes(8, "big")


def agree(own: X25519PrivateKey, other: bytes) -> bytes:
    """Return the secret that two X25519 keys share (RFC 7748).

    Raises
    ------
    ProtocolError
        ``bad-key``: the other's key lies in a small subgroup, so that the secret would be none.
    """
    try:
        return own.exchange(X25519PublicKey.from_public_bytes(other))
    except ValueError:
        raise ProtocolError("bad-key", "A client's key makes no secret.") from None
