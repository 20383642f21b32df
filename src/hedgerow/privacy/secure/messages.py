"""The messages of pairwise mode, in the order in which they pass, and what is signed in them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated

from hedgerow.privacy.secure.identity import Certificate, Path
from hedgerow.privacy.secure.wire import Between, Bitmap, Key32, Payload, Signature

MOST_NEIGHBOURS = 1 << 14
"""The largest neighbourhood that messages have room for."""

Revealed = Annotated[bytes, Between(0, 16 * MOST_NEIGHBOURS)]
"""A share of 16 bytes for each of some neighbours."""

Boxes = Annotated[bytes, Between(0, 48 * MOST_NEIGHBOURS)]
"""A sealed box of 48 bytes for each of some neighbours."""

_ADVERT = b"hedgerow/advert/v1\0"
_UPLOAD = b"hedgerow/upload/v1\0"
_CONSENT = b"hedgerow/consent/v1\0"


@dataclass(frozen=True)
class Advert:
    """Step 0, client to server: its keys for this session.

    Parameters
    ----------
    certificate
        That its identity is enrolled.
    channel, mask
        X25519 public keys: for messages to neighbours, and for masks shared with them.
    signature
        By its enrolled key.
    """

    certificate: Certificate
    channel: Key32
    mask: Key32
    signature: Signature


Encoded = Annotated[bytes, Between(0, 4096)]
"""An advert as its client sent it."""


@dataclass(frozen=True)
class Opening:
    """Step 1, server to client: the roster, as far as it concerns this client.

    Parameters
    ----------
    clients, root
        The size of the roster and the Merkle root over its adverts.
    beacon
        Random bytes drawn after the root was fixed; with it they fix the graph.
    position, proof
        The client's own place in the roster.
    neighbours, proofs
        The adverts of its neighbours as they sent them, and that they are in the roster, in the
        order that the graph gives.
    """

    clients: int
    root: Key32
    beacon: Key32
    position: int
    proof: Path
    neighbours: Annotated[tuple[Encoded, ...], Between(0, MOST_NEIGHBOURS)]
    proofs: Annotated[tuple[Path, ...], Between(0, MOST_NEIGHBOURS)]


@dataclass(frozen=True)
class Shares:
    """Step 2, client to server: a sealed box of 48 bytes for each neighbour, in their order."""

    sealed: Boxes


@dataclass(frozen=True)
class Delivery:
    """Step 3, server to client: its neighbours' boxes.

    Parameters
    ----------
    shared
        Bitmap over its neighbours: who made shares.
    sealed
        Their boxes for this client, in the order of neighbours.
    """

    shared: Bitmap
    sealed: Boxes


@dataclass(frozen=True)
class Masked:
    """Step 4, client to server: its masked vector, packed, and a signature over its hash."""

    words: Payload
    signature: Signature


@dataclass(frozen=True)
class Survivors:
    """Step 5, server to client: bitmaps over the roster of who sent a vector and who vanished."""

    alive: Bitmap
    dead: Bitmap


@dataclass(frozen=True)
class Consent:
    """Step 5, client to server, among silos: its signature over the survivors it was told."""

    signature: Signature


@dataclass(frozen=True)
class Agreement:
    """Step 5, server to client, among silos: who consented to the same survivors.

    Parameters
    ----------
    signers
        Bitmap over the client's neighbours.
    signatures
        Theirs, in the order of neighbours, 64 bytes each.
    """

    signers: Bitmap
    signatures: Annotated[bytes, Between(0, 64 * MOST_NEIGHBOURS)]


@dataclass(frozen=True)
class Reveal:
    """Step 6, client to server: 16 bytes for each neighbour that shared, in their order.

    A share of the self-mask's seed for one that is alive, of the mask key's seed for one that is
    dead.
    """

    shares: Revealed


def advert_to_sign(session: bytes, key: bytes, channel: bytes, mask: bytes) -> bytes:
    """Return what a client signs about its keys in a session."""
    return _ADVERT + session + key + channel + mask


def upload_to_sign(view: bytes, position: int, digest: bytes) -> bytes:
    """Return what a client signs about its masked vector, given the SHA-256 of its bytes."""
    return _UPLOAD + view + position.to_bytes(8, "big") + digest


def consent_to_sign(view: bytes, survivors: Survivors) -> bytes:
    """Return what a client signs about the survivors."""
    return _CONSENT + view + request_digest(survivors)


def request_digest(survivors: Survivors) -> bytes:
    """Return a hash by which one set of survivors is told from another; both have one length."""
    return hashlib.sha256(survivors.alive + survivors.dead).digest()
