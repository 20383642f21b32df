"""The regression on a user's own counts against loops over users, positions and items."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from support import histories_of, random_block, states_of, structured_block
from test_features import naive as naive_features

from hedgerow.data.block import Block
from hedgerow.data.split import LastOut
from hedgerow.evaluation.evaluate import Evaluate, EvaluationProtocol
from hedgerow.evaluation.metrics import Yardstick
from hedgerow.federation.contribute import contribute
from hedgerow.models.own_history import DECAYS, recalled
from hedgerow.models.sequence import Sequence

RECIPE = Sequence(
    dimensions=(4, 3), decays=(0.5, 0.8), fourier=5, regularization=3.0, repeat_gain=2.0
)
BLOCKS = {
    "random": random_block(users=25),
    "distinct": structured_block(users=15),
    "too short": Block.of([[], [1], [2]], 4),
}
every_block = pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)


def log_counts(history, item):
    """Return log(1 + decayed count) of an item after a history, one per decay."""
    ages = [len(history) - 1 - p for p, met in enumerate(history) if met == item]
    return np.array([np.log1p(sum(float(decay) ** age for age in ages)) for decay in DECAYS])


def naive_equations(recipe, state, history):
    """Loop over what was next, over the user's own items, and over coefficients."""
    features, weights = recipe.features(state), state.arrays["weights"].astype(float)
    gram, residual = np.zeros((len(DECAYS), len(DECAYS))), np.zeros(len(DECAYS))
    for position in range(1, len(history)):
        past = history[:position]
        phi = naive_features(features, past)
        for item in set(history):
            x = log_counts(past, item)
            left = float(history[position] == item) - weights[item] @ phi
            gram += np.outer(x, x)
            residual += x * left
    return gram, residual


@every_block
def test_the_normal_equations_are_those_of_loops(block):
    state = states_of(RECIPE, block)[-2]
    step = RECIPE.step(state)
    assert step.name == "fit own history"
    contributions = step.contributions(block)
    weights = np.random.default_rng(0).uniform(0, 1, len(block))
    each = [naive_equations(RECIPE, state, h) for h in histories_of(block)]
    found = contributions.sum(weights)
    for place, name in enumerate(("gram", "residual")):
        wanted = sum(w * parts[place] for w, parts in zip(weights, each, strict=True))
        assert_allclose(found[name], wanted, rtol=1e-4, atol=1e-4)
    norms = [
        np.sqrt((gram[np.triu_indices(len(DECAYS))] ** 2).sum() + (residual**2).sum())
        for gram, residual in each
    ]
    assert_allclose(contributions.norms(), norms, rtol=1e-4, atol=1e-4)


@every_block
def test_the_coefficients_solve_the_ridge_regression(block):
    before, after = states_of(RECIPE, block)[-2:]
    each = [naive_equations(RECIPE, before, h) for h in histories_of(block)]
    gram, residual = sum(g for g, _ in each), sum(r for _, r in each)
    wanted = np.linalg.solve(gram + np.eye(len(DECAYS)), residual)
    assert_allclose(after.arrays["own"], wanted, rtol=1e-3, atol=1e-4)


@every_block
def test_recalled_counts_are_those_of_loops(block):
    for place, matrix in enumerate(recalled(block)):
        wanted = np.zeros((len(block), block.n_items))
        for user, history in enumerate(histories_of(block)):
            for item in set(history):
                wanted[user, item] = log_counts(history, item)[place]
        assert_allclose(matrix.toarray(), wanted, rtol=1e-5, atol=1e-6)


def test_scores_add_what_own_counts_say():
    block = BLOCKS["random"]
    state = states_of(RECIPE, block)[-1]
    scores = RECIPE.scorer(state).scores(block)
    own, weights = state.arrays["own"].astype(float), state.arrays["weights"].astype(float)
    discount = (state.arrays["counts"] + 1.0) ** -RECIPE.popularity_discount
    for user, history in enumerate(histories_of(block)):
        phi = naive_features(RECIPE.features(state), history)
        for item in range(block.n_items):
            gain = RECIPE.repeat_gain * own @ log_counts(history, item)
            wanted = (weights[item] @ phi + gain) * discount[item]
            assert_allclose(scores[user, item], wanted, rtol=1e-3, atol=1e-4)


def alternating(users=150, n_items=40, seed=0):
    """Return histories that go to and fro between two favourites of one's own."""
    rng = np.random.default_rng(seed)
    histories = []
    for _ in range(users):
        pair = rng.choice(n_items, 2, replace=False)
        histories.append(pair[np.arange(rng.integers(5, 11)) % 2])
    return Block.of(histories, n_items)


def ndcg(recipe, fold, *, repeats):
    state = states_of(recipe, fold.history)[-1]
    protocol = EvaluationProtocol(sampled=0, replicates=0, repeats=repeats)
    counts = np.asarray(fold.history.incidence().sum(0), float)
    yardstick = Yardstick(counts, np.zeros((fold.history.n_items, 1), np.float32))
    step = Evaluate(recipe.scorer(state), protocol, yardstick)
    return step.update(contribute(step, fold, np.ones(len(fold)))).values["full/ndcg@10"]


def test_favourites_are_recommended_again_where_that_is_allowed():
    fold = LastOut().test(alternating())
    short = {"dimensions": (8, 4), "decays": (0.5, 0.8), "fourier": 0}
    without = ndcg(Sequence(**short), fold, repeats=True)
    with_own = ndcg(Sequence(**short, repeat_gain=3.0), fold, repeats=True)
    assert with_own > without + 0.1
    assert with_own > 0.6


def test_a_gain_of_zero_takes_no_round_of_its_own():
    assert len(Sequence().charges) == len(Sequence(repeat_gain=1.0).charges) - 1
    state = states_of(Sequence(dimensions=(3,), decays=(0.5,), fourier=0), BLOCKS["random"])[-1]
    assert "own" not in state.arrays


def test_where_nobody_repeats_nothing_is_learned_from_nobody():
    step = RECIPE.step(states_of(RECIPE, BLOCKS["too short"])[-2])
    assert not step.contributions(BLOCKS["too short"]).norms().any()
    assert not step.update(step.schema.zeros()).arrays["own"].any()
