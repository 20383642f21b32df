"""What lists are held against: counts, information, and vectors that say how alike items are."""

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from support import catalog_of, histories_of, random_block, structured_block

from hedgerow.comparison.yardstick import LEARNED_DIMENSION, make_yardstick
from hedgerow.data.block import Block
from hedgerow.data.catalog import Catalog


def labelled(**columns):
    size = len(next(iter(columns.values())))
    return Catalog(pl.Series("item_id", [f"i{i}" for i in range(size)]), pl.DataFrame(columns))


def cosines(yardstick):
    return yardstick.vectors @ yardstick.vectors.T


def test_popularity_counts_users_not_interactions():
    block = random_block(users=30)
    wanted = np.zeros(13)
    for history in histories_of(block):
        for item in set(history):
            wanted[item] += 1
    yardstick = make_yardstick(catalog_of(13), block)
    assert_array_equal(yardstick.popularity, wanted)
    information = -np.log2((wanted + 1) / (wanted + 1).sum())
    assert_allclose(yardstick.information, information)


def test_kinds_of_items_give_unit_vectors():
    catalog = labelled(genres=["Drama", "Comedy|Drama", "Comedy|Drama|War", "War"])
    yardstick = make_yardstick(catalog, random_block(n_items=4))
    assert yardstick.vectors.dtype == np.float32
    assert_allclose(np.linalg.norm(yardstick.vectors, axis=1), 1, rtol=1e-6)
    wanted = [
        [1, 1 / np.sqrt(2), 1 / np.sqrt(3), 0],
        [1 / np.sqrt(2), 1, 2 / np.sqrt(6), 0],
        [1 / np.sqrt(3), 2 / np.sqrt(6), 1, 1 / np.sqrt(3)],
        [0, 0, 1 / np.sqrt(3), 1],
    ]
    assert_allclose(cosines(yardstick), wanted, atol=1e-6)


def test_several_columns_of_kinds_count_together():
    catalog = labelled(
        category=["home", "home", "home"], subcategory=["lamp", "lamp", "bowl"], price=[1, 2, 3]
    )
    found = cosines(make_yardstick(catalog, random_block(n_items=3)))
    assert_allclose(found, [[1, 1, 0.5], [1, 1, 0.5], [0.5, 0.5, 1]], atol=1e-6)


def test_the_same_word_in_two_columns_is_two_kinds():
    catalog = labelled(genres=["War", ""], category=["", "War"])
    assert_allclose(cosines(make_yardstick(catalog, random_block(n_items=2))), np.eye(2), atol=1e-6)


def test_items_of_no_kind_are_like_nothing():
    catalog = labelled(genres=["Drama", None, "", "Drama|"])
    yardstick = make_yardstick(catalog, random_block(n_items=4))
    assert_allclose(np.linalg.norm(yardstick.vectors, axis=1), [1, 0, 0, 1], atol=1e-6)
    nothing = make_yardstick(labelled(genres=[None, ""]), random_block(n_items=2))
    assert nothing.vectors.shape == (2, 1)
    assert not nothing.vectors.any()


@pytest.mark.parametrize("n_items", [5, LEARNED_DIMENSION, 90])
def test_learned_vectors_have_unit_length(n_items):
    block = structured_block(users=300, n_items=n_items, length=min(8, n_items))
    yardstick = make_yardstick(catalog_of(n_items), block)
    assert yardstick.vectors.shape == (n_items, min(LEARNED_DIMENSION, n_items))
    assert yardstick.vectors.dtype == np.float32
    assert_allclose(np.linalg.norm(yardstick.vectors, axis=1), 1, rtol=1e-5)


def test_learned_vectors_are_the_same_every_time():
    block = structured_block(n_items=90)
    one, two = (make_yardstick(catalog_of(90), block) for _ in range(2))
    assert_array_equal(one.vectors, two.vectors)


def test_items_met_by_the_same_users_are_alike():
    block = structured_block(users=2000, n_items=200)
    found = cosines(make_yardstick(catalog_of(200), block))
    numbers = np.arange(200)
    same = numbers[:, None] % 4 == numbers % 4
    other = found[~same].mean()
    assert found[same & ~np.eye(200, dtype=bool)].mean() > other + 0.05


def test_items_of_a_small_catalog_met_by_the_same_users_are_alike():
    block = structured_block(users=200, n_items=20)
    found = cosines(make_yardstick(catalog_of(20), block))
    met = block.incidence().toarray()
    gram = met.T @ met
    roots = np.sqrt(np.diag(gram))
    assert_allclose(found, gram / roots[:, None] / roots, atol=0.1)


def test_items_that_nobody_met_are_like_nothing():
    block = Block.of([[0, 1, 2], [1, 2, 3], [0, 3]], 60)
    vectors = make_yardstick(catalog_of(60), block).vectors
    assert_allclose(np.linalg.norm(vectors[4:], axis=1), 0, atol=1e-3)
