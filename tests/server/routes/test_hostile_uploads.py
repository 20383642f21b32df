"""Whatever enrolled clients send into a round, it is refused or ignored, and the sum is exact."""

import asyncio
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from network import AUDIENCE, Deployment, contribute, coordinating, fold_of, members
from sqlalchemy import select

from hedgerow.client.api import Api
from hedgerow.data.shop import Shop
from hedgerow.federation.clients import Clients
from hedgerow.federation.executors import Serial
from hedgerow.federation.pipeline import Pipeline
from hedgerow.federation.simulator import train
from hedgerow.models.popularity import Popularity
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.secure import cbor
from hedgerow.privacy.secure.identity import public
from hedgerow.server.routes.agents import CBOR, LARGEST, PHASE_OF
from hedgerow.server.storage import tables
from hedgerow.server.storage.database import Database
from hedgerow.server.tasks.artefacts import Artefacts
from hedgerow.server.tasks.runs import load_run
from hedgerow.server.tasks.task import Task

SEED = "rehearsal"
SECONDS = 12.0
"""Of each deadline. In split mode time is put forward by two of them for each of two sums, and
logins may be off by a minute."""
KINDS = sorted(PHASE_OF)
KIND_OF = {phase: kind for kind, phase in PHASE_OF.items()}


class Eve:
    """A client with a valid enrolment, which sends what it likes."""

    def __init__(self, address, identity, database):
        self.address, self.identity, self.database = address, identity, database
        self.random = random.Random(5)
        self.wrong, self.statuses, self.seen = [], {}, {}

    def log_in(self):
        async def token():
            async with httpx.AsyncClient(base_url=self.address) as http:
                return await Api(http, self.identity.key, audience=AUDIENCE)._access()

        return asyncio.run(token())

    def bodies(self):
        """What others sent so far, with the round and the kind of each."""
        messages = tables.messages
        with self.database.read() as connection:
            query = select(messages).where(messages.c.body.is_not(None))
            rows = connection.execute(query.where(messages.c.kind != "check-in")).all()
        self.seen.update({row.seq: row for row in rows})
        return rows

    def rounds(self):
        with self.database.read() as connection:
            return list(connection.scalars(select(tables.rounds.c.id))) or ["0" * 32]

    def now(self):
        """The round that goes on, and the kind of message that it takes."""
        rounds = tables.rounds
        with self.database.read() as connection:
            query = select(rounds.c.id, rounds.c.phase).where(rounds.c.phase.in_(KIND_OF))
            found = connection.execute(query).first()
        return found and (found.id, KIND_OF[found.phase])

    def draw(self, sent):
        """Draw a body."""
        draw = self.random
        copied = draw.choice(sent).body if sent else b""
        cut = draw.randrange(len(copied) + 1)
        return draw.choice(
            [
                draw.randbytes(draw.randrange(200)),
                copied,
                copied[:cut],
                copied[:cut] + draw.randbytes(1) + copied[cut + 1 :],
                copied + b"\x00",
                b"\x81" * 5000,
                b"\x9b" + b"\xff" * 8,
                b"\x5b" + (2**40).to_bytes(8, "big") + b"x",
                b"\xbf\x61a\xff",
                b"\xc6" * 100 + b"\x00",
                b"\xfb" + bytes(8),
                bytes(2_000_000),
                b"",
                cbor.encode({"type": draw.choice(KINDS)}),
            ]
        )

    def attack(self, done):
        """Send one thing after another until it is over."""
        shown = self.log_in()
        with httpx.Client(base_url=self.address, timeout=30) as http:
            while not done():
                sent, draw = self.bodies(), self.random
                place = draw.choice([*self.rounds(), "0" * 32, "x" * 32, "%00"])
                kind = draw.choice([*KINDS, "check-in", "publish", "..", "%00"])
                media = draw.choice([CBOR, CBOR, CBOR, CBOR, "application/json", "", "x" * 100])
                now = self.now() if draw.random() < 0.5 else None
                if now is not None:
                    (place, kind), media = now, CBOR
                self.note(
                    http.put(
                        f"/v1/rounds/{place}/{kind}",
                        content=self.draw(sent),
                        headers={"authorization": f"Bearer {shown}", "content-type": media},
                    )
                )
                phase = draw.choice([*PHASE_OF.values(), "done", "gather", "x"])
                self.note(
                    http.get(
                        f"/v1/rounds/{place}/{phase}",
                        params={"wait": 0},
                        headers={"authorization": f"Bearer {shown}"},
                    )
                )

    def note(self, answer):
        status = answer.status_code
        self.statuses[status] = self.statuses.get(status, 0) + 1
        fits = status < 500
        if status >= 400:
            found = answer.json() if "json" in answer.headers.get("content-type", "") else {}
            fits &= found.keys() == {"error", "detail"}
        if not fits:
            self.wrong.append((str(answer.request.url), status, answer.text[:200]))


