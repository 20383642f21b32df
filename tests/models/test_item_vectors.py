"""Item vectors against the dense co-occurrence matrix and its eigenvectors."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from support import catalog_of, histories_of, random_block, states_of, structured_block

from hedgerow.data.block import Block
from hedgerow.models.item_vectors import MARGIN, Neighbourhoods, advance, degree_roots, random_basis
from hedgerow.models.sequence import Sequence
from hedgerow.statistics import Field, Schema

BLOCKS = {
    "random": random_block(users=25),
    "distinct": structured_block(users=25),
    "nobody": Block.of([], 5),
    "empty histories": Block.of([[], [2], []], 5),
    "very unequal": Block.of([np.arange(150) % 9, [1], [2, 2], []], 9),
}
every_block = pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
every_nearness = pytest.mark.parametrize("nearness", [0.0, 0.6, 0.9])


def naive_pairs(history, n_items, nearness):
    """Return one user's decayed co-occurrence, pair of positions by pair of positions."""
    matrix = np.zeros((n_items, n_items))
    for p, one in enumerate(history):
        for q, other in enumerate(history):
            matrix[one, other] += nearness ** abs(p - q)
    return matrix


def neighbourhoods_of(block, nearness, dimension=4):
    public = np.random.default_rng(2).standard_normal((block.n_items, dimension))
    schema = Schema({"product": Field(public.shape)})
    return Neighbourhoods(schema, block, public.astype(np.float32), nearness)


def normalised(block, nearness):
    """Return D^-1/2 C D^-1/2, the matrix whose eigenvectors are looked for."""
    matrix = sum(
        (naive_pairs(h, block.n_items, nearness) for h in histories_of(block)),
        np.zeros((block.n_items, block.n_items)),
    )
    roots = np.sqrt(np.maximum(np.bincount(block.items, minlength=block.n_items), 1))
    return matrix / roots[:, None] / roots


@every_block
@every_nearness
def test_sums_are_those_of_the_dense_matrices(block, nearness):
    contributions = neighbourhoods_of(block, nearness)
    weights = np.random.default_rng(3).uniform(0, 1, len(block))
    each = [naive_pairs(h, block.n_items, nearness) for h in histories_of(block)]
    products = np.array([c @ contributions.public for c in each]).reshape(
        len(block), *contributions.public.shape
    )
    found = contributions.sum(weights)["product"]
    assert_allclose(found, np.tensordot(weights, products, 1), rtol=1e-4, atol=1e-4)
    assert_allclose(contributions.norms(), np.sqrt((products**2).sum((1, 2))), rtol=1e-4, atol=1e-6)


def test_the_matrix_has_no_negative_eigenvalue():
    """What the shift of the momentum relies on."""
    for nearness in (0.0, 0.5, 0.95):
        assert np.linalg.eigvalsh(normalised(BLOCKS["random"], nearness))[0] > -1e-9


def test_the_first_basis_is_nearly_orthonormal_and_repeatable():
    basis = random_basis(4000, 10, seed=3)
    assert_allclose(basis.T @ basis, np.eye(10), atol=0.1)
    assert_array_equal(basis, random_basis(4000, 10, seed=3))
    assert (basis != random_basis(4000, 10, seed=4)).any()
    assert random_basis(6, 10, seed=0).shape == (6, 6)


def test_roots_of_counts_leave_unmet_items_alone():
    assert_allclose(degree_roots(np.array([0, 1, 4.0]))[:, 0], [1, 1, 0.5])


def iterate(matrix, dimension, rounds, seed=0):
    """Return the basis after some rounds of what the server and the clients do."""
    basis, previous = random_basis(len(matrix), dimension, seed), None
    for _ in range(rounds):
        found = advance(matrix @ basis, basis, previous)
        basis, previous = found.basis, found.previous
    return basis


def plain(matrix, dimension, rounds, seed=0):
    """Return the basis after some rounds of subspace iteration without momentum."""
    basis = random_basis(len(matrix), dimension, seed)
    for _ in range(rounds):
        basis = np.linalg.qr(matrix @ basis)[0]
    return basis


def captured(basis, leading):
    """Return the share of the wanted subspace that a basis spans: 1 is all of it."""
    return (np.linalg.svd(leading.T @ basis, compute_uv=False) ** 2).sum() / leading.shape[1]


