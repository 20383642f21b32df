"""The sequence model against a ridge regression written out, and what it promises its users."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from support import catalog_of, histories_of, random_block, states_of, structured_block
from test_features import naive as naive_features
from test_own_history import ndcg

from hedgerow.data.block import Block
from hedgerow.data.split import LastOut
from hedgerow.errors import ConfigError
from hedgerow.evaluation.evaluate import Evaluate, EvaluationProtocol
from hedgerow.evaluation.metrics import Yardstick
from hedgerow.federation.contribute import contribute
from hedgerow.models.features import LinearReadout, NearestVectors
from hedgerow.models.own_history import WithOwnHistory
from hedgerow.models.registry import PRESETS
from hedgerow.models.sequence import POOLED_ROUNDS, Sequence

RECIPE = Sequence(
    dimensions=(5, 3),
    decays=(0.6, 0.2),
    fourier=7,
    regularization=4.0,
    popularity_discount=0.3,
    vector_rounds=3,
)
BLOCKS = {
    "random": random_block(users=30),
    "distinct": structured_block(users=30),
    "nobody has a next": Block.of([[1], [], [0]], 4),
}
every_block = pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)


def naive_sums(features, block):
    """Return A = sum phi phi' and B_i = sum of phi where i came next, one by one."""
    gram = np.zeros((features.width, features.width))
    followers = np.zeros((block.n_items, features.width))
    for history in histories_of(block):
        for position in range(1, len(history)):
            phi = naive_features(features, history[:position])
            gram += np.outer(phi, phi)
            followers[history[position]] += phi
    return gram, followers


@every_block
def test_the_readout_is_a_ridge_regression(block):
    before, after = states_of(RECIPE, block)[-2:]
    gram, followers = naive_sums(RECIPE.features(before), block)
    total = RECIPE.step(before).contributions(block).sum(np.ones(len(block)))
    assert_allclose(total["gram"], gram, rtol=1e-4, atol=1e-3)
    assert_allclose(total["next"], followers, rtol=1e-4, atol=1e-3)
    wanted = np.linalg.solve(gram + RECIPE.regularization * np.eye(len(gram)), followers.T).T
    assert_allclose(after.arrays["weights"], wanted, rtol=1e-3, atol=1e-4)


def test_the_readout_is_least_squares_on_ones_and_zeros():
    """The same from a table of all positions, with the penalty's rows below."""
    block = BLOCKS["random"]
    before, after = states_of(RECIPE, block)[-2:]
    features = RECIPE.features(before)
    rows = [(h[:p], h[p]) for h in histories_of(block) for p in range(1, len(h))]
    x = np.array([naive_features(features, past) for past, _ in rows])
    y = np.eye(block.n_items)[[item for _, item in rows]]
    penalty = np.sqrt(RECIPE.regularization) * np.eye(features.width)
    table = np.vstack([x, penalty])
    target = np.vstack([y, np.zeros((features.width, block.n_items))])
    wanted = np.linalg.lstsq(table, target, rcond=None)[0].T
    assert_allclose(after.arrays["weights"], wanted, rtol=1e-3, atol=1e-4)


@every_block
@pytest.mark.parametrize("discount", [0.0, 0.3, 1.0])
def test_scores_are_the_readout_less_a_discount_for_popularity(block, discount):
    recipe = replace(RECIPE, popularity_discount=discount)
    state = states_of(recipe, block)[-1]
    counts = np.bincount(block.items, minlength=block.n_items)
    assert_array_equal(state.arrays["counts"], counts)
    phi = np.array([naive_features(recipe.features(state), h) for h in histories_of(block)])
    wanted = phi @ state.arrays["weights"].astype(float).T / (counts + 1.0) ** discount
    assert_allclose(recipe.scorer(state).scores(block), wanted, rtol=1e-3, atol=1e-4)


def test_a_new_interaction_changes_the_next_scores_at_once():
    block = BLOCKS["distinct"]
    scorer = RECIPE.scorer(states_of(RECIPE, block)[-1])
    history = histories_of(block)[0]
    scores = scorer.scores(Block.of([history, *([*history, item] for item in range(20))], 20))
    changes = np.abs(scores[1:] - scores[0]).max(1)
    assert (changes > 0.01 * np.abs(scores[0]).max()).all()


def test_order_matters():
    block = BLOCKS["distinct"]
    scorer = RECIPE.scorer(states_of(RECIPE, block)[-1])
    one, turned, same = scorer.scores(Block.of([[0, 4, 1], [1, 4, 0], [0, 4, 1]], 20))
    assert_allclose(one, same, rtol=1e-6)
    assert np.abs(one - turned).max() > 0.01 * np.abs(one).max()


def test_it_foretells_a_cycle():
    """Everyone goes round the same circle of items; what comes next follows from the last."""
    rng = np.random.default_rng(0)
    block = Block.of([(rng.integers(12) + np.arange(6)) % 12 for _ in range(300)], 12)
    recipe = Sequence(dimensions=(12, 12), decays=(0.0, 0.5), fourier=0, regularization=1.0)
    scores = recipe.scorer(states_of(recipe, block)[-1]).scores(
        Block.of([[(i - 1) % 12, i] for i in range(12)], 12)
    )
    assert_array_equal(scores.argmax(1), (np.arange(12) + 1) % 12)


