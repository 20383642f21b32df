"""How alike items are, against loops over pairs, and on catalogs that nobody would wish for."""

import datetime as dt
import re
from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from support import catalog_of

from hedgerow.data.catalog import Catalog
from hedgerow.models.similarity import similarity

M = 40
RNG = np.random.default_rng(0)
PRICES = [None if i in {3, 17} else float(np.round(RNG.lognormal(), 1)) for i in range(M)]
YEARS = [1990 + int(year) for year in RNG.integers(0, 6, M)]
GENRES = [
    ("Drama", "Comedy", "Comedy|Drama", "War|Drama", "", None, "War")[k]
    for k in RNG.integers(0, 7, M)
]
SHELVES = [("a", "b", "c")[k] for k in RNG.integers(0, 3, M)]
TITLES = [
    " ".join(RNG.choice([f"word{k}" for k in range(60)], 4)) + f" (No. {i}) the" for i in range(M)
]
COLUMNS = {"price": PRICES, "genre": GENRES, "title": TITLES, "year": YEARS, "shelf": SHELVES}
NUMBERS, LABELS, TEXTS = ("price", "year"), ("genre", "shelf"), ("title",)


def catalog(columns, order=None):
    """Return a catalog of the columns, its items in another order if wished."""
    table = pl.DataFrame(columns)
    places = np.arange(len(table)) if order is None else order
    return Catalog(pl.Series("item_id", [f"i{i}" for i in places]), table[places])


def of(values, dtype=None):
    """Return the similarity by a single column."""
    return similarity(catalog({"column": pl.Series(values, dtype=dtype, strict=False)}))


def near(values):
    """Compare numbers pair by pair by their middle ranks, the median in place of missing ones."""
    known = [v for v in values if v is not None and not np.isnan(v)]
    filled = [v if v in known else np.median(known) for v in values]
    ranks = [
        (sum(w < v for w in filled) + sum(w == v for w in filled) / 2) / len(filled) for v in filled
    ]
    gaps = np.array([[abs(a - b) for b in ranks] for a in ranks])
    return 0.5 * np.exp(-gaps / 0.04) + 0.5 * np.exp(-(gaps**2) / (2 * 0.2**2))


def shared(values):
    """Compare cells of labels pair by pair: those in common over the root of how many there are."""
    sets = [set((value or "").split("|")) - {""} for value in values]
    both = [[len(a & b) / max(1, (len(a) * len(b)) ** 0.5) for b in sets] for a in sets]
    return np.array(both)


def worded(values):
    """Compare texts pair by pair by their words' rarity."""
    words = [set(re.sub(r"[^0-9a-z]", " ", (value or "").lower()).split()) for value in values]
    counts = Counter(word for each in words for word in each)
    most = max(2, 0.05 * len(values))
    rarity = {w: np.log(len(values) / n) for w, n in counts.items() if 2 <= n <= most}
    result = np.zeros((len(values), len(values)))
    for i, a in enumerate(words):
        for j, b in enumerate(words):
            inner = sum(rarity.get(word, 0) ** 2 for word in a & b)
            lengths = [sum(rarity.get(word, 0) ** 2 for word in each) for each in (a, b)]
            result[i, j] = inner / np.sqrt(np.prod(lengths)) if all(lengths) else 0
    return result


def naive(columns):
    """Add up the agreement of all columns at once, of each alone, and of the words."""
    single = [near(columns[n]) for n in NUMBERS if n in columns]
    single += [shared(columns[n]) for n in LABELS if n in columns]
    total = sum(worded(columns[n]) for n in TEXTS if n in columns)
    if single:
        total = total + np.prod(single, axis=0) + sum(single) / len(single)
    total = np.array(total, float)
    for i in range(len(total)):
        total[i, i] = total[i, i] or 1.0
    return np.array(
        [[total[i, j] / np.sqrt(total[i, i] * total[j, j]) for j in range(M)] for i in range(M)]
    )


def assert_a_likeness(matrix, size):
    assert matrix.shape == (size, size)
    assert matrix.dtype == np.float32
    assert np.isfinite(matrix).all()
    assert_allclose(matrix, matrix.T, atol=1e-6)
    assert_allclose(np.diag(matrix), 1, atol=1e-6)
    assert matrix.min(initial=0) >= 0
    assert matrix.max(initial=0) <= 1 + 1e-5
    if size:
        assert np.linalg.eigvalsh(matrix.astype(float)).min() >= -1e-5


@pytest.mark.parametrize(
    "names",
    [
        ("price",),
        ("year",),
        ("genre",),
        ("title",),
        ("price", "genre"),
        ("genre", "title"),
        ("price", "year", "genre", "shelf"),
        tuple(COLUMNS),
    ],
    ids=", ".join,
)
def test_likeness_is_that_of_loops_over_pairs(names):
    columns = {name: COLUMNS[name] for name in names}
    found = similarity(catalog(columns))
    assert_a_likeness(found, M)
    assert_allclose(found, naive(columns), atol=2e-5)


def test_without_features_an_item_is_like_itself_alone():
    assert_array_equal(similarity(catalog_of(5)), np.eye(5, dtype=np.float32))
    assert similarity(catalog_of(0)).shape == (0, 0)


def test_an_item_without_any_feature_is_like_itself_alone():
    genres, titles = list(SHELVES), list(TITLES)
    genres[4], titles[4] = None, ""
    genres[9], titles[9] = "", None
    found = similarity(catalog({"genre": genres, "title": titles}))
    assert_a_likeness(found, M)
    for item in (4, 9):
        assert_array_equal(found[item], np.eye(M)[item])
    assert (found.sum(1) > 1).sum() == M - 2


