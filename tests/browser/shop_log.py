"""What the visitors of the tests' shop did, and a model of that."""

from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl
from network import fold_of

from hedgerow.data.interactions import Interactions
from hedgerow.federation.clients import Clients
from hedgerow.federation.executors import Serial
from hedgerow.federation.pipeline import Pipeline
from hedgerow.federation.simulator import train
from hedgerow.models.als import ALS
from hedgerow.recommender import Recommender

USERS, ITEMS, EACH = 6, 24, 8


@cache
def some_interactions():
    """A log whose names are long enough to be looked for in anything that is sent."""
    rng = np.random.default_rng(5)
    rows = [
        (user, item)
        for user in range(USERS)
        for item in rng.choice(ITEMS, size=EACH, replace=False).tolist()
    ]
    table = pl.DataFrame(
        {
            "user_id": [f"customer-with-the-number-{user:02d}" for user, _ in rows],
            "item_id": [f"article-with-the-number-{item:02d}" for _, item in rows],
            "timestamp": list(range(len(rows))),
        }
    )
    titles = pl.DataFrame(
        {
            "item_id": [f"article-with-the-number-{item:02d}" for item in range(ITEMS)],
            "title": [f"Kissen «Nummer {item:02d}»" for item in range(ITEMS)],
        }
    )
    log = Interactions.read(table).distinct()
    return replace(log, catalog=log.catalog.with_features(titles))


@cache
def some_model():
    """Train without a network; return what recommends."""
    log = some_interactions()
    recipe, clients = ALS(dimension=4, rounds=2), Clients.devices(log.users)
    pipeline = Pipeline.unprotected(len(clients.names))
    run = train(recipe, Serial(fold_of(log)), log.catalog, clients, pipeline=pipeline)
    return Recommender(recipe, run.state, log.catalog)
