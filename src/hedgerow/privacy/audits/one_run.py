"""A lower bound on epsilon from one training run (Steinke, Nasr and Jagielski 2023).

Canaries are put into the data or left out by independent fair coins, the mechanism runs once, and
an auditor guesses coins from what it released. If the mechanism is (epsilon, delta)-private with
respect to a single canary, the number of right guesses is hardly larger than that of as many coins
that come up right with probability ``1 / (1 + exp(-epsilon))``; how much larger it may be is their
Theorem 5.2. More right guesses refute the promise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy
from numpy.typing import NDArray

PRECISION = 30
"""Halvings of the interval in which the bound lies, as in the paper's Appendix D."""

FEWEST_GUESSES = 8
"""Fewer right guesses than these refute nothing worth saying."""


@dataclass(frozen=True)
class LowerBound:
    """What the guesses show.

    Parameters
    ----------
    epsilon
        With the stated confidence, the mechanism is not private with a smaller epsilon.
    guesses
        On how many canaries this rests; on the others the auditor abstained.
    correct
        How many of them were right.
    reach
        The bound if all guesses had been right: no leak, however bad, shows as more.
    """

    epsilon: float
    guesses: int
    correct: int
    reach: float


def p_value(canaries: int, guesses: int, correct: int, epsilon: float, delta: float) -> float:
    """Bound the probability of so many right guesses under (epsilon, delta)-privacy.

    This is Theorem 5.2 of arXiv:2305.08846, computed as in its Appendix D: with ``W`` binomial,
    ``P[W >= v] + 2 m delta max_i P[v > W >= v - i] / i``.

    Parameters
    ----------
    canaries
        How many there were, m, each included by a fair coin of its own.
    guesses
        How many coins were guessed, r.
    correct
        How many guesses were right, v.
    epsilon, delta
        The promise to be refuted.

    Raises
    ------
    ValueError
        The numbers do not fit together.
    """
    if not (0 <= correct <= guesses <= canaries and epsilon >= 0 and 0 <= delta <= 1):
        raise ValueError("right guesses are among guesses, and these among canaries")
    right = 1 / (1 + math.exp(-epsilon))
    tail = float(scipy.stats.binom.sf(correct - 1, guesses, right))
    below = np.cumsum(scipy.stats.binom.pmf(np.arange(correct - 1, -1, -1), guesses, right))
    steepest = float(np.max(below / np.arange(1, correct + 1), initial=0.0))
    return min(1.0, tail + 2 * canaries * delta * steepest)


@lru_cache(maxsize=4096)
def epsilon_refuted(
    canaries: int, guesses: int, correct: int, delta: float, significance: float
) -> float:
    """Return the largest epsilon that so many right guesses refute; 0 where they refute none.

    Refuting one epsilon refutes all smaller ones, so whatever the shape of `p_value` in between,
    the answer is one that was refuted.

    Parameters
    ----------
    canaries, guesses, correct, delta
        As of `p_value`.
    significance
        The probability with which a true promise may be refuted, such as .05.
    """
    if p_value(canaries, guesses, correct, 0.0, delta) >= significance:
        return 0.0
    refuted, high = 0.0, 1.0
    while p_value(canaries, guesses, correct, high, delta) < significance:
        refuted, high = high, high + 1
    for _ in range(PRECISION):
        middle = (refuted + high) / 2
        if p_value(canaries, guesses, correct, middle, delta) < significance:
            refuted = middle
        else:
            high = middle
    return refuted


def numbers_of_guesses(canaries: int) -> list[int]:
    """Return on how many canaries the auditor tries to guess: all, half of them, and so on.

    They are fixed before anything is seen. All of them are even, as half the guesses say that a
    canary was included.
    """
    found: list[int] = []
    guesses = canaries - canaries % 2
    while guesses >= FEWEST_GUESSES or not found:
        found.append(guesses)
        guesses = guesses // 4 * 2
    return found


def lower_bound(
    scores: NDArray[np.float64],
    included: NDArray[np.bool_],
    delta: float,
    confidence: float = 0.95,
) -> LowerBound:
    """Guess coins by scores, and bound epsilon from below.

    The canaries with the highest scores are guessed to be included, and as many with the lowest
    not to be. Each of the numbers of guesses that were fixed in advance is a test of its own, and
    each has its part of the significance (Bonferroni), so the best of them may be reported.

    Parameters
    ----------
    scores
        Higher where the auditor rather thinks that a canary was included, shape (canaries,).
    included
        The coins, shape (canaries,).
    delta
        Of the promise.
    confidence
        Of the bound.

    Raises
    ------
    ValueError
        There are fewer than two canaries, or the shapes differ.
    """
    canaries = len(scores)
    if canaries < 2 or included.shape != scores.shape:
        raise ValueError("an audit takes at least two canaries, with a score and a coin each")
    order = np.argsort(scores, kind="stable")
    choices = numbers_of_guesses(canaries)
    significance = (1 - confidence) / len(choices)
    tests: list[tuple[float, int, int]] = []
    for guesses in choices:
        half = guesses // 2
        correct = int((~included[order[:half]]).sum() + included[order[canaries - half :]].sum())
        epsilon = epsilon_refuted(canaries, guesses, correct, delta, significance)
        tests.append((epsilon, guesses, correct))
    reach = max(epsilon_refuted(canaries, r, r, delta, significance) for r in choices)
    return LowerBound(*max(tests), reach)
