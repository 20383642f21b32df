"""Popularity among scores that are linear in unit states, by a feature that is alike for all items.

A readout of unit states says how an item's chances differ from its usual ones. What is usual, its
popularity, is the intercept of that regression: the weight of a feature that every history has.
Beside plain signal it hardly matters; where noise has taken the rest, it is what remains.
"""

from __future__ import annotations

import math

import numpy as np

from hedgerow.statistics import Array

SHARE = 0.05
"""Length of the constant feature over that of the others: so little that they lose nothing."""


def with_constant(vectors: Array) -> Array:
    """Return item vectors with one more feature, the same for all items.

    Parameters
    ----------
    vectors
        Shape (items, dimension); of no dimension at all, the constant is 1.
    """
    length = SHARE * float(np.sqrt((vectors.astype(np.float64) ** 2).sum(axis=1).mean()))
    constant = np.full((len(vectors), 1), length or 1.0, np.float32)
    return np.concatenate([vectors.astype(np.float32), constant], axis=1)


def intercept(popularity: Array, vectors: Array, width: int, decay: float) -> Array:
    """Return the constant feature's weights.

    Parameters
    ----------
    popularity
        Shape (items,), above 0.
    vectors
        From :func:`with_constant`.
    width
        Of the readout whose rows are multiplied by its root: the regression on unit states of that
        width would multiply them by the width, and popularity by 1.
    decay
        Of the state, from which follows how long the constant is beside vectors that add up at
        random.
    """
    share = SHARE * math.sqrt((1 + decay) / (1 - decay)) if vectors.shape[1] > 1 else 1.0
    return np.asarray(popularity / math.sqrt(width) / min(share, 1.0), np.float32)
