"""Who has opted out is in no term, and nothing else changes."""

import numpy as np
import polars as pl
import pytest

from hedgerow.client.opting_out import Without
from hedgerow.client.sources import Table, fold_of
from hedgerow.client.store import Store
from hedgerow.data.catalog import Catalog
from hedgerow.data.split import LastOut
from hedgerow.errors import ConfigError
from hedgerow.models.popularity import Popularity

ROWS = [
    ("ann", "tea", 1),
    ("ann", "jam", 2),
    ("bob", "jam", 1),
    ("cid", "bun", 1),
    ("cid", "tea", 2),
]
CATALOG = Catalog(pl.Series("item_id", ["tea", "jam", "bun"]))


def table(rows):
    return Table(pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row"))


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path)
    yield made
    made.close()


def sums(source):
    """What all would contribute to a count of items, and how many users there are."""
    held = fold_of(source, CATALOG)
    step = Popularity().step(Popularity().start(CATALOG, 0))
    total = step.contributions(held.fold.history).sum(np.ones(len(held.users)))
    return total["counts"].tolist(), len(held.users)


def test_the_sum_is_that_of_the_others(store):
    source = Without(table(ROWS), store.opt_outs)
    assert sums(source) == sums(table(ROWS)) == ([2, 2, 1], 3)
    store.opt_outs.add("ann")
    others = [row for row in ROWS if row[0] != "ann"]
    assert sums(source) == (sums(table(others))[0], 3)
    store.opt_outs.remove("ann")
    assert sums(source) == ([2, 2, 1], 3)


def test_nothing_of_them_is_measured_either(store):
    store.opt_outs.add("cid")
    held = fold_of(Without(table(ROWS), store.opt_outs), CATALOG, LastOut())
    assert dict(zip(held.users, held.fold.targets.lengths, strict=True))["cid"] == 0
    assert held.fold.targets.lengths.sum() == 1


def test_everybody_may_opt_out(store):
    for person in ("ann", "bob", "cid"):
        store.opt_outs.add(person)
    assert sums(Without(table(ROWS), store.opt_outs)) == ([0, 0, 0], 3)


@pytest.mark.parametrize("person", ["", "  ", "x" * 300])
def test_what_is_no_id_is_refused(store, person):
    with pytest.raises(ConfigError, match="Name a person by an id"):
        store.opt_outs.add(person)
