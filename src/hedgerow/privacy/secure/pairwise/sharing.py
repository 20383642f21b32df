"""Steps 0 and 2: a client's keys, and the shares of its secrets for its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hedgerow.errors import ProtocolError
from hedgerow.privacy.secure import shamir
from hedgerow.privacy.secure.identity import Identity
from hedgerow.privacy.secure.messages import Advert, Opening, Shares, advert_to_sign
from hedgerow.privacy.secure.pairwise.masking import agree, mask_key, pair
from hedgerow.privacy.secure.roster import Neighbourhood, check_opening
from hedgerow.privacy.secure.session import Terms, derive, sid
from hedgerow.privacy.secure.wire import to_wire

BOX_BYTES = 2 * shamir.SHARE_BYTES + 16
"""Two shares and a tag."""

_NONCE = bytes(12)


@dataclass(frozen=True)
class Advertised:
    """What a client keeps from step 0."""

    channel: X25519PrivateKey
    mask_seed: bytes
    advert: Advert


@dataclass(frozen=True)
class Shared:
    """What a client keeps from step 2.

    Parameters
    ----------
    mask_seed, self_seed
        Its two secrets.
    view, clients, position, others
        As in `roster.Neighbourhood`.
    boxes
        The keys that open the neighbours' boxes, 32 bytes each, concatenated.
    masks
        The neighbours' public mask keys, 32 bytes each, concatenated.
    identities
        Their enrolled keys, likewise.
    """

    mask_seed: bytes
    self_seed: bytes
    view: bytes
    clients: int
    position: int
    others: tuple[int, ...]
    boxes: bytes
    masks: bytes
    identities: bytes


def advertise(terms: Terms, identity: Identity, random: shamir.Random) -> Advertised:
    """Return fresh keys for a session, and what the client says of them."""
    session = sid(terms)
    channel = X25519PrivateKey.from_private_bytes(random(32))
    seed = shamir.secret(random)
    channel_public = channel.public_key().public_bytes_raw()
    mask_public = mask_key(seed, session).public_key().public_bytes_raw()
    certificate = identity.certificate
    signature = identity.sign(advert_to_sign(session, certificate.key, channel_public, mask_public))
    return Advertised(channel, seed, Advert(certificate, channel_public, mask_public, signature))


def share(
    terms: Terms, kept: Advertised, opening: Opening, authority: bytes, random: shamir.Random
) -> tuple[Shared, Shares]:
    """Return the boxes for the neighbours that roster and beacon fix.

    Raises
    ------
    ProtocolError
        What `roster.check_opening` raises, or ``bad-key``.
    """
    session = sid(terms)
    near = check_opening(terms, opening, to_wire(kept.advert), authority)
    self_seed = shamir.secret(random)
    count = len(near.others)
    shares = shamir.split([self_seed, kept.mask_seed], count, terms.threshold, random)
    sealed, keys = [], []
    for other, advert, box in zip(near.others, near.adverts, shares, strict=True):
        secret = agree(kept.channel, advert.channel)
        outgoing, incoming = _box_keys(session, near, secret, other)
        keys.append(incoming)
        sealed.append(AESGCM(outgoing).encrypt(_NONCE, box, session + pair(near.position, other)))
    after = _after(kept.mask_seed, self_seed, near, keys)
    return after, Shares(b"".join(sealed))


def _after(
    mask_seed: bytes, self_seed: bytes, near: Neighbourhood, keys: Sequence[bytes]
) -> Shared:
    return Shared(
        mask_seed=mask_seed,
        self_seed=self_seed,
        view=near.view,
        clients=near.clients,
        position=near.position,
        others=near.others,
        boxes=b"".join(keys),
        masks=b"".join(advert.mask for advert in near.adverts),
        identities=b"".join(advert.certificate.key for advert in near.adverts),
    )


def open_box(box: bytes, key: bytes, session: bytes, sender: int, receiver: int) -> bytes:
    """Return the two shares in a box: of the sender's self-mask seed, then of its mask key's.

    Raises
    ------
    ProtocolError
        ``bad-tag``: the box was not made by that sender for this client in this session.
    """
    try:
        return AESGCM(key).decrypt(_NONCE, box, session + pair(sender, receiver))
    except InvalidTag:
        raise ProtocolError(
            "bad-tag", f"What came as from client {sender} was not sealed by it for this one."
        ) from None


def _box_keys(
    session: bytes, near: Neighbourhood, secret: bytes, other: int
) -> tuple[bytes, bytes]:
    """Return the keys of the one box to a neighbour and of the one from it; their nonce is 0."""
    low, high = sorted((near.position, other))
    both = derive(secret, session, "boxes", near.view + pair(low, high), length=64)
    upwards, downwards = both[:32], both[32:]
    return (upwards, downwards) if near.position == low else (downwards, upwards)
