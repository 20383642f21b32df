"""Browsers and Python agents in the same rounds, over real HTTP and across origins."""

from hashlib import sha256

import numpy as np
import pytest
from network import fold_of
from shop_log import USERS
from wiretap import findings

from hedgerow.federation.executors import Serial
from hedgerow.federation.pipeline import Pipeline
from hedgerow.federation.simulator import train
from hedgerow.models.als import ALS
from hedgerow.models.popularity import Popularity
from hedgerow.privacy.ledger import Ledger
from hedgerow.server.tasks.artefacts import Artefacts

SEED = "rehearsal"


def drawn_by(label, releases):
    """What a browser draws in a rehearsal: the simulator's keys, then two of its message."""
    for release in releases:
        for purpose in ("rounding", "noise"):
            parts = (SEED, release, f"{purpose} of {label}", 0)
            yield sha256(repr(parts).encode()).digest()
        for purpose in ("mask", "ephemeral key"):
            yield sha256(f"{purpose} of {label} in {release}".encode()).digest()


@pytest.mark.parametrize("on_page", [False, True], ids=["worker", "page"])
@pytest.mark.parametrize("recipe", [Popularity(), ALS(dimension=4, rounds=2)], ids=lambda r: r.name)
def test_the_sum_is_the_simulators_to_the_bit(federated, recipe, on_page):
    shop = federated(recipe=recipe, noise_seed=SEED)
    ledger, data = Ledger(), Serial(fold_of(shop.log))
    pipeline = Pipeline.of(
        shop.policy,
        recipe.charges,
        shop.clients,
        ledger=ledger,
        run="shop/0",
        account="a",
        seed=SEED,
    )
    simulated = train(recipe, data, shop.log.catalog, shop.clients, pipeline=pipeline)
    releases = [entry.name for entry in ledger.entries]
    visitors = range(2)
    for user in visitors:
        shop.site.seeds[user] = [*drawn_by(shop.clients.names[user], releases)]
    tabs = [
        shop.tab(shop.visitor(), on_page=on_page, worker=f"/seeded/{user}/worker.js")
        for user in visitors
    ]
    with shop.agents(range(2, USERS)) as problems:
        for user, tab in enumerate(tabs):
            shop.take_part(tab, user)
            worker = (f"/seeded/{user}/worker.js", "script" if on_page else "worker")
            assert worker in shop.site.fetched
        shop.begin()
        for tab in tabs:
            told = shop.rounds(tab, len(releases))
            assert [part["release"] for part in told] == releases
        run = shop.finished()
    assert problems == []
    learned = Artefacts(shop.service.blobs).load(run.state).state
    assert learned.round == simulated.state.round
    for key, array in simulated.state.arrays.items():
        np.testing.assert_array_equal(learned.arrays[key], array)
    sent = shop.wire.sent_to(shop.ports[1])
    secrets = [key for user in visitors for key in shop.site.seeds[user]]
    assert findings(sent, [], secrets) == []
