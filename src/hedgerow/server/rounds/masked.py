"""Masked: the vectors come in and are added up as they come."""

from __future__ import annotations

from hedgerow.privacy.secure.messages import Masked
from hedgerow.privacy.secure.wire import from_wire, to_wire
from hedgerow.server.rounds.asking import place
from hedgerow.server.rounds.keys import server
from hedgerow.server.rounds.work import Work

KIND = "masked"


def take(work: Work, client: bytes, body: bytes) -> None:
    """Add a client's vector."""
    server(work).upload(place(work, client), from_wire(Masked, body))


def close(work: Work) -> None:
    """Fix whose vectors are summed."""
    work.survivors = server(work).close_uploads()


def told(work: Work, client: bytes) -> bytes:
    """Hand a client the boxes that its neighbours made for it."""
    return to_wire(server(work).delivery(place(work, client)))
