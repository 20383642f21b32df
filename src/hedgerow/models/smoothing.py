"""What noisy sums over items say when it is known how noisy they are and how alike items are.

Everything here is post-processing of released sums and of the public catalog, so it costs no
privacy. Items that are alike are expected to have rows that are alike, more so the more popular
they are; what is seen is weighed against that (Gaussian-process regression, Rasmussen and Williams
2006, chapter 2).
"""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from hedgerow.statistics import Array

FLOOR = 0.05
"""No item counts for less, so that none is beyond recommending."""

GRADATION = 0.25
"""Rows' sizes go with popularity to this power."""

NUGGET = 0.5
"""The share of a row's variance that likeness to others does not explain."""

GAIN = 2.0
"""Over the variance that fits best: recommending minds too little noise less than too little
signal (tuned on validation data)."""

TURNS, SPARE = 4, 0.25
"""Rounds of subspace iteration for a basis, and how many directions more are carried along."""


def popularity_of(counts: Array, noise: float) -> NDArray[np.float64]:
    """Return the expected counts behind noisy ones, none below a small floor.

    Counts are taken to be exponentially distributed around their mean, so what is expected is the
    mean of a normal distribution cut at zero.

    Parameters
    ----------
    counts
        Shape (items,).
    noise
        Standard deviation of the noise in each; 0 returns them as they are.
    """
    seen = counts.astype(np.float64)
    if noise:
        centre = seen - noise**2 / max(float(seen.mean()), 1e-3)
        # Density over tail of the normal; the scaled erfc keeps its digits however deep the cut.
        hazard = np.sqrt(2 / np.pi) / scipy.special.erfcx(-centre / noise / np.sqrt(2))
        seen = centre + noise * hazard
    return np.maximum(seen, FLOOR)


def basis_of(alike: Array, popularity: Array, dimension: int, seed: int) -> Array:
    """Return item vectors that are white and centred under popularity.

    The leading eigenvectors of the likeness of items, each weighed by its popularity, divided by
    the roots of the weights: under popularity their covariance is the identity, so that the
    regression on them needs no Gram matrix, and their mean is zero.

    Parameters
    ----------
    alike
        Shape (items, items), positive semidefinite.
    popularity
        Shape (items,), above 0.
    dimension
        At most as many as there are items.
    seed
        For the first directions of the subspace iteration (Halko, Martinsson, Tropp 2011).

    Returns
    -------
    array
        Shape (items, dimension), float32.
    """
    roots = np.sqrt(popularity / popularity.mean()).astype(np.float32)
    weighed = roots[:, None] * alike * roots
    wide = min(len(alike), dimension + int(SPARE * dimension) + 1)
    drawn = np.random.default_rng(seed).standard_normal((len(alike), wide), np.float32)
    found = drawn * roots[:, None]
    for _ in range(TURNS):
        found = np.linalg.qr(weighed @ found)[0]
    _, turn = np.linalg.eigh(found.T @ (weighed @ found))
    vectors = (found @ turn[:, ::-1][:, :dimension]) / roots[:, None]
    mean = (popularity @ vectors) / popularity.sum()
    return np.asarray(vectors - mean, np.float32)


def smoothed(rows: Array, noise: float, alike: Array, popularity: Array) -> Array:
    """Return what noisy rows, one per item, are expected to be without the noise.

    Parameters
    ----------
    rows
        Shape (items, dimension).
    noise
        Standard deviation of the noise in each value; 0 returns the rows as they are.
    alike
        Shape (items, items), at most 1 on the diagonal; what is less there counts for less.
    popularity
        Shape (items,), above 0.
    """
    if not noise:
        return rows
    sizes = (popularity / popularity.max()) ** GRADATION
    variance = GAIN * _variance(rows, noise, sizes**2)
    prior = alike * np.float32(1 - NUGGET)
    prior[np.diag_indices(len(prior))] += np.float32(NUGGET)
    prior *= np.float32(variance) * sizes[:, None].astype(np.float32)
    prior *= sizes.astype(np.float32)
    seen = prior.copy()
    seen[np.diag_indices(len(seen))] += np.float32(noise**2)
    factor = scipy.linalg.cho_factor(seen, lower=True, overwrite_a=True, check_finite=False)
    return np.asarray(prior @ scipy.linalg.cho_solve(factor, rows.astype(np.float32)), np.float32)


def _variance(rows: Array, noise: float, shape: NDArray[np.float64]) -> float:
    """Return the variance of a row's values for shape 1, by moments weighed as they deserve."""
    width = rows.shape[1]
    excess = (rows.astype(np.float64) ** 2).sum(1) - noise**2 * width
    least = 1e-6 * noise**2
    variance = max(float((excess * shape).sum() / (shape**2).sum() / width), least)
    for _ in range(5):
        weights = shape / (shape * variance + noise**2) ** 2
        found = float((excess * weights).sum() / (shape * weights).sum() / width)
        variance = max(found, least)
    return variance


def relearned(alike: Array, rows: Array, popularity: Array, trust: float) -> Array:
    """Return how alike items are in the light of rows that were learned for them.

    Parameters
    ----------
    alike
        What the catalog says, shape (items, items).
    rows
        Denoised, shape (items, dimension).
    popularity
        Shape (items,), above 0.
    trust
        The weight of the rows, from 0 to 1. Rows shorter than most say less.
    """
    scaled = rows / (popularity[:, None] ** GRADATION)
    lengths = np.linalg.norm(scaled, axis=1)
    usual = float(np.average(lengths, weights=popularity))
    unit = (scaled / np.maximum(lengths, max(usual, 1e-9))[:, None]).astype(np.float32)
    return np.asarray(np.float32(1 - trust) * alike + np.float32(trust) * (unit @ unit.T))