def test_a_missing_number_stands_in_the_middle():
    values = [float(v) for v in range(21)]
    for odd in (None, float("nan")):
        found = of([*values, odd], pl.Float64)
        wanted = of([*values, 10.0])
        assert_allclose(found, wanted, atol=1e-6)


def test_only_the_order_of_numbers_matters():
    values = np.random.default_rng(1).permutation(30)
    wanted = of(values)
    assert_allclose(of(values * 1000.0 - 7), wanted, atol=1e-6)
    assert_allclose(of(np.exp(values)), wanted, atol=1e-6)
    assert_allclose(of(-values), wanted, atol=1e-5)


@pytest.mark.parametrize("turn", range(3))
def test_the_order_of_items_and_columns_does_not_matter(turn):
    rng = np.random.default_rng(turn)
    wanted = similarity(catalog(COLUMNS))
    order = rng.permutation(M)
    assert_allclose(similarity(catalog(COLUMNS, order)), wanted[np.ix_(order, order)], atol=1e-5)
    turned = {name: COLUMNS[name] for name in rng.permutation(list(COLUMNS))}
    assert_allclose(similarity(catalog(turned)), wanted, atol=1e-5)


def test_labels_that_another_column_contains_are_left_out():
    first = [genre.split("|")[0] if genre else genre for genre in GENRES]
    wanted = similarity(catalog({"genre": GENRES, "year": YEARS}))
    for columns in (
        {"genre": GENRES, "main genre": first, "year": YEARS},
        {"main genre": first, "year": YEARS, "genre": GENRES},
    ):
        assert_allclose(similarity(catalog(columns)), wanted, atol=1e-6)


@pytest.mark.parametrize("copies", [2, 3])
def test_a_column_that_is_there_twice_counts_once(copies):
    wanted = similarity(catalog({"genre": GENRES, "year": YEARS}))
    again = {f"genre {i}": GENRES for i in range(copies)}
    assert_allclose(similarity(catalog({**again, "year": YEARS})), wanted, atol=1e-6)


def test_a_list_in_a_cell_is_a_set_of_labels():
    lists = [None if genre is None else genre.split("|") for genre in GENRES]
    assert_allclose(of(lists), of(GENRES), atol=1e-6)


def test_words_in_nearly_all_texts_and_in_one_tell_nothing():
    texts = [f"the only{i} of them" for i in range(30)]
    assert_array_equal(of(texts), np.eye(30))
    texts[2] += " garden"
    texts[5] += " Garden!"
    found = of(texts)
    assert found[2, 5] == pytest.approx(1)
    assert found.sum() == pytest.approx(32)


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([1.5] * 12),
        pl.Series(["same"] * 12),
        pl.Series([None] * 12),
        pl.Series([None] * 12, dtype=pl.Float64),
        pl.Series([None] * 12, dtype=pl.String),
        pl.Series([float("nan")] * 12),
        pl.Series([float("inf"), float("-inf"), 0.0] * 4),
        pl.Series([2**63 + i for i in range(12)], dtype=pl.UInt64),
        pl.Series([True, False, None] * 4),
        pl.Series([dt.date(2020, 1, 1 + i % 3) for i in range(12)]),
        pl.Series([dt.datetime(2020, 1, 1 + i, tzinfo=dt.UTC) for i in range(12)]),
        pl.Series([dt.timedelta(days=i % 2) for i in range(12)]),
        pl.Series([["a", None], [], None] * 4),
        pl.Series([[0.5, 1.5]] * 12, dtype=pl.Array(pl.Float64, 2)),
        pl.Series([{"colour": "red", "size": 3}, None] * 6),
        pl.Series([b"\xff\xfe", b"x"] * 6),
        pl.Series(["x", "y"] * 6, dtype=pl.Categorical),
        pl.Series(["1.5", "2.25", None] * 4).cast(pl.Decimal(8, 2)),
        pl.Series(["|", "||", "a||b"] * 4),
        pl.Series([f"{'long' * 100_000} tale {i // 2}" for i in range(12)]),
        pl.Series(["日本 語", "日本", "!?", "_", "é É"] * 2 + ["", None]),
    ],
    ids=lambda values: f"{values.dtype} {str(values[0])[:12]}",
)
def test_odd_columns_still_give_a_likeness(values):
    for size in (12, 2, 1, 0):
        assert_a_likeness(of(values[:size]), size)
        assert_a_likeness(
            similarity(catalog({"odd": values[:size], "price": pl.Series(PRICES[:size])})), size
        )


cells = st.fixed_dictionaries(
    {
        "number": st.one_of(st.none(), st.floats(width=32), st.integers(-3, 3).map(float)),
        "label": st.one_of(st.none(), st.sampled_from(["a", "b", "a|b", "c|a", "", "|"])),
        "other": st.sampled_from(["a", "b", ""]),
        "text": st.one_of(st.none(), st.text("ab c_é1", max_size=8)),
    }
)


@settings(max_examples=60)
@given(st.lists(cells, min_size=1, max_size=25))
def test_whatever_a_catalog_holds_it_is_a_likeness(rows):
    schema = {"number": pl.Float64, "label": pl.String, "other": pl.String, "text": pl.String}
    assert_a_likeness(similarity(catalog(pl.DataFrame(rows, schema=schema))), len(rows))
