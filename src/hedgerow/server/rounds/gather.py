"""Gathering: clients that are ready check in, until enough have come or the time is over.

Only then is it known how many there are, and so what the terms of the secured sum are.
"""

from __future__ import annotations

import math

from sqlalchemy import select

from hedgerow.errors import ProtocolError
from hedgerow.federation.ask import Ask
from hedgerow.server.rounds.asking import make_ask, size_of
from hedgerow.server.rounds.work import Work
from hedgerow.server.storage import tables
from hedgerow.server.tasks.artefacts import Artefacts
from hedgerow.server.tasks.runs import Population, Run, load_run

KIND = "check-in"

WANTED = "wanted"
"""Under which a round keeps how many clients it asks."""


def wanted_clients(run: Run, enrolled: int) -> int:
    """Return how many clients a sum is asked of: more than are needed, as some will vanish."""
    if not run.task.clients:
        return enrolled
    return min(enrolled, math.ceil(run.task.clients * run.task.over_selection))


def take(work: Work, _client: bytes, body: bytes) -> None:
    """Note that a client has come; clients that were woken together may be too many."""
    if body:
        raise ProtocolError("bad-message", "A check-in carries nothing.")
    if len(work.taken) >= work.round.stats.get(WANTED, math.inf):
        raise ProtocolError("round-full", "Enough clients have come; wait for the next round.")


def enough(work: Work) -> bool:
    """Return whether no more clients are waited for."""
    with work.service.database.read() as connection:
        run = load_run(connection, work.round.run)
        enrolled = len(Population.of(connection).users)
    return len(work.taken) >= wanted_clients(run, enrolled)


def close(_work: Work) -> None:
    """Do nothing: what is asked of those who came was fixed when the round moved on."""


def ask_of(work: Work) -> Ask:
    """Return what is asked of those who came.

    Raises
    ------
    ProtocolError
        ``too-few-clients``.
    ConfigError
        So few cannot keep what the policy promises.
    """
    clients, names = tables.clients, [client.hex() for client in work.taken]
    with work.service.database.read() as connection:
        run = load_run(connection, work.round.run)
        users = dict(connection.execute(select(clients.c.id, clients.c.users)).all())
    if len(names) < max(2, run.policy.minimum):
        raise ProtocolError("too-few-clients", f"Only {len(names)} clients have come.")
    wanted = run.wanted
    if wanted is None:
        raise ProtocolError("nothing-to-do", "The run has come to its end.")
    most = sum(users[name] for name in names) if run.policy.unit == "user" else len(names)
    size = size_of(run, wanted, Artefacts(work.service.blobs))
    name = work.round.stats.get("release", wanted.noise.name)
    return make_ask(run, wanted, name, size, (most, len(names)))


def told(_work: Work, _client: bytes) -> bytes:
    """Tell a client nothing yet."""
    return b""
