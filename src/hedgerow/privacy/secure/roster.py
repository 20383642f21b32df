"""Who takes part in a session, committed to by one hash that all clients must have been shown.

The server lists the adverts in a Merkle tree and adds a beacon. Sid, root, size and beacon hash to
the *view*, which is bound into the graph, every key between two clients and every signature: two
clients shown different rosters cannot even open each other's messages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from hedgerow.errors import ProtocolError
from hedgerow.privacy.secure import graph, identity, merkle
from hedgerow.privacy.secure.messages import Advert, Opening, advert_to_sign
from hedgerow.privacy.secure.session import Terms, sid
from hedgerow.privacy.secure.wire import from_wire, to_wire

_VIEW = b"hedgerow/view/v1\0"


def degree(terms: Terms, clients: int) -> int:
    """Return how many neighbours everyone has in a roster of so many clients."""
    return min(terms.neighbours, clients - 1)


def check_advert(terms: Terms, advert: Advert, authority: bytes) -> None:
    """Refuse keys that an enrolled client did not sign for this session.

    Raises
    ------
    ProtocolError
        ``bad-proof``, ``bad-certificate`` or ``bad-signature``.
    """
    key = advert.certificate.key
    advert.certificate.check(authority)
    identity.verify(
        key,
        advert_to_sign(sid(terms), key, advert.channel, advert.mask),
        advert.signature,
        "A client's keys are not signed by it for this session.",
    )


def view_of(terms: Terms, clients: int, root: bytes, beacon: bytes) -> bytes:
    """Return the hash of all that clients of a session must have been shown alike."""
    return hashlib.sha256(_VIEW + sid(terms) + clients.to_bytes(8, "big") + root + beacon).digest()


class Roster:
    """The server's list of adverts, from which every client is shown its part.

    Parameters
    ----------
    terms
        Of the session.
    adverts
        Those of the clients, checked; a client's position is its place here.
    beacon
        32 bytes that nobody knew before the list was closed.
    """

    def __init__(self, terms: Terms, adverts: Sequence[Advert], beacon: bytes) -> None:
        self.terms = terms
        self.adverts = tuple(adverts)
        self._encoded = [to_wire(advert) for advert in adverts]
        tree = merkle.Tree([merkle.leaf(advert) for advert in self._encoded])
        self._root = tree.root
        self._proofs = [tree.proof(position) for position in range(len(adverts))]
        self._beacon = beacon
        self.view = view_of(terms, len(adverts), tree.root, beacon)
        self.graph = graph.build(self.view, len(adverts), degree(terms, len(adverts)))

    def check_position(self, position: int) -> None:
        """Refuse a position that nobody has.

        Raises
        ------
        ProtocolError
            ``unknown-client``.
        """
        if not 0 <= position < len(self.adverts):
            raise ProtocolError("unknown-client", f"The roster has no client {position}.")

    def opening(self, position: int) -> Opening:
        """Return what the client at a position is shown.

        Raises
        ------
        ProtocolError
            ``unknown-client``.
        """
        self.check_position(position)
        others = self.graph.neighbours(position)
        return Opening(
            clients=len(self.adverts),
            root=self._root,
            beacon=self._beacon,
            position=position,
            proof=self._proofs[position],
            neighbours=tuple(self._encoded[j] for j in others),
            proofs=tuple(self._proofs[j] for j in others),
        )


@dataclass(frozen=True)
class Neighbourhood:
    """What a client has checked about the roster.

    Parameters
    ----------
    view
        The hash of what it was shown.
    clients, position
        The roster's size and its own place.
    others
        Its neighbours' positions, in order.
    adverts
        Theirs.
    """

    view: bytes
    clients: int
    position: int
    others: tuple[int, ...]
    adverts: tuple[Advert, ...]


def check_opening(terms: Terms, opening: Opening, own: bytes, authority: bytes) -> Neighbourhood:
    """Return a client's neighbours, if they are those that roster and beacon fix.

    Parameters
    ----------
    terms
        Of the session.
    opening
        What the server shows; `session.Floor.check` has accepted the size of its roster.
    own
        The advert that the client sent, encoded.
    authority
        The enrolment authority's public key.

    Raises
    ------
    ProtocolError
        ``bad-proof``: the client or a neighbour is not in the roster where it should be.
        ``bad-roster``: the number of neighbours is wrong. ``repeated-key``: two clients share a
        key. Or what `check_advert` raises.
    """
    size = opening.clients
    _check_place(opening, own, opening.position, opening.proof)
    view = view_of(terms, size, opening.root, opening.beacon)
    others = graph.build(view, size, degree(terms, size)).neighbours(opening.position)
    if not len(others) == len(opening.neighbours) == len(opening.proofs):
        raise ProtocolError("bad-roster", f"A client here has {len(others)} neighbours.")
    adverts = []
    for encoded, position, proof in zip(opening.neighbours, others, opening.proofs, strict=True):
        _check_place(opening, encoded, position, proof)
        adverts.append(from_wire(Advert, encoded))
    _check_distinct([*adverts, from_wire(Advert, own)])
    for advert in adverts:
        check_advert(terms, advert, authority)
    return Neighbourhood(view, size, opening.position, tuple(others), tuple(adverts))


def _check_place(opening: Opening, advert: bytes, position: int, proof: bytes) -> None:
    found = merkle.root_of(merkle.leaf(advert), position, opening.clients, proof)
    if found != opening.root:
        raise ProtocolError("bad-proof", f"The roster does not hold the client of {position}.")


def _check_distinct(adverts: Sequence[Advert]) -> None:
    keys = {a.certificate.key for a in adverts}
    exchanged = {a.channel for a in adverts} | {a.mask for a in adverts}
    if len(keys) != len(adverts) or len(exchanged) != 2 * len(adverts):
        raise ProtocolError("repeated-key", "Two clients of a roster have a key in common.")
