"""A real deployment on this machine: its processes, and what the network's benchmarks share.

The servers are started with the ``hedgerow`` command and speak HTTP over the loopback interface, or
HTTPS with the certificates that ``hedgerow init`` makes. Linux only: memory is read from ``/proc``.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.client.guard import Guard
from hedgerow.client.profile import Profile
from hedgerow.client.sources import Device
from hedgerow.client.store import Store
from hedgerow.data.catalog import Catalog
from hedgerow.federation.deployment import Deployment
from hedgerow.federation.proofs import Redemption
from hedgerow.privacy.secure.identity import Certificate, Identity, public
from hedgerow.privacy.secure.split.messages import Servers
from hedgerow.privacy.secure.wire import from_wire
from hedgerow.server.security import certificates, enrolment, keys, parties
from hedgerow.server.security.enrolment import ClientKind
from hedgerow.server.security.tls import client_context
from hedgerow.server.settings import Settings
from hedgerow.server.storage.blobs import open_blobs
from hedgerow.server.storage.database import Database
from hedgerow.server.tasks.registry import catalog_bytes, put_catalog, put_task
from hedgerow.server.tasks.task import Task

HEDGEROW = str(Path(sys.executable).with_name("hedgerow"))

AUDIENCE = "http://127.0.0.1"
"""The deployment's name, whatever ports its replicas listen on."""

READY = 30.0
"""Seconds within which a server answers after its start."""

HISTORY = 5
"""Interactions of each client: real work, but little of it."""

PATIENT = Guard(
    minimum=2, adversaries=0.0, dropouts=0.0, semi_malicious=False, consistency=False,
    epsilon=None, per_day=1_000_000,
)  # fmt: skip
"""Agrees to any secured sum: what is measured here is the servers."""


@dataclass
class Network:
    """A deployment in a folder, and the processes that serve it.

    Parameters
    ----------
    folder
        For keys, databases and logs; new.
    mode
        ``split`` or ``pairwise``.
    database
        The coordinator's; None is SQLite in the folder.
    noise_seed
        Makes the helper's noise repeatable.
    tls
        Whether the servers speak TLS.
    """

    folder: Path
    mode: str
    database: str | None = None
    noise_seed: str | None = None
    tls: bool = False
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _hedgerow("init", self.folder, "--rehearsal", "--url", AUDIENCE)

    @functools.cached_property
    def opened(self) -> Database:
        """The coordinator's database, as this process reads and prepares it."""
        return Database.open(self._settings.database_url)

    @property
    def _settings(self) -> Settings:
        return Settings(self.folder, database=self.database)

    @property
    def blobs_place(self) -> str:
        """Where the coordinator keeps its blobs."""
        return self._settings.blobs_place

    @property
    def deployment(self) -> Deployment:
        """The servers' public keys."""
        return parties.load_deployment(self.folder)

    @property
    def servers(self) -> Servers:
        """The two servers, as split mode knows them."""
        return self.deployment.servers

    def url(self, name: str = "coordinator") -> str:
        """Return where a process listens."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.ports[name]}"

    @property
    def ca(self) -> Path | None:
        """The certificate of who vouches for the servers; None without TLS."""
        return self.folder / parties.CA if self.tls else None

    def start(self, name: str = "coordinator", *, wait: bool = True) -> None:
        """Start a process, on the port that it had before; ``helper`` is the helper."""
        port = self.ports.setdefault(name, free_port())
        command = ["serve", self.folder, "--port", str(port)]
        command += [] if self.tls else ["--plain-http"]
        if name == "helper":
            command += ["--role", "helper"]
            command += ["--noise-seed", self.noise_seed] if self.noise_seed else []
        else:
            command += ["--database", self.database] if self.database else []
            command += ["--helper", self.url("helper")] if self.mode == "split" else []
        self.processes[name] = spawn(
            [HEDGEROW, *map(str, command)],
            self.folder / f"{name}.log",
        )
        if wait:
            self.wait(name)

    def wait(self, name: str = "coordinator") -> None:
        """Wait until a process answers."""
        process, role = self.processes[name], "helper" if name == "helper" else "coordinator"
        trust = client_context(self.folder / role / certificates.CA)
        deadline = time.monotonic() + READY
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"{self.url(name)}/v1/deployment", timeout=5, verify=trust)
                return
            time.sleep(0.02)
        raise RuntimeError(f"The {name} does not answer; see {self.folder / name}.log.")

    def kill(self, name: str = "coordinator") -> None:
        """Kill a process at once."""
        kill(self.processes[name])

    def stop(self) -> None:
        """Stop all processes, and close the database."""
        for process in self.processes.values():
            kill(process)
        if "opened" in vars(self):
            self.opened.close()

    def enrol(self, names: Sequence[str]) -> list[Identity]:
        """Enrol clients without asking the coordinator; return their keys with certificates."""
        signer, found = keys.load_authority(self.folder), []
        for first in range(0, len(names), 100):
            with self.opened.write() as connection:
                for name in names[first : first + 100]:
                    key = Ed25519PrivateKey.generate()
                    token = enrolment.new_token(
                        connection, ClientKind.DEVICE, name, 1, ttl=60, clock=time.time
                    )
                    client = enrolment.enrol(
                        connection, Redemption.of(token, key), authority=signer, clock=time.time
                    )
                    found.append(Identity(key, from_wire(Certificate, client.certificate)))
        return found

    def task(self, task: Task, items: int) -> None:
        """Write down a task over so many items."""
        catalog = catalog_bytes(catalog_of(items))
        with self.opened.write() as connection:
            name = put_catalog(connection, open_blobs(self.blobs_place), catalog, time.time())
            put_task(connection, replace(task, catalog=name), time.time())

    def agents(self, names: Sequence[str], items: int, url: str, seed: int = 0) -> list[Path]:
        """Enrol agents that keep their journals on disk; return their folders."""
        draw, folders = np.random.default_rng(seed), []
        for name, identity in zip(names, self.enrol(names), strict=True):
            folder = self.folder / "agents" / name
            profile = Profile.create(
                folder, url, self.deployment, guard=PATIENT, key=identity.key
            ).enrolled(identity.certificate)
            store = Store(profile.folder)
            for purpose in ("train", "measure"):
                store.consents.give(purpose, "bench", "1")
            chosen = draw.choice(items, min(HISTORY, items), replace=False)
            for order, item in enumerate(chosen):
                store.history.append(str(item), order)
            store.close()
            folders.append(folder)
        return folders


def source_of(profile: Profile, store: Store) -> Device:
    """Return where an agent's interactions come from."""
    return Device(store.history, public(profile.key).hex())


