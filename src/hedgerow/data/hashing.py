"""Random numbers that depend on a user's key and not on who else is in the block.

SplitMix64 (Steele, Lea, Flood 2014) as a counter-based generator: one multiply-xor mix per number,
vectorised. It serves simulation (negatives, bootstrap weights, splits); masks and noise that
protect people come from a cryptographic generator instead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def keys_of(ids: Iterable[str]) -> NDArray[np.int64]:
    """Return a 64-bit key per id, which does not depend on the other ids."""
    digests = b"".join(hashlib.blake2b(i.encode(), digest_size=8).digest() for i in ids)
    return np.frombuffer(digests, "<i8").astype(np.int64)


def bits(*words: int | NDArray[Any]) -> NDArray[np.uint64]:
    """Hash integers, broadcast against each other, to 64 random bits each."""
    state = np.zeros(np.broadcast_shapes(*(np.shape(w) for w in words)), np.uint64)
    with np.errstate(over="ignore"):
        for word in words:
            state = _mix((state ^ np.asarray(word, np.int64).astype(np.uint64)) + _GOLDEN)
    return state


def uniform(*words: int | NDArray[Any]) -> NDArray[np.float64]:
    """Hash integers to numbers drawn uniformly from [0, 1)."""
    return (bits(*words) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return state ^ (state >> np.uint64(31))
