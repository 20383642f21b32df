"""A federation that uses a coordinator."""

import pytest

from hedgerow.data.shop import Shop
from hedgerow.federation.clients import Clients
from hedgerow.models.als import ALS
from hedgerow.models.registry import options_of
from hedgerow.privacy.policy import Policy
from hedgerow.server.tasks.task import Task


@pytest.fixture
def shop():
    """A small shop's interactions."""
    return Shop(customers=16, products=48, seed=3).interactions().distinct()


@pytest.fixture
def clients(shop):
    return Clients.devices(shop.users)


@pytest.fixture
def make_task():
    """Return a task of a few sums."""

    def make(secure, recipe=None, **changed):
        recipe = recipe or ALS(dimension=2, rounds=2)
        policy = Policy(epsilon=8.0, secure=secure, minimum=5, adversaries=0.1, dropouts=0.1)
        values = {
            "name": "shop",
            "model": recipe.name,
            "options": options_of(recipe),
            "catalog": "",
            "policy": policy,
            "measure": "none",
            "gather_seconds": 30,
            "phase_seconds": 30,
        }
        return Task(**{**values, **changed})

    return make
