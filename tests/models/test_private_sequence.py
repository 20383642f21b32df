"""The sequence model for noise: its bound, its shape under noise, and what it still learns."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from support import catalog_of, histories_of, random_block, states_of, structured_block

from hedgerow.comparison.warnings import chance
from hedgerow.data.block import Block
from hedgerow.data.catalog import Catalog
from hedgerow.data.datasets import load
from hedgerow.data.shop import Shop
from hedgerow.data.split import LastOut
from hedgerow.errors import ConfigError
from hedgerow.evaluation.evaluate import EvaluationProtocol
from hedgerow.evaluation.metrics import Yardstick
from hedgerow.federation.clients import Clients
from hedgerow.federation.executors import Serial
from hedgerow.federation.pipeline import Pipeline
from hedgerow.federation.simulator import evaluate, train
from hedgerow.models.popularity import Popularity
from hedgerow.models.private_sequence import FIRST_WEIGHT, PrivateSequence
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.policy import Policy
from hedgerow.statistics import Statistics

RECIPE = PrivateSequence(dimension=6)
N_ITEMS = 7
BLOCK = structured_block(users=300, n_items=40)


def features_of(n_items, groups=4, seed=0):
    """Return a catalog whose labels are the groups of a structured block."""
    rng = np.random.default_rng(seed)
    table = pl.DataFrame(
        {
            "group": [f"group {i % groups}" for i in range(n_items)],
            "price": rng.lognormal(size=n_items),
        }
    )
    return Catalog(pl.Series("item_id", [f"i{i}" for i in range(n_items)]), table)


def noisy_states(recipe, block, catalog, noise, seed=0):
    """Return the states of a training with this noise for the whole budget, split as charged."""
    rng = np.random.default_rng(seed)
    states = [recipe.start(catalog, seed)]
    for charge in recipe.charges:
        step, sigma = recipe.step(states[-1]), noise / np.sqrt(charge.share)
        summed = step.contributions(block).sum(np.ones(len(block)))
        noised = {name: a + sigma * rng.standard_normal(a.shape) for name, a in summed.items()}
        states.append(step.update(Statistics(noised, sigma)))
    assert recipe.step(states[-1]) is None
    return states


def ndcg(scorer, fold):
    """Return NDCG@10 among items that the user has not met."""
    counts = np.asarray(fold.history.incidence().sum(0), float)
    yardstick = Yardstick(counts, np.zeros((len(counts), 1), np.float32))
    protocol = EvaluationProtocol(sampled=0, replicates=0)
    return evaluate(scorer, Serial(fold), len(fold), protocol, yardstick).values["full/ndcg@10"]


def federated(recipe, log, fold, epsilon, seed=0):
    """Return NDCG@10 of a model trained by devices under a promise."""
    clients, pipeline = Clients.devices(log.users), None
    if epsilon:
        pipeline = Pipeline.of(
            Policy(epsilon=epsilon), recipe.charges, clients,
            ledger=Ledger(), run="run", account="a", seed=seed,
        )  # fmt: skip
    run = train(recipe, Serial(fold), log.catalog, clients, pipeline=pipeline, seed=seed)
    assert not epsilon or run.rounds[-1].epsilon <= epsilon * (1 + 1e-6)
    return ndcg(run.scorer, fold)


some = st.lists(st.integers(0, N_ITEMS - 1), max_size=25)


@settings(max_examples=60)
@given(st.lists(some, max_size=4), some, st.sampled_from([0.0, 0.6, 0.9]), st.integers(0, 3))
def test_no_user_moves_a_sum_by_more_than_one(others, own, decay, seed):
    """Whatever the model has learned by then, and whether from this user too."""
    recipe = PrivateSequence(dimension=2 + seed, decay=decay)
    without, whole = Block.of(others, N_ITEMS), Block.of([*others, own], N_ITEMS)
    catalog = features_of(N_ITEMS, 2, seed) if seed % 2 else catalog_of(N_ITEMS)
    states = noisy_states(recipe, whole, catalog, noise=0.5 * (seed > 1), seed=seed)
    for state, charge in zip(states, recipe.charges, strict=False):
        step = recipe.step(state)
        sums = [
            step.schema.flatten(step.contributions(b).sum(np.ones(len(b)))).astype(float)
            for b in (whole, without)
        ]
        assert np.linalg.norm(sums[0] - sums[1]) <= charge.bound + 1e-5


@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_nor_does_one_who_goes_to_and_fro(decay):
    """Two items have opposite vectors, so that states can cancel in every row."""
    walk = [0, 0, 1, 1] * 100 + [0]
    catalog = features_of(2, 2)
    recipe = PrivateSequence(dimension=2, decay=decay)
    for state in noisy_states(recipe, Block.of([[0, 1], [1], [0]], 2), catalog, 0.01)[:-1]:
        step = recipe.step(state)
        term = step.contributions(Block.of([walk], 2)).sum(np.ones(1))
        assert np.linalg.norm(step.schema.flatten(term)) <= 1 + 1e-5


def test_the_whole_budget_is_asked_for_in_three_parts_of_bound_one():
    charges = PrivateSequence().charges
    assert len(charges) == 3
    assert sum(charge.share for charge in charges) == pytest.approx(1)
    assert all(charge.share > 0 for charge in charges)
    assert {charge.bound for charge in charges} == {1.0}


def test_a_promise_is_spent_on_three_releases_and_no_histogram():
    clients, ledger = Clients.devices(pl.Series(range(len(BLOCK)))), Ledger()
    pipeline = Pipeline.of(
        Policy(epsilon=2.0), RECIPE.charges, clients, ledger=ledger, run="r", account="a", seed=0
    )
    fold = LastOut().test(BLOCK)
    train(RECIPE, Serial(fold), features_of(40), clients, pipeline=pipeline)
    assert [entry.name for entry in ledger.entries] == ["r/0", "r/1", "r/2"]
    assert [entry.clip for entry in ledger.entries] == [1.0] * 3
    assert 0.99 * 2 <= ledger.entries[-1].epsilon <= 2 * (1 + 1e-6)
    whole = sum(entry.release.multiplier**-2 for entry in ledger.entries)
    for entry, charge in zip(ledger.entries, RECIPE.charges, strict=True):
        assert entry.release.multiplier**-2 / whole == pytest.approx(charge.share)


def unit_states(vectors, history, decay):
    """Return the state after every position, in float64."""
    state, result = np.zeros(vectors.shape[1]), []
    for item in history:
        state = decay * state + vectors[item]
        result.append(state / max(np.linalg.norm(state), 1e-9))
    return result


def readout_of(vectors, block, decay):
    """Sum the users' states before each item, each user's with length 1."""
    total = np.zeros(vectors.shape)
    for history in histories_of(block):
        term = np.zeros(vectors.shape)
        for state, item in zip(unit_states(vectors, history, decay), history[1:], strict=False):
            term[item] += state
        total += term / max(np.linalg.norm(term), 1e-9)
    return total


def test_without_noise_the_readouts_are_plain_sums():
    block = random_block(users=30)
    states = states_of(PrivateSequence(dimension=6), block)
    arrays = states[-1].arrays
    counts = np.zeros(block.n_items)
    for history in histories_of(block):
        for item in set(history):
            counts[item] += len(set(history)) ** -0.5
    assert_allclose(arrays["popularity"], counts, rtol=1e-5)
    for number, weight, constant in ((1, FIRST_WEIGHT, 1), (2, 1, 0)):
        vectors = arrays[f"vectors{number}"].astype(float)
        width = vectors.shape[1] - constant
        wanted = weight * np.sqrt(width) * readout_of(vectors, block, RECIPE.decay)[:, :width]
        found = arrays[f"weights{number}"]
        assert_allclose(found[:, :width], wanted, rtol=1e-3, atol=1e-4)
    # The constant's weights are what is usual of each item.
    last = arrays["weights1"][:, -1]
    assert_allclose(last / last[0], counts / counts[0], rtol=1e-4)


@pytest.mark.parametrize("discount", [0.0, 0.15, 1.0])
def test_scores_are_readouts_of_the_last_state_less_a_discount(discount):
    recipe = replace(RECIPE, popularity_discount=discount)
    block = random_block(users=30)
    states = states_of(recipe, block)
    for state, parts in ((states[2], (1,)), (states[3], (1, 2))):
        arrays = {name: array.astype(float) for name, array in state.arrays.items()}
        wanted = np.zeros((len(block), block.n_items))
        for user, history in enumerate(histories_of(block)):
            for part in parts if history else ():
                now = unit_states(arrays[f"vectors{part}"], history, recipe.decay)[-1]
                wanted[user] += arrays[f"weights{part}"] @ now
        wanted /= (arrays["popularity"] + 1) ** discount
        assert_allclose(recipe.scorer(state).scores(block), wanted, rtol=1e-3, atol=1e-4)


def test_before_there_is_a_readout_it_is_popularity():
    states = states_of(RECIPE, BLOCK)
    for state in states[:2]:
        scores = RECIPE.scorer(state).scores(BLOCK)
        assert_array_equal(scores, np.tile(state.arrays["popularity"], (len(BLOCK), 1)))


def test_what_is_broadcast_never_holds_how_alike_items_are():
    catalog = features_of(40)
    names = {"popularity", "seed", "vectors1", "weights1", "vectors2", "weights2"}
    for noise in (0.0, 2.0):
        states = noisy_states(RECIPE, BLOCK, catalog, noise)
        kept = [set(state.server) for state in states]
        own = {"alike", "second", "counts", "noise"}
        assert kept == [{"alike"}, own, own, set()]
        for state in states:
            assert set(state.arrays) <= names
            assert all(a.size <= 40 * RECIPE.dimension for a in state.arrays.values())
        assert set(states[-1].arrays) == names


def test_vectors_are_fixed_by_the_catalog_and_the_counts_alone():
    """A step's vectors do not depend on what is summed with them."""
    one, other = (noisy_states(RECIPE, b, features_of(40), 0.0)[0] for b in (BLOCK, BLOCK[:5]))
    assert_array_equal(one.server["alike"], other.server["alike"])
    total = Statistics({"counts": np.full(40, 3.0)})
    first, second = (RECIPE.step(s).update(total).arrays["vectors1"] for s in (one, other))
    assert_array_equal(first, second)


