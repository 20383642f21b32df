"""The noise that each of the two servers adds to its half of a sum."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hedgerow.privacy.ring import Ring, Words

Noise = Callable[[int], NDArray[np.int64]]
"""Draws so many independent integers; called once a session."""


def none(count: int) -> NDArray[np.int64]:
    """Return zeros: sums that are secured but not differentially private."""
    return np.zeros(count, np.int64)


def drawn(noise: Noise, ring: Ring, words: int) -> Words:
    """Return noise for a vector whose last word, the count of contributors, gets none.

    Raises
    ------
    ValueError
        The noise has another shape.
    """
    values = noise(words - 1)
    if values.shape != (words - 1,):
        raise ValueError(f"expected {words - 1} values of noise, got shape {values.shape}")
    return np.append(ring.encode(values), ring.dtype(0))
