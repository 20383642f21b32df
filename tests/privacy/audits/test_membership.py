"""Areas under the curve: against counting, simulation and the trade-off function itself."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.privacy.audits.membership import (
    area_allowed,
    area_under_curve,
    largest_area,
    standard_error,
)

scores = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=12)


@given(scores, scores)
def test_the_area_counts_wins(members, others):
    wins = sum((a > b) + (a == b) / 2 for a in members for b in others)
    found = area_under_curve(np.array(members), np.array(others))
    assert found == pytest.approx(wins / (len(members) * len(others)))


def test_the_standard_error_is_that_of_exponential_scores():
    # Hanley and McNeil's formula is exact where both scores are exponential.
    rng = np.random.default_rng(0)
    areas = [
        area_under_curve(rng.exponential(3, 100), rng.exponential(1, 100)) for _ in range(2000)
    ]
    assert np.std(areas) == pytest.approx(standard_error(0.75, 100, 100), rel=0.06)
    assert standard_error(1.0, 10, 10) == 0


@pytest.mark.parametrize(("epsilon", "delta"), [(0.0, 0.0), (1.0, 0.0), (2.0, 1e-2), (4.0, 0.1)])
def test_the_largest_area_is_under_the_trade_off(epsilon, delta):
    false = np.linspace(0, 1, 200_001)
    true = np.minimum(delta + math.exp(epsilon) * false, 1)
    true = np.minimum(true, 1 - math.exp(-epsilon) * np.maximum(0, 1 - delta - false))
    assert largest_area(epsilon, delta) == pytest.approx(np.trapezoid(true, false), abs=1e-5)


def test_small_epsilons_are_held_to_more_than_they_promise():
    assert area_allowed(2.0, 1e-5) == 0.55 < largest_area(2.0, 1e-5)
    assert area_allowed(8.0, 1e-5) == largest_area(8.0, 1e-5) < 1


def test_an_area_takes_both_kinds():
    with pytest.raises(ValueError, match="members and others"):
        area_under_curve(np.zeros(0), np.zeros(3))
