"""A client's blocks are, to the bit, what a simulator of all clients holds for its users."""

import dataclasses
import sqlite3

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from hedgerow.client.sources import Device, Table, fold_of
from hedgerow.client.store import Store
from hedgerow.data.block import Block
from hedgerow.data.catalog import Catalog
from hedgerow.data.columns import Columns
from hedgerow.data.hashing import keys_of
from hedgerow.data.interactions import Interactions
from hedgerow.data.split import LastOut, RandomPerUser, Temporal
from hedgerow.errors import DataError, ProtocolError
from hedgerow.models.registry import make

ITEMS = [f"item-{n}" for n in range(7)]
SPLITS = [None, LastOut(), Temporal(4, 7), RandomPerUser(0.4, seed=3)]


def assert_same_block(one: Block, other: Block):
    for f in dataclasses.fields(Block):
        ours, theirs = getattr(one, f.name), getattr(other, f.name)
        if isinstance(theirs, np.ndarray):
            assert ours.dtype == theirs.dtype, f.name
            assert_array_equal(ours, theirs, err_msg=f.name)
        else:
            assert ours == theirs, f.name


def pooled_fold(log, split):
    """Return what the simulator trains on and is judged by."""
    if split is None:
        return log.block, log.block.where(np.zeros(len(log), np.bool_))
    fold = split.test(log.block)
    return fold.history, fold.targets


def part_of(log, fold, users):
    rows = np.array([log.users.to_list().index(user) for user in users], np.int64)
    history, targets = fold
    return history.take(rows), targets.take(rows)


def table_of(rows, weighted):
    table = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    if weighted:
        table = table.with_columns(weight=pl.int_range(pl.len()) / 8)
    return table


rows = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from(ITEMS), st.integers(0, 9)),
    min_size=1,
    max_size=40,
)


@given(
    rows,
    st.permutations(ITEMS),
    st.sampled_from(SPLITS),
    st.sampled_from(["csv", "parquet", "frame", "sql"]),
    st.booleans(),
)
@settings(max_examples=60)
def test_silos_hold_what_the_simulator_would(
    tmp_path_factory, given_rows, order, split, how, weigh
):
    folder = tmp_path_factory.mktemp("silos")
    catalog = Catalog(pl.Series("item_id", order))
    table = table_of(given_rows, weigh)
    log = Interactions.read(table).with_catalog(pl.DataFrame({"item_id": order}))
    assert log.catalog.ids.to_list() == order
    fold = pooled_fold(log, split)
    for silo in ("abc", "d", "ef"):
        own = table.filter(pl.col("user_id").is_in(list(silo)))
        if not own.height:
            continue
        held = fold_of(written(own, folder / silo, how), catalog, split, most=3)
        wanted = part_of(log, fold, held.users)
        assert_same_block(held.fold.history, wanted[0])
        assert_same_block(held.fold.targets, wanted[1])
        assert sorted(held.users) == sorted(own["user_id"].unique())


def written(table, path, how):
    if how == "frame":
        return Table(table)
    if how == "sql":
        return in_sqlite(table, path.with_suffix(".db"))
    path = path.with_suffix(f".{how}")
    table.write_csv(path) if how == "csv" else table.write_parquet(path)
    return Table(path)


def in_sqlite(table, path):
    with sqlite3.connect(path) as database:
        names = ", ".join(table.columns)
        marks = ", ".join("?" * table.width)
        database.execute(f"CREATE TABLE orders ({names})")
        database.executemany(f"INSERT INTO orders VALUES ({marks})", table.rows())
    database.close()
    return Table(f"sqlite:///{path}", f"SELECT {names} FROM orders ORDER BY rowid")


@given(rows, st.permutations(ITEMS), st.sampled_from(SPLITS), st.booleans())
@settings(max_examples=40)
def test_a_device_holds_what_the_simulator_would(tmp_path_factory, given_rows, order, split, weigh):
    store = Store(tmp_path_factory.mktemp("device"))
    catalog = Catalog(pl.Series("item_id", order))
    table = table_of(given_rows, weigh)
    log = Interactions.read(table).with_catalog(pl.DataFrame({"item_id": order}))
    user = given_rows[0][0]
    for row in table.filter(user_id=user).iter_rows(named=True):
        store.history.append(row["item_id"], row["timestamp"], weight=row.get("weight"))
    held = fold_of(Device(store.history, user), catalog, split, most=1)
    wanted = part_of(log, pooled_fold(log, split), [user])
    assert_same_block(held.fold.history, wanted[0])
    assert_same_block(held.fold.targets, wanted[1])
    store.close()


