"""What a curious server of pairwise mode can take away from a sum, with all that it is told.

A whole session between the real parties. What is left to the server beside clients' words is masks,
which the auditor, who knows the words, judges by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hedgerow.errors import ProtocolError
from hedgerow.privacy.ring import Ring, Words
from hedgerow.privacy.secure import graph, shamir
from hedgerow.privacy.secure.bitmap import from_bitmap, to_bitmap
from hedgerow.privacy.secure.messages import Advert, Opening, Reveal, Survivors
from hedgerow.privacy.secure.pairwise.client import Client
from hedgerow.privacy.secure.pairwise.drive import Population
from hedgerow.privacy.secure.pairwise.masking import (
    Mask,
    Scope,
    apply,
    mask_key,
    pair_mask,
    self_mask,
)
from hedgerow.privacy.secure.pairwise.recovery import Revealed
from hedgerow.privacy.secure.pairwise.server import Server
from hedgerow.privacy.secure.roster import degree, view_of
from hedgerow.privacy.secure.session import Floor, Terms, sid


@dataclass(frozen=True)
class PairwiseView:
    """What the server of a sum between clients saw.

    Parameters
    ----------
    opened
        What is published, in steps, shape (terms.words - 1,); None where the sum does not open.
    masks
        What is left of each survivor's masks once those that the server was told are taken away.
    late
        The same of a client that came too late and was given up.
    broken
        Attacks that went through, a sentence each.
    """

    opened: NDArray[np.int64] | None
    masks: tuple[Words, ...]
    late: Words
    broken: tuple[str, ...]


def pairwise_view(terms: Terms, floor: Floor, words: Sequence[Words]) -> PairwiseView:
    """Run a session of pairwise mode whose server is curious.

    The last client's vector reaches the server, which pretends that it came too late: then it is
    told this client's part of the masks between clients. Of the survivors it learns the other part.
    It also pools shares, one fewer than the threshold, and asks a client twice.

    Parameters
    ----------
    terms, floor
        Of the session; all clients are in its roster.
    words
        Of each client, shape (terms.words - 1,).

    Raises
    ------
    ProtocolError
        The parties refuse to go on.
    """
    people, ring, late = Population.enrol(len(words)), Ring(terms.bits), len(words) - 1
    server = Server(terms, people.authority, people.aggregator)
    clients = [
        Client(terms, floor, identity, people.authority, journal=lambda _: None)
        for identity in people.identities
    ]
    adverts = [client.advertise() for client in clients]
    for advert in adverts:
        server.join(advert)
    server.close_adverts()
    openings = [server.opening(place) for place in range(len(clients))]
    for place, client in enumerate(clients):
        server.share(place, client.share(openings[place]))
    server.close_shares()
    left = []
    for place, client in enumerate(clients):
        masked = client.mask(server.delivery(place), words[place])
        left.append(ring.unpack(masked.words, terms.words)[:-1] - words[place])
        if place != late:
            server.upload(place, masked)
    survivors = server.close_uploads()
    reveals = _reveals(terms, server, clients[:late], survivors)
    told = _Told.of(terms, openings[0], adverts, reveals)
    for place in range(len(clients)):
        apply(told.masks(place, gone=place == late), left[place], ring)
    try:
        opened = server.finish().sums
    except ProtocolError:
        opened = None
    broken = (*told.pooled(late), *_asked_again(clients[0], survivors, len(clients)))
    return PairwiseView(opened, tuple(left[:late]), left[late], broken)


def _reveals(
    terms: Terms, server: Server, clients: Sequence[Client], survivors: Survivors
) -> list[Reveal]:
    """Let the survivors sign for each other, where they have to, and answer."""
    if terms.consistency:
        for place, client in enumerate(clients):
            server.consent(place, client.consent(survivors))
    reveals = []
    for place, client in enumerate(clients):
        agreement = server.agreement(place) if terms.consistency else None
        reveals.append(client.reveal(survivors, agreement))
        server.reveal(place, reveals[place])
    return reveals


@dataclass(frozen=True)
class _Told:
    """What the server was told: everybody's public keys, and shares.

    Parameters
    ----------
    terms, view, graph, adverts
        Of the session.
    shares
        As the server lays them out.
    """

    terms: Terms
    view: bytes
    graph: graph.Graph
    adverts: Sequence[Advert]
    shares: Revealed
    reveals: Sequence[Reveal]

    @classmethod
    def of(
        cls, terms: Terms, opening: Opening, adverts: Sequence[Advert], reveals: Sequence[Reveal]
    ) -> _Told:
        size = len(adverts)
        view = view_of(terms, size, opening.root, opening.beacon)
        around = graph.build(view, size, degree(terms, size))
        shares = Revealed(around, np.ones(size, np.bool_), terms.threshold)
        for place, reveal in enumerate(reveals):
            shares.add(place, reveal)
        return cls(terms, view, around, adverts, shares, reveals)

    def masks(self, place: int, *, gone: bool) -> Iterator[Mask]:
        """Yield a client's masks that the server can make, each turned around to vanish."""
        session, seed = sid(self.terms), self.shares.secret(place)
        if not gone:
            found = [self_mask(seed, session)]
        else:
            own, scope = mask_key(seed, session), Scope(session, self.view)
            found = [
                pair_mask(own, self.adverts[other].mask, scope, place, other)
                for other in self.graph.neighbours(place)
            ]
        for mask in found:
            yield Mask(mask.key, adds=not mask.adds)

    def pooled(self, place: int) -> Iterator[str]:
        """Try to recover a client's secret from one share fewer than the threshold."""
        threshold, others = self.terms.threshold, self.graph.neighbours(place)
        held = [
            (at + 1, self._share(other, place)) for at, other in enumerate(others) if other != place
        ][: threshold - 1]
        if not held:
            return
        places, shares = zip(*held, strict=True)
        guess = shamir.combine(shares, shamir.weights(places, self.graph.degree))
        if guess == self.shares.secret(place):
            yield f"{threshold - 1} shares recover a secret where {threshold} are promised."

    def _share(self, holder: int, place: int) -> bytes:
        """Return what one survivor told about a client."""
        at = self.graph.neighbours(holder).index(place) * shamir.SHARE_BYTES
        return self.reveals[holder].shares[at : at + shamir.SHARE_BYTES]


def _asked_again(client: Client, survivors: Survivors, size: int) -> Iterator[str]:
    """Ask a client that has answered for other survivors, which would give both secrets of one."""
    alive, dead = from_bitmap(survivors.alive, size), from_bitmap(survivors.dead, size)
    alive[1], dead[1] = False, True
    try:
        client.reveal(Survivors(to_bitmap(alive), to_bitmap(dead)))
    except ProtocolError:
        return
    yield "A client told shares for two sets of survivors, which gives both secrets of one client."
