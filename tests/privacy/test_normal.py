"""The normal distribution function and its inverse, against SciPy's."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import special

from hedgerow.privacy.normal import log_ndtr, quantiles


@given(st.floats(-1e4, 40))
@example(-20.0)
def test_the_logarithm_is_scipys(x):
    assert log_ndtr(x) == pytest.approx(float(special.log_ndtr(x)), rel=1e-13, abs=1e-15)


@given(st.lists(st.floats(-87, -1e-3), min_size=1))
@example([-12.5, -25.0, -25.000001, np.log(0.075)])
def test_the_inverse_is_scipys_on_both_sides(logarithms):
    below = np.exp(logarithms) / 2
    chances = np.concatenate([below, 1 - below[below > 1e-12]])
    np.testing.assert_allclose(quantiles(chances), special.ndtri(chances), rtol=1e-14, atol=1e-15)


def test_the_inverse_keeps_the_shape():
    chances = np.array([[0.5, 0.1], [0.9, 1e-20]])
    assert quantiles(chances).shape == (2, 2)
    assert quantiles(chances)[0, 0] == 0
