"""Step 4: a client opens its neighbours' boxes and masks its vector."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hedgerow.errors import ProtocolError
from hedgerow.privacy.ring import Ring, Words
from hedgerow.privacy.secure.bitmap import from_bitmap
from hedgerow.privacy.secure.identity import Identity
from hedgerow.privacy.secure.messages import Delivery, Masked, upload_to_sign
from hedgerow.privacy.secure.pairwise.masking import (
    Mask,
    Scope,
    apply,
    mask_key,
    pair_mask,
    self_mask,
)
from hedgerow.privacy.secure.pairwise.sharing import BOX_BYTES, Shared, open_box
from hedgerow.privacy.secure.session import Terms, sid


@dataclass(frozen=True)
class Uploaded:
    """What a client keeps from step 4: nothing that tells its own vector or masks.

    Parameters
    ----------
    view, clients, position
        As in `roster.Neighbourhood`.
    others
        All its neighbours.
    identities
        Their enrolled keys, 32 bytes each, concatenated.
    held
        The neighbours whose shares it holds.
    shares
        Those, 32 bytes each, concatenated.
    digest
        SHA-256 of its masked vector.
    """

    view: bytes
    clients: int
    position: int
    others: tuple[int, ...]
    identities: bytes
    held: tuple[int, ...]
    shares: bytes
    digest: bytes


def mask(
    terms: Terms, kept: Shared, delivery: Delivery, words: Words, identity: Identity
) -> tuple[Uploaded, Masked]:
    """Return a client's masked vector.

    Parameters
    ----------
    terms
        Of the session.
    kept
        From step 2.
    delivery
        The boxes of the neighbours that shared.
    words
        The client's vector in the ring, shape (terms.words - 1,); the count is added here.
    identity
        Who signs.

    Raises
    ------
    ProtocolError
        ``too-few-neighbours``: fewer than the threshold could recover this client's secrets.
        ``bad-delivery``, ``bad-bitmap``, ``bad-tag``, ``bad-key``.
    """
    ring = Ring(terms.bits)
    if words.shape != (terms.words - 1,) or words.dtype != ring.dtype:
        raise ValueError(f"a vector has {terms.words - 1} words of type {ring.dtype.__name__}")
    shared = np.flatnonzero(from_bitmap(delivery.shared, len(kept.others))).tolist()
    if len(shared) < terms.threshold:
        raise ProtocolError(
            "too-few-neighbours",
            f"Only {len(shared)} neighbours made shares; {terms.threshold} must be there.",
        )
    if len(delivery.sealed) != len(shared) * BOX_BYTES:
        raise ProtocolError("bad-delivery", f"{len(shared)} boxes have another length in all.")
    shares = b"".join(_open(kept, delivery.sealed, shared, sid(terms)))
    masked = np.append(words, ring.dtype(1))
    apply(_masks(kept, shared, sid(terms)), masked, ring)
    packed = ring.pack(masked)
    digest = hashlib.sha256(packed).digest()
    signature = identity.sign(upload_to_sign(kept.view, kept.position, digest))
    held = tuple(kept.others[i] for i in shared)
    after = Uploaded(
        view=kept.view,
        clients=kept.clients,
        position=kept.position,
        others=kept.others,
        identities=kept.identities,
        held=held,
        shares=shares,
        digest=digest,
    )
    return after, Masked(packed, signature)


def _open(kept: Shared, sealed: bytes, shared: list[int], session: bytes) -> Iterator[bytes]:
    for at, i in enumerate(shared):
        box = sealed[at * BOX_BYTES : (at + 1) * BOX_BYTES]
        key = kept.boxes[32 * i : 32 * i + 32]
        yield open_box(box, key, session, kept.others[i], kept.position)


def _masks(kept: Shared, shared: list[int], session: bytes) -> Iterator[Mask]:
    yield self_mask(kept.self_seed, session)
    own, scope = mask_key(kept.mask_seed, session), Scope(session, kept.view)
    for i in shared:
        other = kept.masks[32 * i : 32 * i + 32]
        yield pair_mask(own, other, scope, kept.position, kept.others[i])
