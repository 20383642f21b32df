"""A deployment with a past: thousands of clients, a thousand rounds, and one that goes on."""

import json
import math

import numpy as np
import polars as pl
from routes.interface import NOW
from sqlalchemy import insert, update

from hedgerow.data.catalog import Catalog
from hedgerow.privacy.ledger import Entry, Ledger
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.releases import Release
from hedgerow.privacy.secure.session import Terms
from hedgerow.privacy.secure.wire import to_wire
from hedgerow.server.rounds.record import FAILED, FINISHED, MASKED
from hedgerow.server.security.audit_log import Event, append
from hedgerow.server.storage import tables
from hedgerow.server.storage.ledger_lines import DatabaseLines
from hedgerow.server.tasks.registry import put_live, task_named
from hedgerow.server.tasks.runs import account_of, start_run
from hedgerow.server.tasks.task import Task

ITEMS = Catalog(pl.Series([f"item {n}" for n in range(1682)]))

EACH = 90.0
"""Seconds from one round to the next."""

CITIES = (
    *("Aberystwyth", "Bath", "Carlisle", "Durham", "Ely", "Falmouth", "Guildford", "Hexham"),
    *("Ilkley", "Keswick", "Ludlow", "Malvern", "Norwich", "Oban", "Penzance", "Ripon"),
    *("Stroud", "Tenby", "Ullapool", "Whitby"),
)

TASKS = (
    Task("movies", "factorization", "0" * 64, Policy(8.0, secure="pairwise", minimum=100),
         {"rounds": 500}, clients=500, measure="every", runs=2, schedule="0 3 * * 0"),
    Task("bestsellers", "popularity", "0" * 64, Policy(1.0, secure="split", minimum=100)),
    Task("journeys", "item_item", "0" * 64, Policy(secure="pairwise", minimum=50),
         schedule="30 2 * * *", runs=400),
)  # fmt: skip


def terms(mode="pairwise", minimum=100, clients=650):
    """What the parties to a round agree on."""
    shared = (16, 9, True) if mode == "pairwise" else (0, 0, False)
    return Terms(mode, "movies", 0, 0, 53_825, 32, clients, minimum, *shared, bytes(32), bytes(32))


def fill(deployment, rounds=1000, clients=10_000):
    """Give a deployment a past."""
    draw = np.random.default_rng(20251124)
    _clients(deployment, draw, clients)
    for task in TASKS:
        deployment.task(task, ITEMS)
    with deployment.database.write() as connection:
        age = NOW - rounds * EACH - 86_400
        connection.execute(update(tables.tasks).values(created=age))
        connection.execute(update(tables.catalogs).values(created=age))
    _baseline(deployment, draw)
    _training(deployment, draw, rounds)
    with deployment.database.write() as connection:
        journeys = tables.tasks.c.name == "journeys"
        connection.execute(tables.tasks.update().where(journeys).values(status="paused"))
        key = deployment.coordinator
        for number in range(140):
            event = Event("the-operator", "enrol-client", CITIES[number % len(CITIES)])
            at = age + number * 600.0
            append(connection, event, key=key, clock=lambda at=at: at)
        event = Event("the-operator", "put-live", "movies", "unknown-model")
        append(connection, event, key=key, clock=lambda: NOW - 60)


def _clients(deployment, draw, count):
    names = [draw.bytes(32).hex() for _ in range(count)]
    rows, logins = [], []
    for number, name in enumerate(names):
        silo = number < count // 50
        city = CITIES[number % len(CITIES)]
        rows.append({
            "id": name, "kind": "silo" if silo else "device",
            "name": f"{city} branch {number // len(CITIES) + 1}" if silo else f"device-{number}",
            "users": int(draw.integers(200, 20_000)) if silo else 1, "certificate": b"",
            "enrolled": NOW - float(draw.uniform(5, 300)) * 86_400,
            "revoked": NOW - 86_400.0 if draw.random() < 0.01 else None,
        })  # fmt: skip
        if draw.random() < 0.9:
            ago = float(draw.exponential(40_000))
            logins.append({"client": name, "latest": int((NOW - ago) * 1000)})
    with deployment.database.write() as connection:
        connection.execute(insert(tables.clients), rows)
        connection.execute(insert(tables.logins), logins)


def _run(deployment, name, created):
    ledger = Ledger(DatabaseLines(deployment.database))
    with deployment.database.write() as connection:
        task_id, task, _ = task_named(connection, name)
        run = start_run(connection, task_id, task, ledger=ledger, state="e" * 64, now=created)
    return task_id, task, run


def _baseline(deployment, draw):
    """The task of best-sellers: one run, a day ago."""
    at = NOW - 90_000.0
    task_id, task, run = _run(deployment, "bestsellers", at)
    quality = {"ndcg@10": 0.0571, "hr@10": 0.1203, "mrr@10": 0.0392, "users": 41_210.0,
               "deviation": 0.0011}  # fmt: skip
    with deployment.database.write() as connection:
        name = draw.bytes(32).hex()
        row = {"hash": name, "run": run, "task": task_id, "step": 1, "created": at + 60}
        connection.execute(insert(tables.models), {**row, "quality": json.dumps(quality)})
        done = {"status": "done", "step": 1, "changed": at + 120.0, "state": name,
                "progress": json.dumps({"clips": {}, "measured": 1})}  # fmt: skip
        connection.execute(tables.runs.update().where(tables.runs.c.id == run).values(done))
        put_live(connection, task_id, name, "schedule", at + 120)
    ledger = Ledger(DatabaseLines(deployment.database))
    _charge(ledger, task, "bestsellers/0/0", 9.0, "count items")
    _charge(ledger, task, "bestsellers/0/e0", 30.0, "measure quality")


