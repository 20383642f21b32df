"""Recommending from a public model and one history."""

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose
from safetensors.numpy import save_file
from support import assert_same_arrays, states_of, structured_block

from hedgerow.data.catalog import Catalog
from hedgerow.errors import CheckpointError, ConfigError, DataError, HedgerowError
from hedgerow.models.base import State
from hedgerow.models.file import KIND
from hedgerow.models.registry import make
from hedgerow.recommender import Recommender

N_ITEMS = 12
BLOCK = structured_block(users=60, n_items=N_ITEMS)


@pytest.fixture
def recommender():
    ids = pl.Series("item_id", [f"i{i}" for i in range(N_ITEMS)])
    titles = pl.DataFrame({"title": [f"Title {i}" if i else None for i in range(N_ITEMS)]})
    recipe = make("item_item", {"regularization": 5.0})
    return Recommender(recipe, states_of(recipe, BLOCK)[-1], Catalog(ids, titles))


def naive(recommender, history, k, *, repeats=False, among=None):
    """Sort all items by the sum over the history of decayed item weights."""
    B = recommender.state.arrays["weights"].astype(float)
    numbers = [int(i[1:]) for i in history]
    ages = range(len(numbers) - 1, -1, -1)
    scores = sum(
        (recommender.recipe.decay**age * B[i] for i, age in zip(numbers, ages, strict=True)),
        np.zeros(N_ITEMS),
    )
    allowed = [
        i
        for i in range(N_ITEMS)
        if (repeats or i not in numbers) and (among is None or f"i{i}" in among)
    ]
    return sorted(((scores[i], f"i{i}") for i in allowed), reverse=True)[:k]


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("among", [None, ["i1", "i5", "i9", "i10"]])
@pytest.mark.parametrize("k", [1, 3, 100])
def test_the_best_allowed_items_come_in_order(recommender, repeats, among, k):
    history = ["i1", "i4", "i1", "i8"]
    result = recommender.recommend(history, k, repeats=repeats, among=among)
    wanted = naive(recommender, history, k, repeats=repeats, among=among)
    assert [r.item_id for r in result] == [item for _, item in wanted]
    assert_allclose([r.score for r in result], [score for score, _ in wanted], atol=1e-5)
    assert [r.rank for r in result] == list(range(1, len(wanted) + 1))


def test_titles_come_along(recommender):
    titles = {r.item_id: r.title for r in recommender.recommend(["i3"], k=N_ITEMS)}
    assert titles["i5"] == "Title 5"
    assert titles["i0"] == "i0"


def test_unknown_items_of_the_history_are_left_out(recommender):
    with_unknown = recommender.recommend(["x", "i1", None, "i4", 17], k=5)
    assert with_unknown == recommender.recommend(["i1", "i4"], k=5)
    assert len(recommender.recommend(["x", "y"], k=5)) == 5


def test_an_empty_history_gets_something(recommender):
    assert len(recommender.recommend([], k=4)) == 4


def test_whoever_has_seen_everything_gets_nothing(recommender):
    everything = recommender.catalog.ids.to_list()
    assert recommender.recommend(everything, k=5) == []
    assert len(recommender.recommend(everything, k=5, repeats=True)) == 5
    assert recommender.recommend(["i1"], k=5, among=["i1"]) == []
    assert recommender.recommend(["i1"], k=5, among=[]) == []


def test_many_are_served_like_one(recommender):
    histories = [[1, 4], [], [2, 2, 2], list(range(N_ITEMS))]
    ids = [[f"i{i}" for i in history] for history in histories]
    many = recommender.recommend_many(ids, k=4)
    assert len(many) == 4
    for history, result in zip(ids, many, strict=True):
        alone = recommender.recommend(history, k=4)
        assert [r.item_id for r in result] == [r.item_id for r in alone]
    assert recommender.recommend_many([], k=4) == []


def test_ids_are_not_taken_for_numbers_of_rows():
    """Ids that are numbers, none of them its own row's."""
    catalog = Catalog(pl.Series("item_id", [str(10 + i) for i in range(N_ITEMS)]))
    recipe = make("transitions")
    model = Recommender(recipe, states_of(recipe, BLOCK)[-1], catalog)
    many = model.recommend_many([[11, 14], [1, 4, 5000]], k=4)
    assert many[0] == model.recommend(["11", "14"], k=4)
    assert many[1] == model.recommend([], k=4)
    with pytest.raises(ConfigError, match="not one text"):
        model.recommend_many(["11,14"])


