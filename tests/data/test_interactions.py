"""Logs of interactions: encoding, joining and filtering, against plain Python."""

import hashlib
from collections import defaultdict

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from hedgerow.data.columns import Columns
from hedgerow.data.interactions import Interactions
from hedgerow.errors import DataError

rows = st.lists(
    st.tuples(st.sampled_from("dcba"), st.integers(0, 12), st.integers(0, 9)),
    min_size=1,
    max_size=25,
    unique=True,
)


def read(given_rows, **columns):
    table = pl.DataFrame(given_rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    return Interactions.read(table.with_columns(**columns))


@given(rows)
def test_histories_are_grouped_and_in_time_order(given_rows):
    naive = defaultdict(list)
    for user, item, stamp in sorted(given_rows, key=lambda row: row[2]):
        naive[user].append((str(item), stamp))
    log = read(given_rows)
    assert log.users.to_list() == sorted(naive)
    assert log.histories() == [[i for i, _ in naive[u]] for u in sorted(naive)]
    assert log.block.timestamps.tolist() == [t for u in sorted(naive) for _, t in naive[u]]
    assert len(log) == len(given_rows)
    keys = [hashlib.blake2b(u.encode(), digest_size=8).digest() for u in sorted(naive)]
    assert log.block.keys.tolist() == [int.from_bytes(k, "little", signed=True) for k in keys]
    assert log.block.n_items == len(log.catalog)


@given(rows)
def test_reading_the_frame_gives_the_log_again(given_rows):
    log = read(given_rows, value=pl.int_range(pl.len()) / 2, weight=pl.lit(0.5))
    frame = log.frame().with_columns(pl.col("item_id").cast(pl.Int64))
    again = Interactions.read(frame)
    assert_array_equal(again.block.items, log.block.items)
    assert_array_equal(again.block.indptr, log.block.indptr)
    assert_array_equal(again.block.timestamps, log.block.timestamps)
    assert_array_equal(again.block.weights, log.block.weights)
    assert_array_equal(again.values, log.values)
    assert again.users.to_list() == log.users.to_list()


def test_numbers_sort_by_size_and_texts_by_letter():
    log = read([(10, 100, 1), (9, 20, 1), (100, 3, 1)])
    assert log.users.to_list() == ["9", "10", "100"]
    assert log.catalog.ids.to_list() == ["3", "20", "100"]
    log = read([("10", 1, 1), ("9", 1, 1), ("100", 1, 1)])
    assert log.users.to_list() == ["10", "100", "9"]


def test_rows_of_equal_time_keep_their_order():
    log = read([("a", i, 5) for i in (7, 3, 9, 1)])
    assert log.histories() == [["7", "3", "9", "1"]]


def test_values_and_weights_follow_their_interactions():
    log = read(
        [("b", 1, 3), ("a", 2, 2), ("b", 3, 1)],
        value=pl.Series([1.0, 2.0, 3.0]),
        weight=pl.Series([0.1, 0.2, 0.3]),
    )
    assert log.values.tolist() == [2, 3, 1]
    np.testing.assert_allclose(log.block.weights, [0.2, 0.3, 0.1], rtol=1e-6)


def test_the_first_attribute_of_a_user_is_kept():
    table = pl.DataFrame(
        {
            "user_id": ["b", "a", "b"],
            "item_id": [1, 2, 3],
            "timestamp": [5, 1, 2],
            "country": ["FR", "DE", "CH"],
        }
    )
    log = Interactions.read(table, columns=Columns(attributes=("country",)))
    # The first in time, as histories are in time order.
    assert log.attributes["country"].to_list() == ["DE", "CH"]


def test_duplicates_are_noted():
    log = read([("a", 1, 1), ("a", 1, 1), ("a", 1, 2)])
    assert len(log) == 2
    assert log.notes == ("1 duplicate rows left out",)


def test_one_user_and_one_item():
    log = read([("only", 7, 3)])
    assert log.histories() == [["7"]]
    assert len(log.catalog) == 1
    assert len(log.block) == 1


@given(rows)
def test_distinct_keeps_the_last_of_repeats(given_rows):
    log = read(given_rows)
    naive = []
    for history in log.histories():
        kept = [item for at, item in enumerate(history) if item not in history[at + 1 :]]
        naive.append(kept)
    assert log.distinct().histories() == naive
    assert log.distinct().users.to_list() == log.users.to_list()


@given(rows, st.integers(1, 5))
def test_users_with_few_interactions_can_be_left_out(given_rows, count):
    log = read(given_rows, value=pl.int_range(pl.len()) / 2)
    log = log.with_attributes(pl.DataFrame({"user_id": log.users, "name": log.users}))
    part = log.with_at_least(count)
    keep = [u for u, h in enumerate(log.histories()) if len(h) >= count]
    assert part.users.to_list() == [log.users[u] for u in keep]
    assert part.histories() == [log.histories()[u] for u in keep]
    assert part.block.keys.tolist() == [log.block.keys[u] for u in keep]
    assert part.attributes["name"].to_list() == part.users.to_list()
    worth = {(u, i, t): v for u, i, t, v in log.frame().rows()}
    assert part.values.tolist() == [worth[row[:3]] for row in part.frame().rows()]


@given(rows, st.randoms(use_true_random=False))
def test_where_keeps_users_and_items_in_place(given_rows, random):
    log = read(given_rows, value=pl.int_range(pl.len()) / 2)
    keep = np.array([random.random() < 0.5 for _ in range(len(log))], np.bool_)
    part = log.where(keep)
    assert part.users.to_list() == log.users.to_list()
    assert part.catalog.ids.to_list() == log.catalog.ids.to_list()
    assert_array_equal(part.values, log.values[keep])
    assert part.frame().rows() == log.frame().filter(pl.Series(keep)).rows()


def test_a_catalog_adds_features_and_unmet_items():
    log = read([("a", 1, 1), ("b", 2, 2)])
    features = pl.DataFrame({"item_id": [2, 5], "title": ["Two", "Five"]})
    joined = log.with_catalog(features)
    # In the order of the catalog, which does not tell who has met what.
    assert joined.catalog.ids.to_list() == ["2", "5", "1"]
    assert joined.block.n_items == 3
    assert joined.catalog.features["title"].to_list() == ["Two", "Five", None]
    assert joined.histories() == log.histories()


def test_attributes_join_by_user():
    log = read([(1, 1, 1), (2, 2, 2), (3, 1, 5)])
    ages = pl.DataFrame({"user_id": [3, 1, 9, 3], "age": [30, 10, 90, 31]})
    joined = log.with_attributes(ages)
    assert joined.attributes["age"].to_list() == [10, None, 30]
    more = joined.with_attributes(pl.DataFrame({"user_id": ["2"], "sex": ["F"], "age": [0]}))
    assert more.attributes["age"].to_list() == [10, None, 30]
    assert more.attributes["sex"].to_list() == [None, "F", None]


def test_attributes_without_the_user_column_are_refused():
    with pytest.raises(DataError, match="user_id"):
        read([("a", 1, 1)]).with_attributes(pl.DataFrame({"who": ["a"], "age": [1]}))


@pytest.mark.data
def test_movielens_is_read_whole(ml100k):
    assert len(ml100k) == 100_000
    assert len(ml100k.users) == 943
    assert len(ml100k.catalog) == 1682
    assert ml100k.block.lengths.min() == 20
    assert ml100k.notes == ()
    ordered = np.diff(ml100k.block.timestamps)[np.diff(ml100k.block.rows) == 0]
    assert (ordered >= 0).all()
