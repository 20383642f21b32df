"""Finding a clip without looking at anybody: a private quantile of the users' norms.

One noisy histogram of the norms gives it. That is a single release, charged once, whereas the
geometric updates of Andrew et al. (2021) take tens of rounds to come near, each of them charged; it
needs no learning rate and no first guess, any quantile is read from it for nothing, and its bins
are finer than a clip has to be.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

BINS = 64
EDGES = np.geomspace(1e-3, 1e6, BINS + 1)
"""The bins' public edges, shape (65,), each 1.38 times the one before."""
EDGES.setflags(write=False)

HISTOGRAM_SENSITIVITY = 1.0
"""A user is in one bin, with a weight of at most 1."""


def histogram(norms: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many users' norms lie in each bin; those beyond the edges in the outermost.

    Parameters
    ----------
    norms
        L2 norms, shape (users,).
    weights
        How much each user counts, from 0 to 1, shape (users,).

    Returns
    -------
    array
        Shape (64,): a sum over users, each of whose terms has an L2 norm of at most 1.

    Raises
    ------
    ValueError
        A weight is outside its range, or a norm is not a number.
    """
    if len(norms) and not (weights.min() >= 0 and weights.max() <= 1):
        raise ValueError("a user's weight lies between 0 and 1")
    if np.isnan(norms).any():
        raise ValueError("a user's norm is not a number")
    bins = np.clip(np.searchsorted(EDGES, norms, side="left") - 1, 0, BINS - 1)
    return np.bincount(bins, weights, BINS).astype(np.float64)


def clip_from(counts: NDArray[np.float64], sigma: float, quantile: float) -> float:
    """Read a quantile of the norms from a noisy histogram.

    Norms of one population lie in neighbouring bins. Those are found as the stretch whose counts,
    less one standard deviation of noise per bin, add up to most; what noise has put elsewhere is
    left out. The quantile is read within the stretch. Where noise drowns everything this is the
    fullest bin, so the answer is always inside the edges.

    Parameters
    ----------
    counts
        Noisy counts, shape (64,).
    sigma
        The standard deviation of the noise in each.
    quantile
        The part of the users who are not clipped, above 0 and at most 1.

    Raises
    ------
    ValueError
        A number is outside its range.
    """
    if counts.shape != (BINS,) or not np.isfinite(counts).all():
        raise ValueError(f"a histogram has {BINS} finite counts")
    if not 0 < quantile <= 1 or not 0 <= sigma < math.inf:
        raise ValueError("a quantile lies above 0 and at most at 1, and noise is not negative")
    first, last = _fullest_stretch(counts - sigma)
    reached = np.maximum.accumulate(np.cumsum(counts[first : last + 1]).clip(min=0))
    if reached[-1] == 0:
        return float(EDGES[last + 1])
    goal = quantile * reached[-1]
    bin_ = int(np.searchsorted(reached, goal))
    before = reached[bin_ - 1] if bin_ else 0.0
    part = (goal - before) / (reached[bin_] - before)
    low, high = EDGES[first + bin_], EDGES[first + bin_ + 1]
    return float(low * (high / low) ** part)


def _fullest_stretch(gains: NDArray[np.float64]) -> tuple[int, int]:
    """Return the first and the last place of the stretch with the largest sum (Kadane)."""
    sums = np.concatenate([[0.0], np.cumsum(gains)])
    lowest = np.minimum.accumulate(sums[:-1])
    last = int(np.argmax(sums[1:] - lowest))
    return int(np.argmin(sums[: last + 1])), last
