"""Unmask: each survivor reveals one share of one secret of each neighbour, and the sum opens."""

from __future__ import annotations

from hedgerow.privacy.secure.messages import Reveal
from hedgerow.privacy.secure.wire import from_wire, to_wire
from hedgerow.server.rounds import consent
from hedgerow.server.rounds.asking import place
from hedgerow.server.rounds.keys import server
from hedgerow.server.rounds.work import Opened, Work

KIND = "reveal"


def take(work: Work, client: bytes, body: bytes) -> None:
    """Take a survivor's shares."""
    server(work).reveal(place(work, client), from_wire(Reveal, body))


def close(work: Work) -> None:
    """End the phase, if enough was revealed; the sum is opened when it has been charged."""
    server(work).check_reveals()


def open_sum(work: Work) -> Opened:
    """Open the sum.

    Raises
    ------
    ProtocolError
        What `Server.finish` raises.
    """
    outcome = server(work).finish()
    names = {position: client for client, position in work.places.items()}
    proofs = {names[position]: proof for position, proof in outcome.inclusions.items()}
    return Opened(outcome.sums, outcome.receipt, proofs)


def told(work: Work, client: bytes) -> bytes:
    """Tell a client who survived or, where they signed for that, who has signed."""
    if not work.terms.consistency:
        return consent.told(work, client)
    return to_wire(server(work).agreement(place(work, client)))
