"""The accountant against closed forms."""

import itertools
import math
from fractions import Fraction

import accountants
import mpmath
import numpy as np
import pytest
from accountants import epsilon_of
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from hedgerow.client.guard import Guard
from hedgerow.errors import ConfigError
from hedgerow.privacy.accounting import (
    GaussianEvent,
    analytic_delta,
    analytic_epsilon,
    analytic_multiplier,
    combined,
    composed,
    default_delta,
    multiplier_for,
    renyi_epsilon,
)
from hedgerow.privacy.skellam_accounting import SkellamEvent

EPSILONS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
DELTAS = (1e-5, 1e-6, 1e-8, 1e-10)
BUDGETS = list(itertools.product(EPSILONS, DELTAS))


def gaussian_delta(epsilon, multiplier):
    """The hockey-stick divergence by its definition, an integral of densities."""

    def excess(x):
        return norm.pdf(x, 1, multiplier) - math.exp(epsilon) * norm.pdf(x, 0, multiplier)

    crossing = multiplier**2 * epsilon + 0.5
    return quad(excess, crossing, crossing + 12 * multiplier, epsabs=1e-15, limit=200)[0]


@pytest.mark.parametrize(("epsilon", "multiplier"), [(0.1, 5), (1, 1), (1, 2), (5, 0.6), (0, 3)])
def test_the_closed_form_is_the_integral(epsilon, multiplier):
    exact = gaussian_delta(epsilon, multiplier)
    assert analytic_delta(epsilon, multiplier) == pytest.approx(exact, rel=1e-6)


@given(st.floats(1e-3, 100), st.floats(1e-12, 0.1))
def test_the_closed_forms_undo_each_other(epsilon, delta):
    multiplier = analytic_multiplier(epsilon, delta)
    assert analytic_delta(epsilon, multiplier) == pytest.approx(delta, rel=1e-6)
    assert analytic_epsilon(multiplier, delta) == pytest.approx(epsilon, rel=1e-6)


@pytest.mark.parametrize(("epsilon", "delta"), BUDGETS)
def test_privacy_loss_distributions_agree_with_the_closed_form(epsilon, delta):
    claimed = epsilon_of([analytic_multiplier(epsilon, delta)], delta)
    assert epsilon * (1 - 1e-9) <= claimed <= epsilon * (1 + 1e-5)


@pytest.mark.parametrize(("epsilon", "delta"), BUDGETS)
def test_calibrated_noise_keeps_the_budget_and_wastes_little(epsilon, delta):
    multiplier = multiplier_for(epsilon, delta)
    assert epsilon * (1 - 1e-3) <= epsilon_of([multiplier], delta) <= epsilon
    assert 1 <= multiplier / analytic_multiplier(epsilon, delta) <= 1 + 2e-4


EXTREMES = [(1e-3, 1e-5), (1e-3, 1e-10), (1e3, 1e-6), (1.0, 1e-30), (1e-6, 1e-12), (1e4, 0.1)]


@pytest.mark.parametrize(("epsilon", "delta"), EXTREMES)
def test_extreme_budgets_can_be_kept(epsilon, delta):
    multiplier = multiplier_for(epsilon, delta)

    def exact(epsilon):
        with mpmath.workdps(60):
            centre, half = -mpmath.mpf(epsilon) * multiplier, 1 / mpmath.mpf(2 * multiplier)
            rest = mpmath.exp(epsilon) * mpmath.ncdf(centre - half)
            return float(mpmath.ncdf(centre + half) - rest)

    assert exact(epsilon) <= delta <= exact(epsilon * (1 - 1e-3))


def test_known_multipliers():
    # One release at delta 1e-5, as the literature has them.
    rounded = [round(multiplier_for(epsilon, 1e-5), 2) for epsilon in (0.5, 1, 2, 5, 10)]
    assert rounded == [7.03, 3.73, 1.99, 0.89, 0.50]


