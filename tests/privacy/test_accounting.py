"""The accountant against closed forms."""

import itertools
import math
from fractions import Fraction
from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from hedgerow.errors import ConfigError
from hedgerow.privacy.accounting import (
    ACCOUNTANT,
    GaussianEvent,
    analytic_delta,
    analytic_epsilon,
    analytic_multiplier,
    combined,
    composed,
    default_delta,
    epsilon_of,
    multiplier_for,
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
def test_the_accountant_agrees_with_the_closed_form_and_never_undercuts_it(epsilon, delta):
    claimed = epsilon_of([analytic_multiplier(epsilon, delta)], delta)
    assert epsilon * (1 - 1e-9) <= claimed <= epsilon * (1 + 1e-5)


@pytest.mark.parametrize(("epsilon", "delta"), BUDGETS)
def test_calibrated_noise_keeps_the_budget_and_wastes_little(epsilon, delta):
    multiplier = multiplier_for(epsilon, delta)
    assert epsilon * (1 - 1e-3) <= epsilon_of([multiplier], delta) <= epsilon
    assert 1 <= multiplier / analytic_multiplier(epsilon, delta) <= 1 + 2e-4


@pytest.mark.parametrize(("epsilon", "delta"), [(1e-3, 1e-5), (1e-3, 1e-10), (1e3, 1e-6)])
def test_extreme_budgets_can_be_kept(epsilon, delta):
    multiplier = multiplier_for(epsilon, delta)
    assert epsilon * (1 - 1e-3) <= epsilon_of([multiplier], delta) <= epsilon
    assert multiplier >= analytic_multiplier(epsilon, delta)


def test_known_multipliers():
    # One release at delta 1e-5, as the literature has them.
    rounded = [round(multiplier_for(epsilon, 1e-5), 2) for epsilon in (0.5, 1, 2, 5, 10)]
    assert rounded == [7.03, 3.73, 1.99, 0.89, 0.50]


@given(st.lists(st.floats(0.01, 1000), min_size=1, max_size=10))
def test_releases_combine_as_precisions(multipliers):
    exact = sum(1 / Fraction(z) ** 2 for z in multipliers)
    assert combined(multipliers) == pytest.approx(float(exact) ** -0.5, rel=1e-12)


def test_releases_in_any_order_cost_the_same_and_each_costs_more():
    releases = [3.0, 5.0, 8.0, 13.0]
    spent = epsilon_of(releases, 1e-6)
    assert spent == pytest.approx(epsilon_of(releases[::-1], 1e-6), rel=1e-9)
    assert spent > epsilon_of(releases[:-1], 1e-6)
    assert spent == pytest.approx(analytic_epsilon(combined(releases), 1e-6), rel=1e-5)


def test_nothing_released_costs_nothing():
    assert epsilon_of([], 1e-6) == 0
    assert combined([]) == math.inf
    assert composed([], 1e-6) == 0


def test_gaussian_events_go_to_the_exact_accountant():
    found = composed([GaussianEvent(3.0), GaussianEvent(4.0)], 1e-6)
    assert found == pytest.approx(epsilon_of([3, 4], 1e-6), rel=1e-5)


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
    for units in (0, -5):
        with pytest.raises(ConfigError, match="at least one unit"):
            default_delta(units)


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_numbers_out_of_range_are_refused_in_one_sentence(bad):
    with pytest.raises(ConfigError, match="Epsilon is a number above 0"):
        multiplier_for(bad, 1e-6)
    with pytest.raises(ConfigError, match="noise multiplier is a number above 0"):
        epsilon_of([1.0, bad], 1e-6)
    with pytest.raises(ConfigError, match="noise multiplier is a number above 0"):
        GaussianEvent(bad)
    for call in (multiplier_for, lambda _, delta: epsilon_of([1.0], delta)):
        with pytest.raises(ConfigError, match="Delta is a number above 0 and below 1"):
            call(1.0, bad)


def test_a_delta_too_small_for_the_accountant_is_refused():
    with pytest.raises(ConfigError, match="larger delta"):
        multiplier_for(1.0, 1e-30)


def test_the_ledger_can_name_the_accountant():
    assert "Balle and Wang 2018" in ACCOUNTANT
    assert f"dp-accounting {version('dp-accounting')}" in ACCOUNTANT
