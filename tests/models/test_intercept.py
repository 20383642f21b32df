"""Popularity as an intercept: what it adds to scores, and that features hardly notice it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from hedgerow.data.block import Block
from hedgerow.models.intercept import SHARE, intercept, with_constant
from hedgerow.models.private_sequence import Readout, Readouts


def test_alone_it_ranks_by_popularity_whatever_the_history():
    vectors = with_constant(np.zeros((5, 0), np.float32))
    assert_array_equal(vectors, 1)
    popularity = np.array([3.0, 1.0, 4.0, 1.5, 9.0])
    weights = intercept(popularity, vectors, 16, 0.6)[:, None]
    scores = Readouts((Readout(vectors, weights),), 0.6).scores(Block.of([[0], [1, 2, 4]], 5))
    # Of a regression on 16 white features of unit length: popularity, over the root of 16.
    assert_allclose(scores, np.tile(popularity / 4, (2, 1)), rtol=1e-5)


@pytest.mark.parametrize("decay", [0.0, 0.6, 0.95])
def test_beside_features_it_adds_about_as_much(decay):
    """Where vectors add up at random, as the closed form has it."""
    rng = np.random.default_rng(0)
    vectors = with_constant(rng.standard_normal((200, 64)).astype(np.float32))
    popularity = rng.lognormal(size=200)
    weights = np.zeros((200, 65), np.float32)
    weights[:, -1] = intercept(popularity, vectors, 16, decay)
    histories = Block.of(rng.integers(0, 200, (50, 100)).tolist(), 200)
    scores = Readouts((Readout(vectors, weights),), decay).scores(histories)
    assert_allclose(scores.mean(axis=0), popularity / 4, rtol=0.1)


def test_features_hardly_notice_it():
    rng = np.random.default_rng(0)
    plain = rng.standard_normal((50, 16)).astype(np.float32)
    vectors = with_constant(plain)
    assert_array_equal(vectors[:, :-1], plain)
    assert np.ptp(vectors[:, -1]) == 0
    lengths = np.linalg.norm(vectors, axis=1) / np.linalg.norm(plain, axis=1)
    assert lengths.max() < 1 + 3 * SHARE**2
