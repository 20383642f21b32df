"""What every model keeps to, whatever it is: new models are covered when they register."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from recipes import RECIPES
from support import (
    assert_same_arrays,
    catalog_of,
    histories_of,
    random_block,
    states_of,
    structured_block,
    with_weights,
)

from hedgerow.data.block import Block
from hedgerow.data.catalog import Catalog
from hedgerow.data.split import LastOut
from hedgerow.errors import ConfigError
from hedgerow.models.expected import check_state, settled
from hedgerow.models.registry import PRESETS, make, options_of
from hedgerow.recommender import Recommender

pytestmark = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)

BLOCK = random_block(users=30)
BLOCKS = {
    "plain": BLOCK,
    "weighted": with_weights(BLOCK),
    "distinct": structured_block(users=30),
    "one user of one": Block.of([[2]], 5),
    "nobody met anything": Block.of([[], []], 5),
    "nobody": Block.of([], 5),
    "one item": Block.of([[0, 0], [0], []], 1),
    "long": Block.of([np.arange(400) % 7, [1]], 7),
}
every_block = pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)


def contributions_of(recipe, block):
    """Yield each step of training on the block with the block's contributions to it."""
    for state in states_of(recipe, block)[:-1]:
        step = recipe.step(state)
        yield step, step.contributions(block)


def alone(step, block):
    """Return each single user's flat vector, computed on the user's own device."""
    vectors = [
        step.schema.flatten(step.contributions(block[i : i + 1]).sum(np.ones(1)))
        for i in range(len(block))
    ]
    return np.array(vectors, np.float64).reshape(len(block), step.schema.size)


def close(actual, wanted, rtol=1e-4):
    assert_allclose(actual, wanted, rtol=rtol, atol=rtol * max(1, np.abs(wanted).max(initial=0)))


@every_block
def test_norms_are_those_of_single_users(recipe, block):
    for step, contributions in contributions_of(recipe, block):
        vectors = alone(step, block)
        assert len(contributions) == len(block)
        assert contributions.norms().shape == (len(block),)
        close(contributions.norms(), np.linalg.norm(vectors, axis=1))


@every_block
def test_a_weighted_sum_is_that_of_single_users(recipe, block):
    weights = np.random.default_rng(5).uniform(0, 1, len(block))
    weights[::4] = 0
    for step, contributions in contributions_of(recipe, block):
        close(step.schema.flatten(contributions.sum(weights)), weights @ alone(step, block))


@every_block
def test_statistics_have_the_public_shape(recipe, block):
    for step, contributions in contributions_of(recipe, block):
        schema = step.schema
        assert contributions.schema == schema
        total = contributions.sum(np.ones(len(block)))
        assert set(total) == set(schema.fields)
        for name, field in schema.fields.items():
            assert total[name].shape == field.shape
            assert np.isfinite(total[name]).all()
            if field.symmetric:
                assert_array_equal(total[name], total[name].T)
        flat = schema.flatten(total)
        assert flat.shape == (schema.size,)
        assert_array_equal(schema.flatten(schema.unflatten(flat)), flat)


def test_the_shape_does_not_depend_on_the_data(recipe):
    state = recipe.start(catalog_of(BLOCK.n_items), 0)
    for other in states_of(recipe, BLOCK):
        step, other_step = recipe.step(state), recipe.step(other)
        if step is None:
            assert other_step is None
            break
        assert step.schema == other_step.schema
        state = step.update(step.schema.zeros())


def test_silos_of_any_grouping_sum_to_the_same(recipe):
    order = np.random.default_rng(1).permutation(len(BLOCK))
    groups = np.split(order, [3, 4, 20])
    for step, contributions in contributions_of(recipe, BLOCK):
        whole = step.schema.flatten(contributions.sum(np.ones(len(BLOCK))))
        parts = [
            step.schema.flatten(step.contributions(BLOCK.take(g)).sum(np.ones(len(g))))
            for g in groups
        ]
        close(sum(part.astype(np.float64) for part in parts), whole)


def test_a_user_of_weight_zero_leaves_no_trace(recipe):
    for step, contributions in contributions_of(recipe, BLOCK):
        weights = np.ones(len(BLOCK))
        weights[5:] = 0
        without = step.contributions(BLOCK[:5]).sum(np.ones(5))
        close(step.schema.flatten(contributions.sum(weights)), step.schema.flatten(without))


def test_contributing_changes_neither_data_nor_state(recipe):
    before = [np.copy(a) for a in (BLOCK.items, BLOCK.indptr, BLOCK.timestamps, BLOCK.keys)]
    for state in states_of(recipe, BLOCK):
        kept = {k: np.copy(v) for k, v in state.arrays.items()}
        if (step := recipe.step(state)) is not None:
            contributions = step.contributions(BLOCK)
            contributions.norms()
            first = contributions.sum(np.ones(len(BLOCK)))
            second = contributions.sum(np.ones(len(BLOCK)))
            assert_same_arrays(first, second)
            step.update(first)
        recipe.scorer(state).scores(BLOCK)
        assert_same_arrays(state.arrays, kept)
    after = (BLOCK.items, BLOCK.indptr, BLOCK.timestamps, BLOCK.keys)
    for one, other in zip(before, after, strict=True):
        assert_array_equal(one, other)


def test_training_takes_as_many_rounds_as_planned(recipe):
    states = states_of(recipe, BLOCK)
    assert [s.round for s in states] == list(range(len(recipe.charges) + 1))
    pooled = recipe.pooled(BLOCK, catalog_of(BLOCK.n_items), 0)
    assert recipe.step(pooled) is None