def test_the_catalog_changes_what_is_learned():
    plain = noisy_states(RECIPE, BLOCK, catalog_of(40), 0.3)[-1]
    known = noisy_states(RECIPE, BLOCK, features_of(40), 0.3)[-1]
    assert_array_equal(plain.arrays["popularity"], known.arrays["popularity"])
    for name in ("vectors1", "weights1", "vectors2", "weights2"):
        assert np.abs(plain.arrays[name] - known.arrays[name]).max() > 0.1
    fold = LastOut().test(BLOCK)
    scorers = (RECIPE.scorer(state) for state in (plain, known))
    without, with_features = (ndcg(scorer, fold) for scorer in scorers)
    assert with_features > without


@pytest.mark.parametrize("noise", [2.0, 8.0, 30.0])
def test_readouts_are_denoised(noise):
    """What is kept of a noisy sum comes nearer to the exact one than the sum itself."""
    state = noisy_states(RECIPE, BLOCK, features_of(40), 0.0)[1]
    step = RECIPE.step(state)
    exact = step.contributions(BLOCK).sum(np.ones(len(BLOCK)))["next"]
    noisy = exact + noise * np.random.default_rng(0).standard_normal(exact.shape)
    width = exact.shape[1] - 1
    found = step.update(Statistics({"next": noisy}, noise)).arrays["weights1"][:, :width]
    error = found / (FIRST_WEIGHT * np.sqrt(width)) - exact[:, :width]
    assert np.linalg.norm(error) < 0.9 * np.linalg.norm((noisy - exact)[:, :width])


