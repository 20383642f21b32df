"""Gaussian noise on a grid and in integers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from scipy.special import ndtri

from hedgerow.errors import ConfigError
from hedgerow.privacy import gaussian
from hedgerow.privacy.gaussian import REACH, WIDEST, add, bound, grid, integers
from hedgerow.privacy.randomness import Stream


@given(st.floats(1e-30, 1e30))
def test_the_grid_is_a_power_of_two_far_below_the_noise(sigma):
    step = grid(sigma)
    assert math.frexp(step)[0] == 0.5
    assert sigma * 2.0**-33 < step <= sigma * 2.0**-32


@pytest.mark.parametrize("sigma", [1e-6, 0.3, 12345.678])
def test_results_lie_on_the_grid_and_are_normal_around_the_values(sigma):
    values = np.linspace(-1000 * sigma, 1000 * sigma, 50_000)
    noised = add(values, sigma, Stream.seeded("grid", int(sigma)))
    in_steps = noised / grid(sigma)
    assert_array_equal(in_steps, np.rint(in_steps))
    assert stats.kstest((noised - values) / sigma, "norm").pvalue > 1e-3


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.floats(1e-3, 1e3))
def test_two_inputs_on_the_grid_reach_the_same_results(first, second, sigma):
    # With the same randomness the results differ by exactly the difference of the inputs.
    step = grid(sigma)
    near, far = (round(value / step) * step for value in (first, second))
    results = [add(np.array([v]), sigma, Stream.seeded("same"))[0] for v in (near, far)]
    assert results[0] - results[1] == near - far


def test_any_shape_is_kept_and_the_input_is_not_touched():
    values = np.ones((3, 4))
    noised = add(values, 0.5, Stream.seeded("shape"))
    assert noised.shape == (3, 4)
    assert len(np.unique(noised)) == 12
    assert_array_equal(values, 1)
    assert add(np.array(2.0), 0.5, Stream.seeded("scalar")).shape == ()
    assert add(np.zeros((0, 3)), 0.5, Stream.seeded("empty")).shape == (0, 3)


def test_no_noise_returns_the_values():
    values = np.array([0.1, 1e300, -7.0])
    assert_array_equal(add(values, 0.0, Stream.seeded(0)), values)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e12])
def test_values_that_noise_could_not_hide_are_refused(value):
    with pytest.raises(ValueError, match="finite"):
        add(np.array([0.0, value]), 1.0, Stream.seeded(0))


@pytest.mark.parametrize("sigma", [-1.0, math.nan, math.inf])
def test_a_deviation_out_of_range_is_refused(sigma):
    with pytest.raises(ConfigError, match="standard deviation"):
        add(np.zeros(1), sigma, Stream.seeded(0))
    for call in (bound, lambda s: integers(Stream.seeded(0), 1, s)):
        with pytest.raises(ConfigError, match="coarser steps"):
            call(sigma)


@pytest.mark.parametrize("sigma", [0.4, 3.0, 1e6])
def test_integers_are_rounded_normal_numbers(sigma):
    drawn = integers(Stream.seeded("integers", int(sigma)), 100_000, sigma)
    assert drawn.dtype == np.int64
    assert np.abs(drawn).max() <= bound(sigma)
    values = np.unique(np.rint(np.linspace(-2.5, 2.5, 21) * sigma))
    law = stats.norm(scale=sigma)
    below = np.concatenate([[0], law.cdf(values + 0.5), [1]])
    counts = np.bincount(np.searchsorted(values, drawn), minlength=len(values) + 1)
    assert stats.chisquare(counts, np.diff(below) * len(drawn)).pvalue > 1e-3


def test_integers_without_deviation_are_zeros():
    assert_array_equal(integers(Stream.seeded(0), 4, 0.0), np.zeros(4))
    assert bound(0.0) == 0
    with pytest.raises(ConfigError):
        bound(WIDEST * 2)


def test_no_draw_reaches_further_than_stated():
    # The smallest tail there is: all but the sign bit of 128 are zero.
    assert -ndtri(0.5 * 2.0**-128) < REACH
    assert bound(1000.0) == 13_200


def test_words_become_what_scipy_makes_of_them():
    words = Stream.seeded("words").words(1000, np.uint64)
    words = np.concatenate([words, 2 ** np.arange(44, 64, dtype=np.uint64)])
    expected = ndtri(((words >> np.uint64(1)) + 0.5) / 2**64)
    signs = np.where(words & np.uint64(1), 1, -1)
    # None is so small that its low bits are drawn.
    assert_allclose(gaussian._normal(words, Stream.seeded(0)), signs * expected, rtol=1e-14)


def test_the_far_tail_is_drawn_finer_than_a_float_of_53_bits():
    stream = Stream.seeded("tail")
    normal = gaussian._normal(stream.words(1_000_000, np.uint64), stream)
    assert stats.kstest(normal, "norm").pvalue > 1e-3
    assert_allclose([normal.mean(), normal.std()], [0, 1], atol=5e-3)
    # Words of zero, as they come once in 2**64, still differ by the low bits that are drawn.
    extreme = gaussian._normal(np.zeros(100, np.uint64), stream)
    assert len(np.unique(extreme)) == 100
    assert 9 < extreme.min() <= extreme.max() < REACH
