"""The lower bound of one run: the paper's figures, and how often it errs where it can least."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.privacy.audits.one_run import (
    epsilon_refuted,
    lower_bound,
    numbers_of_guesses,
    p_value,
)


@pytest.mark.parametrize(
    ("canaries", "guesses", "correct", "delta", "published"),
    [
        # Steinke, Nasr and Jagielski 2023: Appendix D, and the caption of Figure 11.
        (100, 100, 75, 0.0, 0.702),
        (100, 100, 75, 1e-4, 0.699),
        (1_000, 100, 75, 1e-4, 0.673),
        (100_000, 1_510, 1_439, 1e-5, 2.675),
    ],
)
def test_the_papers_bounds(canaries, guesses, correct, delta, published):
    found = epsilon_refuted(canaries, guesses, correct, delta, 0.05)
    assert found == pytest.approx(published, abs=1e-3)


def naive_p_value(m, r, v, epsilon, delta):
    """Return the theorem's expression, read literally."""
    q = math.exp(epsilon) / (math.exp(epsilon) + 1)

    def probability(low, high):
        return sum(math.comb(r, w) * q**w * (1 - q) ** (r - w) for w in range(max(0, low), high))

    steepest = max([probability(v - i, v) / i for i in range(1, m + 1)])
    return min(1.0, probability(v, r + 1) + 2 * m * delta * steepest)


@given(st.data())
def test_the_p_value_is_the_theorems(data):
    m = data.draw(st.integers(1, 30))
    r = data.draw(st.integers(0, m))
    v = data.draw(st.integers(0, r))
    epsilon, delta = data.draw(st.floats(0, 4)), data.draw(st.floats(0, 0.1))
    assert p_value(m, r, v, epsilon, delta) == pytest.approx(naive_p_value(m, r, v, epsilon, delta))


def coverage(epsilon, delta, runs=3000, canaries=60):
    """Return how often the bound errs for the leakiest mechanism that keeps a promise.

    Each coin is told outright with probability delta, and by randomised response otherwise.
    """
    rng = np.random.default_rng(1)
    right = 1 / (1 + math.exp(-epsilon))
    wrong = 0
    for _ in range(runs):
        coins = rng.random(canaries) < 0.5
        honest = rng.random(canaries) < right
        outright = rng.random(canaries) < delta
        scores = np.where(coins == honest, 1.0, -1.0) + rng.uniform(-0.1, 0.1, canaries)
        scores[outright] = np.where(coins[outright], 9.0, -9.0)
        wrong += lower_bound(scores, coins, delta).epsilon > epsilon
    return wrong / runs


@pytest.mark.parametrize(("epsilon", "delta"), [(0.0, 0.0), (1.0, 0.0), (1.0, 0.01)])
def test_it_errs_no_more_often_than_it_says(epsilon, delta):
    # Three standard errors of a share of .05 in 3,000 are .012.
    assert coverage(epsilon, delta) <= 0.05 + 0.012


def test_it_sees_what_is_told_outright():
    coins = np.random.default_rng(0).random(500) < 0.5
    found = lower_bound(coins.astype(float), coins, 1e-5)
    assert 3.5 < found.epsilon <= found.reach
    assert lower_bound(-coins.astype(float), coins, 1e-5).epsilon == 0
    assert lower_bound(np.random.default_rng(1).random(500), coins, 1e-5).epsilon < 0.2


def test_the_reach_is_what_full_marks_show():
    coins = np.arange(200) < 100
    found = lower_bound(coins.astype(float), coins, 0.0)
    choices = numbers_of_guesses(200)
    # All right: q**200 is the probability, of which each test has its part.
    right = (0.05 / len(choices)) ** (1 / 200)
    assert found.epsilon == found.reach == pytest.approx(math.log(right / (1 - right)), abs=1e-6)
    assert (found.guesses, found.correct) == (200, 200)


def test_the_numbers_of_guesses_are_even_and_halve():
    assert numbers_of_guesses(500) == [500, 250, 124, 62, 30, 14]
    assert numbers_of_guesses(41)[0] == 40
    assert numbers_of_guesses(2) == [2]


def test_bad_numbers_are_refused():
    with pytest.raises(ValueError, match="right guesses"):
        p_value(10, 5, 6, 1.0, 0.0)
    with pytest.raises(ValueError, match="two canaries"):
        lower_bound(np.zeros(1), np.zeros(1, bool), 0.0)