def catalog_of(items: int) -> Catalog:
    """Return a catalog of so many items without features."""
    return Catalog(pl.Series([str(number) for number in range(items)]))


def spawn(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a process whose output goes to the end of a file."""
    threads = {"OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}
    with log.open("ab") as file:
        return subprocess.Popen(command, stdout=file, stderr=file, env={**os.environ, **threads})


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that this one has started, and wait until it is gone."""
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.wait()


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_for(found: Callable[[], Any], seconds: float, pause: float = 0.05) -> Any:
    """Return what a call finds as soon as it finds something.

    Raises
    ------
    TimeoutError
        Nothing was found in time.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = found()
        if value:
            return value
        time.sleep(pause)
    raise TimeoutError(f"Nothing came of it within {seconds} s.")


def memory(pid: int) -> dict[str, float]:
    """Return what a process has in memory, and the most that it had, in MB (10**6 bytes)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    values = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith("Vm")}
    return {name: int(values[key]) * 1024 / 1e6 for name, key in _MEMORY.items()}


def cpu_seconds(pid: int) -> float:
    """Return how long a process has been computing, all threads together."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, after_name[11:13])) / os.sysconf("SC_CLK_TCK")


_MEMORY = {"now": "VmRSS", "peak": "VmHWM"}


@contextlib.contextmanager
def running(network: Network) -> Iterator[Network]:
    """Give a network, and stop all of it at the end."""
    try:
        yield network
    finally:
        network.stop()


def about() -> dict[str, Any]:
    """Return on what something was measured."""
    cpu = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    packages = ("numpy", "cryptography", "fastapi", "uvicorn", "sqlalchemy", "psycopg")
    return {
        "hardware": {
            "cpu": cpu[0] if cpu else platform.machine(),
            "cores": os.cpu_count(),
            "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        },
        "versions": {
            "python": platform.python_version(),
            "hedgerow": importlib.metadata.version("hedgerow"),
            **{name: importlib.metadata.version(name) for name in packages},
        },
    }


def write_json(values: dict[str, Any], path: Path | None) -> None:
    """Print what was measured, and write it to a file where one is named."""
    text = json.dumps(values, indent=2)
    print(text)
    if path is not None:
        path.write_text(text + "\n")


def _hedgerow(*arguments: object) -> None:
    subprocess.run([HEDGEROW, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)
