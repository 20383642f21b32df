"""The synthetic shop: the same everywhere, true to its rules, and with an order that matters."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from polars.testing import assert_frame_equal, assert_series_equal

from hedgerow.data.interactions import Interactions
from hedgerow.data.shop import Shop
from hedgerow.data.shop import shop as shop_module
from hedgerow.data.shop.products import SMALLEST, YEAR
from hedgerow.data.shop.shop import YEAR_START
from hedgerow.data.split import LastOut
from hedgerow.errors import ConfigError

DAY = 86_400


@pytest.fixture(scope="module")
def shop():
    return Shop(customers=2_000, products=300)


@pytest.fixture(scope="module")
def log(shop):
    return shop.interactions()


@pytest.fixture(scope="module")
def events(shop):
    return shop.events()


def same(one, other):
    assert_series_equal(one.users, other.users)
    assert_frame_equal(one.attributes, other.attributes)
    assert_array_equal(one.block.indptr, other.block.indptr)
    assert_array_equal(one.block.items, other.block.items)
    assert_array_equal(one.block.timestamps, other.block.timestamps)
    assert_array_equal(one.values, other.values)


def hit_rate(scores, seen, targets):
    """HR@10 against every unseen item, ties against the model."""
    rows = np.arange(len(targets))
    own = scores[rows, targets]
    rivals = np.where(seen, -np.inf, scores)
    rivals[rows, targets] = -np.inf
    return ((rivals >= own[:, None]).sum(axis=1) < 10).mean()


def scorers(block):
    """Return HR@10 of most-popular, of order-blind EASE and of windowed item-to-item counts."""
    fold = LastOut().test(block).judged()
    history, targets, size = fold.history, fold.targets.items, block.n_items
    incidence = history.incidence().astype(np.float64)
    seen = incidence.toarray() > 0
    popular = np.bincount(history.items, minlength=size).astype(np.float64)
    inverse = np.linalg.inv((incidence.T @ incidence).toarray() + 100 * np.eye(size))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    moves = sp.csr_array((size, size))
    for gap in range(1, 6):
        together = history.rows[gap:] == history.rows[:-gap]
        pairs = (history.items[:-gap][together], history.items[gap:][together])
        moves = moves + sp.csr_array((np.full(len(pairs[0]), 1 / gap), pairs), shape=(size, size))
    moves = sp.csr_array(moves / (moves.sum(axis=1) + 5)[:, None])
    recent = history.matrix(0.7**history.ages)
    return {
        "popular": hit_rate(np.tile(popular, (len(targets), 1)), seen, targets),
        "ease": hit_rate(incidence @ weights, seen, targets),
        "moves": hit_rate((recent @ moves).toarray() + 1e-9 * popular, seen, targets),
    }


def test_same_seed_gives_same_shop(log):
    same(log, Shop(customers=2_000, products=300).interactions())


def test_other_seed_gives_other_shop(log):
    other = Shop(customers=2_000, products=300, seed=1).interactions()
    assert not np.array_equal(other.block.items[:1000], log.block.items[:1000])


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 2**63 - 1),
    customers=st.integers(1, 40),
    products=st.integers(SMALLEST, 400),
)
def test_any_small_shop_is_sound(seed, customers, products):
    shop = Shop(customers=customers, products=products, seed=seed)
    log = shop.interactions()
    assert len(log.catalog) == log.block.n_items == products
    assert len(log.users) == len(log.block) == log.attributes.height <= customers
    assert (log.block.lengths > 0).all()
    assert log.block.items.max(initial=0) < products
    assert shop.events()["user_id"].n_unique() >= len(log.users)


def test_customers_do_not_depend_on_chunks_or_company(monkeypatch, log):
    monkeypatch.setattr(shop_module, "_MOST_AT_ONCE", 173)
    same(log, Shop(customers=2_000, products=300).interactions())
    few = Shop(customers=300, products=300).interactions()
    assert_array_equal(few.block.items, log.block[: len(few.block)].items)
    assert_series_equal(few.users, log.users[: len(few.users)])


def test_events_come_in_parts(shop, events):
    parts = [shop.events(1_500), shop.events(0, 700), shop.events(700, 1_500)]
    assert_frame_equal(pl.concat([parts[1], parts[2], parts[0]]), events)


def test_interactions_are_what_reading_the_events_gives(log, events):
    bought = events.filter(pl.col("event") == "purchase")
    read = Interactions.read(bought.drop("event", "quantity", "session"))
    assert read.notes == ()
    assert read.users.to_list() == log.users.to_list()
    assert read.histories() == log.histories()
    assert_array_equal(read.values, log.values)


def test_furthest_event_of_a_visit_counts_once(shop, events):
    log = shop.interactions(("view", "basket", "purchase"))
    once = events.unique(["user_id", "session", "item_id"])
    assert len(log) == once.height
    assert (log.values > 0).sum() == (events["event"] == "purchase").sum()
    assert len(shop.interactions(("basket",))) == (events["event"] == "basket").sum()


def test_catalog_describes_every_product(shop):
    features = shop.catalog().features
    assert features["title"].n_unique() == features.height == 300
    assert features.null_count().sum_horizontal().item() == 0
    assert features["price"].min() > 0
    assert Shop(products=20_000).catalog().features["title"].n_unique() == 20_000


def test_nothing_is_met_before_it_arrives(shop, events):
    catalog = shop.catalog()
    arrival = pl.DataFrame({"item_id": catalog.ids, "introduced": catalog.features["introduced"]})
    assert (arrival["introduced"] > 0).sum() > 20
    day = (pl.col("timestamp") - YEAR_START) // DAY
    met = events.join(arrival, on="item_id").with_columns(day.alias("day"))
    assert met.filter(pl.col("day") < pl.col("introduced")).is_empty()
    assert met.filter(pl.col("introduced") > 0).height > 1_000


def test_time_runs_within_the_year_and_within_each_customer(events, log):
    assert events["timestamp"].min() >= YEAR_START
    assert events["timestamp"].max() < YEAR_START + YEAR
    block = log.block
    later = np.diff(block.timestamps)[np.diff(block.rows) == 0]
    assert (later > 0).all()
    sessions = events.group_by("user_id", "session", maintain_order=True).agg(
        pl.col("timestamp").min().alias("start"), pl.col("timestamp").max().alias("end")
    )
    pause = pl.col("start") - pl.col("end").shift(1).over("user_id")
    assert sessions.select((pause.drop_nulls() > 0).all()).item()


def test_each_purchase_was_viewed_and_put_into_the_basket(events):
    key = ["user_id", "session", "item_id"]
    kinds = {k: events.filter(pl.col("event") == k) for k in ("view", "basket", "purchase")}
    assert kinds["purchase"].join(kinds["basket"], on=key, how="anti").is_empty()
    assert kinds["basket"].join(kinds["view"], on=key, how="anti").is_empty()
    assert kinds["view"].height > kinds["basket"].height > kinds["purchase"].height
    assert (kinds["purchase"]["value"] > 0).all()
    assert (kinds["view"]["value"] == 0).all()


def test_only_consumables_are_bought_again(log):
    distinct = log.distinct()
    assert 0.01 < 1 - len(distinct) / len(log) < 0.1
    frame = log.frame().join(
        log.catalog.features.with_columns(log.catalog.ids.alias("item_id")), on="item_id"
    )
    again = frame.filter(pl.struct("user_id", "item_id").is_duplicated())
    assert set(again["category"]) <= {"Pantry", "Beauty", "Pets"}


def test_seasons_and_next_volumes_show(shop):
    log = replace(shop, products=800).interactions()
    features = log.catalog.features.with_columns(log.catalog.ids.alias("item_id"))
    frame = log.frame().join(features, on="item_id", how="left", maintain_order="left")
    month = pl.from_epoch("timestamp").dt.month()
    summer = frame.filter(month.is_in([6, 7, 8]))["category"].eq("Camping").mean()
    winter = frame.filter(month.is_in([12, 1, 2]))["category"].eq("Camping").mean()
    assert summer > 1.25 * winter
    by_season = frame.group_by(month.is_in([6, 7, 8]).alias("warm"), "season").len()
    counts = {(warm, season): n for warm, season, n in by_season.rows()}
    assert counts[True, "summer"] / counts[True, "winter"] > 1.5
    assert counts[False, "summer"] / counts[False, "winter"] < 1
    books = frame.filter(pl.col("category") == "Books").with_columns(
        pl.col("title").str.extract("^(.*), volume").alias("series"),
        pl.col("title").str.extract(r"(\d+)$").cast(pl.Int64).alias("volume"),
    )
    step = books.select(
        (pl.col("volume").diff().over("user_id", "series") == 1).drop_nulls().mean()
    ).item()
    assert step > 0.5


@pytest.mark.parametrize(("customers", "products"), [(2_000, 300), (5_000, 800)])
def test_order_tells_more_than_the_set_and_popularity_least(customers, products):
    found = scorers(Shop(customers=customers, products=products).interactions().distinct().block)
    assert found["popular"] < 30 / products + 0.02
    assert found["ease"] > 1.8 * found["popular"]
    assert found["moves"] > 1.4 * found["ease"]
    assert 3.5 * found["popular"] < found["moves"] < 9 * found["popular"]


def test_without_its_order_a_history_tells_less(log):
    block = log.distinct().block
    rng = np.random.default_rng(0)
    fold = LastOut().test(block)
    shuffled = np.lexsort((rng.random(len(fold.history.items)), fold.history.rows))
    keep = LastOut().test(block).history
    mixed_items = block.items.copy()
    held = (block.ages == 0) & (block.lengths[block.rows] > 1)
    mixed_items[~held] = keep.items[shuffled]
    mixed = scorers(replace(block, items=mixed_items))
    true = scorers(block)
    assert mixed["ease"] == pytest.approx(true["ease"], abs=0.001)
    assert mixed["moves"] < 0.8 * true["moves"]


def test_a_shop_whose_only_customer_buys_nothing_is_empty():
    shops = (Shop(customers=1, products=60, seed=seed, mean_purchases=2) for seed in range(200))
    shop = next(shop for shop in shops if not (shop.events()["event"] == "purchase").any())
    assert len(shop.interactions().users) == len(shop.interactions()) == 0
    assert len(shop.interactions(("view", "basket", "purchase"))) > 0
    assert len(shop.interactions(("basket", "purchase")).catalog) == 60


def test_size_scales_and_lengths_vary():
    small, large = (Shop(customers=c, products=400).interactions() for c in (500, 5_000))
    assert 8 < len(large) / len(small) < 12
    lengths = large.block.lengths
    assert 15 < lengths.mean() < 25
    assert np.quantile(lengths, 0.25) < 8
    assert np.quantile(lengths, 0.95) > 45
    more = Shop(customers=2_000, products=400, mean_purchases=40).interactions()
    assert more.block.lengths.mean() == pytest.approx(40, rel=0.15)


@pytest.mark.parametrize(
    "options",
    [
        {"customers": 0},
        {"products": SMALLEST - 1},
        {"products": 100_001},
        {"seed": -1},
        {"seed": 2**63},
        {"mean_purchases": 1.5},
        {"mean_purchases": float("nan")},
    ],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ConfigError):
        Shop(**options)


def test_unknown_kinds_and_customers_are_refused(shop):
    for kinds in ((), ("purchase", "return"), "purchase"):
        with pytest.raises(ConfigError, match="view, basket, purchase"):
            shop.interactions(kinds)
    for start, stop in ((-1, 5), (5, 5), (0, 2_001)):
        with pytest.raises(ConfigError, match="from 0 to 1999"):
            shop.events(start, stop)