def _training(deployment, draw, rounds):
    """The task of movies: a run whose rounds go on, two of them for each step."""
    begun = NOW - rounds * EACH
    task_id, task, run = _run(deployment, "movies", begun)
    steps = (rounds - 1) // 2
    names = [draw.bytes(32).hex() for _ in range(steps)]
    wire = to_wire(terms())
    rows, attempts = [], {}
    for number in range(rounds):
        purpose, step = ("evaluation", number // 2) if number % 2 else ("step", number // 2)
        at, going = begun + number * EACH, number == rounds - 1
        came = int(draw.integers(540, 651))
        lost = int(draw.binomial(came, 0.06))
        failed = not going and draw.random() < 0.02
        spent = {"gather": 20 + 6 * draw.random(), "keys": 1 + draw.random(),
                 "shares": 2 + draw.random(), "masked": 8 + 12 * draw.random(),
                 "consent": 1.5 + draw.random(), "unmask": 2 + draw.random()}  # fmt: skip
        stats = {f"{phase}_seconds": round(float(s), 3) for phase, s in spent.items()}
        stats["wanted"] = 650
        if not going:
            size = came * 220_000 if purpose == "step" else came * 31_000
            stats["sent"] = {"came": came, "refused": int(draw.random() < 0.05), "bytes": size}
        if going:
            stats = {name: stats[name] for name in ("gather_seconds", "keys_seconds", "wanted")}
        if not (failed or going):
            stats["contributors"] = came - lost
        key = (purpose, step)
        attempts[key] = attempts.get(key, -1) + 1
        rows.append({
            "id": draw.bytes(16).hex(), "run": run, "step": step, "purpose": purpose,
            "attempt": attempts[key], "mode": "pairwise", "ask": "", "terms": wire,
            "phase": MASKED if going else FAILED if failed else FINISHED,
            "failure": "too-few-contributors" if failed else None,
            "deadline": NOW + 41.0 if going else at + 60, "owner": "one",
            "lease_until": NOW + 9.0 if going else 0.0, "epoch": 1, "created": at,
            "changed": NOW - 19.0 if going else at + sum(spent.values()),
            "stats": json.dumps(stats),
        })  # fmt: skip
    models = []
    for step, name in enumerate(names):
        grown = 0.031 + 0.093 * (1 - math.exp(-step / max(steps / 5, 1)))
        ndcg = grown + 0.0018 * draw.standard_normal()
        quality = {"ndcg@10": ndcg, "hr@10": 1.9 * ndcg, "mrr@10": 0.72 * ndcg,
                   "users": 40_000 + 900 * draw.standard_normal(), "deviation": 0.0013}  # fmt: skip
        at = begun + (2 * step + 1) * EACH
        models.append({"hash": name, "run": run, "task": task_id, "step": step + 1,
                       "quality": json.dumps(quality), "created": at})  # fmt: skip
    with deployment.database.write() as connection:
        connection.execute(insert(tables.rounds), rows)
        connection.execute(insert(tables.models), models)
        _messages(connection, draw, rows[-1])
        done = {"step": steps, "state": names[-1], "changed": NOW - 19.0,
                "progress": json.dumps({"clips": {}, "measured": steps})}  # fmt: skip
        connection.execute(tables.runs.update().where(tables.runs.c.id == run).values(done))
        put_live(connection, task_id, names[steps // 2], "schedule", NOW - 40_000)
        put_live(connection, task_id, names[-2], "schedule", NOW - 400)
    ledger = Ledger(DatabaseLines(deployment.database))
    for number in range(2 * steps):
        kind, step = ("e", "measure quality") if number % 2 else ("", "train locally")
        _charge(ledger, task, f"movies/0/{kind}{number // 2}", 2.0 * steps**0.5, step)


def _messages(connection, draw, going):
    """What came so far in the round that goes on."""
    here = [row.id for row in connection.execute(tables.clients.select().limit(612))]
    kinds = {"check-in": 0, "keys": 180, "shares": 4100, "masked": 215_400}
    rows = [
        {"round": going["id"], "client": client, "kind": kind, "digest": "d" * 64,
         "length": length, "refused": None, "received": NOW - 10.0}
        for client in here
        for kind, length in kinds.items()
        if kind != "masked" or draw.random() < 0.6
    ]  # fmt: skip
    connection.execute(insert(tables.messages), rows)


def _charge(ledger, task, name, multiplier, step):
    entry = Entry(account_of(task), name, step, "user", 1, "the clients", task.policy.secure,
                  Release("gaussian", multiplier), 1.0, multiplier, 3.2e-6)  # fmt: skip
    ledger.charge(entry, task.policy.epsilon)
