"""Clipping by weights against clipping vectors one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from hedgerow.privacy.clipping import ROUNDING, clipped

weight = st.one_of(st.just(0.0), st.floats(1e-6, 1))
users = st.lists(st.tuples(weight, st.floats(0, 1e100)), max_size=20)
bounds = st.floats(1e-6, 1e6)


def arrays(pairs):
    table = np.array(pairs, float).reshape(-1, 2)
    return table[:, 0].copy(), table[:, 1].copy()


@given(users, bounds)
def test_no_term_is_longer_than_the_bound(pairs, bound):
    weights, norms = arrays(pairs)
    found = clipped(weights, norms, bound)
    assert found.shape == weights.shape
    assert np.isfinite(found).all()
    # Norms that are rounded down by as much are still bounded.
    assert (found * norms * (1 + ROUNDING) <= bound * (1 + 1e-12)).all()
    assert ((found >= 0) & (found <= weights)).all()


@given(users, bounds)
def test_short_terms_stay_and_long_ones_reach_the_bound(pairs, bound):
    weights, norms = arrays(pairs)
    found, short = clipped(weights, norms, bound), norms * (1 + ROUNDING) <= bound
    assert_array_equal(found[short], weights[short])
    assert_allclose(found[~short] * norms[~short], weights[~short] * bound, rtol=2 * ROUNDING)
    assert not found[weights == 0].any()


@given(users, bounds)
def test_what_is_given_is_not_changed(pairs, bound):
    weights, norms = arrays(pairs)
    kept = weights.copy(), norms.copy()
    clipped(weights, norms, bound)
    assert_array_equal(weights, kept[0])
    assert_array_equal(norms, kept[1])


@pytest.mark.parametrize("bound", [0.1, 1.0, 3.0, 100.0])
def test_sums_are_those_of_vectors_drawn_onto_the_ball(bound):
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((50, 4)) * rng.lognormal(0, 2, (50, 1))
    vectors[7] = 0
    wanted = np.zeros(4)
    for vector in vectors:
        length = np.sqrt(sum(x**2 for x in vector))
        wanted += vector if length <= bound else vector / length * bound
    weights = clipped(np.ones(50), np.linalg.norm(vectors, axis=1), bound)
    assert_allclose(weights @ vectors, wanted, atol=ROUNDING * 50 * bound)


@pytest.mark.parametrize("norm", [np.nan, np.inf, -np.inf])
def test_a_norm_that_is_not_finite_is_refused(norm):
    with pytest.raises(ValueError, match="not finite"):
        clipped(np.ones(2), np.array([1.0, norm]), 1.0)
