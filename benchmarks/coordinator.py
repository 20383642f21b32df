"""The coordinator: seconds a round, memory, and uploads a second, over real HTTP.

    python benchmarks/coordinator.py --agents 8 --rounds 20 [--drop 0.1] [--mode pairwise]
        [--dimension 1682x32] [--tls] [--postgres | --database URL] [--json OUT]

Each round is one secured sum of a factorisation's item vectors. The coordinator (and in split mode
the helper) is a process of its own, as ``hedgerow serve`` starts it; the clients are in other
processes, hold five interactions each, and compute what real ones do. All is on the loopback
interface: plain HTTP, or TLS 1.3 with the authority that ``hedgerow init`` makes. The database is
SQLite, or a new PostgreSQL on this machine, or one that is named.

Uploads are measured apart: bodies of 120 kB, each by a client with its own token, of which only
those count that were acknowledged. Then the coordinator is killed in the middle of it, and every
acknowledged upload is looked for.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from network_postgres import Postgres
from network_support import (
    Network,
    about,
    kill,
    memory,
    running,
    spawn,
    wait_for,
    write_json,
)
from network_uploads import Load
from sqlalchemy import select

from hedgerow.privacy.policy import Policy
from hedgerow.privacy.secure.wire import to_wire
from hedgerow.server.storage import tables
from hedgerow.server.tasks.task import Task

HERE = Path(__file__).parent

PHASE_SECONDS = {False: 60.0, True: 120.0}
"""How long a phase waits for clients, without and with very many of them."""

MANY = 200


@dataclass(frozen=True)
class Shape:
    """What is run.

    Parameters
    ----------
    agents, rounds, drop
        How many clients, how many rounds, and which share of the clients vanishes from each.
    mode
        ``split`` or ``pairwise``.
    items, width
        Of the item vectors.
    phase_seconds
        How long each phase waits.
    processes
        In how many processes the clients are.
    """

    agents: int
    rounds: int
    drop: float
    mode: str
    items: int
    width: int
    phase_seconds: float
    processes: int

    @property
    def task(self) -> Task:
        """A task of which each round is one sum, and which promises differential privacy."""
        minimum = max(2, int(self.agents * (1 - 2 * self.drop)) - 3)
        dropouts = 0.1 if self.drop == 0 else min(1.5 * self.drop, 0.3)
        policy = Policy(
            epsilon=8.0,
            secure=self.mode,
            clip=1.0,
            minimum=minimum,
            adversaries=0.1,
            dropouts=dropouts,
        )
        # In split mode a round waits for as many reports as it asks for; in pairwise mode it knows
        # who has come, and waits for each of them.
        asked = int(self.agents * (1 - 1.2 * self.drop)) if self.mode == "split" else 0
        return Task(
            name="bench",
            model="factorization",
            catalog="",
            policy=policy,
            options={"dimension": self.width, "rounds": self.rounds, "local_epochs": 1},
            clients=asked if self.drop else 0,
            gather_seconds=self.phase_seconds,
            phase_seconds=self.phase_seconds,
            measure="none",
            attempts=10,
        )


def measure(shape: Shape, folder: Path, database: str | None, *, tls: bool) -> dict[str, Any]:
    """Run all rounds, and say how they went."""
    with running(Network(folder / "net", shape.mode, database, tls=tls)) as network:
        identities = network.enrol([f"agent-{number}" for number in range(shape.agents)])
        if shape.mode == "split":
            network.start("helper")
        network.start()
        idle = memory(network.processes["coordinator"].pid)["now"]
        known, clients = network.deployment, []
        for part in range(shape.processes):
            path = folder / f"crowd-{part}.json"
            own = range(part, shape.agents, shape.processes)
            members = [
                {
                    "number": number,
                    "key": identities[number].key.private_bytes_raw().hex(),
                    "certificate": to_wire(identities[number].certificate).hex(),
                }
                for number in own
            ]
            path.write_text(
                json.dumps(
                    {
                        "url": network.url(),
                        "ca": network.ca and str(network.ca),
                        "first": part * shape.agents,
                        "members": members,
                        "authority": known.authority.hex(),
                        "coordinator": known.coordinator.hex(),
                        "helper": known.helper.hex(),
                        "sealing": known.sealing.hex(),
                    }
                )
            )
            command = [sys.executable, HERE / "network_agents.py", "crowd", path]
            clients.append(
                spawn([*map(str, command), "--drop", str(shape.drop)], folder / f"crowd-{part}.log")
            )
        try:
            network.task(shape.task, shape.items)
            limit = (shape.rounds + 3) * (4 * shape.phase_seconds + 60)
            wait_for(lambda: _status(network) not in {None, "running"}, limit)
        finally:
            for process in clients:
                kill(process)
        peaks = {name: memory(each.pid)["peak"] for name, each in network.processes.items()}
        values = {"server_idle_mb": idle, "server_peak_mb": peaks.pop("coordinator")}
        return {**_told(network), **values, **{f"{name}_peak_mb": mb for name, mb in peaks.items()}}


@contextmanager
def temporary() -> Iterator[Path]:
    """Give a folder until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="hedgerow-") as folder:
        yield Path(folder)


