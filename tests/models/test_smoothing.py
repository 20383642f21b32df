"""Denoising of rows by likeness against quadrature, textbook algebra and simulated truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad
from scipy.linalg import eigh

from hedgerow.models.smoothing import (
    FLOOR,
    GAIN,
    GRADATION,
    LIKENING,
    NUGGET,
    _variance,
    basis_of,
    denoised,
    likened,
    popularity_of,
    relearned,
    smoothed,
)


def likeness(size, groups=4, *, within=0.8, seed=0):
    """Return a correlation matrix of items that are alike within groups, and a bit at random."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, groups, size)
    random = rng.standard_normal((size, size))
    random = random @ random.T
    scale = np.sqrt(np.diag(random))
    random /= scale[:, None] * scale
    matrix = within * (group[:, None] == group) + (1 - within) * random
    return matrix.astype(np.float32)


def many(size, seed=0):
    """Return how popular items are, very unevenly."""
    return np.random.default_rng(seed).lognormal(1, 1.5, size)


def posterior_mean(count, noise, mean):
    """Integrate numerically: exponential before, normal noise, what is expected after."""
    centre = count - noise**2 / mean
    top = max(centre, 0.0)
    # Nothing of weight lies further from the top than this.
    reach = 12 * noise if centre >= 0 else min(12 * noise, 60 * noise**2 / -centre)

    def density(step):
        return np.exp(-step * (step + 2 * (top - centre)) / (2 * noise**2))

    low, options = -min(top, 12 * noise), {"epsabs": 0, "epsrel": 1e-9, "limit": 200}
    weight = quad(density, low, reach, **options)[0]
    return top + low + quad(lambda x: (x - low) * density(x), low, reach, **options)[0] / weight


@settings(max_examples=60)
@given(
    st.lists(st.floats(-300, 300), min_size=1, max_size=6),
    st.floats(0.01, 1000),
)
def test_expected_counts_are_those_of_numerical_integration(counts, noise):
    found = popularity_of(np.array(counts), noise)
    mean = max(np.mean(counts), noise / np.sqrt(len(counts)))
    wanted = [max(posterior_mean(c, noise, mean), 0.05 * min(1, mean)) for c in counts]
    assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("noise", [1e-6, 1e-3, 1.0, 1e3, 1e5])
@pytest.mark.parametrize("counts", [[-1e6, 0, 1e6], [-1e5, -1e5], [0, 0], [1e-9, -1e-9], [1e6]])
def test_extreme_counts_stay_sound(counts, noise):
    found = popularity_of(np.array(counts, np.float32), noise)
    mean = max(np.mean(counts), noise / np.sqrt(len(counts)))
    assert np.isfinite(found).all()
    assert found.min() >= FLOOR * min(1, mean) > 0
    assert found.max() <= max(*counts, FLOOR) * (1 + 1e-6) + 10 * noise


def test_counts_hidden_by_noise_keep_their_order_and_hardly_differ():
    """Of fifty thousand items that seven hundred people met, none is tied with another."""
    rng = np.random.default_rng(1)
    seen = 20 * rng.standard_normal(50_000)
    found = popularity_of(seen, 20.0).astype(np.float32)
    assert_array_equal(np.argsort(found[:1000]), np.argsort(seen[:1000]))
    assert found.std() < 0.05 * found.mean()


def test_without_noise_counts_stay_as_they_are():
    counts = np.array([0.0, 0.02, 1.0, 7.5], np.float32)
    assert_array_equal(popularity_of(counts, 0), np.maximum(counts.astype(float), FLOOR))


def test_expected_counts_come_nearer_to_the_truth():
    rng = np.random.default_rng(0)
    for noise in (1.0, 5.0, 20.0):
        truth = rng.exponential(5, 2000)
        seen = truth + noise * rng.standard_normal(2000)
        error = np.mean((popularity_of(seen, noise) - truth) ** 2)
        assert error < 0.95 * np.mean((np.maximum(seen, 0) - truth) ** 2)
        assert error < 1.05 * np.var(truth)


@pytest.mark.parametrize("dimension", [1, 5, 12, 30])
def test_vectors_are_white_and_centred_under_popularity(dimension):
    alike, popularity = likeness(30), many(30)
    vectors = basis_of(alike, popularity, dimension, seed=3)
    assert vectors.shape == (30, dimension)
    assert vectors.dtype == np.float32
    share = popularity / popularity.mean()
    assert_allclose(share @ vectors, 0, atol=1e-4)
    # White before they were centred: what centring took is of rank one.
    taken = np.linalg.eigvalsh(np.eye(dimension) - (vectors.T * share) @ vectors)
    assert_allclose(taken[:-1], 0, atol=1e-4)
    assert -1e-4 <= taken[-1] <= 1 + 1e-4


