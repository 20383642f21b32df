"""What a promise takes, against the code that keeps it and against plain arithmetic."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.privacy import skellam
from hedgerow.privacy.accounting import analytic_epsilon
from hedgerow.privacy.audits import promised
from hedgerow.privacy.quantization import Quantizer
from hedgerow.privacy.randomness import Stream


@given(
    st.lists(st.floats(0.3, 50), min_size=1, max_size=5),
    st.sampled_from([1e-3, 1e-5, 1e-9]),
)
def test_both_accountants_agree(multipliers, delta):
    combined = sum(z**-2 for z in multipliers) ** -0.5
    found = promised.gaussian_epsilon(np.array(multipliers), delta)
    assert found == pytest.approx(analytic_epsilon(combined, delta), rel=1e-4, abs=1e-6)


def test_hardly_any_noise_keeps_hardly_any_epsilon():
    assert promised.gaussian_epsilon(np.array([1e-5]), 1e-5) > 1e9


def test_no_noise_keeps_no_epsilon():
    assert promised.gaussian_epsilon(np.array([1.0, 0.0]), 1e-5) == math.inf


@given(st.floats(1e-3, 1e3), st.integers(1, 10**6), st.integers(1, 5000), st.floats(0.05, 100))
def test_the_sensitivity_is_that_of_the_integers(clip, size, clients, multiplier):
    quantizer = Quantizer.for_sum(clip, size, clients, multiplier)
    found = promised.integer_sensitivity(clip, quantizer.scale, size)
    assert found == pytest.approx(quantizer.sensitivity, rel=1e-9)


@given(st.integers(10, 5000), st.floats(0, 0.4), st.floats(0, 0.4))
def test_the_honest_are_those_that_shares_are_sized_for(clients, adversaries, dropouts):
    share = skellam.share(100.0, clients, adversaries, dropouts)
    assert promised.honest(clients, adversaries, dropouts) == share.honest


def test_the_variance_of_rounding_is_that_of_a_coin():
    vector = np.array([0.25, -0.5, 3.0, 0.9])
    quantizer = Quantizer(clip=8.0, scale=1.0, size=4)
    stream = Stream.seeded("rounding")
    drawn = np.array([quantizer.quantize(vector, stream) for _ in range(4000)])
    expected = promised.rounding_variance(vector)
    assert expected == pytest.approx([3 / 16, 1 / 4, 0, 9 / 100])
    assert drawn.var(axis=0) == pytest.approx(expected, abs=0.02)
