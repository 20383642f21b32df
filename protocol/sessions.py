# ruff: noqa: INP001 - scripts beside the data that they make
"""Tiny whole sessions for the golden vectors: five clients, one of whom vanishes, 8 words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fixed_hpke import seal

from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.ring import Ring
from hedgerow.privacy.secure.identity import Identity, certify, public
from hedgerow.privacy.secure.pairwise.client import Client
from hedgerow.privacy.secure.pairwise.server import Server
from hedgerow.privacy.secure.session import PAIRWISE, SPLIT, Floor, Terms
from hedgerow.privacy.secure.split.client import make_report
from hedgerow.privacy.secure.split.coordinator import Coordinator
from hedgerow.privacy.secure.split.drive import Deployment
from hedgerow.privacy.secure.split.helper import Helper
from hedgerow.privacy.secure.split.messages import report_id
from hedgerow.privacy.secure.split.used import UsedInMemory
from hedgerow.privacy.secure.wire import to_wire

CLIENTS, GONE = 5, 3
WORDS = 8

Random = Callable[[int], bytes]


def fixed(*name: int | str) -> Random:
    """Return randomness that is the same every time."""
    stream = Stream.seeded("golden vectors", *name)
    return lambda count: bytes(stream.bytes(count))


def given(drawn: bytes) -> Random:
    """Return randomness that is known."""
    return lambda _: drawn


def recording(random: Random) -> tuple[Random, list[bytes]]:
    """Return the same randomness, and a list that fills with what it gave."""
    drawn: list[bytes] = []

    def recorded(count: int) -> bytes:
        drawn.append(random(count))
        return drawn[-1]

    return recorded, drawn


def sealing_with(ephemeral: bytes) -> Callable[[bytes, bytes, bytes], bytes]:
    """Return a sealing that takes a known ephemeral key."""
    return lambda plaintext, recipient, info: seal(ephemeral, recipient, info, plaintext, b"")


def texts(values: Any) -> list[str]:
    """Return integers of up to 64 bits as JSON has them."""
    return [str(value) for value in values.tolist()]


def terms(mode: str) -> Terms:
    """Return the terms of the tiny session of a mode."""
    pairwise = mode == PAIRWISE
    return Terms(
        mode=mode,
        task=f"golden vectors, {mode} – ü",
        round=7,
        attempt=1,
        words=WORDS,
        bits=27,
        clients=CLIENTS,
        minimum=3,
        neighbours=CLIENTS - 1 if pairwise else 0,
        threshold=3 if pairwise else 0,
        consistency=pairwise,
        model=fixed("model")(32),
        config=fixed("config")(32),
    )


def values(client: int, bits: int, count: int = WORDS - 1) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return a client's vector: small integers of either sign."""
    words = Stream.seeded("golden vectors", "values", client).words(count, np.uint64)
    return Ring(bits - 4).decode(words)