def symmetric(values, seed=0):
    """Return a symmetric matrix with these eigenvalues, and its eigenvectors in their order."""
    drawn = np.random.default_rng(seed).standard_normal((len(values), len(values)))
    vectors = np.linalg.qr(drawn)[0]
    return (vectors * values) @ vectors.T, vectors


def test_enough_rounds_span_the_leading_eigenvectors():
    values = np.concatenate([[9, 8, 7, 6], np.linspace(3, 0, 36)])
    matrix, vectors = symmetric(values)
    basis = iterate(matrix, 4, 60)
    assert captured(basis, vectors[:, :4]) > 1 - 1e-4
    assert_allclose(basis.T @ basis, np.eye(4), atol=1e-5)


def test_directions_come_strongest_first():
    matrix, vectors = symmetric(np.concatenate([[9, 6, 4, 2.5], np.linspace(1, 0, 36)]))
    basis = iterate(matrix, 4, 30)
    assert_allclose(np.abs(vectors[:, :4].T @ basis), np.eye(4), atol=0.02)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("power", [0.5, 1.0])
def test_momentum_captures_more_in_five_rounds_than_plain_iteration(power, seed):
    matrix, vectors = symmetric(np.arange(1, 301.0) ** -power, seed)
    leading = vectors[:, :20]
    ours, theirs = (captured(method(matrix, 20, 5, seed), leading) for method in (iterate, plain))
    assert ours > theirs + 0.01
    assert ours >= captured(plain(matrix, 20, 7, seed), leading)


def test_the_previous_basis_is_kept_in_the_new_ones_coordinates():
    """The recurrence on plain, unnormalised iterates spans the same as the normalised one."""
    matrix, _ = symmetric(np.arange(1, 41.0) ** -0.5)
    basis, previous = random_basis(40, 5, 0), None
    older, newer = None, basis.astype(float)
    for _ in range(4):
        product = matrix @ basis
        bound = 0.0 if previous is None else MARGIN * np.linalg.eigvalsh(basis.T @ product)[0]
        found = advance(product, basis, previous)
        following = matrix @ newer
        if older is not None:
            following = following - bound / 2 * newer - (bound / 4) ** 2 * older
        older, newer = newer, following
        basis, previous = found.basis, found.previous
        assert captured(basis, np.linalg.qr(newer)[0]) > 1 - 1e-5


def test_directions_that_a_matrix_of_low_rank_does_not_reach_are_zero():
    matrix, vectors = symmetric(np.concatenate([[3, 2, 1], np.zeros(17)]))
    basis = iterate(matrix, 8, 12)
    assert_allclose(basis.T @ basis, np.diag([1.0] * 3 + [0] * 5), atol=1e-4)
    assert captured(basis, vectors[:, :3]) > 1 - 1e-5
    assert not iterate(np.zeros((20, 20)), 8, 5).any()


def test_a_basis_of_all_items_spans_everything():
    matrix, _ = symmetric(np.linspace(2, 0.5, 6))
    basis = iterate(matrix, 10, 6)
    assert_allclose(basis @ basis.T, np.eye(6), atol=1e-4)


def test_the_sequence_model_finds_the_leading_eigenvectors():
    """Four tastes are four strong directions, with a gap behind them."""
    block = structured_block(users=400, n_items=24)
    recipe = Sequence(dimensions=(4,), decays=(0.5,), fourier=0, vector_rounds=20)
    matrix = normalised(block, recipe.nearness)
    values, vectors = np.linalg.eigh(matrix)
    assert values[-4] > 1.3 * values[-5]
    basis = states_of(recipe, block)[-1].arrays["vectors"]
    assert captured(basis, vectors[:, -4:]) > 0.9999


def test_rounds_of_the_model_are_those_of_the_dense_matrix():
    block = random_block(users=60, n_items=15)
    recipe = Sequence(dimensions=(4,), decays=(0.5,), fourier=0, vector_rounds=3)
    basis = recipe.start(catalog_of(15), 0).arrays["vectors"]
    previous, matrix = None, normalised(block, recipe.nearness)
    for state in states_of(recipe, block)[2:5]:
        found = advance((matrix @ basis).astype(np.float32), basis, previous)
        basis, previous = found.basis, found.previous
        assert captured(state.arrays["vectors"], basis) > 1 - 1e-5
