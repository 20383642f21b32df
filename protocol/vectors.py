# ruff: noqa: INP001 - scripts beside the data that they make
"""Make the golden vectors of the secured sums: every value from fixed randomness.

    python protocol/vectors.py

writes ``protocol/vectors/*.json``. Bytes are in hexadecimal, integers beyond 2**53 in decimal text.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from fixed_hpke import seal
from models import model_vectors
from noise import noise
from sessions import fixed, pairwise_session, recording, split_session, terms, texts

from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.ring import Ring
from hedgerow.privacy.secure import cbor, graph, merkle, shamir
from hedgerow.privacy.secure.session import PAIRWISE, SPLIT, Terms, derive, sid
from hedgerow.privacy.secure.split.drive import Deployment
from hedgerow.privacy.secure.wire import to_wire

FOLDER = Path(__file__).parent / "vectors"


def plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def primitives() -> dict[str, Any]:
    """Return what the sessions are built of, each by itself."""
    session = sid(terms(SPLIT))
    return {
        "cbor": [encoding(value) for value in CBOR_EXAMPLES],
        "ring": [packing(bits) for bits in (16, 17, 24, 27, 32, 45, 64)],
        "prg": [expansion(bits) for bits in (16, 32, 64)],
        "hkdf": [derivation(session, purpose) for purpose in ("split mask", "pair-mask")],
        "sid": [naming(chosen) for chosen in (terms(SPLIT), terms(PAIRWISE))],
        "shamir": [sharing(shares, threshold) for shares, threshold in ((1, 1), (5, 3), (20, 20))],
        "merkle": [tree(leaves) for leaves in (1, 2, 3, 6, 8, 11)],
        "hpke": [sealing()],
        "graph": [neighbourhood(clients, degree) for clients, degree in ((6, 5), (12, 4))],
    }


CBOR_EXAMPLES: list[Any] = [
    [0, 23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**53 - 1],
    [-1, -24, -25, -256, -257],
    ["", "a", "ü", "x" * 24],
    [True, False, None],
    {"b": 1, "a": 2, "aa": 3, "longer than twenty-three characters": [], "c": {"z": 0, "y": 1}},
]


def encoding(value: Any) -> dict[str, Any]:
    """Return a value and its CBOR."""
    return {"value": value, "encoded": cbor.encode(value)}


def packing(bits: int) -> dict[str, Any]:
    """Return integers and their packed words."""
    ring = Ring(bits)
    chosen = np.array([0, 1, -1, ring.bound, -ring.bound - 1, 12345, -12345, 2, -2], np.int64)
    packed = ring.pack(ring.encode(chosen))
    return {"bits": bits, "values": texts(chosen), "packed": packed}


def expansion(bits: int) -> dict[str, Any]:
    """Return a key and its first words."""
    key = fixed("prg", bits)(32)
    return {"key": key, "bits": bits, "words": texts(Stream(key).words(9, Ring(bits).dtype))}


def derivation(session: bytes, purpose: str) -> dict[str, Any]:
    """Return a secret and a key derived from it."""
    random = fixed("hkdf", purpose)
    secret, context = random(32), random(48)
    derived = derive(secret, session, purpose, context)
    return {
        "secret": secret,
        "session": session,
        "purpose": purpose,
        "context": context,
        "key": derived,
    }


def naming(chosen: Terms) -> dict[str, Any]:
    """Return terms, their encoding and their hash."""
    return {"terms": asdict(chosen), "encoded": to_wire(chosen), "sid": sid(chosen)}


def sharing(shares: int, threshold: int) -> dict[str, Any]:
    """Return two secrets, the coefficients of each from the highest power down, and the shares."""
    random = fixed("shamir", shares)
    secrets = [shamir.secret(random), shamir.secret(random)]
    recorded, drawn = recording(random)
    made = shamir.split(secrets, shares, threshold, recorded)
    coefficients = [drawn[: threshold - 1], drawn[threshold - 1 :]]
    return {
        "threshold": threshold,
        "secrets": secrets,
        "coefficients": coefficients,
        "shares": made,
    }


def tree(leaves: int) -> dict[str, Any]:
    """Return entries, the root over them, and the proof for each."""
    entries = [fixed("merkle", leaves)(at + 1) for at in range(leaves)]
    whole = merkle.Tree([merkle.leaf(entry) for entry in entries])
    proofs = [whole.proof(at) for at in range(leaves)]
    return {"entries": entries, "root": whole.root, "proofs": proofs}


def sealing() -> dict[str, Any]:
    """Return a plaintext sealed with a known ephemeral key."""
    random = fixed("hpke")
    deployment = Deployment.enrol(1, random)
    recipient = deployment.helper_keys.sealing
    ephemeral, info, plaintext = random(32), random(20), random(40)
    return {
        "recipient": recipient.private_bytes_raw(),
        "public": deployment.servers.sealing,
        "ephemeral": ephemeral,
        "info": info,
        "plaintext": plaintext,
        "sealed": seal(ephemeral, deployment.servers.sealing, info, plaintext, b""),
    }


def neighbourhood(clients: int, degree: int) -> dict[str, Any]:
    """Return the neighbours of each position in a roster, in order."""
    view = fixed("graph", clients)(32)
    made = graph.build(view, clients, degree)
    return {
        "view": view,
        "degree": degree,
        "neighbours": [made.neighbours(position) for position in range(clients)],
    }


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for name, make in MADE.items():
        (FOLDER / name).write_text(json.dumps(plain(make()), indent=1, ensure_ascii=False) + "\n")


MADE: dict[str, Callable[[], dict[str, Any]]] = {
    "primitives.json": primitives,
    "split.json": split_session,
    "pairwise.json": pairwise_session,
    "noise.json": noise,
    "models.json": model_vectors,
}

if __name__ == "__main__":
    main()
