"""What noised sums say of single terms in them, to an auditor who knows all but the coins."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from hedgerow.privacy.accounting import analytic_epsilon

Vector = NDArray[np.float64]

CHUNK = 1 << 26
"""Values of canaries' terms in memory at a time, in single precision: 256 MB."""

FILLED = 0.1
"""From this share of values that are not 0 on, a column is multiplied as a dense one."""

EXACT = 1e-3
"""A sum without noise counts as having so little, in lengths of a canary's term: float
arithmetic and rounding are then well within it."""

TOLD = 100.0
"""Standard deviations between the groups from which on canaries are told without fail."""

TWO_SIDED = 1.96
"""Standard errors to each side of a 95 % interval."""


@dataclass(frozen=True)
class Evidence:
    """The normal equations of the coins: all that releases say of them, under Gaussian noise.

    Parameters
    ----------
    gram
        Inner products of canaries' terms over the noise's variance, summed over releases, shape
        (canaries, canaries).
    inner
        Inner products of what was released, less everybody else's terms, with each canary's term,
        over the noise's variance, summed over releases, shape (canaries,).
    """

    gram: NDArray[np.float64]
    inner: Vector

    def __add__(self, other: Evidence) -> Evidence:
        return Evidence(self.gram + other.gram, self.inner + other.inner)

    @classmethod
    def of(
        cls,
        terms: Callable[[], Iterator[Vector]],
        canaries: int,
        residual: Vector,
        sigma: float,
    ) -> Evidence:
        """Return the evidence of one release.

        Terms are made one at a time and kept in chunks of their columns, so memory does not grow
        with the length of a term.

        Parameters
        ----------
        terms
            Yields each canary's term, shape (size,), whenever it is called.
        canaries
            How many there are.
        residual
            The release less the terms of everybody else, shape (size,).
        sigma
            The noise's standard deviation; 0 for an exact sum.
        """
        gram, inner = np.zeros((canaries, canaries)), np.zeros(canaries)
        width = max(1, CHUNK // canaries)
        for start in range(0, len(residual), width):
            part = residual[start : start + width]
            rows = np.empty((canaries, len(part)), np.float32)
            for number, term in enumerate(terms()):
                rows[number] = term[start : start + width]
                inner[number] += term[start : start + width] @ part
            gram += _products(rows)
        variance = sigma**2 or EXACT**2 * float(np.trace(gram)) / canaries or 1.0
        return cls(gram / variance, inner / variance)

    def scores(self) -> Vector:
        """Return by how much each canary seems to be included: the coins' posterior means.

        The best linear estimate for coins with a mean of 1/2 and a variance of 1/4, less 1/2. In
        contrast to the inner products alone, it takes the other canaries' share out of the sum.
        """
        system = self.gram + 4 * np.eye(len(self.inner))
        found: Vector = scipy.linalg.solve(
            system, self.inner - self.gram.sum(axis=1) / 2, assume_a="pos"
        )
        return found


def _products(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the inner products of rows, of which many columns are almost empty."""
    thick = np.count_nonzero(rows, axis=0) > FILLED * len(rows)
    dense, thin = rows[:, thick], scipy.sparse.csr_array(rows[:, ~thick])
    products: NDArray[np.float32] = dense @ dense.T + (thin @ thin.T).toarray()
    return products


@dataclass(frozen=True)
class Estimate:
    """An estimate of epsilon, not a bound.

    Parameters
    ----------
    epsilon
        What Gaussian noise would promise under which the canaries were as hard to tell as here;
        infinite where they were told without fail.
    low, high
        Its 95 % interval.
    separation
        By how many standard deviations the scores of included canaries lie above the others';
        infinite from `TOLD` on.
    """

    epsilon: float
    low: float
    high: float
    separation: float


def estimate_epsilon(scores: Vector, included: NDArray[np.bool_], delta: float) -> Estimate:
    """Estimate epsilon from how far included canaries' scores lie above the others'.

    After Andrew et al. 2023 (arXiv:2302.03098): both groups' scores are close to normal, and two
    normal distributions so many standard deviations apart are as hard to tell as the neighbours
    of a Gaussian mechanism (Dong, Roth and Su 2022). It is exact where terms are orthogonal and
    as long as the clip, and below what is promised where they are shorter.

    Parameters
    ----------
    scores
        Of the canaries, shape (canaries,).
    included
        The coins, shape (canaries,).
    delta
        At which epsilon is told.

    Raises
    ------
    ValueError
        A group has fewer than two canaries.
    """
    groups = scores[included], scores[~included]
    sizes = [len(group) for group in groups]
    if min(sizes) < 2:
        raise ValueError("an estimate takes two canaries that are included and two that are not")
    variance = (groups[0].var(ddof=1) + groups[1].var(ddof=1)) / 2
    apart = float(groups[0].mean() - groups[1].mean())
    if apart >= TOLD * math.sqrt(variance) or variance == 0:
        told = math.inf if apart > 0 else 0.0
        return Estimate(told, told, told, told)
    separation = apart / math.sqrt(variance)
    # Of a standardised difference of means (Hedges and Olkin 1985).
    error = math.sqrt(sum(1 / n for n in sizes) + separation**2 / (2 * sum(sizes)))
    low, middle, high = (
        analytic_epsilon(1 / value, delta) if value > 0 else 0.0
        for value in (separation + side * TWO_SIDED * error for side in (-1, 0, 1))
    )
    return Estimate(middle, low, high, separation)
