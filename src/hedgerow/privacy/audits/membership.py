"""How well members are told from non-members by scores, and how well they may be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

Vector = NDArray[np.float64]

STRICT_EPSILON = 2.0
"""Up to this epsilon, single interactions must be next to impossible to tell."""

STRICT_AUC = 0.55
"""Up to that epsilon, the largest area under the curve that passes."""


@dataclass(frozen=True)
class Area:
    """An area under the curve.

    Parameters
    ----------
    value
        The area.
    error
        Its standard error.
    """

    value: float
    error: float

    @classmethod
    def mean(cls, areas: Sequence[Area]) -> Area:
        """Return the mean of areas from independent runs, and how far it may be off.

        With several runs the error is that of their scatter; one has to be believed its own.
        """
        if len(areas) == 1:
            return areas[0]
        values = [area.value for area in areas]
        return cls(float(np.mean(values)), float(np.std(values, ddof=1)) / math.sqrt(len(values)))


@dataclass(frozen=True)
class Ratios:
    """Log-likelihood ratios of two histories each, with an item and without it.

    Under Gaussian noise a ratio is ``apart + noise`` where the item was met and ``noise - apart``
    where it was not: the noise in it is the same.

    Parameters
    ----------
    apart
        Half the squared distance of the two histories' terms over the noise's variance, shape
        (2 n,).
    noise
        What the run's noise adds, shape (2 n,). Of each item there are two: that of place k is
        also that of place n + k, with another user.
    """

    apart: Vector
    noise: Vector

    def __add__(self, other: Ratios) -> Ratios:
        return Ratios(self.apart + other.apart, self.noise + other.noise)

    def given(self, member: NDArray[np.bool_]) -> Vector:
        """Return the ratios if some have met their items, shape (2 n,)."""
        return np.where(member, self.apart, -self.apart) + self.noise

    def plain(self) -> Area:
        """Return how well one run tells who has met an item, with members as they are.

        The first half are members. The error is that of DeLong, DeLong and Clarke-Pearson (1988),
        with an item's two users as one observation.

        Raises
        ------
        ValueError
            There are fewer than two items.
        """
        return _area(self._placed(swapped=False))

    def balanced(self) -> Area:
        """Return the same, with the run's noise met from both sides.

        Once the first half are members and once the second, with the same noise, and the mean of
        both areas is returned: what luck adds to the one it takes from the other (antithetic
        variates; Hammersley and Morton 1956), so that it expects the same and scatters far less.
        It takes the noise to be one that knows nothing of the members, which `plain` does not.
        That members changed places would have moved the later steps of a run by one interaction;
        this is neglected.

        Raises
        ------
        ValueError
            There are fewer than two items.
        """
        return _area((self._placed(swapped=False) + self._placed(swapped=True)) / 2)

    def _placed(self, *, swapped: bool) -> Vector:
        """Return what each item's two users add to twice the area, shape (n,)."""
        half = len(self.apart) // 2
        if half < 2:
            raise ValueError("an area with its error takes two items")
        member = (np.arange(2 * half) < half) ^ swapped
        ratios = self.given(member)
        return _placements(ratios[member], ratios[~member])


def _area(placed: Vector) -> Area:
    """Return the area and its error from items' placements."""
    return Area(float(placed.mean()) / 2, float(placed.std(ddof=1)) / math.sqrt(len(placed)))


def _placements(members: Vector, others: Vector) -> Vector:
    """Return, of each place, the share of others below its member and of members above its other.

    The mean is twice the area under the curve.
    """
    n = len(members)
    ranks = scipy.stats.rankdata(np.concatenate([members, others]))
    below = (ranks[:n] - scipy.stats.rankdata(members)) / n
    above = 1 - (ranks[n:] - scipy.stats.rankdata(others)) / n
    return np.asarray(below + above, np.float64)


def largest_area(epsilon: float, delta: float) -> float:
    """Return the largest area under the curve that (epsilon, delta)-privacy allows anyone.

    Its receiver operating characteristic lies below ``delta + exp(epsilon) x`` and below
    ``1 - exp(-epsilon) (1 - delta - x)`` (Kairouz, Oh and Viswanath 2015).
    """
    corner = (1 - delta) / (1 + math.exp(epsilon))
    height = 1 - corner
    rising = (delta + height) / 2 * corner
    falling = (height + 1) / 2 * (1 - delta - corner)
    return rising + falling + delta


def area_allowed(epsilon: float, delta: float) -> float:
    """Return the area under the curve up to which an audit passes.

    Up to `STRICT_EPSILON` it is `STRICT_AUC`, which is stricter than the promise: that one speaks
    of a person's whole data, and a single interaction must be told far less well. Beyond, it is
    what the promise allows.
    """
    return STRICT_AUC if epsilon <= STRICT_EPSILON else largest_area(epsilon, delta)