def split_session() -> dict[str, Any]:
    """Return a session of split mode: every key, every message, and the sum."""
    chosen, random, noise_random = terms(SPLIT), fixed("split"), fixed("noise")
    deployment = Deployment.enrol(CLIENTS, random)
    ring, floor = Ring(chosen.bits), Floor(minimum=3)
    noise = [np.frombuffer(noise_random(WORDS - 1), np.int8).astype(np.int64) for _ in range(2)]
    coordinator = Coordinator(
        chosen,
        deployment.servers,
        deployment.authority,
        deployment.coordinator_key,
        used=UsedInMemory(),
        noise=lambda _: noise[0],
    )
    helper = Helper(
        chosen,
        deployment.servers,
        deployment.authority,
        deployment.helper_keys,
        used=UsedInMemory(),
        floor=floor,
        noise=lambda _: noise[1],
    )
    clients = []
    for number, identity in enumerate(deployment.identities):
        if number == GONE:
            continue
        seed, ephemeral = random(32), random(32)
        report = make_report(
            chosen,
            deployment.servers,
            identity,
            ring.encode(values(number, chosen.bits)),
            floor=floor,
            random=given(seed),
            sealed_by=sealing_with(ephemeral),
        )
        coordinator.receive(report, identity.certificate.key)
        clients.append(
            {
                "number": number,
                "key": identity.key.private_bytes_raw(),
                "certificate": asdict(identity.certificate),
                "values": texts(values(number, chosen.bits)),
                "seed": seed,
                "ephemeral": ephemeral,
                "report_id": report_id(chosen, identity.certificate.key),
                "report": to_wire(report),
            }
        )
    forward = coordinator.forward()
    if forward is None:
        raise RuntimeError("four reports wait")
    verdicts = helper.judge(forward)
    coordinator.settle(verdicts)
    collect = coordinator.collect()
    mask_sum = helper.sum_masks(collect)
    outcome = coordinator.open(mask_sum)
    return {
        "terms": asdict(chosen),
        "authority": deployment.authority,
        "servers": asdict(deployment.servers),
        "coordinator_key": deployment.coordinator_key.private_bytes_raw(),
        "helper_key": deployment.helper_keys.signing.private_bytes_raw(),
        "sealing_key": deployment.helper_keys.sealing.private_bytes_raw(),
        "clients": clients,
        "coordinator_noise": texts(noise[0]),
        "helper_noise": texts(noise[1]),
        "forward": to_wire(forward),
        "verdicts": to_wire(verdicts),
        "collect": to_wire(collect),
        "mask_sum": to_wire(mask_sum),
        "receipt": to_wire(outcome.receipt),
        "inclusions": [to_wire(outcome.inclusions[name]) for name in outcome.contributors],
        "sums": texts(outcome.sums),
    }


def pairwise_session() -> dict[str, Any]:
    """Return a session of pairwise mode: every key, every message, and the sum."""
    chosen, random = terms(PAIRWISE), fixed("pairwise")
    ring, floor = Ring(chosen.bits), Floor(minimum=3, adversaries=0.0, semi_malicious=False)
    authority, aggregator, *keys = (
        Ed25519PrivateKey.from_private_bytes(random(32)) for _ in range(2 + CLIENTS)
    )
    certificates = certify(authority, [public(key) for key in keys])
    server = Server(chosen, public(authority), aggregator, random)
    clients, made = [], []
    for number, (key, certificate) in enumerate(zip(keys, certificates, strict=True)):
        recorded, drawn = recording(fixed("pairwise", number))
        identity = Identity(key, certificate)
        clients.append(
            Client(
                chosen,
                floor,
                identity,
                public(authority),
                journal=lambda _: None,
                random=recorded,
            )
        )
        made.append(
            {
                "number": number,
                "key": key.private_bytes_raw(),
                "values": texts(values(number, chosen.bits)),
                "random": drawn,
            }
        )

    def note(number: int, name: str, message: Any) -> Any:
        made[number][name] = to_wire(message)
        return message

    present = [number for number in range(CLIENTS) if number != GONE]
    for number, client in enumerate(clients):
        server.join(note(number, "advert", client.advertise()))
    server.close_adverts()
    for number, client in enumerate(clients):
        opening = note(number, "opening", server.opening(number))
        server.share(number, note(number, "shares", client.share(opening)))
    server.close_shares()
    for number in present:
        delivery = note(number, "delivery", server.delivery(number))
        words = ring.encode(values(number, chosen.bits))
        masked = clients[number].mask(delivery, words)
        server.upload(number, note(number, "masked", masked))
    survivors = server.close_uploads()
    for number in present:
        server.consent(number, note(number, "consent", clients[number].consent(survivors)))
    for number in present:
        agreement = note(number, "agreement", server.agreement(number))
        server.reveal(number, note(number, "reveal", clients[number].reveal(survivors, agreement)))
    outcome = server.finish()
    for number in present:
        inclusion = note(number, "inclusion", outcome.inclusions[number])
        clients[number].check_receipt(outcome.receipt, inclusion, public(aggregator))
    return {
        "terms": asdict(chosen),
        "authority": public(authority),
        "aggregator_key": aggregator.private_bytes_raw(),
        "clients": made,
        "survivors": to_wire(survivors),
        "receipt": to_wire(outcome.receipt),
        "sums": texts(outcome.sums),
    }