@pytest.mark.parametrize("seed", [0, 1])
def test_vectors_span_what_an_eigensolver_finds(seed):
    alike, popularity = likeness(50, groups=6, within=0.97), many(50)
    roots = np.sqrt(popularity / popularity.mean())
    weighed = roots[:, None] * alike.astype(float) * roots
    leading = eigh(weighed, subset_by_index=[44, 49])[1] / roots[:, None]
    wanted = leading - popularity @ leading / popularity.sum()
    found = basis_of(alike, popularity, 6, seed)
    assert_allclose(found @ found.T, wanted @ wanted.T, atol=2e-3)


def test_vectors_come_in_the_order_of_their_weight():
    alike, popularity = likeness(40, groups=5), many(40)
    few, lots = (basis_of(alike, popularity, d, seed=0) for d in (2, 5))
    assert_allclose(few @ few.T, lots[:, :2] @ lots[:, :2].T, atol=0.02)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_tiny_catalogs_have_vectors(size):
    for alike in (np.eye(size, dtype=np.float32), np.ones((size, size), np.float32)):
        vectors = basis_of(alike, np.full(size, FLOOR), size, seed=0)
        assert vectors.shape == (size, size)
        assert np.isfinite(vectors).all()


def textbook(rows, noise, alike, popularity, variance):
    """Return K (K + noise^2 I)^-1 Y, in float64 and with an explicit inverse."""
    sizes = (popularity / popularity.max()) ** GRADATION
    explained = (1 - NUGGET) * alike.astype(float) + NUGGET * np.eye(len(alike))
    prior = variance * explained * np.outer(sizes, sizes)
    return prior @ np.linalg.inv(prior + noise**2 * np.eye(len(prior))) @ rows


def drawn(alike, popularity, variance, width, seed=0):
    """Draw rows as the prior has them."""
    sizes = (popularity / popularity.max()) ** GRADATION
    explained = (1 - NUGGET) * alike.astype(float) + NUGGET * np.eye(len(alike))
    root = np.linalg.cholesky(variance * explained * np.outer(sizes, sizes))
    return root @ np.random.default_rng(seed).standard_normal((len(alike), width))


@pytest.mark.parametrize("noise", [0.05, 1.0, 20.0])
@pytest.mark.parametrize("size", [1, 2, 25])
def test_rows_are_a_gaussian_process_posterior_mean(noise, size):
    rng = np.random.default_rng(size)
    alike, popularity = likeness(size), many(size)
    rows = drawn(alike, popularity, 2.0, 7) + noise * rng.standard_normal((size, 7))
    sizes = (popularity / popularity.max()) ** GRADATION
    variance = GAIN * _variance(rows, noise, sizes**2)
    wanted = textbook(rows, noise, alike, popularity, variance)
    found = smoothed(rows.astype(np.float32), noise, alike, popularity)
    assert found.dtype == np.float32
    assert_allclose(found, wanted, atol=1e-4 * max(1, np.abs(wanted).max()))


def test_the_columns_of_rows_do_not_mix():
    alike, popularity = likeness(20), many(20)
    rows = drawn(alike, popularity, 1.0, 6).astype(np.float32)
    order = [3, 0, 5, 1, 4, 2]
    found = smoothed(rows, 0.5, alike, popularity)
    assert_allclose(smoothed(rows[:, order], 0.5, alike, popularity), found[:, order], atol=1e-5)


def test_rows_without_noise_stay_and_rows_of_noise_alone_go():
    alike, popularity = likeness(30), many(30)
    rows = drawn(alike, popularity, 1.0, 8).astype(np.float32)
    assert_array_equal(smoothed(rows, 0.0, alike, popularity), rows)
    assert_allclose(smoothed(rows, 1e-3, alike, popularity), rows, atol=1e-3)
    assert np.abs(smoothed(rows, 1e4, alike, popularity)).max() < 1e-3
    assert_array_equal(smoothed(np.zeros_like(rows), 1.0, alike, popularity), 0)


@pytest.mark.parametrize("noise", [0.3, 1.0, 3.0])
def test_smoothing_comes_nearer_to_the_truth(noise):
    alike, popularity = likeness(120, groups=6), many(120)
    truth = drawn(alike, popularity, 1.0, 40)
    seen = truth + noise * np.random.default_rng(9).standard_normal(truth.shape)
    found = smoothed(seen.astype(np.float32), noise, alike, popularity)
    error, raw = np.mean((found - truth) ** 2), noise**2
    assert error < 0.75 * raw
    # Where noise is strong, more signal is kept than is best for squares.
    assert error < (1.5 if noise > 1 else 0.9) * np.mean(truth**2)
    # Likeness helps beyond shrinking each row by itself.
    alone = smoothed(seen.astype(np.float32), noise, np.eye(120, dtype=np.float32), popularity)
    assert error < 0.99 * np.mean((alone - truth) ** 2)


@pytest.mark.parametrize("noise", [0.1, 1.0, 4.0])
@pytest.mark.parametrize("planted", [0.2, 1.0, 9.0])
def test_a_planted_variance_is_found(planted, noise):
    """Within five of the standard errors that the moments of normal values have."""
    rng = np.random.default_rng(4)
    shape, width = (many(300) / many(300).max()) ** (2 * GRADATION), 50
    each = planted * shape + noise**2
    rows = np.sqrt(each)[:, None] * rng.standard_normal((300, width))
    weights = shape / each**2
    error = np.sqrt((weights**2 * 2 * each**2 / width).sum()) / (shape * weights).sum()
    assert abs(_variance(rows, noise, shape) - planted) < 5 * error


