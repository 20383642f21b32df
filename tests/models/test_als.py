"""ALS against naive normal equations, finite differences and pooled training."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from support import catalog_of, random_block, states_of, structured_block, with_weights

from hedgerow.data.block import Block
from hedgerow.data.split import LastOut
from hedgerow.errors import ConfigError
from hedgerow.models.als import ALS, solve_users

RECIPE = ALS(dimension=5, regularization=0.03, unobserved=0.15)
BLOCKS = {
    "plain": random_block(users=25),
    "distinct": structured_block(users=25),
    "weighted": with_weights(random_block(users=25)),
}
every_block = pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)


def weights_of(block):
    return np.ones(len(block.items)) if block.weights is None else block.weights.astype(float)


def naive_users(recipe, items, block):
    """Solve each user's normal equations of weighted ridge regression, in float64."""
    m, d = items.shape
    weights, vectors = weights_of(block), np.zeros((len(block), d))
    for user in range(len(block)):
        matrix = recipe.unobserved * sum(np.outer(v, v) for v in items)
        right = np.zeros(d)
        start, stop = block.indptr[user], block.indptr[user + 1]
        for item, weight in zip(block.items[start:stop], weights[start:stop], strict=True):
            matrix += weight * np.outer(items[item], items[item])
            right += weight * items[item]
        matrix += recipe.regularization * (stop - start + recipe.unobserved * m) * np.eye(d)
        vectors[user] = np.linalg.solve(matrix, right)
    return vectors


def objective(recipe, users, items, block):
    """Return the loss of Hu et al. with the frequency-scaled penalty of Rendle et al."""
    a0, lam = recipe.unobserved, recipe.regularization
    scores = users @ items.T
    observed = weights_of(block) @ (1 - scores[block.rows, block.items]) ** 2
    n_user, n_item = block.lengths, np.bincount(block.items, minlength=len(items))
    penalty = (n_user + a0 * len(items)) @ (users**2).sum(1)
    penalty += (n_item + a0 * len(users)) @ (items**2).sum(1)
    return observed + a0 * (scores**2).sum() + lam * penalty


def best_objective(recipe, items, block):
    """Return the objective at the best user vectors for these item vectors."""
    items = items.astype(float)
    return objective(recipe, naive_users(recipe, items, block), items, block)


def items_of(block, seed=0):
    return RECIPE.start(catalog_of(block.n_items), seed).arrays["vectors"]


@every_block
def test_user_vectors_solve_the_normal_equations(block):
    items = items_of(block)
    solved = solve_users(RECIPE, items, block)
    naive = naive_users(RECIPE, items.astype(float), block)
    assert_allclose(solved.vectors, naive, rtol=1e-4, atol=1e-5)
    products = [naive[u] @ items[i] for u, i in zip(block.rows, block.items, strict=True)]
    assert_allclose(solved.products, products, rtol=1e-4, atol=1e-5)


def test_a_user_vector_is_the_least_squares_solution():
    """Ridge regression is least squares on a table with the penalty's rows added below."""
    block = Block.of([[0, 3, 4]], 7)
    items = items_of(block)
    a0, lam = RECIPE.unobserved, RECIPE.regularization
    ridge = np.sqrt(lam * (3 + a0 * 7)) * np.eye(5)
    table = np.vstack([items[[0, 3, 4]], np.sqrt(a0) * items, ridge])
    wanted = np.concatenate([np.ones(3), np.zeros(7 + 5)])
    solution = np.linalg.lstsq(table, wanted, rcond=None)[0]
    assert_allclose(solve_users(RECIPE, items, block).vectors[0], solution, rtol=1e-4)


def test_nobodys_vector_is_zero():
    block = Block.of([[], [1]], 4)
    solved = solve_users(RECIPE, items_of(block), block)
    assert_allclose(solved.vectors[0], 0)


@every_block
def test_contributions_are_the_documented_sums(block):
    state = RECIPE.start(catalog_of(block.n_items), 0)
    items = state.arrays["vectors"].astype(float)
    total = RECIPE.step(state).contributions(block).sum(np.ones(len(block)))
    x = naive_users(RECIPE, items, block)
    residual, counts = np.zeros_like(items), np.zeros(len(items))
    for user, item, weight in zip(block.rows, block.items, weights_of(block), strict=True):
        residual[item] += weight * (1 - x[user] @ items[item]) * x[user]
        counts[item] += 1
    assert_allclose(total["gram"], x.T @ x, rtol=1e-3, atol=1e-4)
    assert_allclose(total["residual"], residual, rtol=1e-3, atol=1e-4)
    assert_allclose(total["counts"], counts, rtol=1e-5)
    assert total["users"] == len(block)


