"""Small sessions, step by step, with secrets that come from a seed."""

import dataclasses
from contextlib import contextmanager
from functools import lru_cache

import numpy as np
import pytest

from hedgerow.errors import ProtocolError
from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.ring import Ring
from hedgerow.privacy.secure.pairwise.client import Client
from hedgerow.privacy.secure.pairwise.drive import Population, Step
from hedgerow.privacy.secure.pairwise.server import Server
from hedgerow.privacy.secure.session import Floor, Terms
from hedgerow.privacy.secure.wire import from_wire, to_wire

TRUSTING = Floor(minimum=2, adversaries=0.0, dropouts=0.0)


def terms_of(clients, **changes):
    """Terms for a few clients, all of them neighbours."""
    terms = Terms(
        mode="pairwise",
        task="test",
        round=3,
        attempt=0,
        words=6,
        bits=32,
        clients=clients,
        minimum=2,
        neighbours=clients - 1,
        threshold=(clients + 1) // 2,
        consistency=False,
        model=b"m" * 32,
        config=b"c" * 32,
    )
    return dataclasses.replace(terms, **changes)


@lru_cache
def population(clients):
    return Population.enrol(clients, seeded("population", clients))


def seeded(*parts):
    """Secrets that repeat."""
    stream = Stream.seeded(*parts)
    return lambda count: bytes(stream.bytes(count))


@contextmanager
def refused(code):
    """A refusal with this code."""
    with pytest.raises(ProtocolError) as error:
        yield
    assert error.value.code == code


def through(message):
    """The message after its way over the wire."""
    return from_wire(type(message), to_wire(message))


class Room:
    """A server and clients, which the test moves on phase by phase."""

    def __init__(self, terms, *, floor=TRUSTING, seed="room", present=None, beacon=b"b" * 32):
        self.terms = terms
        self.ring = Ring(terms.bits)
        self.people = population(terms.clients)
        self.server = Server(terms, self.people.authority, self.people.aggregator, lambda _: beacon)
        self.records = []
        self.clients = {
            who: Client(
                terms,
                floor,
                self.people.identities[who],
                self.people.authority,
                journal=self.records.append,
                random=seeded(seed, who),
            )
            for who in (range(terms.clients) if present is None else present)
        }
        self.places = {}
        rng = np.random.default_rng(5)
        limit = self.ring.bound // (2 * terms.clients)
        self.values = rng.integers(-limit, limit, (terms.clients, terms.words - 1))

    def words(self, who):
        return self.ring.encode(self.values[who])

    def join(self):
        for who, client in self.clients.items():
            self.places[who] = self.server.join(through(client.advertise()))
        self.server.close_adverts()
        return self

    def share(self):
        for who, client in self.clients.items():
            opening = through(self.server.opening(self.places[who]))
            self.server.share(self.places[who], through(client.share(opening)))
        self.server.close_shares()
        return self

    def upload(self, vanished=()):
        for who in vanished:
            del self.clients[who]
        for who, client in self.clients.items():
            delivery = through(self.server.delivery(self.places[who]))
            self.server.upload(self.places[who], through(client.mask(delivery, self.words(who))))
        return self.server.close_uploads()

    def finish(self, survivors, agreements=None):
        for who, client in self.clients.items():
            agreement = None if agreements is None else agreements[who]
            reveal = through(client.reveal(through(survivors), agreement))
            self.server.reveal(self.places[who], reveal)
        return self.server.finish()

    def total(self):
        """The plain sum over the clients that are there."""
        return self.values[list(self.clients)].sum(axis=0)


def play(room, vanish, order, times):
    """Run a sum with messages in some order and each sent so many times over."""

    def arrivals(step):
        for who in [who for who in room.clients if vanish.get(who) == step]:
            del room.clients[who]
        return [(who, room.clients[who]) for who in order if who in room.clients]

    server, places = room.server, room.places
    adverts = [(who, client.advertise()) for who, client in arrivals(Step.ADVERT)]
    for who, advert in adverts * times:
        places[who] = server.join(through(advert))
    server.close_adverts()
    shares = [
        (who, client.share(server.opening(places[who]))) for who, client in arrivals(Step.SHARES)
    ]
    for who, share in shares * times:
        server.share(places[who], through(share))
    server.close_shares()
    masked = [
        (who, client.mask(server.delivery(places[who]), room.words(who)))
        for who, client in arrivals(Step.VECTOR)
    ]
    for who, upload in masked * times:
        server.upload(places[who], through(upload))
    survivors = server.close_uploads()
    for who, client in arrivals(Step.REVEAL) * times:
        server.reveal(places[who], through(client.reveal(survivors)))
    return server.finish()
