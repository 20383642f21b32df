"""Tests of noise itself: what is left of a released sum once the exact sum is taken away.

An auditor on one machine knows every term, so a release less the exact sum is the noise and nothing
else. All tests take it standardised: divided, value by value, by the standard deviation that it has
to have. Honest noise then is a vector of independent, standard normal numbers, whatever the data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

from hedgerow.privacy.audits.verdict import Judged

Vector = NDArray[np.float64]

BLOCK = 4096
"""Values whose spread is judged together, so that a stretch without noise does not drown."""

FEWEST = 1000
"""From so many values on, sums of products are close enough to normal to be judged by it."""


def spread(residual: Vector, least: float = 1.0) -> Judged:
    """Judge whether the noise is as strong as it has to be, as a whole and in every stretch.

    A chi-square test of the sum of squares, from both sides: too much is as wrong as too little.

    Parameters
    ----------
    residual
        Standardised, shape (size,).
    least
        The smallest variance that honest noise may have in these units, where it is not known
        exactly; 1 is the largest.

    Returns
    -------
    Judged
        The root mean square of the oddest stretch.
    """
    starts = np.arange(0, len(residual), BLOCK)
    squares = np.add.reduceat(residual**2, starts)
    sizes = np.diff(np.append(starts, len(residual)))
    squares, sizes = np.append(squares, squares.sum()), np.append(sizes, len(residual))
    low = scipy.stats.chi2.cdf(squares / least, sizes)
    high = scipy.stats.chi2.sf(squares, sizes)
    p = 2 * np.minimum(low, high)
    # Of stretches that are all as odd, the whole is the one to tell of.
    oddest = len(p) - 1 if p[-1] <= p.min() else int(np.argmin(p))
    return Judged(math.sqrt(squares[oddest] / sizes[oddest]), min(1.0, len(p) * float(p[oddest])))


def bias(residual: Vector) -> Judged:
    """Judge whether the noise lies to neither side on average.

    Returns
    -------
    Judged
        The mean.
    """
    mean = float(residual.mean())
    return _normal(mean, mean * math.sqrt(len(residual)), 1)


def shape(residual: Vector) -> Judged:
    """Judge whether the noise is normal, by Kolmogorov's and Smirnov's test.

    Returns
    -------
    Judged
        The largest distance of the two distribution functions.
    """
    found = scipy.stats.kstest(residual, scipy.stats.norm.cdf, method="asymp")
    return Judged(float(found.statistic), float(found.pvalue))


def along(residual: Vector) -> Judged:
    """Judge whether values of one release have noise of their own, at any distance.

    The autocorrelation at every lag up to half the length; one draw for all values, or a stretch
    of noise used again, shows as a correlation far from 0.

    Returns
    -------
    Judged
        The oddest correlation.
    """
    size = len(residual)
    if size < FEWEST:
        return Judged(0.0, 1.0)
    length = scipy.fft.next_fast_len(2 * size, real=True)
    power = np.abs(scipy.fft.rfft(residual, length)) ** 2
    lags = size // 2
    products = scipy.fft.irfft(power, length)[1 : lags + 1]
    # So many products are summed at each lag, with a variance of 1 each.
    scores = products / np.sqrt(size - np.arange(1, lags + 1))
    at = int(np.argmax(np.abs(scores)))
    return _normal(products[at] / (size - 1 - at), float(scores[at]), lags)


def between(first: Vector, second: Vector) -> Judged:
    """Judge whether two releases have noise of their own, at any shift against each other.

    Returns
    -------
    Judged
        The oddest correlation, over the length of the shorter.
    """
    size = min(len(first), len(second))
    if size < FEWEST:
        return Judged(0.0, 1.0)
    one, two = (scipy.fft.rfft(values[:size]) for values in (first, second))
    scores = scipy.fft.irfft(one * np.conj(two), size) / math.sqrt(size)
    at = int(np.argmax(np.abs(scores)))
    return _normal(float(scores[at]) / math.sqrt(size), float(scores[at]), size)


def everywhere(residuals: Sequence[Vector]) -> Judged:
    """Judge whether each value has noise, over several releases of one length.

    Returns
    -------
    Judged
        The largest absolute value that the noise of the quietest value ever has.
    """
    largest = np.max(np.abs(residuals), axis=0)
    quietest = float(largest.min())
    chance = scipy.special.erf(quietest / math.sqrt(2)) ** len(residuals)
    return Judged(quietest, min(1.0, float(chance) * len(largest)))


def towards(residual: Vector, deviations: Vector, directions: Sequence[Vector]) -> Judged:
    """Judge whether the noise knows nothing of some vectors, such as clients' terms.

    Where a term went into the sum longer or shorter than it should, or its values were rounded in
    a way that can be foretold, the rest of it is in the residual.

    Parameters
    ----------
    residual
        Standardised, shape (size,).
    deviations
        The standard deviations by which it was divided, shape (size,).
    directions
        In the unit of the deviations, shape (size,) each; those of length 0 are left out.

    Returns
    -------
    Judged
        The oddest projection, in standard deviations.
    """
    scores = [0.0]
    for direction in directions:
        whitened = direction / deviations
        length = float(np.linalg.norm(whitened))
        if length > 0:
            scores.append(float(residual @ whitened) / length)
    oddest = max(scores, key=abs)
    return _normal(oddest, oddest, len(scores))


def _normal(value: float, score: float, places: int) -> Judged:
    """Return the test of a standard normal score that is the oddest of so many."""
    return Judged(value, min(1.0, places * 2 * float(scipy.stats.norm.sf(abs(score)))))
