"""Local recommendations: from the public model and what is known here, the latest included."""

import polars as pl
import pytest
from support import states_of, structured_block

from hedgerow.client.history import Seen
from hedgerow.client.recommending import LocalRecommender
from hedgerow.client.store import Store
from hedgerow.data.catalog import Catalog
from hedgerow.data.interactions import Interactions
from hedgerow.errors import CheckpointError, ConfigError, DataError, ProtocolError
from hedgerow.models.registry import make
from hedgerow.recommender import Recommender

N_ITEMS = 12


@pytest.fixture(scope="module")
def model():
    recipe = make("item_item", {"regularization": 5.0})
    catalog = Catalog(pl.Series("item_id", [f"i{n}" for n in range(N_ITEMS)]))
    return Recommender(recipe, states_of(recipe, structured_block(60, N_ITEMS))[-1], catalog)


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "agent")
    made.consents.give("recommend", "ann", "1")
    yield made
    made.close()


@pytest.fixture
def device(model, store):
    return LocalRecommender(model, store)


@pytest.fixture
def silo(model, store):
    rows = [("ann", "i1", 10), ("ann", "gone", 20), ("ann", "i4", 30), ("bob", "i2", 5)]
    table = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    return LocalRecommender(model, store, Interactions.read(table))


def test_what_is_tracked_counts_at_once(device, model):
    assert device.recommend(k=4) == model.recommend([], 4)
    history = []
    for item in ("i1", "i4", "i1", "unknown", "i8"):
        device.known.track(item)
        history.append(item)
        assert device.recommend(k=4) == model.recommend(history, 4)
    assert device.recommend(k=3, repeats=True) == model.recommend(history, 3, repeats=True)
    assert device.recommend(k=3, among=["i2", "i3"]) == model.recommend(
        history, 3, among=["i2", "i3"]
    )


def test_a_silo_adds_what_it_tracks_to_what_its_data_say(silo, model):
    assert silo.recommend("ann", 5) == model.recommend(["i1", "i4"], 5)
    silo.known.track("i8", "ann")
    assert silo.recommend("ann", 5) == model.recommend(["i1", "i4", "i8"], 5)
    assert silo.recommend("bob", 5) == model.recommend(["i2"], 5)
    assert silo.recommend("new", 5) == model.recommend([], 5)
    silo.known.track("i3", "new")
    assert silo.recommend("new", 5) == model.recommend(["i3"], 5)


def test_a_clock_that_is_behind_takes_nothing_away(model, store):
    far = [("ann", "i1", 10), ("ann", "i4", 4_000_000_000)]
    table = pl.DataFrame(far, schema=["user_id", "item_id", "timestamp"], orient="row")
    log = Interactions.read(table.with_columns(pl.col("timestamp") // 1000))
    for _ in range(2):
        silo = LocalRecommender(model, store, log)
        seen = silo.known.track("i8", "ann")
        assert silo.known.history("ann")[-1] == seen
    store.history.append("i5", 4_000_000_000_000, user="bob")
    assert LocalRecommender(model, store).known.track("i6", "bob").timestamp == 4_000_000_000_000


def test_what_the_data_have_taken_in_does_not_count_twice(model, store):
    before = LocalRecommender(model, store)
    for item, at in (("i1", 10), ("i2", 20), ("i3", 20), ("i4", 30)):
        before.known.track(item, "ann", timestamp=at)
    rows = [("ann", "i1", 11), ("ann", "i2", 20)]
    table = pl.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
    after = LocalRecommender(model, store, Interactions.read(table))
    assert after.known.history("ann") == [
        Seen("i1", 11),
        Seen("i2", 20),
        Seen("i3", 20),
        Seen("i4", 30),
    ]


def test_without_consent_nothing_is_recommended(device, store):
    store.consents.withdraw("recommend", "ann")
    with pytest.raises(ProtocolError, match="recommended to") as caught:
        device.recommend()
    assert caught.value.code == "no-consent"


def test_the_model_is_read_from_where_it_is_kept(device, model, store, tmp_path):
    model.save(tmp_path / "model")
    device.known.track("i4")
    loaded = LocalRecommender.load(tmp_path / "model", store)
    assert loaded.recommend(k=3) == device.recommend(k=3)
    with pytest.raises(CheckpointError):
        LocalRecommender.load(tmp_path / "none", store)


def test_what_makes_no_sense_is_refused(device):
    with pytest.raises(ConfigError):
        device.recommend(k=0)
    with pytest.raises(DataError):
        device.recommend(among=["nowhere"])
    with pytest.raises(DataError):
        device.known.track("")