class Skewed:
    """A clock that can be put forward."""

    def __init__(self):
        self.ahead = 0.0

    def __call__(self):
        return time.time() + self.ahead


def ended(database):
    with database.read() as connection:
        found = connection.scalars(select(tables.runs.c.status)).all()
    return bool(found) and all(status != "running" for status in found)


def reported(database):
    """How many reports were taken so far."""
    messages = tables.messages
    with database.read() as connection:
        rows = connection.execute(
            select(messages.c.client).where(
                messages.c.kind == "report", messages.c.refused.is_(None)
            )
        ).all()
    return len(rows)


@pytest.mark.parametrize("secure", ["pairwise", "split"])
def test_a_round_under_attack_is_exact(tmp_path, secure):
    log = Shop(customers=10, products=48, seed=3).interactions().distinct()
    policy = Policy(secure=secure, minimum=5, adversaries=0.1, dropouts=0.2)
    clients, data = Clients.devices(log.users), fold_of(log)
    honest = len(clients.names)
    # In split mode there is a place for Eve, whose report is refused, so that time ends the round.
    task = Task(
        name="shop", model="popularity", catalog="", policy=policy, measure="none",
        clients=honest + (secure == "split"), over_selection=1.0, gather_seconds=SECONDS,
        phase_seconds=SECONDS, noise_seed=SEED, attempts=1,
    )  # fmt: skip
    database = Database.open(f"sqlite:///{tmp_path / 'hedgerow.db'}")
    deployment = Deployment(tmp_path, database, noise_seed=SEED)
    identities = deployment.enrol([*clients.names, "eve"])
    deployment.task(task, log.catalog)
    found, problems = members(deployment, identities[:-1], clients, data, SEED), []
    clock = Skewed()

    def done():
        if secure == "split":
            clock.ahead = 2 * SECONDS * (reported(database) // honest)
        return ended(database)

    with coordinating(deployment, clock=clock) as (address, service), ThreadPoolExecutor() as pool:
        eve = Eve(address, identities[-1], database)
        attack = pool.submit(eve.attack, done)
        asyncio.run(contribute(address, found, done, problems))
        attack.result()
        with database.read() as connection:
            (name,) = connection.scalars(select(tables.runs.c.id))
            run = load_run(connection, name)
            note = connection.scalar(select(tables.runs.c.note))
            contributors = connection.scalars(select(tables.rounds.c.stats)).all()
        again(address, eve)
    assert eve.wrong == []
    assert (run.status, note, problems) == ("done", "", [])
    assert all(f'"contributors": {honest}' in stats for stats in contributors)
    assert eve.statuses.keys() >= {404, 409, 415}
    recipe = Popularity()
    pipeline = Pipeline.of(
        policy, recipe.charges, clients, ledger=Ledger(), run="shop/0", account="a", seed=SEED
    )
    expected = train(recipe, Serial(data), log.catalog, clients, pipeline=pipeline).state
    learned = Artefacts(service.blobs).load(run.state).state
    for key, array in expected.arrays.items():
        np.testing.assert_array_equal(learned.arrays[key], array)
    database.close()


def again(address, eve):
    """After the round, a message again has the receipt it had; any other is refused."""
    own = public(eve.identity.key).hex()
    assert {row.client for row in eve.seen.values()} > {own}
    headers = {"authorization": f"Bearer {eve.log_in()}", "content-type": CBOR}
    with httpx.Client(base_url=address, headers=headers) as http:
        for row in eve.seen.values():
            answer = http.put(f"/v1/rounds/{row.round}/{row.kind}", content=row.body)
            if row.client == own:
                assert answer.json() == {"seq": row.seq, "digest": row.digest}
            else:
                assert answer.status_code == 409
            other = http.put(f"/v1/rounds/{row.round}/{row.kind}", content=os.urandom(8))
            assert other.status_code == 409


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_larger_than_any_such_message_is_not_read(tmp_path, kind):
    database = Database.open(f"sqlite:///{tmp_path / 'hedgerow.db'}")
    deployment = Deployment(tmp_path, database)
    (identity,) = deployment.enrol(["eve"])
    with coordinating(deployment) as (address, _):
        shown = Eve(address, identity, database).log_in()
        headers = {"authorization": f"Bearer {shown}", "content-type": CBOR}
        place = f"{address}/v1/rounds/{'0' * 32}/{kind}"
        answer = httpx.put(place, content=bytes(LARGEST[kind] + 1), headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (413, "body-too-large")
        assert LARGEST[kind] < 1 << 20 or kind in {"masked", "report"}
        if LARGEST[kind] < 1 << 20:
            answer = httpx.put(place, content=iter([b"x"]), headers=headers)
            assert answer.status_code == 413
    database.close()