def test_noise_alone_has_hardly_a_variance():
    rows = np.random.default_rng(0).standard_normal((200, 60))
    assert 0 < _variance(rows, 1.0, np.ones(200)) < 0.05
    assert _variance(0.1 * rows, 1.0, np.ones(200)) == pytest.approx(1e-6)


def likened_naively(rows, noise, vectors, popularity):
    """The posterior of one coefficient, by a grid over its prior times its likelihood."""
    length = np.sqrt(np.average((vectors**2).sum(1), weights=popularity))
    shape = popularity[:, None] * vectors
    cosines = np.linspace(-3, 3, 20_001)
    logs = -((cosines - LIKENING[0]) ** 2) / (2 * LIKENING[1] ** 2)
    rest = [((rows - cosine / length * shape) ** 2).sum() for cosine in cosines]
    logs -= np.array(rest) / (2 * noise**2)
    weights = np.exp(logs - logs.max())
    return max(np.average(cosines, weights=weights), 0) / length * shape


@pytest.mark.parametrize("noise", [0.5, 20.0, 1e4])
def test_what_likeness_explains_is_a_posterior_mean(noise):
    alike, popularity, rng = likeness(30), many(30), np.random.default_rng(3)
    vectors = basis_of(alike, popularity, 4, seed=0)
    rows = 0.7 * popularity[:, None] * vectors + noise * rng.standard_normal((30, 4))
    found = likened(rows, noise, vectors, alike, popularity)
    wanted = likened_naively(rows, noise, vectors, popularity)
    assert_allclose(found, wanted, rtol=1e-3, atol=1e-6)


def test_likeness_explains_nothing_where_there_are_no_vectors_or_it_is_not_there():
    alike, popularity = likeness(30), many(30)
    vectors = basis_of(alike, popularity, 4, seed=0)
    rows = popularity[:, None] * vectors
    assert likened(rows, 1.0, vectors, alike, popularity).any()
    assert_array_equal(likened(rows, 1.0, np.zeros_like(vectors), alike, popularity), 0)
    assert_array_equal(likened(rows, 1.0, vectors, np.eye(30), popularity), 0)
    against = -popularity[:, None] * vectors
    assert_array_equal(likened(against, 0.01, vectors, alike, popularity), 0)


def test_likeness_brings_rows_nearer_to_the_truth():
    alike, popularity = likeness(120, groups=6), many(120)
    vectors = basis_of(alike, popularity, 12, seed=0)
    truth = popularity[:, None] * vectors
    seen = truth + 2 * np.random.default_rng(1).standard_normal(truth.shape)
    found = denoised(seen, 2.0, vectors, alike, popularity)
    alone = smoothed(seen.astype(np.float32), 2.0, alike, popularity)
    assert np.mean((found - truth) ** 2) < 0.5 * np.mean((alone - truth) ** 2)
    assert_array_equal(denoised(seen, 0.0, vectors, alike, popularity), seen.astype(np.float32))


@pytest.mark.parametrize("trust", [0.0, 0.3, 1.0])
def test_what_was_learned_is_a_likeness_again(trust):
    alike, popularity = likeness(40), many(40)
    rows = np.random.default_rng(0).standard_normal((40, 6)).astype(np.float32)
    rows[5:9] = 0
    learned = relearned(alike, rows, popularity, trust)
    assert learned.shape == (40, 40)
    assert np.linalg.eigvalsh(learned.astype(float)).min() >= -1e-5
    assert np.diag(learned).max() <= 1 + 1e-5
    assert_allclose(learned, learned.T, atol=1e-6)


def test_trust_weighs_the_rows_against_the_catalog():
    alike, popularity = likeness(25), many(25)
    rows = np.random.default_rng(0).standard_normal((25, 5)).astype(np.float32)
    assert_allclose(relearned(alike, rows, popularity, 0.0), alike, atol=1e-6)
    rows *= (popularity**GRADATION / np.linalg.norm(rows, axis=1))[:, None]
    # Rows all of the usual length say all that they can: their cosine.
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert_allclose(relearned(alike, rows, popularity, 1.0), unit @ unit.T, atol=1e-5)
    half = relearned(alike, rows, popularity, 0.5)
    assert_allclose(half, (alike + unit @ unit.T) / 2, atol=1e-5)
    rows[7] /= 4
    short = relearned(alike, rows, popularity, 1.0)
    assert short[7, 7] == pytest.approx(1 / 16, rel=0.2)


def test_rows_of_zeros_say_nothing():
    alike = likeness(10)
    learned = relearned(alike, np.zeros((10, 3), np.float32), many(10), 0.7)
    assert_allclose(learned, 0.3 * alike, atol=1e-6)
    vectors = basis_of(relearned(alike, np.zeros((10, 3)), many(10), 1.0), many(10), 4, seed=0)
    assert np.isfinite(vectors).all()
