"""What noisy sums over items say when it is known how noisy they are and how alike items are.

Everything here is post-processing of released sums and of the public catalog, so it costs no
privacy. What comes next is expected to be like what came before; beyond that, items that are alike
are expected to have rows that are alike, more so the more popular they are. What is seen is weighed
against that (Gaussian-process regression, Rasmussen and Williams 2006, chapter 2), and where noise
hides it all, the expectation is what is left.
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

LIKENING = (0.2, 0.3)
"""How like what came before the next item is, as the cosine of their vectors, before any sum tells:
mean and standard deviation. Sums of a few hundred people tell better."""

TURNS, SPARE = 4, 0.25
"""Rounds of subspace iteration for a basis, and how many directions more are carried along."""


def popularity_of(counts: Array, noise: float) -> NDArray[np.float64]:
    """Return the expected counts behind noisy ones, none below a small floor.

    Counts are taken to be exponentially distributed around their mean, so what is expected is the
    mean of a normal distribution cut at zero. The order stays, and where noise hides all counts,
    they come out nearly alike.

    Parameters
    ----------
    counts
        Shape (items,).
    noise
        Standard deviation of the noise in each; 0 returns them as they are.
    """
    seen = counts.astype(np.float64)
    if not noise:
        return np.maximum(seen, FLOOR)
    # The mean is known no better than to its own standard error.
    mean = max(float(seen.mean()), noise / np.sqrt(len(seen)))
    centre = seen - noise**2 / mean
    # Density over tail of the normal; the scaled erfc keeps its digits however deep the cut.
    hazard = np.sqrt(2 / np.pi) / scipy.special.erfcx(-centre / noise / np.sqrt(2))
    return np.asarray(np.maximum(centre + noise * hazard, FLOOR * min(1.0, mean)))


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


def denoised(
    rows: Array, noise: float, vectors: Array, alike: Array, popularity: Array
) -> NDArray[np.float32]:
    """Return what noisy rows of states before items are expected to be without the noise.

    What likeness alone explains, and of the rest what the noise lets through.

    Parameters
    ----------
    rows
        Sums of states before each item, shape (items, dimension).
    noise
        Standard deviation of the noise in each value; 0 returns the rows as they are.
    vectors
        Of which the states are made, shape (items, dimension).
    alike, popularity
        As in :func:`smoothed`.
    """
    if not noise:
        return np.asarray(rows, np.float32)
    known = likened(rows, noise, vectors, alike, popularity)
    return np.asarray(known + smoothed(rows - known, noise, alike, popularity), np.float32)


def likened(
    rows: Array, noise: float, vectors: Array, alike: Array, popularity: Array
) -> NDArray[np.float64]:
    """Return the rows if states before an item were like the item, as far as noisy rows say so.

    A row is then the item's vector, times its popularity, times one number for all items. That
    number is so few sums' to tell that little noise is left in it; what is left is weighed against
    what it usually is (`LIKENING`). Zeros where the catalog likens no item to another.

    Parameters
    ----------
    rows, noise, vectors, alike, popularity
        As in :func:`denoised`; the noise is above 0.
    """
    shape = popularity[:, None] * vectors.astype(np.float64)
    energy = float((shape**2).sum())
    length = np.sqrt(energy and float((shape * vectors).sum() / popularity.sum()))
    if not length or not likens(alike):
        return np.zeros(shape.shape)
    usual, spread = LIKENING
    precision, own = energy / noise**2, (length / spread) ** 2
    found = (float((shape * rows).sum()) / noise**2 + own * usual / length) / (precision + own)
    return np.asarray(max(found, 0.0) * shape)


def likens(alike: Array) -> bool:
    """Return whether any item is like another."""
    return bool(np.count_nonzero(alike) > len(alike))


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


def evidence(rows: Array, noise: float, popularity: Array) -> float:
    """Return by how many standard errors the rows' variance exceeds that of their noise.

    Parameters
    ----------
    rows, noise, popularity
        As in :func:`smoothed`; the noise is above 0.
    """
    shape = (popularity / popularity.max()) ** (2 * GRADATION)
    variance = _variance(rows, noise, shape)
    weights = shape / (shape * variance + noise**2) ** 2
    # Squares of normal values of variance v have variance 2 v**2.
    error = np.sqrt(2 / rows.shape[1] * (weights**2).sum()) * noise**2 / (shape * weights).sum()
    return float(variance / error)


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