def test_the_second_vectors_make_up_for_a_catalog_that_says_nothing():
    """Items of one group come near each other once the first readout has seen what follows them."""
    same = np.arange(40) % 4 == np.arange(40)[:, None] % 4

    def nearness(vectors):
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        cosines = unit @ unit.T
        return cosines[same & ~np.eye(40, dtype=bool)].mean() - cosines[~same].mean()

    taught, stubborn = (
        states_of(PrivateSequence(dimension=8, trust=trust), BLOCK)[-1].arrays
        for trust in (0.9, 0.0)
    )
    assert_array_equal(taught["vectors1"], stubborn["vectors1"])
    assert nearness(taught["vectors2"]) > nearness(stubborn["vectors2"]) + 0.2


counts = st.lists(st.floats(0.05, 1e4), min_size=1, max_size=80)


@given(counts, st.integers(2, 500), st.floats(-1e4, 1e5), st.floats(0, 1e4), st.floats(1, 100))
def test_the_more_noise_the_fewer_dimensions_and_never_too_many(
    popular, dimension, counted, noise, more
):
    recipe, popularity = PrivateSequence(dimension=dimension), np.array(popular)
    first, second = recipe.dimensions(popularity, counted, noise)
    assert 1 <= first <= second <= min(dimension, len(popular))
    assert second <= max(16, counted + 1)
    noisier = recipe.dimensions(popularity, counted, more * noise)
    assert noisier[0] <= first
    assert noisier[1] <= second


