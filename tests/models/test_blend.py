"""The blend against a naive search over the weights, and its components on their own."""

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from support import (
    assert_same_arrays,
    catalog_of,
    histories_of,
    random_block,
    states_of,
    structured_block,
)

from hedgerow.data.block import Block
from hedgerow.data.split import LastOut
from hedgerow.errors import ConfigError
from hedgerow.models import blend as blend_module
from hedgerow.models.als import ALS
from hedgerow.models.blend import Blend
from hedgerow.models.factorization import Factorization
from hedgerow.models.item_item import ItemItem
from hedgerow.models.popularity import Popularity
from hedgerow.models.sequence import Sequence
from hedgerow.models.transitions import Transitions

PARTS = (
    Sequence(dimensions=(6, 4), decays=(0.7, 0.3), fourier=5, regularization=5.0, vector_rounds=2),
    Transitions(),
    ItemItem(regularization=5.0),
)
OTHERS = (ALS(dimension=4, rounds=3), Factorization(dimension=3, rounds=2), Popularity())
BLOCKS = {
    "structured": structured_block(users=50),
    "repeats and empty histories": random_block(users=40),
}
every_block = pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
whether_repeats = pytest.mark.parametrize("repeats", [False, True], ids=["new", "repeats"])


@pytest.mark.parametrize(
    ("components", "resolution"), [(2, 1), (2, 10), (3, 4), (3, 10), (4, 3), (3, 20)]
)
def test_the_grid_is_all_of_the_simplex(components, resolution):
    found = Blend((Popularity(),) * components, resolution).candidates
    parts = product(range(resolution + 1), repeat=components)
    wanted = {p for p in parts if sum(p) == resolution}
    assert {tuple(np.rint(row * resolution).astype(int).tolist()) for row in found} == wanted
    assert len(found) == len(wanted)
    assert_allclose(found.sum(1), 1, rtol=1e-6)
    assert_allclose(found, np.rint(found * resolution) / resolution, atol=1e-7)


def standardised(scores, fresh):
    """Shift and scale one user's scores by the mean and deviation of the items in question."""
    chosen = scores[fresh] if fresh.any() else np.zeros(1)
    return (scores - chosen.mean()) / (chosen.std() + 1e-9)


def naive_ndcg(recipe, parts, fold):
    """Return the summed NDCG@10 of each candidate of the grid, user by user, in float64."""
    scores = [
        component.scorer(state).scores(fold.history)
        for component, state in zip(recipe.components, parts, strict=True)
    ]
    sums = np.zeros(len(recipe.candidates))
    for user, (history, target) in enumerate(
        zip(histories_of(fold.history), histories_of(fold.targets), strict=True)
    ):
        if not target:
            continue
        fresh = np.ones(fold.history.n_items, bool)
        if not recipe.repeats:
            fresh[history] = False
        standard = [standardised(s[user].astype(float), fresh) for s in scores]
        for number, weights in enumerate(recipe.candidates):
            mixed = sum(w * s for w, s in zip(weights, standard, strict=True))
            if not fresh[target[0]]:
                continue
            rank = (mixed[fresh] > mixed[target[0]] - 1e-5).sum()
            sums[number] += 1 / np.log2(rank + 1) if rank <= 10 else 0
    return sums


@every_block
@whether_repeats
def test_the_weights_maximise_the_ndcg_on_what_was_held_out(block, repeats):
    recipe = Blend(PARTS, resolution=5, repeats=repeats)
    fold = LastOut().test(block)
    parts = [states_of(c, fold.history)[-1] for c in PARTS]
    sums = naive_ndcg(recipe, parts, fold)
    states = states_of(recipe, block)
    middle = sum(len(c.charges) for c in PARTS)
    step = recipe.step(states[middle])
    assert step.name == "weigh the components"
    contributions = step.contributions(block)
    found = contributions.sum(np.ones(len(block)))["ndcg"]
    # Scores that all but tie may fall on either side in 32 bits.
    assert_allclose(found, sums, atol=0.02 * len(block))
    assert np.median(np.abs(found - sums)) < 1e-3 * len(block)
    chosen = states[-1].arrays["weights"]
    assert_array_equal(chosen, recipe.candidates[found.argmax()])
    number = int(np.flatnonzero((recipe.candidates == chosen).all(1))[0])
    assert sums[number] >= sums.max() - 0.01 * len(block)


@every_block
def test_weighing_in_chunks_changes_nothing(block, monkeypatch):
    recipe = Blend(PARTS, resolution=5)
    state = states_of(recipe, block)[sum(len(c.charges) for c in PARTS)]
    whole = recipe.step(state).contributions(block)
    monkeypatch.setattr(blend_module, "CHUNK", 21 * 20 * 3)
    pieces = recipe.step(state).contributions(block)
    assert_allclose(pieces.matrix, whole.matrix, atol=1e-6)


