"""Skellam noise: its law against exact series."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from scipy.special import ive

from hedgerow.errors import ConfigError
from hedgerow.privacy import skellam
from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.skellam import (
    MOST_DRAWS,
    TAIL,
    WIDEST_DRAW,
    bound,
    sample,
    share,
)


def thresholds(variance):
    table = skellam._table(variance)
    return [(int(h) << 64) + int(lo) for h, lo in zip(table.high, table.low, strict=True)][:-1]


# --- the law ---


@pytest.mark.parametrize("variance", [0.01, 0.5, 3.0, 20.0])
def test_thresholds_are_the_distribution_function_by_its_power_series(variance):
    # I_k(v) = sum of (v/2)^(2m+k) / (m! (m+k)!), in exact fractions.
    half, reach = Fraction(variance) / 2, bound(variance)
    weights = []
    for k in range(reach + 1):
        term = half**k / math.factorial(k)
        total = Fraction(0)
        for m in range(1, 120):
            total += term
            term *= half**2 / (m * (m + k))
        weights.append(total if k == 0 else 2 * total)
    exact = np.cumsum(np.array(weights, object))
    for got, partial in zip(thresholds(variance), exact[:-1], strict=True):
        assert abs(got - partial / exact[-1] * 2**127) < 2


@pytest.mark.parametrize("variance", [0.3, 7.7, 1e3, 1e6])
def test_thresholds_agree_with_bessel_functions(variance):
    reach = bound(variance)
    steps = np.diff([0, *thresholds(variance), 1 << 127]).astype(np.float64) / 2.0**127
    expected = ive(np.arange(reach + 1), variance)
    expected[1:] *= 2
    assert_allclose(steps, expected, rtol=1e-9, atol=1e-25)


@given(st.floats(1e-3, 1e8))
def test_the_bound_leaves_out_less_than_the_stated_tail(variance):
    reach = bound(variance)
    slope = reach / variance
    exponent = reach * math.asinh(slope) - variance * (math.hypot(1, slope) - 1)
    assert math.exp(-exponent) <= TAIL / 2 * (1 + 1e-6)
    assert reach <= 13 * math.sqrt(variance) + 60


def test_the_tail_itself_is_below_the_chernoff_bound():
    for variance in (0.5, 10.0, 1000.0):
        beyond = bound(variance) + np.arange(1, 400)
        assert 2 * ive(beyond, variance).sum() < TAIL


@pytest.mark.parametrize("variance", [0.2, 1.0, 30.0, 1e4])
def test_samples_have_the_distribution(variance):
    drawn = sample(Stream.seeded("law", int(variance * 10)), 100_000, variance)
    assert drawn.dtype == np.int64
    assert np.abs(drawn).max() <= bound(variance)
    deviation = math.sqrt(variance)
    reach = math.ceil(3 * deviation)
    edges = np.unique(np.linspace(-reach, reach, 40).round())
    law = stats.skellam(variance / 2, variance / 2)
    below = np.concatenate([[0], law.cdf(edges), [1]])
    counts = np.bincount(np.searchsorted(edges, drawn), minlength=len(edges) + 1)
    expected = np.diff(below) * len(drawn)
    kept = expected > 5
    statistic = ((counts - expected)[kept] ** 2 / expected[kept]).sum()
    assert stats.chi2.sf(statistic, kept.sum() - 1) > 1e-3
    assert drawn.mean() == pytest.approx(0, abs=4 * deviation / math.sqrt(len(drawn)))


def test_small_shares_add_up_to_the_law_of_the_total():
    each, clients = 0.4, 25
    parts = [sample(Stream.seeded("client", i), 20_000, each) for i in range(clients)]
    law = stats.skellam(each * clients / 2, each * clients / 2)
    values = np.arange(-8, 9)
    counts = [(sum(parts) == v).sum() for v in values]
    expected = law.pmf(values) * 20_000
    assert stats.chi2.sf(((counts - expected) ** 2 / expected).sum(), len(values)) > 1e-3


def test_a_large_variance_is_made_of_several_draws():
    variance = WIDEST_DRAW * 2.5
    drawn = sample(Stream.seeded("large"), 40_000, variance)
    assert bound(variance) == 3 * bound(variance / 3)
    assert np.abs(drawn).max() <= bound(variance)
    assert stats.kstest(drawn / math.sqrt(variance), "norm").pvalue > 1e-3


def test_magnitudes_count_the_thresholds_and_ties_ask_for_more_bits():
    table = skellam._table(5.0)
    edges = thresholds(5.0)
    for place, threshold in enumerate(edges[:20]):
        high = np.array([threshold >> 64], np.uint64)
        for seed in range(4):
            rest = int(Stream.seeded("tie", seed).words(1, np.uint64)[0])
            word = ((threshold >> 64) << 64) + rest
            got = table.magnitudes(high, Stream.seeded("tie", seed))[0]
            assert got == sum(edge <= word for edge in edges)
            assert got in (place, place + 1)
    for nearby, expected in ((-1, 0), (1, 1)):
        high = np.array([(edges[0] >> 64) + nearby], np.uint64)
        assert table.magnitudes(high, Stream.seeded("none"))[0] == expected


def test_the_guide_never_changes_a_magnitude():
    for variance in (0.7, 50.0, 1e6):
        table = skellam._table(variance)
        high = Stream.seeded("guide").words(50_000, np.uint64) >> np.uint64(1)
        naive = np.searchsorted(table.high, high, side="right")
        assert_array_equal(table.magnitudes(high, Stream.seeded("unused")), naive)
    extremes = np.array([0, 2**63 - 1], np.uint64)
    got = skellam._table(0.7).magnitudes(extremes, Stream.seeded("extremes"))
    assert got[0] == 0
    assert 0 < got[1] <= bound(0.7)


@pytest.mark.parametrize("variance", [1e-300, 1e-20, 1e-6])
def test_a_tiny_variance_is_hardly_any_noise(variance):
    assert 1 <= bound(variance) <= 10
    assert_array_equal(sample(Stream.seeded("tiny"), 1000, variance), np.zeros(1000))


def test_no_variance_is_no_noise():
    assert_array_equal(sample(Stream.seeded(0), 5, 0.0), np.zeros(5))
    assert bound(0.0) == 0
    assert len(sample(Stream.seeded(0), 0, 3.0)) == 0


def test_the_same_stream_draws_the_same():
    first, second = (sample(Stream.seeded("again"), 200_000, 9.0) for _ in range(2))
    assert_array_equal(first, second)


@pytest.mark.parametrize("variance", [-1.0, math.nan, math.inf, WIDEST_DRAW * MOST_DRAWS * 1.01])
def test_a_variance_out_of_range_is_refused(variance):
    for call in (bound, lambda v: sample(Stream.seeded(0), 1, v)):
        with pytest.raises(ConfigError, match="coarser steps or more clients"):
            call(variance)


# --- its accounting ---


@given(
    st.floats(1e-6, 1e12),
    st.integers(1, 100_000),
    st.integers(0, 49),
    st.integers(0, 49),
)
def test_honest_survivors_reach_the_variance(total, clients, adversaries, dropouts):
    false, gone = clients * adversaries // 100, clients * dropouts // 100
    if adversaries:
        false = min(max(false, 1), clients - 1)
    if clients - false - gone < 1:
        with pytest.raises(ConfigError):
            share(total, clients, adversaries / 100, dropouts / 100)
        return
    got = share(total, clients, adversaries / 100, dropouts / 100)
    assert got.honest == clients - false - gone
    assert got.minimum == clients - gone
    assert got.variance * got.honest >= total
    assert got.variance == pytest.approx(total / got.honest)
    # However many adversaries are among the fewest survivors, enough are honest.
    assert got.minimum - false >= got.honest


def test_a_share_of_a_hundred_clients():
    assert share(700.0, 100, 0.2, 0.1) == skellam.Share(10.0, 70, 90)
    assert share(5.0, 1, 0.0, 0.0) == skellam.Share(5.0, 1, 1)


@pytest.mark.parametrize(("adversaries", "honest"), [(0.0, 3), (0.01, 2), (0.3, 2), (0.67, 1)])
def test_one_adversary_is_reckoned_with_among_few(adversaries, honest):
    """A share of .3 of three clients is not nobody."""
    assert share(6.0, 3, adversaries, 0.0) == skellam.Share(6.0 / honest, honest, 3)
    assert share(6.0, 1, adversaries, 0.0).honest == 1


@pytest.mark.parametrize(
    "case",
    [
        (-1.0, 10, 0.1, 0.1),
        (math.nan, 10, 0.1, 0.1),
        (1.0, 0, 0.1, 0.1),
        (1.0, 10, 1.0, 0.0),
        (1.0, 10, 0.0, -0.1),
        (1.0, 10, 0.5, 0.5),
        (1.0, 10, math.nan, 0.1),
    ],
)
def test_a_share_without_honest_clients_is_refused(case):
    with pytest.raises(ConfigError):
        share(*case)