@given(st.lists(st.floats(0.01, 1000), min_size=1, max_size=10))
def test_releases_combine_as_precisions(multipliers):
    exact = sum(1 / Fraction(z) ** 2 for z in multipliers)
    assert combined(multipliers) == pytest.approx(float(exact) ** -0.5, rel=1e-12)


def test_releases_in_any_order_cost_the_same_and_each_costs_more():
    def spent(multipliers):
        return composed([GaussianEvent(z) for z in multipliers], 1e-6)

    releases = [3.0, 5.0, 8.0, 13.0]
    assert spent(releases) == pytest.approx(spent(releases[::-1]), rel=1e-9)
    assert spent(releases) > spent(releases[:-1])
    assert spent(releases) == pytest.approx(epsilon_of(releases, 1e-6), rel=1e-5)


def test_nothing_released_costs_nothing():
    assert combined([]) == math.inf
    assert composed([], 1e-6) == 0


def test_gaussian_events_go_to_the_exact_accountant():
    found = composed([GaussianEvent(3.0), GaussianEvent(4.0)], 1e-6)
    assert found == pytest.approx(epsilon_of([3, 4], 1e-6), rel=1e-5)


@given(
    st.lists(st.tuples(st.integers(2, 10**6), st.floats(0, 1e6)), min_size=1, max_size=20),
    st.floats(1e-12, 0.5),
)
@example([(2, 0.0)], 0.5)
@example([(2, 1e-9), (64, 1e-3)], 1e-4)
@example([(1000, 0.0)], 1e-12)
def test_divergences_imply_what_the_library_says(bounds, delta):
    orders, divergences = np.array(bounds, float).T
    ours = renyi_epsilon(orders, divergences, delta)
    theirs = accountants.renyi_epsilon(orders, divergences, delta)
    assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("delta", [1e-5, 1e-10])
@pytest.mark.parametrize("multiplier", [0.5, 2.0, 10.0])
def test_mixed_releases_are_bounded_from_above(multiplier, delta):
    fine = SkellamEvent((multiplier * 1000) ** 2, 1000.0, 10_000, 100)
    mixed = composed([GaussianEvent(multiplier), fine], delta)
    alone = epsilon_of([multiplier, multiplier], delta)
    assert alone <= mixed <= alone * 1.12
    assert mixed > composed([fine], delta)


def test_an_inexact_sampler_ends_what_can_be_claimed():
    # exp(epsilon) times the sampler's error exceeds any delta.
    assert composed([SkellamEvent(100.0, 100.0, 1000, 1000)], 1e-10) == math.inf


def test_default_delta_shrinks_with_the_population():
    assert default_delta(1) == default_delta(100) == 1e-5
    assert default_delta(10**6) == pytest.approx(10**-6.6)
    assert default_delta(43_210) == default_delta(44_000) == pytest.approx(44_000**-1.1)
    for units in (0, -5):
        with pytest.raises(ConfigError, match="at least one unit"):
            default_delta(units)


@given(st.integers(1, 10**12))
@example(35_111)
@example(99_999)
@example(10**6)
def test_default_delta_has_no_jumps_and_keeps_what_it_promises(units):
    """Not above the formula, at most a tenth below, and within what a client accepts unasked."""
    delta, exact = default_delta(units), min(1e-5, units**-1.1)
    assert 1.1**-1.1 * exact <= delta * (1 + 1e-12) <= exact * (1 + 2e-12)
    assert default_delta(units + 1) <= delta
    assert delta <= Guard().delta


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_numbers_out_of_range_are_refused_in_one_sentence(bad):
    with pytest.raises(ConfigError, match="Epsilon is a number above 0"):
        multiplier_for(bad, 1e-6)
    with pytest.raises(ConfigError, match="noise multiplier is a number above 0"):
        combined([1.0, bad])
    with pytest.raises(ConfigError, match="noise multiplier is a number above 0"):
        GaussianEvent(bad)
    for call in (multiplier_for, lambda _, delta: composed([], delta)):
        with pytest.raises(ConfigError, match="Delta is a number above 0 and below 1"):
            call(1.0, bad)
