"""Scores and estimates: against plain algebra, and against the Gaussian mechanism itself."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from hedgerow.privacy.accounting import analytic_epsilon
from hedgerow.privacy.audits import evidence
from hedgerow.privacy.audits.evidence import Evidence, estimate_epsilon

DELTA = 1e-5


def mechanism(canaries=300, size=1000, sigma=2.0, seed=0):
    """Return terms of length 1, coins, and the noised sum."""
    rng = np.random.default_rng(seed)
    terms = rng.standard_normal((canaries, size)) * (rng.random(size) < 0.6)
    terms[:, :50] *= rng.random((canaries, 50)) < 0.05
    terms /= np.linalg.norm(terms, axis=1, keepdims=True)
    coins = rng.random(canaries) < 0.5
    return terms, coins, coins @ terms + sigma * rng.standard_normal(size)


@pytest.mark.parametrize("chunk", [1 << 26, 20_000])
def test_chunks_of_columns_add_up(monkeypatch, chunk):
    monkeypatch.setattr(evidence, "CHUNK", chunk)
    terms, _, released = mechanism()
    found = Evidence.of(lambda: iter(terms), len(terms), released, 2.0)
    assert_allclose(found.gram, terms @ terms.T / 4, atol=1e-6)
    assert_allclose(found.inner, terms @ released / 4, atol=1e-6)


def test_scores_are_the_best_linear_estimate():
    terms, _, released = mechanism()
    # The same from the side of the sum: prior 1/2 with variance 1/4, noise of variance 4.
    size = terms.shape[1]
    gain = terms / 4 @ np.linalg.inv(terms.T @ terms / 4 + 4 * np.eye(size))
    expected = gain @ (released - terms.sum(axis=0) / 2)
    found = Evidence.of(lambda: iter(terms), len(terms), released, 2.0).scores()
    assert_allclose(found, expected, atol=1e-5)


def test_an_exact_sum_tells_every_coin():
    terms, coins, released = mechanism(sigma=0.0)
    scores = Evidence.of(lambda: iter(terms), len(terms), released, 0.0).scores()
    assert_allclose(scores + 0.5, coins, atol=0.01)
    assert estimate_epsilon(scores, coins, DELTA).epsilon > 100


def test_several_releases_say_more_than_one():
    terms, coins, first = mechanism(sigma=1.0)
    second = coins @ terms + np.random.default_rng(9).standard_normal(len(first))
    one, two = (Evidence.of(lambda: iter(terms), len(terms), r, 1.0) for r in (first, second))
    apart = [estimate_epsilon(e.scores(), coins, DELTA).separation for e in (one, one + two)]
    assert apart[1] > 1.2 * apart[0]


@pytest.mark.parametrize("multiplier", [1.0, 2.0, 4.0])
def test_the_estimate_is_the_gaussian_mechanisms(multiplier):
    # Orthogonal terms as long as the clip: the estimate is of the very mechanism.
    rng = np.random.default_rng(3)
    coins = rng.random(20_000) < 0.5
    scores = coins + multiplier * rng.standard_normal(20_000)
    found = estimate_epsilon(scores, coins, DELTA)
    assert found.low < analytic_epsilon(multiplier, DELTA) < found.high
    assert found.high - found.low < 0.3 * found.epsilon + 0.2


def test_the_interval_holds_as_often_as_it_says():
    rng, held = np.random.default_rng(4), 0
    for _ in range(400):
        coins = rng.random(200) < 0.5
        found = estimate_epsilon(coins * 0.8 + rng.standard_normal(200), coins, DELTA)
        held += found.low <= analytic_epsilon(1 / 0.8, DELTA) <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_nothing_and_everything():
    coins = np.array([True, True, False, False])
    assert estimate_epsilon(np.zeros(4), coins, DELTA).epsilon == 0
    assert math.isinf(estimate_epsilon(coins.astype(float), coins, DELTA).epsilon)
    with pytest.raises(ValueError, match="two canaries"):
        estimate_epsilon(np.zeros(4), np.ones(4, bool), DELTA)
