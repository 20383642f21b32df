"""Post-processing of noisy sums: what is known of the truth and of the noise, put to use."""

from __future__ import annotations

import numpy as np

from hedgerow.statistics import Array


def steadied(gram: Array, noise: float) -> Array:
    """Return a symmetric sum made positive semidefinite, with a ridge as strong as its noise.

    A sum of outer products has no negative eigenvalue, so those that noise made are set to zero.
    Symmetric noise of standard deviation ``noise`` has a spectral norm of about
    ``2 * noise * sqrt(size)`` (Wigner's semicircle), and directions weaker than that tell nothing:
    a ridge of that size keeps an inverse from blowing them up. Without noise nothing changes.

    Parameters
    ----------
    gram
        Shape (size, size), float64.
    noise
        Standard deviation of the noise in every value.
    """
    if not noise:
        return gram
    values, vectors = np.linalg.eigh(gram)
    ridge = 2 * noise * np.sqrt(len(gram))
    return np.asarray((vectors * (values.clip(0) + ridge)) @ vectors.T)


def counted(counts: Array, noise: float) -> Array:
    """Return counts pulled towards zero by one standard deviation of their noise, never below it.

    Parameters
    ----------
    counts
        Any shape.
    noise
        Standard deviation of the noise in every value; 0 changes nothing.
    """
    return np.maximum(counts - noise, 0) if noise else counts
