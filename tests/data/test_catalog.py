"""The public items."""

import polars as pl
import pytest

from hedgerow.data.catalog import Catalog
from hedgerow.errors import DataError


@pytest.fixture
def catalog():
    features = pl.DataFrame({"title": ["Oak", None, "Elm"], "price": [1.0, 2.0, None]})
    return Catalog(pl.Series("item_id", ["a", "7", "c"]), features)


def test_numbers_are_positions_and_minus_one_is_unknown(catalog):
    assert catalog.numbers(["c", 7, "x", "a"]).tolist() == [2, 1, -1, 0]
    assert catalog.numbers([]).tolist() == []
    assert len(catalog) == 3


def test_unknown_items_are_named(catalog):
    assert catalog.known(["a", 7]).tolist() == [0, 1]
    with pytest.raises(DataError, match=r"2 of the items.*'x'"):
        catalog.known(["a", "x", "y"])


def test_titles_fall_back_to_ids(catalog):
    assert [catalog.title(i) for i in range(3)] == ["Oak", "7", "Elm"]
    assert Catalog(pl.Series(["only"])).title(0) == "only"


def test_an_item_named_twice_is_refused():
    with pytest.raises(DataError, match="twice"):
        Catalog(pl.Series(["a", "a"]))


def test_features_need_a_row_per_item():
    with pytest.raises(DataError, match="one row per item"):
        Catalog(pl.Series(["a", "b"]), pl.DataFrame({"title": ["A"]}))


def test_features_join_by_id_and_give_the_order():
    catalog = Catalog(pl.Series("item_id", ["1", "2", "3"]))
    joined = catalog.with_features(pl.DataFrame({"item_id": [9, 3, 1], "title": ["N", "T", "O"]}))
    assert joined.ids.to_list() == ["9", "3", "1", "2"]
    assert joined.features["title"].to_list() == ["N", "T", "O", None]
    assert [joined.title(i) for i in range(4)] == ["N", "T", "O", "2"]


def test_features_may_have_another_key():
    catalog = Catalog(pl.Series("item_id", ["a"]))
    joined = catalog.with_features(pl.DataFrame({"sku": ["a"], "price": [3]}), key="sku")
    assert joined.features.to_dicts() == [{"price": 3}]


def test_features_without_the_key_or_with_doubles_are_refused():
    catalog = Catalog(pl.Series("item_id", ["a"]))
    with pytest.raises(DataError, match=r"no column 'item_id' \(it has sku, price\)"):
        catalog.with_features(pl.DataFrame({"sku": ["a"], "price": [1]}))
    with pytest.raises(DataError, match="twice"):
        catalog.with_features(pl.DataFrame({"item_id": ["a", "a"], "price": [1, 2]}))
