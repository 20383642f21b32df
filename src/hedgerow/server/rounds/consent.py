"""Consent: the survivors sign for each other that all were told of the same survivors."""

from __future__ import annotations

from hedgerow.errors import ProtocolError
from hedgerow.privacy.secure.messages import Consent
from hedgerow.privacy.secure.wire import from_wire, to_wire
from hedgerow.server.rounds.asking import place
from hedgerow.server.rounds.keys import server
from hedgerow.server.rounds.work import Work

KIND = "consent"


def take(work: Work, client: bytes, body: bytes) -> None:
    """Take a client's signature."""
    server(work).consent(place(work, client), from_wire(Consent, body))


def close(_work: Work) -> None:
    """Let the protocol's server judge, when it opens the sum, whether enough have signed."""


def told(work: Work, client: bytes) -> bytes:
    """Tell a client who survived."""
    place(work, client)
    if work.survivors is None:
        raise ProtocolError("too-early", "The survivors are not known yet.")
    return to_wire(work.survivors)
