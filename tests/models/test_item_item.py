"""EASE against the formula of the paper."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from support import catalog_of, histories_of, random_block, states_of, structured_block

from hedgerow.data.block import Block
from hedgerow.errors import ConfigError
from hedgerow.models import base
from hedgerow.models.item_item import ItemItem
from hedgerow.models.registry import make
from hedgerow.models.sparse_sums import packed_outer_norms, sparse_gram, weighted_gram

RECIPE = ItemItem(regularization=5.0, decay=0.6)
BLOCKS = {
    "odd": random_block(users=40),
    "distinct": structured_block(users=80),
    "sparse": random_block(users=40, n_items=400, longest=3),
}
every_block = pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)


def naive_weights(histories, n_items, regularization):
    """Solve one constrained ridge regression per item (Steck 2019, section 3)."""
    X = np.zeros((len(histories), n_items))
    for user, history in enumerate(histories):
        for item in history:
            X[user, item] = 1
    P = np.linalg.inv(X.T @ X + regularization * np.eye(n_items))
    B = np.zeros((n_items, n_items))
    for i in range(n_items):
        for j in range(n_items):
            B[i, j] = 0 if i == j else -P[i, j] / P[j, j]
    return B


@every_block
def test_federated_is_pooled_is_the_formula(block):
    naive = naive_weights(histories_of(block), block.n_items, RECIPE.regularization)
    federated = states_of(RECIPE, block)[-1].arrays["weights"]
    pooled = RECIPE.pooled(block, catalog_of(block.n_items), 0).arrays["weights"]
    assert_allclose(federated, pooled, atol=1e-6)
    assert_allclose(federated, naive, atol=1e-6)


def test_silos_give_the_pooled_weights():
    block = BLOCKS["distinct"]
    step = RECIPE.step(RECIPE.start(catalog_of(block.n_items), 0))
    silos = [block[:7], block[7:8], block[8:]]
    sums = [step.contributions(s).sum(np.ones(len(s))) for s in silos]
    federated = step.update(sums[0] + sums[1] + sums[2]).arrays["weights"]
    pooled = RECIPE.pooled(block, catalog_of(block.n_items), 0).arrays["weights"]
    assert_allclose(federated, pooled, atol=1e-6)


def test_the_weights_minimise_the_constrained_loss():
    block = BLOCKS["distinct"]
    X = block.incidence().toarray()
    B = states_of(RECIPE, block)[-1].arrays["weights"].astype(float)
    assert_array_equal(np.diag(B), 0)
    # Off the diagonal, the gradient of |X - XB|^2 + lambda |B|^2 vanishes.
    gradient = -X.T @ (X - X @ B) + RECIPE.regularization * B
    np.fill_diagonal(gradient, 0)
    assert_allclose(gradient, 0, atol=1e-4)


@every_block
def test_scores_are_the_decayed_history_times_the_weights(block):
    state = states_of(RECIPE, block)[-1]
    B = state.arrays["weights"].astype(float)
    naive = np.zeros((len(block), block.n_items))
    for user, history in enumerate(histories_of(block)):
        for place, item in enumerate(history):
            naive[user] += RECIPE.decay ** (len(history) - 1 - place) * B[item]
    assert_allclose(RECIPE.scorer(state).scores(block), naive, atol=1e-5)


def test_without_decay_the_order_does_not_matter():
    recipe = ItemItem(regularization=5.0, decay=1.0)
    scorer = recipe.scorer(states_of(recipe, BLOCKS["distinct"])[-1])
    one, other = (Block.of([h], 20) for h in ([1, 5, 9], [9, 1, 5]))
    assert_allclose(scorer.scores(one), scorer.scores(other), rtol=1e-5)


@pytest.mark.parametrize("model", ["item_item", "transitions"])
def test_a_catalog_too_large_for_pairs_is_refused(model):
    with pytest.raises(ConfigError, match=rf"{model}.*use als"):
        make(model).start(catalog_of(base.MAX_PAIRED_ITEMS + 1), 0)


@pytest.mark.parametrize("options", [{"regularization": 0}, {"decay": 0}, {"decay": 1.1}], ids=str)
def test_hyper_parameters_out_of_range_are_refused(options):
    with pytest.raises(ConfigError):
        ItemItem(**options)


@every_block
def test_weighted_gram_matrices_sparse_and_dense(block):
    weights = np.random.default_rng(3).uniform(0, 1, len(block))
    dense = block.incidence().toarray()
    wanted = dense.T @ np.diag(weights) @ dense
    assert_allclose(sparse_gram(block.incidence(), weights), wanted, rtol=1e-5, atol=1e-6)
    assert_allclose(weighted_gram(dense, weights), wanted, rtol=1e-5, atol=1e-6)


def test_norms_of_packed_outer_products():
    vectors = np.random.default_rng(0).standard_normal((5, 4))
    wanted = [(np.outer(x, x)[np.triu_indices(4)] ** 2).sum() for x in vectors]
    assert_allclose(packed_outer_norms((vectors**2).sum(1), (vectors**4).sum(1)), wanted)
