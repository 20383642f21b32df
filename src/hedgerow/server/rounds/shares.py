"""Shares: each client deals shares of its secrets to its neighbours, sealed."""

from __future__ import annotations

from hedgerow.privacy.secure.messages import Shares
from hedgerow.privacy.secure.wire import from_wire, to_wire
from hedgerow.server.rounds.asking import place
from hedgerow.server.rounds.keys import server
from hedgerow.server.rounds.work import Work

KIND = "shares"


def take(work: Work, client: bytes, body: bytes) -> None:
    """Take a client's boxes."""
    server(work).share(place(work, client), from_wire(Shares, body))


def close(work: Work) -> None:
    """Fix whose masks are in the sum."""
    server(work).close_shares()


def told(work: Work, client: bytes) -> bytes:
    """Tell a client its part of the roster."""
    return to_wire(server(work).opening(place(work, client)))