@every_block
@pytest.mark.parametrize("components", [PARTS, OTHERS], ids=["default kinds", "other kinds"])
def test_components_end_as_if_trained_alone_on_everything(block, components):
    recipe = Blend(components, resolution=3)
    state = states_of(recipe, block, seed=4)[-1]
    for number, component in enumerate(components):
        alone = states_of(component, block, seed=4)[-1]
        prefix = f"{number}/"
        ours = {k.removeprefix(prefix): v for k, v in state.arrays.items() if k.startswith(prefix)}
        assert_same_arrays(ours, alone.arrays)


def test_components_are_weighed_without_the_last_interactions():
    block = BLOCKS["structured"]
    recipe = Blend(PARTS, resolution=3)
    state = states_of(recipe, block)[sum(len(c.charges) for c in PARTS)]
    for number, component in enumerate(PARTS):
        alone = states_of(component, LastOut().test(block).history)[-1]
        for name, array in alone.arrays.items():
            assert_array_equal(state.arrays[f"{number}/{name}"], array)


@every_block
@whether_repeats
def test_standardised_scores_have_mean_0_and_variance_1(block, repeats):
    recipe = Blend(PARTS, repeats=repeats)
    blended = recipe.scorer(states_of(recipe, block)[-1])
    for standard, raw in zip(
        blended.standardised(block), (s.scores(block) for s in blended.scorers), strict=True
    ):
        for user, history in enumerate(histories_of(block)):
            fresh = np.ones(block.n_items, bool)
            if not repeats:
                fresh[history] = False
            if raw[user][fresh].std() < 1e-4:
                continue
            assert abs(standard[user][fresh].mean()) < 1e-3
            assert abs(standard[user][fresh].std() - 1) < 1e-3
            assert_allclose(standard[user], standardised(raw[user], fresh), rtol=1e-2, atol=1e-3)


def test_scores_are_the_weighted_sum():
    block = BLOCKS["structured"]
    recipe = Blend(PARTS, resolution=4)
    state = states_of(recipe, block)[-1]
    blended = recipe.scorer(state)
    parts = blended.standardised(block)
    wanted = sum(w * p for w, p in zip(state.arrays["weights"], parts, strict=True))
    assert_allclose(blended.scores(block), wanted, rtol=1e-5, atol=1e-5)


def test_before_the_weights_are_fitted_all_components_weigh_the_same():
    recipe = Blend(PARTS)
    for state in states_of(recipe, BLOCKS["structured"])[: sum(len(c.charges) for c in PARTS)]:
        assert_allclose(recipe.scorer(state).weights, 1 / 3)


def test_a_user_who_has_met_everything_gets_finite_scores():
    recipe = Blend(PARTS)
    scorer = recipe.scorer(states_of(recipe, BLOCKS["structured"])[-1])
    assert np.isfinite(scorer.scores(Block.of([range(20), []], 20))).all()


@pytest.mark.parametrize("components", [PARTS, OTHERS], ids=["default kinds", "other kinds"])
def test_rounds_are_as_many_as_planned(components):
    recipe = Blend(components, resolution=2)
    block = BLOCKS["structured"]
    states = states_of(recipe, block)
    assert len(recipe.charges) == 2 * sum(len(c.charges) for c in components) + 1
    assert len(states) == len(recipe.charges) + 1
    names = [recipe.step(state).name for state in states[:-1]]
    half = sum(len(c.charges) for c in components)
    assert names[half] == "weigh the components"
    assert names[:half] == names[half + 1 :]
    assert [n.split(":")[0] for n in names[:half]] == [
        f"component {number}"
        for number, component in enumerate(components, 1)
        for _ in range(len(component.charges))
    ]


def test_it_leans_on_the_better_component():
    """Everyone goes round the same circle, which popularity cannot foretell."""
    rng = np.random.default_rng(0)
    block = Block.of([(rng.integers(40) + np.arange(7)) % 40 for _ in range(200)], 40)
    state = states_of(Blend((Popularity(), Transitions()), repeats=True), block)[-1]
    assert state.arrays["weights"][1] > 0.5


def test_a_single_component_or_a_wild_resolution_is_refused():
    with pytest.raises(ConfigError, match="at least two components"):
        Blend((Popularity(),))
    for resolution in (0, 21):
        with pytest.raises(ConfigError, match="resolution"):
            Blend(resolution=resolution)


def test_a_blend_within_a_blend_is_refused():
    inner = Blend((Popularity(), Transitions()), resolution=2)
    with pytest.raises(ConfigError, match="blend among its components"):
        Blend((inner, Popularity()))


def test_the_same_catalog_serves_all_components():
    arrays = Blend(PARTS).start(catalog_of(9), 0).arrays
    assert {name.split("/")[0] for name in arrays} == {"0", "1", "2"}
