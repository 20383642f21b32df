"""Clips found from private counts."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal

from hedgerow.privacy.adaptive_clipping import (
    BINS,
    EDGES,
    HISTOGRAM_SENSITIVITY,
    clip_from,
    histogram,
)

RATIO = EDGES[1] / EDGES[0]


@given(arrays(np.float64, st.integers(0, 50), elements=st.floats(0, 1e9)))
def test_each_user_is_in_one_bin(norms):
    counts = histogram(norms, np.ones(len(norms)))
    assert counts.shape == (BINS,)
    naive = np.zeros(BINS)
    for norm in norms:
        naive[min(sum(norm > edge for edge in EDGES[1:]), BINS - 1)] += 1
    assert_array_equal(counts, naive)


def test_edges_are_geometric_and_public():
    assert EDGES[0] == pytest.approx(1e-3)
    assert EDGES[-1] == pytest.approx(1e6)
    assert np.ptp(np.diff(np.log(EDGES))) < 1e-12
    with pytest.raises(ValueError, match="read-only"):
        EDGES[0] = 1


def test_a_user_moves_the_histogram_by_at_most_its_sensitivity():
    norms, weights = np.array([0.1, 5.0, 5.0, 1e9]), np.array([1.0, 0.5, 0.0, 1.0])
    whole = histogram(norms, weights)
    for left_out in range(4):
        others = np.delete(np.arange(4), left_out)
        change = whole - histogram(norms[others], weights[others])
        assert np.linalg.norm(change) == weights[left_out] <= HISTOGRAM_SENSITIVITY


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9, 1.0])
def test_without_noise_the_quantile_is_right_to_within_a_bin(quantile):
    norms = np.random.default_rng(1).lognormal(2, 1, 5000)
    clip = clip_from(histogram(norms, np.ones(5000)), 0.0, quantile)
    exact = np.quantile(norms, quantile)
    assert exact / RATIO <= clip <= exact * RATIO


@pytest.mark.parametrize(("users", "sigma"), [(1000, 4.0), (10_000, 20.0), (300, 1.0)])
def test_with_noise_the_quantile_is_close(users, sigma):
    rng = np.random.default_rng(users)
    norms = rng.lognormal(2, 1, users)
    counts = histogram(norms, np.ones(users))
    clips = [clip_from(counts + sigma * rng.standard_normal(BINS), sigma, 0.9) for _ in range(100)]
    ratio = np.log(np.array(clips) / np.quantile(norms, 0.9)) / math.log(RATIO)
    assert abs(np.median(ratio)) < 1
    assert np.quantile(np.abs(ratio), 0.9) < 2


@given(
    arrays(np.float64, BINS, elements=st.floats(-1e9, 1e9)),
    st.floats(0, 1e9),
    st.floats(0.01, 1),
)
def test_whatever_the_noise_the_clip_is_between_the_edges(counts, sigma, quantile):
    clip = clip_from(counts, sigma, quantile)
    assert EDGES[0] * (1 - 1e-12) <= clip <= EDGES[-1] * (1 + 1e-12)


def test_a_histogram_of_nobody_still_gives_a_clip():
    assert EDGES[0] < clip_from(np.zeros(BINS), 1.0, 0.5) <= EDGES[-1]
    assert EDGES[0] < clip_from(np.full(BINS, -3.0), 1.0, 0.5) <= EDGES[-1]


def test_users_in_one_bin_are_found_among_noise():
    counts = 3 * np.random.default_rng(7).standard_normal(BINS)
    counts[40] += 200
    assert EDGES[39] <= clip_from(counts, 3.0, 0.5) <= EDGES[42]


@pytest.mark.parametrize(
    ("counts", "sigma", "quantile"),
    [
        (np.zeros(BINS - 1), 1.0, 0.5),
        (np.full(BINS, math.nan), 1.0, 0.5),
        (np.zeros(BINS), -1.0, 0.5),
        (np.zeros(BINS), math.inf, 0.5),
        (np.zeros(BINS), 1.0, 0.0),
        (np.zeros(BINS), 1.0, 1.1),
    ],
)
def test_a_histogram_out_of_range_is_refused(counts, sigma, quantile):
    with pytest.raises(ValueError, match=r"histogram|quantile"):
        clip_from(counts, sigma, quantile)


@pytest.mark.parametrize(("norm", "weight"), [(1.0, 1.5), (1.0, -0.1), (1.0, math.nan)])
def test_a_weight_out_of_range_is_refused(norm, weight):
    with pytest.raises(ValueError, match="weight"):
        histogram(np.array([norm]), np.array([weight]))


def test_a_norm_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="not a number"):
        histogram(np.array([math.nan]), np.ones(1))
