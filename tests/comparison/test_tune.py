"""Tuning: what it tries, what it may look at, and in which order it answers."""

from dataclasses import replace

import numpy as np
import pytest
from small_comparisons import small_log
from support import states_of

from hedgerow.comparison.tune import tune
from hedgerow.comparison.yardstick import make_yardstick
from hedgerow.data.split import LastOut, RandomPerUser
from hedgerow.errors import ConfigError
from hedgerow.evaluation.evaluate import Evaluate, EvaluationProtocol
from hedgerow.federation.contribute import contribute
from hedgerow.models.item_item import ItemItem
from hedgerow.models.popularity import Popularity
from hedgerow.models.sequence import Sequence
from hedgerow.models.transitions import Transitions

LOG = small_log()
PROTOCOL = EvaluationProtocol(k=5, sampled=0, replicates=0)
SMALL = Sequence(dimensions=(5, 3), decays=(0.8, 0.4), fourier=0, vector_rounds=2)
LINEAR = replace(SMALL, decays=(0.0, 0.9), regularization=5.0)


def value(trial):
    return trial.evaluation.values["full/ndcg@5"]


def tuned(starts, log=LOG, **how):
    return tune(log, starts, protocol=PROTOCOL, **how)


def test_the_best_comes_first():
    found = tuned({"item_item": ItemItem()})
    values = [value(t) for t in found]
    assert values == sorted(values, reverse=True)
    assert values[0] > values[-1]


def test_each_hyper_parameter_is_tried_beside_the_best_of_the_others():
    heard = []
    recipe = ItemItem(regularization=7.0, decay=0.6)
    found = tuned({"mine": recipe}, on_trial=heard.append)
    assert sorted(heard, key=value, reverse=True) == found
    assert heard[0].recipe == recipe
    penalties = ItemItem.grid["regularization"]
    assert [t.recipe.regularization for t in heard[1:5]] == list(penalties)
    assert {t.recipe.decay for t in heard[:5]} == {0.6}
    best = max(heard[:5], key=value)
    assert {t.recipe.regularization for t in heard[5:]} == {best.recipe.regularization}
    assert [t.recipe.decay for t in heard[5:]] == list(ItemItem.grid["decay"])
    for trial in heard:
        assert trial.start == "mine"
        assert replace(recipe, **trial.changed) == trial.recipe
        assert all(getattr(recipe, k) != v for k, v in trial.changed.items())


def test_the_best_start_is_gone_on_from():
    starts = {"small": SMALL, "linear": LINEAR}
    heard = []
    found = tuned(starts, on_trial=heard.append)
    assert [t.start for t in heard[:2]] == ["small", "linear"]
    best = max(heard[:2], key=value)
    assert {t.start for t in heard[2:]} == {best.start}
    assert value(found[0]) >= value(best)
    for trial in heard:
        assert replace(starts[trial.start], **trial.changed) == trial.recipe


def test_nothing_is_tried_twice():
    recipes = [t.recipe for t in tuned({"item_item": ItemItem()})]
    assert len(set(recipes)) == len(recipes) == 1 + 3 + 4


@pytest.mark.parametrize("trials", [1, 2, 6])
def test_there_are_at_most_so_many_trials(trials):
    heard = []
    starts = {"one": ItemItem(), "two": ItemItem(decay=0.55)}
    found = tuned(starts, trials=trials, on_trial=heard.append)
    assert len(found) == len(heard) == trials


@pytest.mark.parametrize("split", [LastOut(), RandomPerUser(share=0.3, seed=1)], ids=str)
def test_a_trial_trains_before_the_validation_and_is_judged_on_it(split):
    fold = split.validation(LOG.block)
    yardstick = make_yardstick(LOG.catalog, fold.history)
    for trial in tuned({"small": SMALL}, split=split, trials=3):
        state = states_of(trial.recipe, fold.history)[-1]
        step = Evaluate(trial.recipe.scorer(state), PROTOCOL, yardstick)
        wanted = step.update(contribute(step, fold, np.ones(len(fold))))
        assert dict(trial.evaluation.values) == pytest.approx(dict(wanted.values))
        assert trial.evaluation.users == wanted.users


@pytest.mark.parametrize("recipe", [SMALL, Transitions()], ids=lambda r: r.name)
def test_the_test_interactions_are_never_looked_at(recipe):
    block = LOG.block
    last = (block.ages == 0) & (block.lengths[block.rows] > 1)
    items = np.where(last, (block.items + 3) % block.n_items, block.items).astype(np.int32)
    assert (items != block.items).any()
    other = replace(LOG, block=replace(block, items=items))
    for one, two in zip(tuned({"a": recipe}), tuned({"a": recipe}, other), strict=True):
        assert one.recipe == two.recipe
        assert one.evaluation.values == two.evaluation.values


def test_the_validation_interactions_do_matter():
    block = LOG.block
    held = LastOut().test(block).history
    last = np.flatnonzero((block.ages == 1) & (block.lengths[block.rows] > 2))
    items = block.items.copy()
    items[last] = (items[last] + 3) % block.n_items
    other = replace(LOG, block=replace(block, items=items))
    assert len(held.items) < len(block.items)
    assert [value(t) for t in tuned({"a": SMALL})] != [value(t) for t in tuned({"a": SMALL}, other)]


def test_without_anything_to_try_there_is_nothing_to_tune():
    with pytest.raises(ConfigError, match="no hyper-parameter"):
        tune(LOG, {"popularity": Popularity()})


def test_the_same_seed_finds_the_same():
    one, two = (tuned({"a": SMALL}, seed=3, trials=4) for _ in range(2))
    assert [(t.recipe, value(t)) for t in one] == [(t.recipe, value(t)) for t in two]


def test_a_start_of_four_memories_can_be_tuned():
    """As the shop preset is; its decays must not be replaced by two."""
    recipe = Sequence(
        dimensions=(6, 5, 4, 3), decays=(0.0, 0.4, 0.8, 0.9), fourier=0, vector_rounds=2
    )
    assert tuned({"shop": recipe})
