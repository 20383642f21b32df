"""Rounds over real HTTP: the network learns what the simulator learns, to the bit."""

import asyncio

import numpy as np
import pytest
from network import Deployment, contribute, coordinating, fold_of, members
from sqlalchemy import select

from hedgerow.data.shop import Shop
from hedgerow.federation.clients import Clients
from hedgerow.federation.executors import Serial
from hedgerow.federation.pipeline import Pipeline
from hedgerow.federation.simulator import train
from hedgerow.models.als import ALS
from hedgerow.models.popularity import Popularity
from hedgerow.models.registry import options_of
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.policy import Policy
from hedgerow.server.storage import tables
from hedgerow.server.storage.database import Database
from hedgerow.server.tasks.artefacts import Artefacts
from hedgerow.server.tasks.runs import load_run
from hedgerow.server.tasks.task import Task


@pytest.fixture(scope="module")
def shop():
    return Shop(customers=24, products=48, seed=3).interactions().distinct()


def ended(database):
    with database.read() as connection:
        found = connection.scalars(select(tables.runs.c.status)).all()
    return bool(found) and all(status != "running" for status in found)


@pytest.mark.parametrize("secure", ["pairwise", "split"])
@pytest.mark.parametrize("recipe", [Popularity(), ALS(dimension=4, rounds=2)], ids=lambda r: r.name)
def test_the_network_and_the_simulator_agree_to_the_bit(tmp_path, shop, secure, recipe):
    policy = Policy(epsilon=8.0, secure=secure, minimum=5, adversaries=0.1, dropouts=0.1)
    clients, data = Clients.devices(shop.users), fold_of(shop)
    task = Task(
        name="shop",
        model=recipe.name,
        options=options_of(recipe),
        catalog="",
        policy=policy,
        measure="none",
        gather_seconds=30,
        phase_seconds=30,
        noise_seed="rehearsal",
    )
    database = Database.open(f"sqlite:///{tmp_path / 'hedgerow.db'}")
    deployment = Deployment(tmp_path, database, noise_seed="rehearsal")
    identities = deployment.enrol(clients.names)
    deployment.task(task, shop.catalog)
    found, problems = members(deployment, identities, clients, data, "rehearsal"), []
    with coordinating(deployment) as (address, service):
        asyncio.run(contribute(address, found, lambda: ended(database), problems))
        with database.read() as connection:
            (name,) = connection.scalars(select(tables.runs.c.id))
            run = load_run(connection, name)
            note = connection.scalar(select(tables.runs.c.note))
    assert (run.status, note, problems) == ("done", "", [])
    pipeline = Pipeline.of(
        policy,
        recipe.charges,
        clients,
        ledger=Ledger(),
        run="shop/0",
        account="a",
        seed="rehearsal",
    )
    simulated = train(recipe, Serial(data), shop.catalog, clients, pipeline=pipeline)
    learned = Artefacts(service.blobs).load(run.state).state
    assert learned.round == simulated.state.round
    for key, array in simulated.state.arrays.items():
        np.testing.assert_array_equal(learned.arrays[key], array)
