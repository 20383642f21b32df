"""A shop with a real coordinator and helper behind it, and its visitors."""

import contextlib
from pathlib import Path

import httpx
import pytest
import storefronts

from hedgerow.cli.rehearsal import rehearse
from hedgerow.client.operator import Operator
from hedgerow.storefront.learning import Federation


@pytest.fixture(scope="session")
def goods():
    return storefronts.goods()


@pytest.fixture(scope="session")
def first(tmp_path_factory):
    """A model made in this process."""
    return storefronts.trained(tmp_path_factory.mktemp("model") / "first.safetensors")


@pytest.fixture(scope="session")
def network(tmp_path_factory):
    with rehearse(tmp_path_factory.mktemp("network"), origins=["http://127.0.0.1"]) as running:
        yield running


@pytest.fixture
def visiting():
    """Opens a shop to a visitor."""
    with contextlib.ExitStack() as stack:

        def visitor(learning):
            url = stack.enter_context(storefronts.opened(learning))
            return stack.enter_context(httpx.Client(base_url=url, trust_env=False))

        yield visitor


@pytest.fixture
def visitor(visiting, network, first):
    return visiting(storefronts.federation(network, first))


@pytest.fixture
def alone(first):
    """What a shop has whose coordinator is away: nobody listens on port 9."""
    away = "http://127.0.0.1:9"
    with httpx.Client(base_url=away, trust_env=False) as http:
        yield Federation(Operator(http), "shop", 4, {"coordinator": away}, Path(), first)
