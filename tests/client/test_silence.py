"""Whatever a coordinator has clients compute from, it cannot tell a full history from an empty one.

The hostile coordinator is a real server; its clients are agents with their stores and journals. One
has met everything, one nothing, and both must ask and send the same, byte for byte in number.
"""

import asyncio
import json
from dataclasses import replace

import httpx
import numpy as np
import pytest
from client_support import AUTHORITY, DEPLOYMENT
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hostile import Coordinator, ask_for, at_limits, file_of, purposes, spoilt
from network import Deployment, contribute, coordinating, fold_of, members, serving
from recipes import RECIPES
from sqlalchemy import select
from support import states_of, structured_block

from hedgerow.client import sources
from hedgerow.client.agent import Agent, api_of
from hedgerow.client.api import Later
from hedgerow.client.guard import Guard
from hedgerow.client.profile import Profile
from hedgerow.client.sources import Device, Table
from hedgerow.client.store import Store
from hedgerow.data.shop import Shop
from hedgerow.federation.clients import Clients
from hedgerow.models.registry import MODELS
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.secure.identity import certify, public
from hedgerow.server.storage import tables
from hedgerow.server.storage.database import Database
from hedgerow.server.tasks.artefacts import Artefacts
from hedgerow.server.tasks.runs import load_run
from hedgerow.server.tasks.task import Task

ITEMS = 12
RICH = [(f"i{place * 5 % ITEMS}", 1.0 + place % 3) for place in range(40)]
"""A history that has met every item, with repeats and weights."""

GUARD = Guard(
    minimum=2,
    adversaries=0.0,
    dropouts=0.0,
    semi_malicious=False,
    consistency=False,
    epsilon=None,
    per_day=1_000_000,
)


class Watched:
    """Some agents that differ in nothing but their data, and the coordinator that watches them."""

    def __init__(self, folder, address, coordinator, holds):
        self.folder, self.coordinator = folder, coordinator
        self.agents, self.said = [], []
        keys = [Ed25519PrivateKey.generate() for _ in holds]
        certificates = certify(AUTHORITY, [public(key) for key in keys])
        for number, (key, certificate) in enumerate(zip(keys, certificates, strict=True)):
            own = folder / str(number)
            made = Profile.create(own, address, DEPLOYMENT, guard=GUARD, key=key)
            store, said = Store(own), []
            for purpose in ("train", "measure"):
                store.consents.give(purpose, "ann", "1")
            source = holds[number](store, public(key).hex())
            self.agents.append(Agent(made.enrolled(certificate), store, source, said.append))
            self.said.append(said)

    def watch(self, ask, body):
        """Run one round; return what each agent was seen to do, what it noted and what came."""
        self.coordinator.serve(ask, body)
        for said in self.said:
            said.clear()

        async def come(agent):
            async with httpx.AsyncClient(
                base_url=agent.profile.coordinator, trust_env=False, verify=False
            ) as http:
                return await agent.once(api_of(agent.profile, http))

        async def all_come():
            return await asyncio.gather(*map(come, self.agents), return_exceptions=True)

        came = asyncio.run(all_come())
        seen = [self.coordinator.seen(public(agent.profile.key).hex()) for agent in self.agents]
        noted = [
            [
                (answer.release, answer.task, answer.purpose, answer.session, answer.stage)
                for answer in agent.store.journal.answers()
            ]
            for agent in self.agents
        ]
        return seen, noted, came


def rich(store, user):
    for place, (item, weight) in enumerate(RICH):
        store.history.append(item, 1000 + place, weight=weight)
    return Device(store.history, user)


def empty(store, user):
    return Device(store.history, user)


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """Two clients: one has met everything, the other nothing."""
    folder, coordinator = tmp_path_factory.mktemp("watched"), Coordinator(2)
    with serving(coordinator.app) as address:
        found = Watched(folder, address, coordinator, [rich, empty])
        yield found
        for agent in found.agents:
            agent.store.close()


def kinds(seen):
    return [path.rsplit("/", 1)[1] for method, path, _ in seen if method == "PUT"]


def check_alike(watched, ask, body):
    """Run a round; require that nobody could tell the two apart, and return what was sent."""
    (full, none), (told, other), came = watched.watch(ask, body)
    assert full == none
    assert told == other
    assert all(isinstance(each, Later) for each in came), came
    assert came[0] == came[1]
    released = bool(told) and any(note[0] == ask.release for note in told)
    sent = kinds(full)
    # Charged and sent, or neither.
    assert released == bool(sent)
    return sent


every_recipe = pytest.mark.parametrize("recipe", [RECIPES[name] for name in MODELS], ids=MODELS)