def test_dimensions_follow_the_noise_down_to_a_floor():
    recipe, popularity = PrivateSequence(), np.full(2000, 20.0)
    found = [recipe.dimensions(popularity, 4e4, noise)[1] for noise in (0, 1, 5, 20, 100, 1e5)]
    assert found[:2] == [384, 384]
    assert found[-1] == 16
    assert sorted(found, reverse=True) == found
    assert len(set(found)) >= 4


def test_a_client_alone_learns_few_dimensions():
    recipe, popularity = PrivateSequence(), np.full(2000, 0.05)
    assert [recipe.dimensions(popularity, n, 0)[1] for n in (0, 10, 40, 1e6)] == [16, 16, 40, 384]


@pytest.mark.parametrize("n_items", [1, 2, 3, 30])
@pytest.mark.parametrize("noise", [0.0, 1.0, 1e4])
def test_arrays_have_the_dimensions_that_were_chosen(n_items, noise):
    recipe = PrivateSequence(dimension=24)
    block = random_block(users=20, n_items=max(n_items, 6))
    block = Block.of([[i % n_items for i in h] for h in histories_of(block)], n_items)
    final = noisy_states(recipe, block, features_of(n_items), noise)[-1]
    widths = [final.arrays[f"vectors{number}"].shape[1] for number in (1, 2)]
    assert 1 <= widths[0] <= widths[1] <= min(24, n_items)
    for number, width in zip((1, 2), widths, strict=True):
        assert final.arrays[f"weights{number}"].shape == (n_items, width)


def test_without_noise_it_beats_popularity():
    fold = LastOut().test(BLOCK)
    known, plain, popular = (
        ndcg(recipe.scorer(noisy_states(recipe, fold.history, catalog, 0.0)[-1]), fold)
        for recipe, catalog in (
            (PrivateSequence(), features_of(40)),
            (PrivateSequence(), catalog_of(40)),
            (Popularity(), catalog_of(40)),
        )
    )
    assert min(known, plain) > 1.5 * popular


def test_quality_fades_with_noise_and_nothing_breaks():
    """Down to what the catalog alone says, which here is much."""
    fold, recipe = LastOut().test(BLOCK), PrivateSequence()
    found = []
    for noise in (0.0, 1.0, 4.0, 16.0, 1e3, 1e7):
        values = []
        for seed in range(3):
            states = noisy_states(recipe, fold.history, features_of(40), noise, seed)
            for state in states:
                assert all(np.isfinite(array).all() for array in state.arrays.values())
                assert np.isfinite(recipe.scorer(state).scores(fold.history)).all()
            values.append(ndcg(recipe.scorer(states[-1]), fold))
        found.append(np.mean(values))
    assert found[1] > 0.7 * found[0]
    assert max(found) < found[0] + 0.03
    assert min(found) > 1.2 * chance(fold, 10, repeats=False)


@pytest.mark.parametrize(
    "options",
    [
        {"dimension": 1},
        {"decay": 1.0},
        {"decay": -0.1},
        {"decay": float("nan")},
        {"trust": 1.1},
        {"trust": -0.1},
        {"popularity_discount": 1.5},
        {"popularity_discount": float("nan")},
    ],
    ids=str,
)
def test_hyper_parameters_out_of_range_are_refused(options):
    with pytest.raises(ConfigError, match=r"\.$"):
        PrivateSequence(**options)


def test_a_small_shop_learns_more_than_popularity_under_a_promise():
    log = Shop(customers=800, products=60, seed=1).interactions()
    fold = LastOut().test(log.block)
    popular = federated(Popularity(), log, fold, 8.0)
    private = federated(PrivateSequence(), log, fold, 8.0)
    assert private > 1.5 * popular
    assert private < 1.05 * federated(PrivateSequence(), log, fold, None)


@pytest.mark.data
def test_a_promise_on_movielens_leaves_more_than_popularity_has_without_one(ml100k):
    log = load("ml-100k", Path(os.environ["HEDGEROW_DATA"], "ml-100k"))
    assert len(log) == len(ml100k)
    fold = LastOut().test(log.block)
    assert federated(PrivateSequence(), log, fold, 8.0) > 1.25 * federated(
        Popularity(), log, fold, None
    )
