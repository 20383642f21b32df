"""A storefront to test: a small synthetic shop, a model for it, and its server on a real port."""

import json
from contextlib import contextmanager

from hedgerow.api import simulate
from hedgerow.data.shop import Shop
from hedgerow.models.private_sequence import PrivateSequence
from hedgerow.storefront.app import create
from hedgerow.storefront.goods import Goods
from hedgerow.storefront.learning import Federation, LiveModel
from hedgerow.storefront.serving import listening, served

SHOP = Shop(customers=300, products=96, seed=3)

RUNS = 4

FLOOR = {"secure": "split", "minimum": 20, "epsilon": 8, "delta": 1e-5, "adversaries": 0.1}


def goods():
    return Goods.of(SHOP.catalog())


def trained(path):
    """Return a model made in this process."""
    log = SHOP.interactions(("view", "basket", "purchase")).distinct()
    simulate(PrivateSequence(dimension=16), log, seed=1).model.save(path)
    return LiveModel.read(path, 0)


def federation(network, first):
    """Return what a shop has of a rehearsal's servers."""
    keys = json.loads(network.deployment.read_text())
    names = ("authority", "coordinator", "helper", "sealing")
    settings = {
        "task": "shop",
        "coordinator": network.url,
        "trust": {name: keys[name] for name in names},
        "floor": FLOOR,
    }
    return Federation(network.operator, "shop", RUNS, settings, network.folder, first)


@contextmanager
def opened(learning):
    """Open a shop; give its URL."""
    with listening(0) as listener, served(create(goods(), learning), listener):
        yield url_of(listener)


def url_of(listener):
    return f"http://127.0.0.1:{listener.getsockname()[1]}"
