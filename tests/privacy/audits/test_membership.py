"""Areas under the curve: against counting, simulation and the trade-off function itself."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import norm

from hedgerow.privacy.audits.membership import Area, Ratios, area_allowed, largest_area

places = st.lists(
    st.tuples(*[st.integers(0, 3).map(float)] * 2, *[st.integers(-4, 4).map(float)] * 2),
    min_size=2,
    max_size=12,
)


def ratios_of(distances, rng):
    """Return ratios as orthogonal terms of these lengths, in standard deviations, give them."""
    lengths = np.concatenate([distances, distances])
    return Ratios(lengths**2 / 2, lengths * rng.standard_normal(len(lengths)))


def counted(members, others):
    wins = sum((a > b) + (a == b) / 2 for a in members for b in others)
    return wins / (len(members) * len(others))


@given(places)
def test_the_area_counts_wins(drawn):
    apart, noise = np.array(drawn)[:, :2].T.ravel(), np.array(drawn)[:, 2:].T.ravel()
    n, found = len(drawn), Ratios(apart, noise)
    as_drawn = counted(apart[:n] + noise[:n], noise[n:] - apart[n:])
    swapped = counted(apart[n:] + noise[n:], noise[:n] - apart[:n])
    assert found.plain().value == pytest.approx(as_drawn)
    assert found.balanced().value == pytest.approx((as_drawn + swapped) / 2)


@pytest.mark.parametrize("distance", [0.05, 0.3, 1.0, 3.0])
def test_the_area_is_that_of_a_gaussian_shift(distance):
    # Two normal distributions so many standard deviations apart: Phi(d / sqrt(2)).
    found = ratios_of(np.full(20_000, distance), np.random.default_rng(0))
    expected = norm.cdf(distance / math.sqrt(2))
    for area in (found.plain(), found.balanced()):
        assert area.value == pytest.approx(expected, abs=4 * area.error)
    # From both sides two fresh runs' worth is learned, and much more where there is little to see.
    gain = found.plain().error / found.balanced().error
    assert gain > (5 if distance < 0.5 else 1.2)


@pytest.mark.parametrize("kind", ["plain", "balanced"])
def test_one_runs_error_is_its_scatter(kind):
    rng = np.random.default_rng(1)
    distances = rng.uniform(0.1, 2, 60)
    areas = [getattr(ratios_of(distances, rng), kind)() for _ in range(1500)]
    said = np.sqrt(np.mean([area.error**2 for area in areas]))
    # The distances are the same in all, while the error allows for others too.
    assert 0.95 < said / np.std([area.value for area in areas]) < 1.35


def test_the_balanced_area_expects_what_the_plain_one_does_whatever_the_noise():
    # Terms with much in common, so that one run's noise moves many ratios together.
    rng = np.random.default_rng(2)
    terms = rng.standard_normal((80, 30)) * 0.1 + rng.standard_normal(30) * 0.1
    apart = (terms**2).sum(axis=1) / 2
    runs = [Ratios(apart, terms @ rng.standard_normal(30)) for _ in range(1000)]
    plain, balanced = ([getattr(r, kind)().value for r in runs] for kind in ("plain", "balanced"))
    assert np.mean(balanced) == pytest.approx(
        np.mean(plain), abs=4 * np.std(plain) / math.sqrt(len(plain))
    )
    assert np.std(balanced) < np.std(plain) / 1.5


def test_noise_that_knows_the_members_shows_in_the_plain_area():
    found = ratios_of(np.full(2000, 0.2), np.random.default_rng(3))
    leak = np.where(np.arange(4000) < 2000, 0.2, 0.0)
    told = Ratios(found.apart, found.noise + leak)
    assert told.plain().value > found.plain().value + 0.1
    assert told.balanced().value == pytest.approx(found.balanced().value, abs=0.02)


def test_several_runs_scatter_tells_the_error_of_their_mean():
    areas = [Area(value, 9.0) for value in (0.5, 0.52, 0.54)]
    assert Area.mean(areas).value == pytest.approx(0.52)
    assert Area.mean(areas).error == pytest.approx(0.02 / math.sqrt(3))
    assert Area.mean(areas[:1]) == areas[0]


def test_evidence_of_several_releases_adds_up():
    one, two = (ratios_of(np.arange(3.0), np.random.default_rng(seed)) for seed in (0, 1))
    member = np.arange(6) < 3
    assert_allclose((one + two).given(member), one.given(member) + two.given(member))


@pytest.mark.parametrize(("epsilon", "delta"), [(0.0, 0.0), (1.0, 0.0), (2.0, 1e-2), (4.0, 0.1)])
def test_the_largest_area_is_under_the_trade_off(epsilon, delta):
    false = np.linspace(0, 1, 200_001)
    true = np.minimum(delta + math.exp(epsilon) * false, 1)
    true = np.minimum(true, 1 - math.exp(-epsilon) * np.maximum(0, 1 - delta - false))
    assert largest_area(epsilon, delta) == pytest.approx(np.trapezoid(true, false), abs=1e-5)


def test_small_epsilons_are_held_to_more_than_they_promise():
    assert area_allowed(2.0, 1e-5) == 0.55 < largest_area(2.0, 1e-5)
    assert area_allowed(8.0, 1e-5) == largest_area(8.0, 1e-5) < 1


def test_an_area_takes_two_items():
    with pytest.raises(ValueError, match="two items"):
        Ratios(np.ones(2), np.zeros(2)).plain()
