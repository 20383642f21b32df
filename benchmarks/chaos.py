"""Chaos: processes killed in the middle of rounds, and everything that was published checked.

    python benchmarks/chaos.py --target coordinator --kills 50 [--mode split] [--json OUT]

``coordinator``, ``agent`` and ``postgres`` (with all processes that work for it) are killed with
SIGKILL at random moments and started again a moment later; of three replicas on PostgreSQL one is
killed every ten seconds. The run promises an epsilon. Afterwards every published model is computed
anew from the data and the noise of those clients that its receipt lists, and compared to the bit,
so that what was published is what these clients give without any disturbance; no contribution may
be in two sums, by the receipts and by the clients' own journals; every sum that was opened is
charged exactly once, in the coordinator's ledger and in each contributor's own account; and every
round that was hit has to end, or to be tried anew, within seconds.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from network_history import by_client, check
from network_postgres import Postgres
from network_proxy import Proxy
from network_support import Network, about, kill, running, spawn, wait_for, write_json
from sqlalchemy import select

from hedgerow.errors import StorageError
from hedgerow.privacy.policy import Policy
from hedgerow.server.rounds.record import OVER
from hedgerow.server.storage import tables
from hedgerow.server.storage.blobs import open_blobs
from hedgerow.server.tasks.task import Task

HERE = Path(__file__).parent

SEED = "rehearsal"

TARGETS = ("coordinator", "agent", "postgres", "replica")

EPSILON = 8.0
"""Of the run. It is planned for far more rounds than there are: a sum that has to be tried anew
under another name costs more of it."""

EVERY = 10.0
"""Seconds from one replica's death to the next one's."""

IN_TIME = 30.0
"""Seconds within which a round that was hit ends, or is tried anew."""


@dataclass
class Chaos:
    """A run during which processes are killed.

    Parameters
    ----------
    target
        What is killed.
    kills
        How often.
    mode
        ``split`` or ``pairwise``.
    agents, items, width
        How many clients, and the size of the item vectors.
    seed
        From which the moments follow.
    """

    target: str
    kills: int
    mode: str = "pairwise"
    agents: int = 12
    items: int = 60
    width: int = 4
    seed: int = 0
    killed: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._draw = random.Random(f"{self.target} {self.seed}")  # noqa: S311 - not a secret
        self._folders: list[Path] = []
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def task(self) -> Task:
        """Rounds that take a fraction of a second, and go on for longer than the killing."""
        policy = Policy(
            epsilon=EPSILON,
            secure=self.mode,
            clip=1.0,
            minimum=3,
            adversaries=0.1,
            dropouts=0.3,
        )
        # A round may outlive a server that is away for some seconds; clients that are gone it
        # does not wait for as long.
        seconds = 2.0 if self.target == "agent" else 8.0
        return Task(
            name="chaos",
            model="factorization",
            catalog="",
            policy=policy,
            options={"dimension": self.width, "rounds": 2_000, "local_epochs": 1},
            gather_seconds=seconds,
            phase_seconds=seconds,
            measure="none",
            attempts=100,
            noise_seed=SEED,
        )

    def run(self, folder: Path) -> dict[str, Any]:
        """Kill, and check."""
        with ExitStack() as stack:
            postgres = None
            if self.target in {"postgres", "replica"}:
                postgres = stack.enter_context(Postgres.running())
            database = None if postgres is None else postgres.url
            network = stack.enter_context(
                running(Network(folder / "net", self.mode, database, SEED))
            )
            if self.mode == "split":
                network.start("helper")
            names = ["one", "two", "three"] if self.target == "replica" else ["coordinator"]
            for name in names:
                network.start(name)
            url = network.url(names[0])
            if len(names) > 1:
                url = stack.enter_context(Proxy.running([network.ports[n] for n in names]))
            labels = [f"agent-{number}" for number in range(self.agents)]
            self._folders = network.agents(labels, self.items, url)
            with self._living():
                network.task(self.task, self.items)
                self._await_rounds(network, 2)
                self._kill_all(network, postgres, names)
                # What was hit last ends, too.
                self._await_rounds(network, 2)
            # What is held against each other then stands still.
            for name in network.processes:
                network.kill(name)
            return self._found(network)

    @contextmanager
    def _living(self) -> Iterator[None]:
        """Let the agents live: each in its own process where they are what is killed."""
        groups = [self._folders]
        if self.target == "agent":
            groups = [[folder] for folder in self._folders]
        self._processes = [self._agents(group) for group in groups]
        try:
            yield
        finally:
            for process in self._processes:
                kill(process)

    def _agents(self, folders: list[Path]) -> subprocess.Popen[bytes]:
        command = [sys.executable, HERE / "network_agents.py", "agents", "--seed", SEED, *folders]
        return spawn([str(part) for part in command], folders[0].parent / "agents.log")

    def _kill_all(self, network: Network, postgres: Postgres | None, names: list[str]) -> None:
        kill_one: dict[str, Callable[[], None]] = {
            "coordinator": lambda: self._kill_coordinator(network),
            "agent": self._kill_agent,
            "postgres": lambda: self._kill_postgres(postgres),
            "replica": lambda: self._kill_replica(network, names),
        }
        for _ in range(self.kills):
            if self.target != "replica":
                time.sleep(self._draw.uniform(0.0, 1.5))
            going = self._going(network)
            kill_one[self.target]()
            if self.target != "replica":
                # Each hit is to be felt by itself: the next one strikes another round.
                wait_for(partial(self._over, network, going), 3 * IN_TIME)

    def _over(self, network: Network, names: set[str]) -> bool:
        """Return whether rounds that went on have ended."""
        return self._going(network).isdisjoint(names)

    def _going(self, network: Network) -> set[str]:
        """Return the rounds that go on; none while the database is away."""
        try:
            with network.opened.read() as connection:
                query = select(tables.rounds.c.id).where(tables.rounds.c.phase.not_in(OVER))
                return set(connection.scalars(query))
        except StorageError:
            return set()

    def _kill_coordinator(self, network: Network) -> None:
        self.killed.append(time.time())
        network.kill()
        network.start()

    def _kill_agent(self) -> None:
        time.sleep(self._draw.uniform(0.05, 1.5))
        number = self._draw.randrange(self.agents)
        self.killed.append(time.time())
        kill(self._processes[number])
        self._processes[number] = self._agents([self._folders[number]])

    def _kill_postgres(self, postgres: Postgres | None) -> None:
        self.killed.append(time.time())
        if postgres is not None:
            postgres.crash()
            time.sleep(self._draw.uniform(0.0, 1.0))
            postgres.start()

    def _kill_replica(self, network: Network, names: list[str]) -> None:
        name = names[len(self.killed) % len(names)]
        self.killed.append(time.time())
        network.kill(name)
        time.sleep(self._draw.uniform(0.0, 1.0))
        network.start(name, wait=False)
        time.sleep(max(0.0, self.killed[-1] + EVERY - time.time()))

    def _await_rounds(self, network: Network, more: int) -> None:
        """Wait until so many more sums were published."""
        before = self._published(network)
        wait_for(lambda: self._published(network) >= before + more, 3 * IN_TIME)

    def _published(self, network: Network) -> int:
        try:
            with network.opened.read() as connection:
                query = select(tables.rounds.c.id).where(tables.rounds.c.phase == "done")
                return len(connection.execute(query).all())
        except StorageError:
            return -1_000_000

    def _found(self, network: Network) -> dict[str, Any]:
        blobs = open_blobs(network.blobs_place)
        findings = check(network.opened, blobs, by_client(self._folders), SEED)
        rounds = tables.rounds
        with network.opened.read() as connection:
            rows = connection.execute(select(rounds).order_by(rounds.c.created)).all()
            status = connection.scalar(select(tables.runs.c.status))
        waits, hit = [], []
        for at in self.killed:
            for number, row in enumerate(rows):
                if not row.created <= at < (row.changed if row.phase in OVER else time.time()):
                    continue
                hit.append(row)
                ended = row.changed if row.phase in OVER else time.time()
                # A round that failed is tried anew.
                if row.phase == "failed" and number + 1 < len(rows):
                    ended = rows[number + 1].created
                waits.append(ended - at)
        return {
            "target": self.target,
            "mode": self.mode,
            "agents": self.agents,
            "kills": len(self.killed),
            "kills_within_a_round": len(waits),
            "rounds_hit_and_finished": sum(row.phase == "done" for row in hit),
            "rounds_hit_and_failed": sum(row.phase == "failed" for row in hit),
            "recovery_seconds_max": round(max(waits, default=0.0), 2),
            "run": status,
            **asdict(findings),
        }


def main() -> None:
    """Read the command line, kill and check."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--target", choices=TARGETS, required=True)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--mode", choices=["split", "pairwise"], default="pairwise")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="hedgerow-") as folder:
        chaos = Chaos(chosen.target, chosen.kills, chosen.mode, seed=chosen.seed)
        values = chaos.run(Path(folder))
    seconds = round(time.perf_counter() - started, 1)
    write_json({**values, "seconds": seconds, **about()}, chosen.json)


if __name__ == "__main__":
    main()
