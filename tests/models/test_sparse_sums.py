"""Sums that models share, against loops and plain products."""

from itertools import combinations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from hedgerow.models.sparse_sums import packed_outer_norms, recurring, sparse_gram, weighted_gram


def pairs_of(keys):
    """Return the pairs found, as a sorted list with the lower place first."""
    parts = [np.stack(pair, axis=1) for pair in recurring(np.array(keys, np.int64))]
    assert all(len(part) for part in parts)
    return sorted(tuple(sorted(pair)) for part in parts for pair in part.tolist())


def naive_pairs(keys):
    return [(a, b) for a, b in combinations(range(len(keys)), 2) if keys[a] == keys[b]]


@given(st.lists(st.one_of(st.integers(0, 4), st.integers(0, 2**62)), max_size=30))
def test_every_pair_of_places_with_the_same_key_is_found_once(keys):
    assert pairs_of(keys) == naive_pairs(keys)


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [7],
        [7, 7],
        [0] * 12,
        list(range(50)),
        # All of one remainder, none alike; then all of one remainder, two alike.
        [k << 20 for k in range(10)],
        [*(k << 20 for k in range(9)), 0],
        [2**63 - 1, 0, 2**63 - 1],
    ],
    ids=str,
)
def test_keys_that_share_a_remainder_are_told_apart(keys):
    assert pairs_of(keys) == naive_pairs(keys)


def test_many_keys_give_as_many_pairs_as_their_counts_say():
    keys = np.random.default_rng(0).integers(0, 3000, 20_000)
    counts = np.bincount(keys)
    found = [np.stack(pair, axis=1) for pair in recurring(keys)]
    whole = np.sort(np.concatenate(found), axis=1)
    assert len(whole) == (counts * (counts - 1) // 2).sum()
    assert len(np.unique(whole, axis=0)) == len(whole)
    assert_array_equal(keys[whole[:, 0]], keys[whole[:, 1]])


def test_the_squared_length_of_a_sum_follows_from_its_parts_and_pairs():
    rng = np.random.default_rng(1)
    keys, vectors = rng.integers(0, 6, 25), rng.standard_normal((25, 3))
    rows = np.zeros((6, 3))
    np.add.at(rows, keys, vectors)
    square = (vectors**2).sum()
    for one, other in recurring(keys):
        square += 2 * (vectors[one] * vectors[other]).sum()
    assert square == pytest.approx((rows**2).sum())


@pytest.mark.parametrize("density", [0.001, 0.3])
def test_grams_are_plain_products(density):
    rng = np.random.default_rng(2)
    matrix = sp.random_array((60, 40), density=density, rng=rng, dtype=np.float32).tocsr()
    weights = rng.uniform(0, 1, 60)
    dense = matrix.toarray().astype(float)
    wanted = dense.T @ np.diag(weights) @ dense
    assert_allclose(sparse_gram(matrix, weights), wanted, rtol=1e-4, atol=1e-5)
    assert_allclose(weighted_gram(matrix.toarray(), weights), wanted, rtol=1e-4, atol=1e-5)


def test_norms_of_outer_products_are_those_of_their_upper_triangles():
    x = np.random.default_rng(3).standard_normal((7, 5))
    upper = np.triu_indices(5)
    wanted = [(np.outer(v, v)[upper] ** 2).sum() for v in x]
    assert_allclose(packed_outer_norms((x**2).sum(1), (x**4).sum(1)), wanted)