@every_block
@pytest.mark.parametrize("rounds_before", [0, 2])
def test_the_gradient_is_that_of_the_objective(block, rounds_before):
    """The server's gradient, by central differences of the objective over the item vectors."""
    state = states_of(RECIPE, block)[rounds_before]
    step = RECIPE.step(state)
    after = step.update(step.contributions(block).sum(np.ones(len(block))))
    items = state.arrays["vectors"].astype(float)
    eps = 1e-5
    numeric = np.zeros_like(items)
    for index in np.ndindex(*items.shape):
        bump = np.zeros_like(items)
        bump[index] = eps
        higher = best_objective(RECIPE, items + bump, block)
        numeric[index] = (higher - best_objective(RECIPE, items - bump, block)) / (2 * eps)
    # The server drops the factor 2 and averages over users.
    wanted = numeric / 2 / len(block)
    scale = np.abs(wanted).max()
    assert_allclose(after.server["gradient"], wanted, rtol=2e-3, atol=2e-3 * scale)


@pytest.mark.parametrize(
    "block",
    [
        structured_block(users=150, n_items=30),
        with_weights(structured_block(users=150, n_items=30)),
    ],
    ids=["plain", "weighted"],
)
def test_a_few_rounds_are_nearly_as_good_as_pooled_training(block):
    recipe = ALS(dimension=6)
    assert recipe.rounds <= 8
    nothing = best_objective(recipe, np.zeros((30, 6)), block)
    pooled = recipe.pooled(block, catalog_of(30), 0).arrays["vectors"]
    federated = states_of(recipe, block)[-1].arrays["vectors"]
    gains = [nothing - best_objective(recipe, items, block) for items in (federated, pooled)]
    assert gains[0] >= 0.99 * gains[1] > 0


@every_block
def test_pooled_training_lowers_the_objective_and_ends_level(block):
    state = RECIPE.pooled(block, catalog_of(block.n_items), 0)
    items = state.arrays["vectors"]
    assert state.round == RECIPE.rounds
    start = best_objective(RECIPE, items_of(block), block)
    end = best_objective(RECIPE, items, block)
    assert end < start
    rng = np.random.default_rng(0)
    for _ in range(20):
        nearby = items + 0.05 * rng.standard_normal(items.shape)
        assert best_objective(RECIPE, nearby, block) > end


def test_few_participants_and_small_steps_get_there_too():
    block = structured_block(users=200, n_items=30)
    recipe = ALS(dimension=6, rounds=40, step_size=0.3)
    rng = np.random.default_rng(0)
    state = recipe.start(catalog_of(30), 0)
    while (step := recipe.step(state)) is not None:
        present = (rng.random(len(block)) < 0.3).astype(float)
        state = step.update(step.contributions(block).sum(present))
        assert not state.server
    nothing = best_objective(recipe, np.zeros((30, 6)), block)
    pooled = recipe.pooled(block, catalog_of(30), 0).arrays["vectors"]
    gained = nothing - best_objective(recipe, state.arrays["vectors"], block)
    assert gained > 0.9 * (nothing - best_objective(recipe, pooled, block))


def test_a_round_without_anybody_leaves_finite_vectors():
    state = RECIPE.start(catalog_of(9), 0)
    step = RECIPE.step(state)
    after = step.update(step.schema.zeros())
    assert np.isfinite(after.arrays["vectors"]).all()


def test_scores_are_products_with_the_solved_vector():
    block = BLOCKS["plain"]
    state = states_of(RECIPE, block)[-1]
    items = state.arrays["vectors"].astype(float)
    naive = naive_users(RECIPE, items, block) @ items.T
    assert_allclose(RECIPE.scorer(state).scores(block), naive, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "options",
    [
        {"dimension": 0},
        {"regularization": 0},
        {"unobserved": 0},
        {"rounds": 0},
        {"step_size": 0},
        {"step_size": 1.5},
    ],
    ids=str,
)
def test_hyper_parameters_out_of_range_are_refused(options):
    with pytest.raises(ConfigError):
        ALS(**options)


@pytest.mark.data
def test_eight_rounds_match_pooled_training_on_movielens(ml100k):
    block = LastOut().test(ml100k.block).history[:300]
    recipe = ALS(dimension=8)
    items = [
        recipe.pooled(block, ml100k.catalog, 0).arrays["vectors"],
        states_of(recipe, block)[-1].arrays["vectors"],
    ]
    nothing = float(len(block.items))
    gains = []
    for vectors in items:
        users = solve_users(recipe, vectors, block).vectors.astype(float)
        gains.append(nothing - objective(recipe, users, vectors.astype(float), block))
    assert gains[1] >= 0.99 * gains[0] > 0
