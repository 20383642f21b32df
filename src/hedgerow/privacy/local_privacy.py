"""Local differential privacy, for whoever trusts nobody: each user's own answer is noised.

It is dear. With secure aggregation and noise made together a count is off by about ``4/epsilon``
users (at a delta of 1e-6), whatever their number; with these answers it is off by about
``sqrt(users) * (exp(epsilon) + 1) / (exp(epsilon) - 1)``: of 10,000 users, 216 at epsilon 1. Only
what many users share can be seen. One value per user is asked for; a second answer spends epsilon
again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hedgerow.errors import ConfigError
from hedgerow.privacy.randomness import Stream

MOST_VALUES = 1 << 20
MOST_EPSILON = 20.0


@dataclass(frozen=True)
class Estimate:
    """How many users hold each value, as answers let one guess.

    Parameters
    ----------
    counts
        Unbiased, so they may be negative, shape (values,).
    errors
        Their standard errors, shape (values,).
    """

    counts: NDArray[np.float64]
    errors: NDArray[np.float64]


@dataclass(frozen=True)
class RandomisedResponse:
    """The true value with a fixed probability, else any other: k-ary randomised response.

    The error of a rare value's count is ``sqrt(users * (exp(epsilon) + k - 2)) / (exp(epsilon) -
    1)``, less than that of ``HadamardResponse`` up to ``exp(2 epsilon) + exp(epsilon) + 3`` values.

    Parameters
    ----------
    k
        The number of values, from 2.
    epsilon
        The bound on the log of the ratio between any answer's probabilities under two values.
    """

    k: int
    epsilon: float

    def __post_init__(self) -> None:
        _check(self.k, self.epsilon)

    @property
    def symbols(self) -> int:
        """The number of different answers."""
        return self.k

    @property
    def threshold(self) -> int:
        """Below which of 2**64 words the true value is told.

        A trifle below ``exp(epsilon) / (exp(epsilon) + k - 1)``, which makes up for rounding and
        for the others not being equally likely to the last bit.
        """
        return _threshold(1 / (1 + (self.k - 1) * math.exp(-self.epsilon)))

    def respond(self, values: NDArray[np.integer], stream: Stream) -> NDArray[np.int64]:
        """Return one answer for each user's value.

        Parameters
        ----------
        values
            From 0 to ``k - 1``, shape (users,).
        stream
            A secret one of the user's own.

        Raises
        ------
        ValueError
            A value is outside its range.
        """
        true = _checked(values, self.k)
        told = stream.words(len(true), np.uint64) < np.uint64(self.threshold)
        others = stream.words(len(true), np.uint64) % np.uint64(self.k - 1)
        other = others.astype(np.int64)
        other += other >= true
        return np.where(told, true, other)

    def estimate(self, counts: NDArray[np.integer]) -> Estimate:
        """Return unbiased counts of the values from the counts of the answers, shape (k,)."""
        users = counts.sum()
        kept = self.threshold * 2.0**-64
        mistaken = (1 - kept) / (self.k - 1)
        held = (counts - users * mistaken) / (kept - mistaken)
        within = np.clip(held, 0, users)
        variance = within * kept * (1 - kept) + (users - within) * mistaken * (1 - mistaken)
        return Estimate(held, np.sqrt(variance) / (kept - mistaken))


@dataclass(frozen=True)
class HadamardResponse:
    """A number that agrees with the value's row of a Hadamard matrix more often than not.

    The symmetric form of Acharya, Sun and Zhang (2019). The error of a count is about
    ``sqrt(users) * (exp(epsilon) + 1) / (exp(epsilon) - 1)`` whatever the number of values, which
    is the best order there is for an epsilon of up to about 1.

    Parameters
    ----------
    k
        The number of values, from 2.
    epsilon
        The bound on the log of the ratio between any answer's probabilities under two values.
    """

    k: int
    epsilon: float

    def __post_init__(self) -> None:
        _check(self.k, self.epsilon)

    @property
    def symbols(self) -> int:
        """The number of different answers: the least power of two above ``k``."""
        return 1 << self.k.bit_length()

    @property
    def threshold(self) -> int:
        """Below which of 2**64 words an answer agrees with the value's row."""
        return _threshold(1 / (1 + math.exp(-self.epsilon)))

    def respond(self, values: NDArray[np.integer], stream: Stream) -> NDArray[np.int64]:
        """Return one answer for each user's value.

        Parameters
        ----------
        values
            From 0 to ``k - 1``, shape (users,).
        stream
            A secret one of the user's own.

        Raises
        ------
        ValueError
            A value is outside its range.
        """
        # Row 0 of the matrix is all ones and tells nothing.
        row = _checked(values, self.k) + 1
        agrees = stream.words(len(row), np.uint64) < np.uint64(self.threshold)
        answer = stream.words(len(row), np.uint32).astype(np.int64) & (self.symbols - 1)
        # The matrix has -1 where row and column share an odd number of bits. Flipping one bit of
        # the column that the row has swaps its two halves, so each half stays uniform.
        return np.where(_odd(row & answer) == agrees, answer ^ (row & -row), answer)

    def estimate(self, counts: NDArray[np.integer]) -> Estimate:
        """Return unbiased counts of the values from the counts of the answers, (symbols,)."""
        users = counts.sum()
        lean = 2 * (self.threshold * 2.0**-64) - 1
        held = _walsh_hadamard(counts.astype(np.float64))[1 : self.k + 1] / lean
        within = np.clip(held, 0, users)
        return Estimate(held, np.sqrt(users - within * lean**2) / lean)


def _odd(numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return whether an odd number of the lowest 32 bits is set."""
    for shift in (16, 8, 4, 2, 1):
        numbers = numbers ^ (numbers >> shift)
    return (numbers & 1).astype(bool)


def _walsh_hadamard(values: NDArray[np.float64]) -> NDArray[np.float64]:
    width = 1
    while width < len(values):
        pairs = values.reshape(-1, 2, width)
        values = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], 1).ravel()
        width *= 2
    return values


def _threshold(probability: float) -> int:
    # The margin of 2**-40 covers rounding and, for up to 2**20 values, uneven remainders.
    return math.floor(math.ldexp(probability * (1 - 2.0**-40), 64))


def _checked(values: NDArray[np.integer], k: int) -> NDArray[np.int64]:
    if len(values) and not (values.min() >= 0 and values.max() < k):
        raise ValueError(f"values lie between 0 and {k - 1}")
    return values.astype(np.int64)


def _check(k: int, epsilon: float) -> None:
    if not 2 <= k <= MOST_VALUES:
        raise ConfigError(f"Local answers are about 2 to {MOST_VALUES:,} values, not {k}.")
    if not 0 < epsilon <= MOST_EPSILON:
        raise ConfigError(
            f"Local answers have an epsilon above 0 and at most {MOST_EPSILON:g}, not {epsilon}."
        )
