"""Keys: those who came send fresh keys, signed; the end of the phase fixes the roster."""

from __future__ import annotations

from hedgerow.errors import ProtocolError
from hedgerow.privacy.secure.messages import Advert
from hedgerow.privacy.secure.pairwise.server import Server
from hedgerow.privacy.secure.wire import from_wire
from hedgerow.server.rounds.asking import invitation
from hedgerow.server.rounds.work import Work

KIND = "advert"


def take(work: Work, client: bytes, body: bytes) -> None:
    """Let a client join."""
    advert = from_wire(Advert, body)
    if advert.certificate.key != client:
        raise ProtocolError("not-yours", "These keys are signed for another client.")
    work.places[client] = server(work).join(advert)


def close(work: Work) -> None:
    """Fix the roster, and with what was drawn the graph."""
    server(work).close_adverts()


def told(work: Work, client: bytes) -> bytes:
    """Tell those who came what is asked."""
    if work.expected is not None and client not in work.expected:
        raise ProtocolError("not-in-this-round", "This client is not in this round.")
    return invitation(work)


def server(work: Work) -> Server:
    """Return the protocol's server, made when the terms are known."""
    if work.pairwise is None:
        keys, terms = work.service.keys, work.terms
        work.pairwise = Server(terms, keys.authority, keys.coordinator, beacon=lambda _: work.drawn)
    return work.pairwise
