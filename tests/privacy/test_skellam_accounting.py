"""What Skellam noise costs, against exact divergences and the exact privacy loss."""

import math

import numpy as np
import pytest
from accountants import epsilon_of
from numpy.testing import assert_allclose
from scipy.special import ive

from hedgerow.errors import ConfigError
from hedgerow.privacy.accounting import composed
from hedgerow.privacy.skellam_accounting import Part, SkellamEvent, variances_for


def log_mass(values, variance):
    with np.errstate(divide="ignore"):
        return np.log(ive(np.abs(values), variance))


@pytest.mark.parametrize("variance", [0.5, 3.0, 30.0, 300.0, 1e4])
@pytest.mark.parametrize("shift", [1, 2, 5, 20])
def test_the_divergence_bound_is_never_below_the_exact_one(variance, shift):
    reach = int(60 * math.sqrt(variance) + 40 * shift + 150)
    values = np.arange(-reach, reach + 1)
    near, far = log_mass(values - shift, variance), log_mass(values, variance)
    seen = np.isfinite(near) & np.isfinite(far)
    orders = np.array([2.0, 3, 4, 8, 16, 64])
    bounds = SkellamEvent(variance, shift, 1, 1).rdp(orders)
    for order, claimed in zip(orders, bounds, strict=True):
        terms = order * near[seen] - (order - 1) * far[seen]
        exact = np.logaddexp.reduce(terms) / (order - 1)
        assert exact <= claimed
        if variance >= 300 and shift <= 5 and order <= 8:
            assert claimed <= exact * 1.02


@pytest.mark.parametrize("variance", [4.0, 40.0, 1000.0])
@pytest.mark.parametrize("shift", [1, 3])
@pytest.mark.parametrize("delta", [1e-5, 1e-8])
def test_the_claimed_epsilon_covers_the_exact_privacy_loss(variance, shift, delta):
    claimed = composed([SkellamEvent(variance, shift, 1, 1)], delta)
    values = np.arange(-int(30 * math.sqrt(variance)) - 60, int(30 * math.sqrt(variance)) + 60)
    near, far = np.exp(log_mass(values - shift, variance)), np.exp(log_mass(values, variance))

    def exact_delta(epsilon):
        return np.maximum(near - math.exp(epsilon) * far, 0).sum()

    assert exact_delta(claimed) <= delta
    # It is not vacuous: a fifth less would be a false claim, except for coarse noise.
    if variance == 1000.0:
        assert exact_delta(claimed * 0.8) > delta


@pytest.mark.parametrize("size", [1, 100, 1_000_000])
def test_fine_steps_cost_what_a_gaussian_costs(size):
    steps = 4 * math.sqrt(size) + 50
    orders = np.array([2.0, 5, 20, 100])
    event = SkellamEvent((3 * steps) ** 2, steps, size, 1)
    gaussian = orders / (2 * 3.0**2)
    assert (event.rdp(orders) >= gaussian).all()
    assert_allclose(event.rdp(orders), gaussian, rtol=0.1)
    # The sum of absolute values of integers is at most the sum of their squares.
    assert SkellamEvent(9.0, 1.0, size, 1).rdp(orders) == pytest.approx(
        SkellamEvent(9.0, 1.0, 1, 1).rdp(orders)
    )


@pytest.mark.parametrize("epsilon", [0.5, 2.0, 10.0])
@pytest.mark.parametrize("delta", [1e-6, 1e-10])
def test_calibrated_variances_keep_the_budget(epsilon, delta):
    parts = [Part(60.0, 200, 3.0), Part(1.0, 64, 1.0), Part(400.0, 10_000, 6.0)]
    variances = variances_for(epsilon, delta, parts, 1000)
    events = [
        SkellamEvent(variance, part.sensitivity, part.size, 1000)
        for variance, part in zip(variances, parts, strict=True)
    ]
    assert epsilon * (1 - 1e-3) <= composed(events, delta) <= epsilon
    multipliers = [math.sqrt(e.variance) / e.sensitivity for e in events]
    squares = [z**2 * part.share for z, part in zip(multipliers, parts, strict=True)]
    assert_allclose(squares, squares[0])
    # Noise of a Gaussian with these multipliers would cost less, but not much less.
    assert 0.85 * epsilon <= epsilon_of(multipliers, delta) <= epsilon


def test_an_epsilon_beyond_the_samplers_gets_more_noise():
    parts = [Part(1000.0, 1_000_000)]
    (variance,) = variances_for(60.0, 1e-10, parts, 1000)
    assert composed([SkellamEvent(variance, 1000.0, 1_000_000, 1000)], 1e-10) < 60


@pytest.mark.parametrize("shares", [[], [0.0], [1.0, -1.0], [math.nan], [math.inf]])
def test_a_budget_is_shared_by_positive_numbers(shares):
    with pytest.raises(ConfigError, match="shared among releases"):
        variances_for(1.0, 1e-6, [Part(10.0, 10, s) for s in shares], 10)


@pytest.mark.parametrize(
    "event", [(0.0, 1.0, 1, 1), (math.nan, 1.0, 1, 1), (1.0, 0.0, 1, 1), (1.0, 1.0, 0, 1)]
)
def test_an_event_without_noise_or_size_is_refused(event):
    with pytest.raises(ConfigError, match="above 0"):
        SkellamEvent(*event)


# --- sharing it out ---