@every_block
def test_each_state_on_the_way_is_as_declared(recipe, block):
    for state in states_of(recipe, block):
        check_state(recipe, settled(recipe, state, block.n_items), block.n_items)
    pooled = recipe.pooled(BLOCK, catalog_of(BLOCK.n_items), 0)
    check_state(recipe, settled(recipe, pooled, BLOCK.n_items), BLOCK.n_items)


def test_every_step_has_a_name_and_says_whether_it_adds_up(recipe):
    for step, _ in contributions_of(recipe, BLOCK):
        assert isinstance(step.name, str)
        assert step.name
        assert isinstance(step.additive, bool)


def test_two_halves_train_what_the_whole_trains(recipe):
    block = structured_block(users=60)
    middle = len(block) // 2
    state = recipe.start(catalog_of(block.n_items), 3)
    while (step := recipe.step(state)) is not None:
        halves = [
            step.contributions(half).sum(np.ones(len(half)))
            for half in (block[:middle], block[middle:])
        ]
        state = step.update(halves[0] + halves[1])
    whole = states_of(recipe, block, seed=3)[-1]
    fold = LastOut().test(block)
    scores = [recipe.scorer(s).scores(fold.history) for s in (state, whole)]
    close(scores[0], scores[1], rtol=2e-3)
    assert set(state.arrays) == set(whole.arrays)


def test_training_is_repeatable_and_the_seed_matters_where_it_is_used(recipe):
    one, again = states_of(recipe, BLOCK, seed=1)[-1], states_of(recipe, BLOCK, seed=1)[-1]
    assert_same_arrays(one.arrays, again.arrays)


@every_block
def test_scores_are_finite_for_any_history(recipe, block):
    histories = Block.of(
        [
            [],
            [0],
            [0] * 30,
            list(range(block.n_items)),
            np.random.default_rng(0).integers(0, block.n_items, 600),
        ],
        block.n_items,
    )
    states = states_of(recipe, block)
    for state in (states[0], states[len(states) // 2], states[-1]):
        scores = recipe.scorer(state).scores(histories)
        assert scores.shape == (len(histories), block.n_items)
        assert np.issubdtype(scores.dtype, np.floating)
        assert np.isfinite(scores).all()
        assert recipe.scorer(state).scores(Block.of([], block.n_items)).shape == (0, block.n_items)


def test_scores_of_a_user_do_not_depend_on_the_others(recipe):
    scorer = recipe.scorer(states_of(recipe, BLOCK)[-1])
    together = scorer.scores(BLOCK)
    apart = np.concatenate([scorer.scores(BLOCK[i : i + 1]) for i in range(len(BLOCK))])
    close(apart, together, rtol=1e-3)


def test_weights_of_interactions_are_accepted_and_ones_change_nothing(recipe):
    ones = replace(BLOCK, weights=np.ones(len(BLOCK.items), np.float32))
    scores = [recipe.scorer(states_of(recipe, b)[-1]).scores(b) for b in (BLOCK, ones)]
    close(scores[0], scores[1], rtol=1e-3)


def test_it_learns_who_likes_what(recipe):
    """Items of the user's own group, a quarter of all, are preferred to the others."""
    fold = LastOut().test(structured_block(users=300, n_items=40)).judged()
    fold = fold.take(np.flatnonzero(fold.history.lengths >= 3))
    enough = {k: v for k, v in {"rounds": 60, "local_epochs": 5}.items() if hasattr(recipe, k)}
    recipe = replace(recipe, **enough)
    scores = recipe.scorer(states_of(recipe, fold.history)[-1]).scores(fold.history)
    taste = [np.bincount(np.array(h) % 4).argmax() for h in histories_of(fold.history)]
    unseen = np.where(fold.history.incidence().toarray() > 0, -np.inf, scores)
    own = (unseen.argmax(1) % 4 == taste).mean()
    assert own > (0.1 if recipe.name == "popularity" else 0.4)


def test_a_saved_model_recommends_the_same(recipe, tmp_path):
    block = structured_block(users=40, n_items=12)
    catalog = Catalog(
        pl.Series("item_id", [f"é{i}" for i in range(12)]),
        pl.DataFrame({"title": [f"Title {i}" for i in range(12)]}),
    )
    state = states_of(recipe, block)[-1]
    recommender = Recommender(recipe, state, catalog)
    recommender.save(tmp_path / "model.safetensors")
    loaded = Recommender.load(tmp_path / "model.safetensors")
    assert loaded.recipe == recipe
    assert loaded.state.round == state.round
    assert_same_arrays(loaded.state.arrays, state.arrays)
    assert loaded.catalog.ids.to_list() == catalog.ids.to_list()
    histories = [*histories_of(block)[:10], []]
    ids = [[f"é{i}" for i in history] for history in histories]
    for repeats in (False, True):
        ours = recommender.recommend_many(ids, k=5, repeats=repeats)
        assert ours == loaded.recommend_many(ids, k=5, repeats=repeats)
        for history, recommendations in zip(histories, ours, strict=True):
            numbers = [int(r.item_id[1:]) for r in recommendations]
            assert len(set(numbers)) == len(numbers) > 0
            assert repeats or not set(numbers) & set(history)


def test_options_give_the_model_again(recipe):
    assert make(recipe.name, options_of(recipe)) == recipe


def test_every_value_of_the_grid_is_a_good_one(recipe):
    recipe = make(recipe.name)
    for name, values in recipe.grid.items():
        for value in values:
            assert getattr(replace(recipe, **{name: value}), name) == value


def test_an_unknown_option_is_refused(recipe):
    with pytest.raises(ConfigError, match="no option 'colour'"):
        make(recipe.name, {"colour": 3})


def test_presets_are_of_their_model(recipe):
    for model, preset in PRESETS:
        if model == recipe.name:
            assert make(model, preset=preset).name == model
    with pytest.raises(ConfigError, match="no preset 'nope'"):
        make(recipe.name, preset="nope")