@every_recipe
def test_a_spoilt_model_is_refused_whatever_a_client_holds(watched, recipe):
    states = states_of(recipe, structured_block(n_items=ITEMS))
    # The state before the last step has all arrays that clients compute from.
    state = states[-2]
    for what, arrays, number in spoilt(state, ITEMS):
        body = file_of(watched.folder, recipe, arrays, number, ITEMS)
        ask = ask_for(recipe, state, body, secure="split", clients=2)
        assert check_alike(watched, ask, body) == [], what
        assert all("cannot be used" in said[-1] for said in watched.said), what


@pytest.mark.parametrize("secure", ["split", "pairwise"])
@every_recipe
def test_a_model_at_the_limits_is_answered_whatever_a_client_holds(watched, recipe, secure):
    states = states_of(recipe, structured_block(n_items=ITEMS))
    everything = ["report"] if secure == "split" else ["advert", "shares", "masked", "reveal"]
    for purpose, state in purposes(recipe, states):
        for what, arrays in at_limits(recipe, state, ITEMS, all_of_them=secure == "split"):
            body = file_of(watched.folder, recipe, arrays, state.round, ITEMS)
            ask = ask_for(recipe, state, body, secure=secure, clients=2, purpose=purpose)
            assert check_alike(watched, ask, body) == everything, (what, purpose, state.round)


@pytest.mark.parametrize("name", MODELS)
def test_a_file_of_another_recipe_than_was_asked_for_is_refused(watched, name):
    other = RECIPES["transitions" if name != "transitions" else "popularity"]
    states = states_of(other, structured_block(n_items=ITEMS))
    body = file_of(watched.folder, other, states[0].arrays, 0, ITEMS)
    ask = ask_for(other, states[0], body, secure="split", clients=2, recipe=name)
    assert check_alike(watched, ask, body) == []
    assert all("the model's file is of" in said[-1] for said in watched.said)


HEADS = {
    "no options": {"options": "17"},
    "options of another kind": {"options": "[[1]]"},
    "an unknown model": {"model": "oracle"},
    "a round that is no number": {"round": "one"},
    "a round of too many digits": {"round": "9" * 5000},
    "items that are no list": {"items": '{"i0": 1}'},
    "items that are numbers": {"items": json.dumps(list(range(ITEMS)))},
    "an item twice": {"items": json.dumps(["i0"] * ITEMS)},
    "an item too few": {"items": json.dumps([f"i{n}" for n in range(ITEMS - 1)])},
    "no item": {"items": "[]", "titles": "[]"},
    "no JSON": {"items": "["},
    "deep JSON": {"items": "[" * 100_000},
    "no Unicode": {"items": '["\\ud800"' + "".join(f', "{n}"' for n in range(1, ITEMS)) + "]"},
    "titles for others": {"titles": '["one"]'},
    "titles that are none": {"titles": json.dumps([None] * ITEMS)},
    "a dimension without end": {"options": '{"dimension": 1000000000}'},
    "a number without end": {"options": '{"regularization": 1' + "0" * 400 + "}"},
    "no number": {"options": '{"regularization": NaN}'},
    "rounds without end": {"options": '{"rounds": 100000000}'},
}  # fmt: skip


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_a_malformed_head_is_refused_in_one_sentence(watched, head):
    recipe = RECIPES["als"]
    state = states_of(recipe, structured_block(n_items=ITEMS))[0]
    body = file_of(watched.folder, recipe, state.arrays, 0, ITEMS, **head)
    ask = ask_for(recipe, state, body, secure="split", clients=2)
    assert check_alike(watched, ask, body) == []
    for said in watched.said:
        assert said[-1].startswith("did not take part: The public model cannot be used")


def test_an_ask_that_makes_no_sense_is_refused(watched):
    recipe = RECIPES["popularity"]
    state = states_of(recipe, structured_block(n_items=ITEMS))[0]
    body = file_of(watched.folder, recipe, state.arrays, 0, ITEMS)
    right = ask_for(recipe, state, body, secure="split", clients=2)
    changes = [{"k": 0}, {"k": 10**9}, {"k": "ten"}, {"repeats": 3}, {"held_out": None}]
    changes += [{"purpose": "profile"}, {"delta": "small"}, {"delta": float("nan")}]
    changes += [{"task": ["a"]}, {"recipe": None}]
    changes += [{"setting": replace(right.setting, noise=replace(right.noise, bound=2.0))}]
    for changed in changes:
        assert check_alike(watched, replace(right, **changed), body) == [], changed
        assert all("contradicts itself" in said[-1] for said in watched.said), changed