def test_what_scores_depends_on_how_far_training_is():
    recipe = replace(RECIPE, repeat_gain=1.0)
    kinds = [type(recipe.scorer(state)) for state in states_of(recipe, BLOCKS["random"])]
    assert kinds == [NearestVectors] * 5 + [LinearReadout, WithOwnHistory]


def test_rounds_say_what_they_do():
    recipe = replace(RECIPE, repeat_gain=1.0)
    names = [recipe.step(s).name for s in states_of(recipe, BLOCKS["random"])[:-1]]
    assert names == [
        "count interactions per item",
        "find item vectors (1 of 3)",
        "find item vectors (2 of 3)",
        "find item vectors (3 of 3)",
        "read out",
        "fit own history",
    ]


def test_only_the_vectors_build_on_the_last_round():
    recipe = replace(RECIPE, repeat_gain=1.0)
    additive = [recipe.step(s).additive for s in states_of(recipe, BLOCKS["random"])[:-1]]
    assert additive == [True, False, False, False, True, True]


def test_the_broadcast_never_holds_the_momentum():
    for state in states_of(RECIPE, BLOCKS["random"]):
        assert set(state.arrays) <= {"counts", "vectors", "seed", "weights"}
    assert not states_of(RECIPE, BLOCKS["random"])[-1].server


def test_the_fourier_features_follow_from_the_seed_alone():
    states = [RECIPE.start(catalog_of(13), seed) for seed in (1, 1, 2)]
    one, again, other = (RECIPE.features(state).frequencies for state in states)
    assert_array_equal(one, again)
    assert (one != other).any()


@pytest.mark.parametrize(("preset", "width"), [("phone", 256), ("silo", 3313), ("shop", 2653)])
def test_presets_have_the_documented_number_of_features(preset, width):
    recipe = PRESETS["sequence", preset]()
    assert sum(recipe.dimensions) + 1 + recipe.fourier == width
    state = recipe.start(catalog_of(1500), 0)
    features = recipe.features(state)
    assert features.width == width
    assert features.at_end(Block.of([[3, 4]], 1500)).shape == (1, width)


@pytest.mark.parametrize(("preset", "rounds"), [("phone", 7), ("silo", 7), ("shop", 8)])
def test_presets_take_the_documented_number_of_rounds(preset, rounds):
    assert len(PRESETS["sequence", preset]().charges) == rounds


def test_a_client_sends_what_is_documented():
    m = 300
    recipe = Sequence.phone()
    state = recipe.start(catalog_of(m), 0)
    sizes = []
    while (step := recipe.step(state)) is not None:
        sizes.append(step.schema.size)
        state = step.update(step.schema.zeros())
    assert sizes == [m + 1, *[m * 191] * 5, m * 256 + 256 * 257 // 2]


def test_more_dimensions_than_items_are_as_many_as_items():
    recipe = Sequence.phone()
    features = recipe.features(recipe.start(catalog_of(100), 0))
    assert features.width == 100 + 64 + 1


@pytest.mark.parametrize(
    "options",
    [
        {"dimensions": (), "decays": ()},
        {"dimensions": (5,)},
        {"dimensions": (5, 0)},
        {"decays": (0.5,)},
        {"decays": (0.5, 1.0)},
        {"decays": (-0.1, 0.5)},
        {"decays": (0.5, float("nan"))},
        {"fourier": -1},
        {"regularization": 0},
        {"regularization": float("nan")},
        {"nearness": 1.0},
        {"nearness": -0.1},
        {"vector_rounds": 0},
        {"popularity_discount": -0.1},
        {"popularity_discount": 1.1},
        {"repeat_gain": -1},
    ],
    ids=str,
)
def test_hyper_parameters_out_of_range_are_refused(options):
    with pytest.raises(ConfigError, match=r"\.$"):
        Sequence(**options)


def test_federated_is_as_good_as_pooled():
    fold = LastOut().test(structured_block(users=400, n_items=60, length=12))
    recipe = Sequence(dimensions=(16, 8), decays=(0.8, 0.4), fourier=20, regularization=10.0)
    patient = replace(recipe, vector_rounds=POOLED_ROUNDS)
    federated, pooled = (ndcg(r, fold, repeats=False) for r in (recipe, patient))
    assert federated >= 0.99 * pooled
    assert pooled > 0.2


def test_pooled_training_lets_the_vectors_converge():
    block = BLOCKS["random"]
    pooled = RECIPE.pooled(block, catalog_of(block.n_items), 0)
    patient = states_of(replace(RECIPE, vector_rounds=POOLED_ROUNDS), block)[-1]
    assert_array_equal(pooled.arrays["weights"], patient.arrays["weights"])
    assert pooled.round == len(RECIPE.charges)
    assert RECIPE.step(pooled) is None


@pytest.mark.data
def test_phones_reach_the_documented_quality_on_movielens(ml100k):
    fold = LastOut().test(ml100k.block)
    counts = np.asarray(fold.history.incidence().sum(0), float)
    yardstick = Yardstick(counts, np.zeros((len(counts), 1), np.float32))
    protocol = EvaluationProtocol(sampled=0, replicates=0)
    found = []
    for seed in range(3):
        recipe = Sequence.phone()
        state = states_of(recipe, fold.history, seed)[-1]
        step = Evaluate(recipe.scorer(state), protocol, yardstick)
        values = step.update(contribute(step, fold, np.ones(len(fold)))).values
        found.append([values["full/hr@10"], values["full/ndcg@10"]])
    hr, ndcg_found = np.mean(found, axis=0)
    assert hr >= 0.215
    assert ndcg_found >= 0.117
