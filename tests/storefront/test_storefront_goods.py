"""The goods: every product on one shelf, and found by the words that it has."""

import re

import polars as pl
import pytest

from hedgerow.data.catalog import Catalog
from hedgerow.errors import DataError
from hedgerow.storefront.goods import Goods, slug_of


def test_every_product_stands_in_one_category(goods):
    stands = [product for category in goods.categories.values() for product in category.products]
    assert sorted(product.id for product in stands) == sorted(goods.by_id)
    for category in goods.categories.values():
        assert {product.category for product in category.products} == {category.name}
        assert {product.kind for product in category.products} == set(category.kinds)


def test_the_newest_come_first(goods):
    days = [product.introduced for product in goods.newest(20)]
    assert days == sorted((product.introduced for product in goods.products), reverse=True)[:20]


@pytest.mark.parametrize("asked", ["BRIGHT", "oak  board", "tents", "rustic kitchen", "volume 2"])
def test_a_search_finds_what_a_slow_look_at_everything_finds(goods, asked):
    def fits(product):
        text = f"{product.title} {product.kind} {product.category} {product.style}".lower()
        return all(word in text for word in asked.lower().split())

    found = goods.search(asked)
    assert {product.id for product in found} == {p.id for p in goods.products if fits(p)}
    words = asked.lower().split()
    in_title = [sum(word not in product.title.lower() for word in words) for product in found]
    assert in_title == sorted(in_title)


@pytest.mark.parametrize("asked", ["", "  ", "!?", "no-such-thing-here"])
def test_a_search_for_nothing_finds_nothing(goods, asked):
    assert goods.search(asked) == []


def test_ids_that_nothing_has_are_left_out(goods):
    some = goods.products[3]
    assert goods.known(["p999999", some.id, ""]) == [some]


def test_a_catalog_without_prices_is_refused():
    catalog = Catalog(pl.Series("item_id", ["a"]), pl.DataFrame({"title": ["A"]}))
    with pytest.raises(DataError, match="price"):
        Goods.of(catalog)


def test_a_slug_is_safe_in_an_address():
    assert slug_of("Children's books & more") == "children-s-books-more"
    assert re.fullmatch("[a-z0-9-]*", slug_of("Ünïcode / .. / <b>"))
