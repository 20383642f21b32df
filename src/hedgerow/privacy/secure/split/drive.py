"""A whole session of split mode in memory: for simulations, benchmarks and tests.

Every message passes through its bytes, and each party does its own work only, so what is measured
here is what the parties will spend.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from hedgerow.privacy.ring import Words
from hedgerow.privacy.secure.identity import Identity, certify, public
from hedgerow.privacy.secure.session import Floor, Terms
from hedgerow.privacy.secure.shamir import Random
from hedgerow.privacy.secure.split import noise as noises
from hedgerow.privacy.secure.split.client import make_report
from hedgerow.privacy.secure.split.coordinator import Coordinator, Outcome
from hedgerow.privacy.secure.split.helper import Helper, HelperKeys
from hedgerow.privacy.secure.split.messages import (
    Collect,
    Forward,
    Report,
    Servers,
    SignedMaskSum,
    SignedVerdicts,
)
from hedgerow.privacy.secure.split.used import UsedInMemory
from hedgerow.privacy.secure.wire import Tap, from_wire, kind, to_wire

FORWARD_EVERY = 4
"""After so many reports the helper is asked; until then their words fill memory and caches."""


@dataclass(frozen=True)
class Deployment:
    """The parties and their keys.

    Parameters
    ----------
    authority
        The public key of who enrols clients.
    identities
        One per client.
    servers
        The two servers' public keys.
    coordinator_key, helper_keys
        Their secrets.
    """

    authority: bytes
    identities: tuple[Identity, ...]
    servers: Servers
    coordinator_key: Ed25519PrivateKey
    helper_keys: HelperKeys

    @classmethod
    def enrol(cls, clients: int, random: Random = os.urandom) -> Deployment:
        """Return so many clients with fresh keys, enrolled as one batch, and two servers."""
        authority, coordinator, helper, *keys = (
            Ed25519PrivateKey.from_private_bytes(random(32)) for _ in range(3 + clients)
        )
        sealing = X25519PrivateKey.from_private_bytes(random(32))
        certificates = certify(authority, [public(key) for key in keys])
        return cls(
            authority=public(authority),
            identities=tuple(map(Identity, keys, certificates)),
            servers=Servers(
                public(coordinator), public(helper), sealing.public_key().public_bytes_raw()
            ),
            coordinator_key=coordinator,
            helper_keys=HelperKeys(helper, sealing),
        )


@dataclass
class Costs:
    """What a sum took.

    Parameters
    ----------
    clients, coordinator, helper
        CPU seconds, encoding and decoding included; those of all clients together.
    up
        Bytes from each client.
    """

    clients: float = 0.0
    coordinator: float = 0.0
    helper: float = 0.0
    up: dict[int, int] = field(default_factory=dict)

    @contextmanager
    def of(self, party: str) -> Iterator[None]:
        """Note a block's CPU time as that of a party, by the name of its field."""
        started = time.process_time()
        yield
        setattr(self, party, getattr(self, party) + time.process_time() - started)


def run(
    terms: Terms,
    floor: Floor,
    deployment: Deployment,
    vector: Callable[[int], Words],
    *,
    vanish: Collection[int] = (),
    coordinator_noise: noises.Noise = noises.none,
    helper_noise: noises.Noise = noises.none,
    random: Random = os.urandom,
    costs: Costs | None = None,
    tap: Tap | None = None,
) -> Outcome:
    """Run one sum.

    A few vectors are in memory at a time, beside the sum. The servers' records of used
    reports begin empty: sums that are simulated are not sums that somebody could compare.

    Parameters
    ----------
    terms
        Of the session; all clients of the deployment are asked.
    floor
        What every client and the helper insist on.
    deployment
        The parties.
    vector
        Gives a client's vector in the ring, shape (terms.words - 1,), when it is due.
    vanish
        The clients, by their numbers from 0, that send nothing.
    coordinator_noise, helper_noise
        What each server adds.
    random
        Where the clients' seeds come from.
    costs
        Where to note what it took.
    tap
        Sees every message between the parties: its type and its bytes.

    Raises
    ------
    ProtocolError
        ``too-few-contributors`` clients were left.
    """
    costs = costs or Costs()
    coordinator = Coordinator(
        terms,
        deployment.servers,
        deployment.authority,
        deployment.coordinator_key,
        used=UsedInMemory(),
        noise=coordinator_noise,
    )
    helper = Helper(
        terms,
        deployment.servers,
        deployment.authority,
        deployment.helper_keys,
        used=UsedInMemory(),
        floor=floor,
        noise=helper_noise,
    )
    gone = frozenset(vanish)
    present = [who for who in range(len(deployment.identities)) if who not in gone]
    for turn, who in enumerate(present, start=1):
        words = vector(who)
        identity = deployment.identities[who]
        with costs.of("clients"):
            sent = _sent(
                make_report(terms, deployment.servers, identity, words, floor=floor, random=random),
                tap,
            )
        costs.up[who] = len(sent)
        with costs.of("coordinator"):
            coordinator.receive(from_wire(Report, sent), identity.certificate.key)
        if turn % FORWARD_EVERY == 0:
            _judge(coordinator, helper, costs, tap)
    _judge(coordinator, helper, costs, tap)
    with costs.of("coordinator"):
        asked = _sent(coordinator.collect(), tap)
    with costs.of("helper"):
        answer = _sent(helper.sum_masks(from_wire(Collect, asked)), tap)
    with costs.of("coordinator"):
        return coordinator.open(from_wire(SignedMaskSum, answer))


def _sent(message: object, tap: Tap | None) -> bytes:
    """Return a message's bytes, and show them to the tap."""
    data = to_wire(message)
    if tap:
        tap(kind(type(message)), data)
    return data


def _judge(coordinator: Coordinator, helper: Helper, costs: Costs, tap: Tap | None) -> None:
    """Put the reports that wait before the helper."""
    with costs.of("coordinator"):
        forward = coordinator.forward()
    while forward is not None:
        with costs.of("coordinator"):
            asked = _sent(forward, tap)
        with costs.of("helper"):
            answer = _sent(helper.judge(from_wire(Forward, asked)), tap)
        with costs.of("coordinator"):
            coordinator.settle(from_wire(SignedVerdicts, answer))
            forward = coordinator.forward()
