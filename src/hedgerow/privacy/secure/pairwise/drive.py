"""A whole sum in memory: for simulations, tests and measurements."""

from __future__ import annotations

import enum
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.privacy.ring import Words
from hedgerow.privacy.secure.identity import Identity, certify, public
from hedgerow.privacy.secure.messages import (
    Advert,
    Agreement,
    Consent,
    Delivery,
    Masked,
    Opening,
    Reveal,
    Shares,
    Survivors,
)
from hedgerow.privacy.secure.pairwise.client import Client
from hedgerow.privacy.secure.pairwise.server import Server
from hedgerow.privacy.secure.pairwise.unmasking import Outcome
from hedgerow.privacy.secure.session import Floor, Terms
from hedgerow.privacy.secure.shamir import Random
from hedgerow.privacy.secure.wire import Tap, from_wire, kind, to_wire

M = TypeVar("M")


class Step(enum.IntEnum):
    """What a client sends; one that vanishes at a step sends neither that nor anything later."""

    ADVERT = 0
    SHARES = 2
    VECTOR = 4
    CONSENT = 5
    REVEAL = 6


@dataclass
class Costs:
    """What a sum took.

    Parameters
    ----------
    server, clients
        CPU seconds, encoding and decoding included; those of all clients together.
    up, down
        Bytes from and to each client.
    """

    server: float = 0.0
    clients: float = 0.0
    up: dict[int, int] = field(default_factory=dict)
    down: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Population:
    """Enrolled clients, and the keys of those who are not clients.

    Parameters
    ----------
    identities
        Of the clients, in order.
    authority
        The enrolment authority's public key.
    aggregator
        The key that signs receipts.
    """

    identities: Sequence[Identity]
    authority: bytes
    aggregator: Ed25519PrivateKey

    @classmethod
    def enrol(cls, clients: int, random: Random = os.urandom) -> Population:
        """Return so many clients with fresh keys, enrolled as one batch."""
        authority, aggregator, *keys = (
            Ed25519PrivateKey.from_private_bytes(random(32)) for _ in range(2 + clients)
        )
        certificates = certify(authority, [public(key) for key in keys])
        identities = [Identity(*both) for both in zip(keys, certificates, strict=True)]
        return cls(identities, public(authority), aggregator)


def run(
    terms: Terms,
    floor: Floor,
    population: Population,
    vector: Callable[[int], Words],
    *,
    vanish: Mapping[int, Step] | None = None,
    random: Random = os.urandom,
    costs: Costs | None = None,
    tap: Tap | None = None,
) -> Outcome:
    """Run one sum with every message encoded and decoded, as between machines.

    One vector is in memory at a time, beside the sum.

    Parameters
    ----------
    terms
        Of the session; its roster is the population.
    floor
        What every client insists on.
    population
        The clients. They join in order, so the first to join has position 0.
    vector
        Gives a client's vector in the ring, shape (terms.words - 1,), when it is due.
    vanish
        The clients that vanish, and at which step.
    random
        Where the clients' secrets come from.
    costs
        Where to note what it took.
    tap
        Sees every message, up and down: its type and its bytes.

    Raises
    ------
    ProtocolError
        Too few clients were left.
    """
    wire = _Wire(costs or Costs(), tap)
    server = Server(terms, population.authority, population.aggregator)
    vanish = vanish or {}
    places: dict[int, int] = {}

    def left(step: Step) -> Iterator[tuple[int, Client]]:
        """Drop the clients that vanish here; yield the others."""
        for who in [who for who in clients if vanish.get(who) == step]:
            del clients[who]
        yield from clients.items()

    with wire.client():
        clients = {
            who: Client(
                terms, floor, identity, population.authority, journal=_forget, random=random
            )
            for who, identity in enumerate(population.identities)
        }
    for who, client in left(Step.ADVERT):
        advert = wire.up(who, Advert, client.advertise)
        with wire.server():
            places[who] = server.join(advert)
    with wire.server():
        server.close_adverts()
    for who, client in left(Step.SHARES):
        opening = wire.down(who, Opening, partial(server.opening, places[who]))
        shares = wire.up(who, Shares, partial(client.share, opening))
        with wire.server():
            server.share(places[who], shares)
    with wire.server():
        server.close_shares()
    for who, client in left(Step.VECTOR):
        delivery = wire.down(who, Delivery, partial(server.delivery, places[who]))
        masked = wire.up(who, Masked, partial(client.mask, delivery, vector(who)))
        with wire.server():
            server.upload(places[who], masked)
    with wire.server():
        survivors = server.close_uploads()
    if terms.consistency:
        for who, client in left(Step.CONSENT):
            told = wire.down(who, Survivors, lambda: survivors)
            consent = wire.up(who, Consent, partial(client.consent, told))
            with wire.server():
                server.consent(places[who], consent)
    for who, client in left(Step.REVEAL):
        told = wire.down(who, Survivors, lambda: survivors)
        agreement = None
        if terms.consistency:
            agreement = wire.down(who, Agreement, partial(server.agreement, places[who]))
        reveal = wire.up(who, Reveal, partial(client.reveal, told, agreement))
        with wire.server():
            server.reveal(places[who], reveal)
    with wire.server():
        return server.finish()


def _forget(_: bytes) -> None:
    """Keep no journal: a simulated client does not come back."""


@dataclass(frozen=True)
class _Wire:
    """Encodes, decodes and counts what passes."""

    costs: Costs
    tap: Tap | None

    @contextmanager
    def server(self) -> Iterator[None]:
        """Note CPU time as the server's."""
        start = time.process_time()
        yield
        self.costs.server += time.process_time() - start

    @contextmanager
    def client(self) -> Iterator[None]:
        """Note CPU time as a client's."""
        start = time.process_time()
        yield
        self.costs.clients += time.process_time() - start

    def up(self, who: int, cls: type[M], make: Callable[[], M]) -> M:
        """Return what the server reads of a client's message."""
        with self.client():
            data = to_wire(make())
        self.costs.up[who] = self.costs.up.get(who, 0) + len(data)
        if self.tap:
            self.tap(kind(cls), data)
        with self.server():
            return from_wire(cls, data)

    def down(self, who: int, cls: type[M], make: Callable[[], M]) -> M:
        """Return what a client reads of the server's message."""
        with self.server():
            data = to_wire(make())
        self.costs.down[who] = self.costs.down.get(who, 0) + len(data)
        if self.tap:
            self.tap(kind(cls), data)
        with self.client():
            return from_wire(cls, data)
