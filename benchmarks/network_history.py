"""What a network did, held against what it should have done: each model to the bit, each charge."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from network_agents import streams
from network_ledger import charges
from network_support import source_of
from numpy.typing import NDArray
from sqlalchemy import select

from hedgerow.client.journal import REPORTED, REVEALED, STARTED, Answer
from hedgerow.client.profile import Profile
from hedgerow.client.sources import fold_of
from hedgerow.client.store import Store
from hedgerow.data.catalog import Catalog
from hedgerow.federation.ask import STEP, step_of
from hedgerow.federation.setting import SERVERS, stream_of
from hedgerow.federation.terms import client_words
from hedgerow.models.base import State
from hedgerow.privacy import gaussian
from hedgerow.privacy.secure.identity import public
from hedgerow.privacy.secure.session import SPLIT, sid
from hedgerow.privacy.secure.wire import from_wire
from hedgerow.server.rounds.closing import Published
from hedgerow.server.rounds.record import FINISHED, PUBLISH, Round, closings_of, load_round
from hedgerow.server.storage import tables
from hedgerow.server.storage.blobs import Blobs
from hedgerow.server.storage.database import Database
from hedgerow.server.tasks.artefacts import Artefacts


@dataclass(frozen=True)
class Findings:
    """What is wrong with a history.

    Parameters
    ----------
    rounds, failed
        How many sums were published, and how many attempts failed.
    wrong_models
        Published models that are not what their contributors' terms and the noise give, or that do
        not follow on the model before.
    double_counts
        Contributions that are in a sum twice, or in two sums, or in one of which the contributor's
        own journal knows nothing.
    wrong_charges
        What `Charges.problems` has.
    charged, charged_unopened, epsilon_spent
        See `Charges`.
    problems
        A sentence on each.
    """

    rounds: int
    failed: int
    wrong_models: int
    double_counts: int
    wrong_charges: int
    charged: int
    charged_unopened: int
    epsilon_spent: float
    problems: tuple[str, ...]


def check(database: Database, blobs: Blobs, agents: Mapping[str, Path], seed: str) -> Findings:
    """Hold all rounds against the clients' data and journals.

    Parameters
    ----------
    database, blobs
        The coordinator's.
    agents
        Folders by the client's id.
    seed
        From which all noise and rounding follows.
    """
    with database.read() as connection:
        query = select(tables.rounds.c.id).order_by(tables.rounds.c.created)
        found = [load_round(connection, name) for name in connection.scalars(query)]
        rounds = [each for each in found if each is not None]
        done = [each for each in rounds if each.phase == FINISHED]
        published = {
            each.id: from_wire(Published, closings_of(connection, each.id)[PUBLISH])
            for each in done
        }
    wrong, problems = _models(done, published, Artefacts(blobs), agents, seed)
    double, more = _counts(done, published, agents)
    accounts = charges(database, rounds, done, published, agents)
    return Findings(
        rounds=len(done),
        failed=sum(each.failure is not None for each in rounds),
        wrong_models=wrong,
        double_counts=double,
        wrong_charges=len(accounts.problems),
        charged=accounts.charged,
        charged_unopened=accounts.unopened,
        epsilon_spent=accounts.epsilon,
        problems=(*problems, *more, *accounts.problems),
    )


def _models(
    done: list[Round],
    published: Mapping[str, Published],
    artefacts: Artefacts,
    agents: Mapping[str, Path],
    seed: str,
) -> tuple[int, list[str]]:
    """Compute every published model anew from its contributors' own data."""
    wrong, problems, before = 0, [], None
    for current in done:
        ask = current.ask
        if ask is None or current.purpose != STEP:
            continue
        told = published[current.id]
        model = artefacts.load(ask.setting.model.hex())
        if before not in {None, ask.setting.model}:
            wrong += 1
            problems.append(f"Step {current.step} does not follow on the model before it.")
        step = step_of(
            model.recipe,
            model.state,
            ask.purpose,
            private=ask.policy.private,
            k=ask.k,
            repeats=ask.repeats,
        )
        catalog = Catalog(pl.Series(json.loads(model.names["items"])))
        total: NDArray[np.int64] = np.zeros(ask.setting.quantizer.size, np.int64)
        for member in told.members:
            folder = agents[member.hex()]
            store = Store(folder)
            source = source_of(Profile.open(folder), store)
            fold = fold_of(source, catalog, None, 1).fold
            random = partial(streams, seed, folder.name, ask.release)
            total += ask.setting.ring.decode(client_words(step, fold, ask.setting, random))
            store.close()
        if ask.policy.secure == SPLIT:
            for server in SERVERS:
                stream = stream_of(seed, ask.release, server)
                total += gaussian.integers(stream, len(total), sigma=ask.setting.deviation)
        values, sigma = ask.setting.opened(total, len(told.members))
        learned = step.update(replace(step.schema.unflatten(values), noise=sigma))
        if not _same(learned, artefacts.load(told.model.hex()).state):
            wrong += 1
            problems.append(f"Step {current.step} published another model than its terms give.")
        before = told.model
    return wrong, problems


def _same(one: State, other: State) -> bool:
    """Return whether two states are equal to the bit, momenta included."""
    parts = ((one.arrays, other.arrays), (one.server, other.server))
    return one.round == other.round and all(
        a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a) for a, b in parts
    )


def _counts(
    done: list[Round], published: Mapping[str, Published], agents: Mapping[str, Path]
) -> tuple[int, list[str]]:
    """Hold the receipts against each other and against the clients' journals."""
    problems = []
    sums = Counter((each.run, each.step, each.purpose) for each in done)
    for name, times in sums.items():
        if times > 1:
            problems += [f"The sum {name} was published {times} times."] * (times - 1)
    journals = {client: _journal(folder) for client, folder in agents.items()}
    for current in done:
        if current.ask is None or current.terms is None:
            continue
        members = Counter(published[current.id].members)
        for member, times in members.items():
            if times > 1:
                problems += [f"A client is {times} times in one sum."] * (times - 1)
            own = [a for a in journals[member.hex()] if a.release == current.ask.release]
            given = {a.session for a in own if a.stage != STARTED}
            ended = {a.session for a in own if a.stage in {REVEALED, REPORTED}}
            session = sid(current.terms).hex()
            if given != {session}:
                problems.append(f"A journal has {len(given)} answers to {current.ask.release}.")
            elif not ended and not _unrevealed(current):
                problems.append(f"A contribution to {current.ask.release} is in no journal.")
    return len(problems), problems


def _unrevealed(current: Round) -> bool:
    """Return whether contributors may be gone before they reveal: others open their vectors."""
    return current.mode != SPLIT


def _journal(folder: Path) -> list[Answer]:
    store = Store(folder)
    try:
        return store.journal.answers()
    finally:
        store.close()


def by_client(folders: list[Path]) -> dict[str, Path]:
    """Return agents' folders by the clients' ids."""
    return {public(Profile.open(folder).key).hex(): folder for folder in folders}