@contextmanager
def stored(chosen: argparse.Namespace) -> Iterator[str | None]:
    """Give the coordinator's database, until the end of the block; None is SQLite."""
    with ExitStack() as stack:
        yield stack.enter_context(Postgres.running()).url if chosen.postgres else chosen.database


def _status(network: Network) -> str | None:
    with network.opened.read() as connection:
        return connection.scalar(select(tables.runs.c.status))


def _told(network: Network) -> dict[str, Any]:
    """Return what the database says of the rounds."""
    rounds = tables.rounds
    columns = (rounds.c.phase, rounds.c.created, rounds.c.changed, rounds.c.stats, rounds.c.failure)
    with network.opened.read() as connection:
        rows = connection.execute(select(*columns).order_by(rounds.c.created)).all()
        status, note = connection.execute(select(tables.runs.c.status, tables.runs.c.note)).one()
    done = [row for row in rows if row.phase == "done"]
    stats = [json.loads(row.stats) for row in done]
    ends = [row.changed for row in done]
    # From one sum to the next, so that opening a round counts; the first also waits for clients.
    seconds = [later - earlier for earlier, later in itertools.pairwise(ends)]
    phases = {key for each in stats for key in each if key.endswith("_seconds")}
    return {
        "status": status,
        "note": note,
        "first_round_seconds": round(done[0].changed - done[0].created, 3) if done else None,
        "round_seconds_median": statistics.median(seconds) if seconds else None,
        "round_seconds": [round(value, 3) for value in seconds],
        "phase_seconds_median": {
            phase: statistics.median([each.get(phase, 0.0) for each in stats])
            for phase in sorted(phases)
        },
        "contributors_median": statistics.median([each["contributors"] for each in stats] or [0]),
        "rounds_completed": len(done),
        "rounds_failed": len(rows) - len(done),
        "failures": sorted({row.failure for row in rows if row.failure}),
    }


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--agents", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--drop", type=float, default=0.0, help="share that vanishes of a round")
    parser.add_argument("--mode", choices=["split", "pairwise"], default="pairwise")
    parser.add_argument("--dimension", default="1682x32", help="items x length of their vectors")
    parser.add_argument("--phase-seconds", type=float, help="how long a phase waits for clients")
    parser.add_argument("--processes", type=int, default=2, help="in which the clients are")
    parser.add_argument("--tls", action="store_true", help="TLS 1.3 instead of plain HTTP")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--postgres", action="store_true", help="on a new PostgreSQL, not SQLite")
    place.add_argument("--database", help="of the coordinator, empty; SQLite by default")
    parser.add_argument("--no-uploads", action="store_true", help="leave out the load of uploads")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    items, width = (int(part) for part in chosen.dimension.split("x"))
    waits = chosen.phase_seconds or PHASE_SECONDS[chosen.agents > MANY]
    shape = Shape(
        agents=chosen.agents,
        rounds=chosen.rounds,
        drop=chosen.drop,
        mode=chosen.mode,
        items=items,
        width=width,
        phase_seconds=waits,
        processes=chosen.processes,
    )
    values: dict[str, Any] = {"agents": shape.agents, "drop": shape.drop, "mode": shape.mode}
    database = "a new PostgreSQL" if chosen.postgres else chosen.database or "sqlite"
    values |= {"dimension": chosen.dimension, "database": database, "tls": chosen.tls}
    if shape.rounds:
        with temporary() as folder, stored(chosen) as address:
            values |= measure(shape, folder, address, tls=chosen.tls)
    if not chosen.no_uploads:
        with temporary() as folder, stored(chosen) as address:
            values |= Load(folder, address, tls=chosen.tls).measure()
    write_json({**values, **about()}, chosen.json)


if __name__ == "__main__":
    main()