@pytest.mark.parametrize("multiplier", [1e4 + 1, 1e6, 1e8])
def test_so_much_noise_that_clients_are_only_watched_is_refused(watched, multiplier):
    recipe = RECIPES["popularity"]
    state = states_of(recipe, structured_block(n_items=ITEMS))[0]
    body = file_of(watched.folder, recipe, state.arrays, 0, ITEMS)
    ask = ask_for(recipe, state, body, secure="split", clients=2)
    noise = replace(ask.noise, multiplier=multiplier)
    ask = replace(ask, setting=replace(ask.setting, noise=noise))
    assert check_alike(watched, ask, body) == []
    assert all("noise is so strong" in said[-1] for said in watched.said)


def broken_query(store, user):
    return Table("sqlite:////nowhere/at/all.db", query="SELECT nothing FROM nowhere")


def broken_file(store, user):
    path = store._folder / "history.csv"
    path.write_bytes(b"\x00\xff,no,table\n\x00")
    return Table(path)


def heavy(store, user):
    # Weights that leave 32 bits, and so every model's arithmetic.
    for place in range(5):
        store.history.append(f"i{place}", place, weight=1e300)
    return Device(store.history, user)


class Gone:
    """A source whose reader ends as no reader should."""

    def __init__(self, problem):
        self.problem = problem

    def read(self):
        raise self.problem


def ending(problem):
    return lambda _store, _user: Gone(problem)


@pytest.mark.parametrize("secure", ["split", "pairwise"])
def test_a_history_that_cannot_be_read_is_not_seen(tmp_path, secure):
    holds = [rich, empty, broken_query, broken_file, heavy]
    holds += [ending(MemoryError()), ending(RuntimeError("no")), ending(SystemExit(3))]
    coordinator = Coordinator(len(holds))
    recipe = RECIPES["als"]
    state = states_of(recipe, structured_block(n_items=ITEMS))[1]
    with serving(coordinator.app) as address:
        watched = Watched(tmp_path, address, coordinator, holds)
        body = file_of(watched.folder, recipe, state.arrays, state.round, ITEMS)
        ask = ask_for(recipe, state, body, secure=secure, clients=len(holds))
        seen, noted, came = watched.watch(ask, body)
        for agent in watched.agents:
            agent.store.close()
    assert all(each == seen[0] for each in seen)
    assert all(each == noted[0] for each in noted)
    assert kinds(seen[0])[-1] == ("report" if secure == "split" else "reveal")
    assert all(each == came[0] for each in came)
    told = [any("an empty term is sent" in line for line in said) for said in watched.said]
    assert told == [False, False, True, True, True, True, True, True]


def test_one_client_without_a_term_leaves_the_sum_of_the_others(tmp_path):
    """With a real coordinator and helper; of the clients one has a file that cannot be read."""
    shop = Shop(customers=6, products=48, seed=3).interactions().distinct()
    clients, data = Clients.devices(shop.users), fold_of(shop)
    policy = Policy(secure="split", minimum=2, adversaries=0.0, dropouts=0.0, clip=64.0)
    task = Task(
        name="shop",
        model="popularity",
        catalog="",
        policy=policy,
        measure="none",
        gather_seconds=30,
        phase_seconds=30,
    )
    sqlite = Database.open(f"sqlite:///{tmp_path / 'hedgerow.db'}")
    deployment = Deployment(tmp_path, sqlite)
    identities = deployment.enrol(clients.names)
    deployment.task(task, shop.catalog)
    found, said = members(deployment, identities, clients, data), []
    (tmp_path / "history.csv").write_bytes(b"\x00\xff,no,table\n\x00")
    broken = Table(tmp_path / "history.csv")
    found[2] = replace(
        found[2], data=lambda catalog, _: sources.fold_of(broken, catalog).fold, said=said.append
    )
    with coordinating(deployment) as (address, service):
        asyncio.run(contribute(address, found, lambda: ended(sqlite)))
        with sqlite.read() as connection:
            run = load_run(connection, connection.scalars(select(tables.runs.c.id)).one())
    learned = Artefacts(service.blobs).load(run.state).state.arrays["counts"]
    others = data.take(np.flatnonzero(np.arange(len(data)) != 2))
    wanted = others.history.incidence().sum(axis=0)
    np.testing.assert_allclose(learned, wanted, atol=1e-3)
    assert len(said) == 1
    assert "an empty term is sent" in said[0]


def ended(database):
    with database.read() as connection:
        found = connection.scalars(select(tables.runs.c.status)).all()
    return bool(found) and all(status != "running" for status in found)
