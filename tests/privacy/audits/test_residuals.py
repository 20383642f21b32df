"""Tests of noise: quiet on honest noise, and each loud about what it is for."""

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from hedgerow.privacy.audits import residuals
from hedgerow.privacy.audits.verdict import FALSE_ALARM, LEVEL, TESTS, Judged, must, worst

SIZE = 10_001


def honest(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


# What honest noise gives


@pytest.mark.parametrize("size", [1, 31, 1683, SIZE])
def test_honest_noise_passes_and_its_chances_are_what_they_say(size):
    tests = {
        "spread": residuals.spread,
        "bias": residuals.bias,
        "shape": residuals.shape,
        "along": residuals.along,
        "between": lambda one: residuals.between(one, honest(size, seed=1)),
    }
    for name, test in tests.items():
        chances = np.array([test(honest(size, seed=seed)).p for seed in range(2, 202)])
        # A chance below one in ten comes once in ten times, or less where many are looked at.
        assert (chances < 0.1).sum() <= scipy.stats.binom.isf(1e-6, 200, 0.1), name
        assert chances.min() > LEVEL, name
        if size == SIZE and name in {"bias", "shape"}:
            assert scipy.stats.kstest(chances, "uniform").pvalue > 1e-4


def test_all_tests_of_an_audit_share_one_false_alarm():
    assert pytest.approx(FALSE_ALARM) == LEVEL * TESTS
    assert worst([Judged(1.0, 0.2), Judged(2.0, 0.01), Judged(3.0, 0.5)]) == Judged(2.0, 0.03)
    assert worst([Judged(1.0, 0.9)] * 3).p == 1


# What each is for


@given(st.floats(0.5, 1.6).filter(lambda by: abs(by - 1) > 0.05))
def test_noise_of_another_strength_is_found(by):
    found = residuals.spread(by * honest(SIZE))
    assert found.p < LEVEL
    assert found.value == pytest.approx(by, rel=0.05)


@pytest.mark.parametrize("part", [slice(5000, 9000), slice(SIZE - 300, SIZE), slice(None, None, 7)])
def test_a_stretch_without_noise_is_found(part):
    noise = honest(SIZE)
    noise[part] = 0
    assert residuals.spread(noise).p < LEVEL


def test_the_spread_is_a_chi_square_of_the_whole_where_there_is_one_block():
    noise = honest(100)
    squares = noise @ noise
    by_hand = 2 * min(scipy.stats.chi2.cdf(squares, 100), scipy.stats.chi2.sf(squares, 100))
    # The one block and the whole are the same, and counted as two.
    assert residuals.spread(noise).p == pytest.approx(min(1, 2 * by_hand))


def test_a_variance_that_is_known_within_bounds_is_judged_by_the_nearer():
    quiet = np.sqrt(0.9) * honest(SIZE)
    assert residuals.spread(quiet).p < LEVEL
    assert residuals.spread(quiet, least=0.9).p > 1e-3
    assert residuals.spread(0.9 * quiet, least=0.9).p < LEVEL


def test_noise_to_one_side_is_found():
    assert residuals.bias(honest(SIZE) + 0.06).p < LEVEL
    assert residuals.bias(np.full(SIZE, 0.5)).p < LEVEL


@pytest.mark.parametrize("kind", ["uniform", "laplace", "discrete"])
def test_noise_of_another_shape_is_found(kind):
    rng = np.random.default_rng(0)
    noise = {
        "uniform": rng.uniform(-np.sqrt(3), np.sqrt(3), SIZE),
        "laplace": rng.laplace(0, np.sqrt(0.5), SIZE),
        "discrete": rng.choice([-1.0, 1.0], SIZE),
    }[kind]
    assert residuals.shape(noise).p < LEVEL


def test_noise_that_comes_again_in_a_sum_is_found():
    noise = honest(SIZE)
    noise[6000:7000] = noise[1234:2234]
    found = residuals.along(noise)
    assert found.p < LEVEL
    assert residuals.along(np.resize(honest(1000), SIZE)).value == pytest.approx(1, abs=0.1)
    assert residuals.along(np.full(SIZE, 0.9)).p < LEVEL


def test_the_correlation_along_a_sum_is_the_largest_of_all_lags():
    noise = honest(2001)
    by_hand = np.array([noise[:-lag] @ noise[lag:] for lag in range(1, 1001)])
    scores = by_hand / np.sqrt(2001 - np.arange(1, 1001))
    found = residuals.along(noise)
    at = int(np.argmax(np.abs(scores)))
    assert found.value == pytest.approx(by_hand[at] / (2000 - at))
    chance = 1000 * 2 * scipy.stats.norm.sf(abs(scores[at]))
    assert found.p == pytest.approx(min(1, chance))


@pytest.mark.parametrize("shift", [0, 1, 777])
def test_noise_that_two_sums_share_is_found_at_any_shift(shift):
    one, two = honest(2, SIZE)
    shared = 0.9 * two + 0.44 * np.roll(one, shift)
    assert residuals.between(one, shared).p < LEVEL
    assert residuals.between(shared, one).p < LEVEL
    assert residuals.between(one, two).p > 1e-3


def test_sums_of_other_lengths_are_compared_over_the_shorter():
    noise = honest(SIZE)
    assert residuals.between(noise, noise[:2000]).value == pytest.approx(1, abs=0.1)


def test_a_value_without_noise_is_found_over_several_sums():
    noise = honest(5, SIZE)
    assert residuals.everywhere(noise).p > 1e-3
    noise[:, 17] = 1e-6
    found = residuals.everywhere(noise)
    assert found.p < LEVEL
    assert found.value == 1e-6


def test_what_is_left_of_a_term_is_found():
    noise, terms = honest(SIZE), honest(3, SIZE, seed=1)
    deviations = np.linspace(1, 2, SIZE)
    assert residuals.towards(noise, deviations, list(terms)).p > 1e-3
    left = noise + 0.1 * terms[1] / deviations
    found = residuals.towards(left, deviations, list(terms))
    whitened = terms[1] / deviations
    assert found.value == pytest.approx(left @ whitened / np.linalg.norm(whitened))
    assert found.p < LEVEL
    assert residuals.towards(noise, deviations, [np.zeros(SIZE)]).p == 1


def test_a_verdict_says_what_is_wrong_only_where_it_is():
    good = Judged(0.5, 0.3).verdict("spread", "a sum", "{} of it", "It is too weak.")
    bad = Judged(0.5, 1e-9).verdict("spread", "a sum", "{} of it", "It is too weak.")
    assert (good.passed, bad.passed) == (True, False)
    assert "too weak" not in good.sentence
    assert bad.sentence == "It is too weak."
    assert bad.measured == "0.5 of it, p 1e-09"
    nothing, some = must("x", "y", [], "Fine."), must("x", "y", ["One.", "Two."], "Fine.")
    assert (nothing.passed, nothing.sentence) == (True, "Fine.")
    assert (some.passed, some.sentence, some.measured) == (False, "One. Two.", "2 findings")


def test_deviations_may_differ_from_value_to_value():
    deviations = np.array([1.0, 2.0])
    found = residuals.towards(np.array([1.0, 0.0]), deviations, [np.array([1.0, 0.0])])
    assert_allclose(found.value, 1.0)
