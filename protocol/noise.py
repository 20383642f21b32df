# ruff: noqa: INP001 - scripts beside the data that they make
"""Golden vectors of what a client does to its own numbers: noise, rounding, words of a ring."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sessions import fixed, texts

from hedgerow.privacy import skellam
from hedgerow.privacy.quantization import Quantizer
from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.ring import Ring

LONG = 70_000
"""More numbers than are drawn at a time."""


class Given(Stream):
    """A stream of known bytes, for what no key can be found to give."""

    def __init__(self, drawn: bytes) -> None:
        self._left = drawn

    def bytes(self, count: int) -> bytearray:
        """Return the next of them."""
        taken, self._left = self._left[:count], self._left[count:]
        return bytearray(taken)


def noise() -> dict[str, Any]:
    """Return noise, rounding and a contribution made of both."""
    variances = (0.01, 0.4, 3.0, 513_921.7, 1.5e7)
    return {
        "shares": [
            share(*case)
            for case in ((1e4, 100, 0.29, 0.1), (0.1, 7, 0.2, 0.3), (5, 9, 0, 0), (7, 3, 0.2, 0))
        ],
        "bounds": [
            {"variance": variance, "bound": skellam.bound(variance)}
            for variance in (0.0, *variances, 2.0**28, 2.5 * 2**28)
        ],
        "skellam": [drawing(variance, LONG if variance == 3.0 else 40) for variance in variances]
        + [drawing(2.5 * 2**28, 40)],
        "ties": [tie(place, rest) for place in (0, 3) for rest in (0, 2**64 - 1)],
        "quantizers": [
            bounding(Quantizer(*case), clients, added)
            for *case, clients, added in (
                (1.0, 1186.0, 107_648, 1000, 250_000),
                (0.75, 2.0**20 / 0.75, 64, 20, 0),
                (3.0, 5.0, 2, 2, 0),
                (2.0, 2.0**45, 1000, 1, 0),
                (1.0, 2.0**46, 1_000_000, 90_000, 10**12),
            )
        ],
        "rounding": [
            rounding(Quantizer(1.0, 1186.0, 40), 0.9),
            rounding(Quantizer(0.3, 1e4, 3), 1.0),
            rounding(Quantizer(2.0, 2.0**44, 12), 1.0 + 5e-7),
            rounding(Quantizer(5.0, 4.0, 30), 0.0),
            *(rounding(Quantizer(1.0, 2.0, 9), 1.0, number) for number in range(8)),
        ],
        "contributions": [contribution(bits) for bits in (16, 22, 32, 41, 64)],
    }


def share(total: float, clients: int, adversaries: float, dropouts: float) -> dict[str, Any]:
    """Return what each client adds of a total."""
    made = skellam.share(total, clients, adversaries, dropouts)
    return {
        "total": total,
        "clients": clients,
        "adversaries": adversaries,
        "dropouts": dropouts,
        "variance": made.variance,
        "minimum": made.minimum,
    }


def drawing(variance: float, count: int) -> dict[str, Any]:
    """Return the first Skellam numbers of a key, and a hash of all in 8 bytes each."""
    key = fixed("skellam", str(variance))(32)
    drawn = skellam.sample(Stream(key), count, variance)
    return {
        "variance": variance,
        "key": key,
        "count": count,
        "values": drawn[:40].tolist(),
        "digest": hashlib.sha256(drawn.astype("<i8").tobytes()).digest(),
    }


def tie(place: int, rest: int) -> dict[str, Any]:
    """Return numbers of which one has the high bits of a threshold, so that low ones decide."""
    variance = 5.0
    threshold = int(skellam._table(variance).high[place])  # noqa: SLF001 - nobody else needs it
    words = [threshold << 1, 3 << 60, threshold << 1 | 1, rest, 2**64 - 1 - rest]
    given = b"".join(word.to_bytes(8, "little") for word in words)
    drawn = skellam.sample(Given(given), 3, variance)
    return {"variance": variance, "drawn": given, "values": drawn.tolist()}


def bounding(quantizer: Quantizer, vectors: int, added: int) -> dict[str, Any]:
    """Return a quantizer's bounds, and the ring that holds a sum."""
    return {
        "clip": quantizer.clip,
        "scale": quantizer.scale,
        "size": quantizer.size,
        "largest_square": str(quantizer.largest_square),
        "sensitivity": quantizer.sensitivity,
        "vectors": vectors,
        "noise": added,
        "bits": quantizer.ring(vectors, added).bits,
    }


def vector_of(quantizer: Quantizer, part: float) -> NDArray[np.float64]:
    """Return a vector whose norm is a part of the clip."""
    raw = Stream(fixed("vector", quantizer.size)(32)).uniform(quantizer.size) - 0.5
    # Added up exactly, as the last bit of a dot product differs between machines.
    norm = math.sqrt(math.fsum(value * value for value in raw.tolist()))
    made: NDArray[np.float64] = raw * (part * quantizer.clip / norm)
    return made


def rounding(quantizer: Quantizer, part: float, number: int = 0) -> dict[str, Any]:
    """Return a vector, and the integers that a key makes of it."""
    key = fixed("rounding", quantizer.size, number)(32)
    vector = vector_of(quantizer, part)
    return {
        "clip": quantizer.clip,
        "scale": quantizer.scale,
        "size": quantizer.size,
        "key": key,
        "vector": vector.tolist(),
        "values": quantizer.quantize(vector, Stream(key)).tolist(),
    }


def contribution(bits: int) -> dict[str, Any]:
    """Return a vector's integers with noise, as packed words of a ring, and what makes them."""
    quantizer, variance = Quantizer(2.0, 750.0, 25), 300.0
    keys = fixed("contribution", bits)
    noise_key, rounding_key = keys(32), keys(32)
    vector, ring = vector_of(quantizer, 0.99), Ring(bits)
    total = skellam.sample(Stream(noise_key), quantizer.size, variance)
    total += quantizer.quantize(vector, Stream(rounding_key))
    return {
        "clip": quantizer.clip,
        "scale": quantizer.scale,
        "size": quantizer.size,
        "variance": variance,
        "vector": vector.tolist(),
        "noise_key": noise_key,
        "rounding_key": rounding_key,
        "bits": bits,
        "values": texts(total),
        "packed": ring.pack(ring.encode(total)),
    }