def test_a_short_list_is_the_beginning_of_a_long_one():
    """Also where most scores are equal, as of a newcomer."""
    catalog = Catalog(pl.Series("item_id", [f"i{i}" for i in range(N_ITEMS)]))
    recipe = make("popularity")
    for counts in (np.zeros(N_ITEMS), np.arange(N_ITEMS) // 4, np.arange(N_ITEMS)[::-1] // 3):
        model = Recommender(recipe, State({"counts": counts}, 1), catalog)
        order = sorted(range(N_ITEMS), key=lambda i: (-counts[i], i))
        for k in range(1, N_ITEMS + 3):
            found = [r.item_id for r in model.recommend([], k)]
            assert found == [f"i{i}" for i in order[:k]]


@pytest.mark.parametrize("k", [0, -3])
def test_fewer_than_one_is_refused(recommender, k):
    with pytest.raises(ConfigError, match="at least one"):
        recommender.recommend([], k)


def test_unknown_items_to_choose_from_are_refused(recommender):
    with pytest.raises(DataError, match="'nope'"):
        recommender.recommend([], among=["i1", "nope"])


@pytest.mark.parametrize("name", ["popularity", "als"])
def test_the_model_is_not_changed_by_recommending(recommender, name):
    recipe = make(name)
    state = states_of(recipe, BLOCK)[-1]
    kept = {k: v.copy() for k, v in state.arrays.items()}
    other = Recommender(recipe, state, recommender.catalog)
    first = other.recommend(["i1"], k=5)
    assert other.recommend(["i1"], k=5) == first
    assert_same_arrays(state.arrays, kept)


def test_saving_makes_folders_and_loading_gives_the_same(recommender, tmp_path):
    path = tmp_path / "a" / "b" / "model.safetensors"
    recommender.save(str(path))
    loaded = Recommender.load(str(path))
    assert loaded.recommend(["i1", "i4"]) == recommender.recommend(["i1", "i4"])
    assert loaded.recipe == recommender.recipe


def test_a_saved_model_holds_only_public_arrays(tmp_path, recommender):
    recipe = make("factorization", {"dimension": 3, "rounds": 2})
    state = states_of(recipe, BLOCK)[-1]
    assert state.server
    Recommender(recipe, state, recommender.catalog).save(tmp_path / "m")
    loaded = Recommender.load(tmp_path / "m")
    assert not loaded.state.server
    assert_same_arrays(loaded.state.arrays, state.arrays)


@pytest.fixture
def saved(recommender, tmp_path):
    recommender.save(tmp_path / "model")
    return tmp_path / "model"


def test_a_missing_model(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(CheckpointError, match="no file"):
            Recommender.load(path)


@pytest.mark.parametrize("keep", [0, 5, 8, 60, -1])
def test_a_truncated_model(saved, keep):
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match="damaged"):
        Recommender.load(saved)


def test_a_model_of_random_bytes(saved):
    saved.write_bytes(np.random.default_rng(0).integers(0, 256, 500, np.uint8).tobytes())
    with pytest.raises(CheckpointError, match="damaged"):
        Recommender.load(saved)


def test_a_foreign_file(saved):
    save_file({"weights": np.zeros(3)}, saved)
    with pytest.raises(CheckpointError, match="is no hedgerow model"):
        Recommender.load(saved)
    save_file({"weights": np.zeros(3)}, saved, metadata={"kind": "other"})
    with pytest.raises(CheckpointError, match="is no hedgerow model"):
        Recommender.load(saved)


def test_a_file_that_says_no_more_than_its_format(saved):
    save_file({"weights": np.zeros(3)}, saved, metadata={"kind": KIND})
    with pytest.raises(HedgerowError):
        Recommender.load(saved)


def test_a_catalog_of_one_item():
    recipe = make("popularity")
    single = Recommender(recipe, State({"counts": np.ones(1)}, 1), Catalog(pl.Series(["a"])))
    assert [r.item_id for r in single.recommend([], k=3)] == ["a"]
    assert single.recommend(["a"], k=3) == []