@pytest.mark.parametrize("name", ["popularity", "als", "factorization", "sequence"])
def test_silos_terms_add_up_to_the_simulators_sum(name):
    rng = np.random.default_rng(3)
    given_rows = [
        (f"u{rng.integers(30)}", ITEMS[rng.integers(7)], int(t)) for t in rng.integers(0, 500, 400)
    ]
    order = [ITEMS[n] for n in rng.permutation(7)]
    catalog = Catalog(pl.Series("item_id", order))
    table = table_of(given_rows, weighted=False)
    log = Interactions.read(table).with_catalog(pl.DataFrame({"item_id": order}))
    recipe = make(name)
    step = recipe.step(recipe.start(catalog, 0))

    def vector(fold):
        total = step.contributions(fold.history).sum(np.ones(len(fold)))
        return step.schema.flatten(total).astype(np.float64)

    everyone = fold_of(Table(log.frame()), catalog, LastOut())
    parts = [
        vector(fold_of(Table(part), catalog, LastOut()).fold)
        for _, part in table.group_by(pl.col("user_id").str.slice(-1), maintain_order=True)
    ]
    np.testing.assert_allclose(sum(parts), vector(everyone.fold), rtol=1e-4, atol=1e-5)


def test_unknown_items_are_left_out_and_counted():
    table = pl.DataFrame(
        {
            "user_id": ["a", "a", "a", "b", "b"],
            "item_id": ["x", "new", "y", "other", "new"],
            "timestamp": [1, 2, 3, 4, 5],
        }
    )
    held = fold_of(Table(table), Catalog(pl.Series(["y", "x"])), LastOut())
    assert held.users.to_list() == ["a", "b"]
    assert held.fold.history.items.tolist() == [1]
    assert held.fold.targets.items.tolist() == [0]
    assert held.fold.history.lengths.tolist() == [1, 0]
    assert held.notes == ("3 interactions with 2 items that the catalog lacks left out",)


def test_columns_are_mapped_and_what_was_mended_is_told():
    table = pl.DataFrame({"who": [7, 7, 7], "what": [1, 2, 2], "day": ["2024-01-02"] * 2 + ["x"]})
    source = Table(table, columns=Columns("who", "what", "day"), drop_invalid=True)
    held = fold_of(source, Catalog(pl.Series(["2", "1"])))
    assert held.users.to_list() == ["7"]
    assert held.fold.history.items.tolist() == [1, 0]
    assert held.fold.history.timestamps.tolist() == [1_704_153_600] * 2
    assert held.notes == ("1 rows with no readable timestamp left out",)
    with pytest.raises(DataError, match="no readable timestamp"):
        Table(table, columns=Columns("who", "what", "day")).read()


def test_more_users_than_promised_are_refused():
    table = table_of([("a", "x", 1), ("b", "x", 1)], weighted=False)
    catalog = Catalog(pl.Series(["x"]))
    assert len(fold_of(Table(table), catalog, most=2).users) == 2
    with pytest.raises(ProtocolError, match="2 users where 1") as caught:
        fold_of(Table(table), catalog, most=1)
    assert caught.value.code == "too-many-users"


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("name", ["popularity", "als", "factorization", "sequence", "item_item"])
def test_a_device_that_has_met_nothing_is_a_user_without_history(tmp_path, split, name):
    store = Store(tmp_path)
    catalog = Catalog(pl.Series("item_id", ITEMS))
    held = fold_of(Device(store.history, "me"), catalog, split, most=1)
    assert len(held.fold) == 1
    assert held.fold.history.keys.tolist() == keys_of(["me"]).tolist()
    assert not len(held.fold.history.items) + len(held.fold.targets.items)
    recipe = make(name)
    step = recipe.step(recipe.start(catalog, 0))
    found, wanted = (
        step.schema.flatten(step.contributions(block).sum(np.ones(1)))
        for block in (held.fold.history, Block.of([[]], len(ITEMS)))
    )
    assert_array_equal(found, wanted)
    store.close()


def test_a_password_in_a_url_is_not_printed():
    source = Table("postgresql://me:hunter2@host/db", "SELECT 1")
    assert "hunter2" not in repr(source)


@pytest.mark.parametrize(
    "source",
    [
        Table("nowhere.csv"),
        Table("sqlite:///nowhere/at/all.db", "SELECT 1"),
        Table("sqlite://", "DELETE FROM orders"),
        Table("sqlite://"),
    ],
)
def test_sources_that_cannot_be_read(source):
    with pytest.raises(DataError):
        fold_of(source, Catalog(pl.Series(["x"])))
