"""Post-processing of noisy sums against what makes it the right one."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from hedgerow.models.denoising import counted, steadied


def symmetric_noise(size, deviation, seed=0):
    """Return noise as a symmetric sum carries it: one draw per value that travels."""
    upper = np.triu(np.random.default_rng(seed).normal(0, deviation, (size, size)))
    return upper + np.triu(upper, 1).T


def gram_of(rows, size, seed=1):
    x = np.random.default_rng(seed).standard_normal((rows, size))
    return x.T @ x


def test_without_noise_nothing_changes():
    gram, counts = gram_of(4, 6), np.array([0.0, -1.0, 3.0])
    assert steadied(gram, 0.0) is gram
    assert counted(counts, 0.0) is counts


@pytest.mark.parametrize("size", [1, 2, 9, 40])
def test_a_sound_gram_gets_only_a_ridge(size):
    gram = gram_of(3 * size, size)
    wanted = gram + 2 * 0.7 * np.sqrt(size) * np.eye(size)
    assert_allclose(steadied(gram, 0.7), wanted, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("deviation", [0.5, 5.0, 500.0])
def test_less_the_ridge_it_is_the_nearest_positive_semidefinite_matrix(deviation):
    """Nearest in the Frobenius norm: what is left is negative, and orthogonal to what is kept."""
    gram = gram_of(10, 20) + symmetric_noise(20, deviation)
    ridge = 2 * deviation * np.sqrt(20)
    kept = steadied(gram, deviation) - ridge * np.eye(20)
    left, scale = gram - kept, np.abs(gram).max()
    assert np.linalg.eigvalsh(kept).min() >= -1e-9 * scale
    assert np.linalg.eigvalsh(left).max() <= 1e-9 * scale
    assert abs(np.vdot(kept, left)) <= 1e-9 * scale**2
    assert_allclose(kept, kept.T, atol=1e-9 * scale)
    assert np.linalg.eigvalsh(steadied(gram, deviation)).min() >= ridge * (1 - 1e-9)


@pytest.mark.parametrize("size", [100, 250])
def test_the_ridge_is_as_strong_as_the_noise(size):
    noise = symmetric_noise(size, 3.0)
    ridge = np.linalg.eigvalsh(steadied(-1e9 * np.eye(size), 3.0)).min()
    assert ridge == pytest.approx(np.linalg.norm(noise, 2), rel=0.1)


def test_an_inverse_of_a_steadied_sum_comes_nearer_to_the_truth():
    gram = gram_of(400, 60)
    noisy = gram + symmetric_noise(60, 30.0)
    truth = np.linalg.inv(gram)
    errors = [np.linalg.norm(np.linalg.inv(g) - truth) for g in (steadied(noisy, 30.0), noisy)]
    assert errors[0] < 0.5 * errors[1]


def test_counts_are_pulled_towards_zero_and_stop_there():
    counts = np.array([[-3.0, 0.0], [1.5, 10.0]])
    assert_array_equal(counted(counts, 1.5), [[0, 0], [0, 8.5]])
