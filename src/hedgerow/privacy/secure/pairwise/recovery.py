"""Step 7: secrets from shares, and what they leave to take away from the sum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from hedgerow.errors import ProtocolError
from hedgerow.privacy.ring import Ring, Words
from hedgerow.privacy.secure import shamir
from hedgerow.privacy.secure.bitmap import Members
from hedgerow.privacy.secure.graph import Graph
from hedgerow.privacy.secure.messages import Reveal
from hedgerow.privacy.secure.pairwise.masking import (
    Mask,
    Scope,
    apply,
    mask_key,
    pair_mask,
    self_mask,
)
from hedgerow.privacy.secure.session import Terms, sid


class Revealed:
    """The shares that came in, laid out by whose secret they are of.

    Parameters
    ----------
    graph
        Who holds shares for whom.
    shared
        Who made shares, shape (clients,).
    threshold
        How many recover a secret.
    """

    def __init__(self, graph: Graph, shared: Members, threshold: int) -> None:
        clients, degree = len(shared), graph.degree
        self._graph = graph
        self._shared = shared
        self._threshold = threshold
        self._shares = np.zeros((clients, degree, shamir.SHARE_BYTES), np.uint8)
        self._present = np.zeros((clients, degree), np.bool_)

    def add(self, position: int, reveal: Reveal) -> None:
        """Take the shares that a client holds, one for each neighbour that made shares.

        Raises
        ------
        ProtocolError
            ``bad-reveal``: too few or too many; ``bad-share``.
        """
        others = np.array(self._graph.neighbours(position))
        held = self._shared[others]
        count, size = np.count_nonzero(held), shamir.SHARE_BYTES
        if len(reveal.shares) != count * size:
            raise ProtocolError("bad-reveal", f"Client {position} holds {count} shares.")
        for at in range(0, len(reveal.shares), size):
            shamir.check(reveal.shares[at : at + size])
        table = np.frombuffer(reveal.shares, np.uint8).reshape(-1, size)
        self._shares[others[held], self._graph.mirror[held]] = table
        self._present[others[held], self._graph.mirror[held]] = True

    def check(self, position: int) -> None:
        """Refuse to go on where too few shares came in to recover a client's secret.

        Raises
        ------
        ProtocolError
            ``too-few-shares``.
        """
        if np.count_nonzero(self._present[position]) < self._threshold:
            raise ProtocolError(
                "too-few-shares", f"Too few shares came in to complete client {position}'s part."
            )

    def secret(self, position: int) -> bytes:
        """Return the one secret of a client that was told, a seed of 16 bytes.

        Raises
        ------
        ProtocolError
            ``too-few-shares``: fewer came in than recover it.
        """
        self.check(position)
        found = np.flatnonzero(self._present[position])[: self._threshold]
        shares = [row.tobytes() for row in self._shares[position, found]]
        places: list[int] = (found + 1).tolist()
        return shamir.combine(shares, shamir.weights(places, self._graph.degree))


@dataclass(frozen=True)
class Dropout:
    """A client that vanished, and who added masks shared with it.

    Parameters
    ----------
    position
        Its place in the roster.
    public
        Its public mask key.
    seed
        The recovered secret.
    peers
        The positions and public mask keys of its neighbours that are alive.
    """

    position: int
    public: bytes
    seed: bytes
    peers: tuple[tuple[int, bytes], ...]


def leftover(
    terms: Terms, view: bytes, survivors: Iterable[bytes], dropouts: Iterable[Dropout]
) -> Words:
    """Return the sum of the masks that stay in a sum; parts of it may be computed apart and added.

    Parameters
    ----------
    terms
        Of the session.
    view
        The hash of the roster.
    survivors
        The self-mask seeds of clients that are in the sum.
    dropouts
        Those that are not, but with whom others share masks.

    Returns
    -------
    Words
        Shape (terms.words,), to be taken away.

    Raises
    ------
    ProtocolError
        ``bad-secret``: a recovered key is not the one that the client advertised.
    """
    ring = Ring(terms.bits)
    words = np.zeros(terms.words, ring.dtype)
    session = sid(terms)
    apply((self_mask(seed, session) for seed in survivors), words, ring)
    for dropout in dropouts:
        apply(_pair_masks(dropout, Scope(session, view)), words, ring)
    return words


def _pair_masks(dropout: Dropout, scope: Scope) -> Iterator[Mask]:
    """Yield the masks that the peers of a dropout applied."""
    own = mask_key(dropout.seed, scope.session)
    if own.public_key().public_bytes_raw() != dropout.public:
        raise ProtocolError(
            "bad-secret",
            f"The shares for client {dropout.position} do not give the key it advertised.",
        )
    for peer, public in dropout.peers:
        mask = pair_mask(own, public, scope, dropout.position, peer)
        # the peer has done the opposite
        yield Mask(mask.key, adds=not mask.adds)
