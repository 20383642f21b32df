"""Local answers: the ratio of probabilities, and what the estimates make of them."""

import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import hadamard

from hedgerow.errors import ConfigError
from hedgerow.privacy.local_privacy import MOST_VALUES, HadamardResponse, RandomisedResponse
from hedgerow.privacy.randomness import Stream

EPSILONS = [0.1, 1.0, 3.0, 20.0]
MECHANISMS = [RandomisedResponse, HadamardResponse]
WORDS = 2**64


def exp_below(epsilon):
    """A fraction below exp(epsilon) by less than 1e-30 of it: its power series."""
    x, term, total = Fraction(epsilon), Fraction(1), Fraction(0)
    for i in range(1, 140):
        total += term
        term = term * x / i
    return total


@pytest.mark.parametrize("epsilon", EPSILONS)
@pytest.mark.parametrize("k", [2, 3, 7, 1000, MOST_VALUES])
def test_the_ratio_of_randomised_response_is_bounded_exactly(k, epsilon):
    threshold = RandomisedResponse(k, epsilon).threshold
    told = Fraction(threshold, WORDS)
    # A remainder of a word takes the rarest value this often; being chosen stands against it.
    rarest = (1 - told) * Fraction(WORDS // (k - 1), WORDS)
    commonest = (1 - told) * Fraction(-(-WORDS // (k - 1)), WORDS)
    assert told / rarest <= exp_below(epsilon)
    assert commonest / rarest <= exp_below(epsilon)
    assert told / rarest >= exp_below(epsilon) * (1 - Fraction(1, 2**10))


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_the_ratio_of_hadamard_response_is_bounded_exactly(epsilon):
    # Each half of the answers is uniform, so only the halves' probabilities count.
    agrees = Fraction(HadamardResponse(5, epsilon).threshold, WORDS)
    assert 1 <= agrees / (1 - agrees) <= exp_below(epsilon)
    assert agrees / (1 - agrees) >= exp_below(epsilon) * (1 - Fraction(1, 2**10))


def probabilities(mechanism):
    """The probability of each answer to each value, by definition."""
    weight = math.exp(mechanism.epsilon)
    if isinstance(mechanism, RandomisedResponse):
        table = np.ones((mechanism.k, mechanism.k)) + (weight - 1) * np.eye(mechanism.k)
    else:
        rows = hadamard(mechanism.symbols)[1 : mechanism.k + 1]
        table = np.where(rows > 0, weight, 1.0)
    return table / table.sum(1, keepdims=True)


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize(("k", "epsilon"), [(2, 1.0), (5, 0.5), (8, 3.0)])
def test_answers_have_their_probabilities(mechanism, k, epsilon):
    response, users = mechanism(k, epsilon), 40_000
    for value, row in enumerate(probabilities(response)):
        answers = response.respond(np.full(users, value), Stream.seeded("answers", value))
        counts = np.bincount(answers, minlength=response.symbols)
        assert len(counts) == response.symbols
        assert np.abs((counts - users * row) / np.sqrt(users * row * (1 - row))).max() < 4.5


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize(("k", "epsilon"), [(2, 1.0), (5, 0.5), (12, 2.0)])
def test_estimates_are_unbiased_with_the_stated_errors(mechanism, k, epsilon):
    # Counts of answers are sums of multinomials: their mean and covariance are known.
    response = mechanism(k, epsilon)
    held = np.arange(k) * 1000 + 500
    table = probabilities(response)
    mean = response.estimate(held @ table)
    assert_allclose(mean.counts, held, rtol=1e-6)
    covariance = sum(
        n * (np.diag(row) - np.outer(row, row)) for n, row in zip(held, table, strict=True)
    )
    linear = np.array([response.estimate(unit).counts for unit in np.eye(response.symbols)]).T
    exact = np.sqrt(np.diag(linear @ covariance @ linear.T))
    assert_allclose(mean.errors, exact, rtol=1e-6)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_population_is_estimated_within_its_errors(mechanism):
    rng = np.random.default_rng(5)
    values = rng.choice(20, 50_000, p=np.arange(1, 21) / 210)
    response = mechanism(20, 1.5)
    answers = response.respond(values, Stream.seeded("population"))
    guess = response.estimate(np.bincount(answers, minlength=response.symbols))
    scores = (guess.counts - np.bincount(values, minlength=20)) / guess.errors
    assert np.abs(scores).max() < 4
    assert 0.5 < scores.std() < 1.6


def test_hadamard_errors_are_as_the_documentation_says():
    response = HadamardResponse(1000, 1.0)
    counts = np.full(response.symbols, 10_000 / response.symbols)
    assert_allclose(response.estimate(counts).errors, 216, atol=1)


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 2.0])
def test_randomised_response_is_better_for_few_values_and_hadamard_for_many(epsilon):
    turn = math.exp(2 * epsilon) + math.exp(epsilon) + 3
    for k, few in ((math.floor(turn), True), (math.ceil(turn), False)):
        # Nobody holds value 0; everyone holds value 1.
        errors = [
            mechanism(k, epsilon).estimate(10_000 * probabilities(mechanism(k, epsilon))[1]).errors
            for mechanism in MECHANISMS
        ]
        exact = math.sqrt(10_000 * (math.exp(epsilon) + k - 2)) / math.expm1(epsilon)
        assert errors[0][0] == pytest.approx(exact, rel=1e-6)
        assert (errors[0][0] < errors[1][0]) == few


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_nobody_answers_nothing(mechanism):
    response = mechanism(4, 1.0)
    assert_array_equal(response.respond(np.zeros(0, int), Stream.seeded(0)), [])
    nobody = response.estimate(np.zeros(response.symbols, int))
    assert_array_equal(nobody.counts, np.zeros(4))
    assert_array_equal(nobody.errors, np.zeros(4))


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_what_is_out_of_range_is_refused(mechanism):
    for value in (-1, 4):
        with pytest.raises(ValueError, match="between 0 and 3"):
            mechanism(4, 1.0).respond(np.array([0, value]), Stream.seeded(0))
    for k in (0, 1, MOST_VALUES + 1):
        with pytest.raises(ConfigError, match="values"):
            mechanism(k, 1.0)
    for epsilon in (0.0, -1.0, math.nan, 21.0):
        with pytest.raises(ConfigError, match="epsilon"):
            mechanism(4, epsilon)
