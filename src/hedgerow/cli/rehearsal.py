"""A deployment of one's own on this computer: its servers and silos as processes, with real TLS.

For the demonstration and the examples. What runs is what would run on several hosts: ``hedgerow
init``, ``access-key``, ``serve`` and ``join``.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from hedgerow.cli.access_key import RoleName, access_key
from hedgerow.cli.init import init
from hedgerow.client.operator import Operator, connect
from hedgerow.errors import ConfigError, HedgerowError
from hedgerow.server.security import parties
from hedgerow.server.tasks.registry import catalog_bytes

__all__ = ["Rehearsal", "StoppedError", "catalog_bytes", "rehearse"]

COMMAND = (sys.executable, "-c", "from hedgerow.cli.main import main; main()")

STARTING = 60.0
"""Seconds that a server may take to answer first."""

STOPPING = 3.0
"""Seconds that a process may take to end by itself; all of them may also be killed."""

LOOK = 0.5


class StoppedError(HedgerowError):
    """A process that should run has ended."""


@dataclass(frozen=True)
class Running:
    """A process and the file of what it says."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Raise if the process has ended.

        Raises
        ------
        StoppedError
            With the last that it said.
        """
        code = self.process.poll()
        if code is not None:
            said = self.log.read_text(errors="replace").strip().splitlines()
            last = said[-1].removeprefix("error: ").rstrip(".") if said else f"status {code}"
            raise StoppedError(f"The {self.name} has stopped: {last}.")


@dataclass
class Rehearsal:
    """Servers that run, and whoever has joined them.

    Parameters
    ----------
    folder
        Holds the keys, the logs and everything else.
    url
        The coordinator's.
    operator
        Calls with an operator's key.
    """

    folder: Path
    url: str
    operator: Operator
    processes: list[Running] = field(default_factory=list)

    @property
    def ca(self) -> Path:
        """The certificate of who vouches for the servers."""
        return self.folder / "keys" / parties.CA

    @property
    def deployment(self) -> Path:
        """The file with the servers' public keys, which everybody here pins."""
        return self.folder / "keys" / parties.DEPLOYMENT

    def join(self, name: str, data: Path, users: int, guard: Mapping[str, Any]) -> None:
        """Enrol a silo and start its agent, ``hedgerow join``.

        Parameters
        ----------
        name
            Of the silo; lower-case letters, digits and hyphens.
        data
            Its interactions, a file that only it reads.
        users
            The most users that it promises to hold.
        guard
            What it insists on, the tasks that it takes part in among it.
        """
        made = self.operator.make_tokens("silo", name, users, ttl=3600)["tokens"]
        insisted = self._json(f"{name}-guard.json", guard)
        self.start(
            name,
            *(*COMMAND, "join", str(self.folder / name), "--token", made[0]["token"]),
            *("--ca", str(self.ca), "--deployment", str(self.deployment), "--data", str(data)),
            *("--consent", "train,measure", "--guard", str(insisted)),
        )

    def start(self, name: str, *command: str) -> Running:
        """Start a process, which is stopped with the rehearsal."""
        return start(self.processes, self.folder, name, command)

    def check(self) -> None:
        """Raise if a process has ended.

        Raises
        ------
        StoppedError
            With its name and the last that it said.
        """
        for running in self.processes:
            running.check()

    def wait_until(self, done: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait for something while all processes go on.

        Raises
        ------
        StoppedError
            A process has ended, or it takes too long.
        """
        latest = time.monotonic() + seconds
        while not done():
            self.check()
            if time.monotonic() > latest:
                raise StoppedError(f"{what} took more than {seconds:.0f} seconds; start again.")
            time.sleep(LOOK)

    def wait_for_clients(self, count: int, seconds: float = 120.0) -> None:
        """Wait until so many clients are enrolled."""
        self.wait_until(
            lambda: sum(1 for _ in self.operator.clients()) >= count, "Enrolling", seconds
        )

    def model(self, name: str) -> bytes:
        """Return the file of a model by its hash, as clients fetch it."""
        answer = self.operator.http.get(f"/v1/models/{name}")
        answer.raise_for_status()
        return answer.content

    def ledger(self, task: str) -> list[dict[str, Any]]:
        """Return what a task's releases have spent, oldest first."""
        found = self.operator.http.get("/v1/ledger", params={"account": f"task {task}"})
        entries: list[dict[str, Any]] = found.raise_for_status().json()["entries"]
        return entries

    def _json(self, name: str, values: Mapping[str, Any]) -> Path:
        path = self.folder / name
        path.write_text(json.dumps(dict(values)))
        return path


@contextmanager
def rehearse(
    folder: Path, *, port: int = 0, split: bool = True, origins: Sequence[str] = ()
) -> Iterator[Rehearsal]:
    """Make a deployment and run it until the end of the block, however that ends.

    Parameters
    ----------
    folder
        New, or empty.
    port
        Of the coordinator; any that is free by default.
    split
        Whether to run the helper of split mode, too.
    origins
        Where web pages come from that may call the coordinator. Browsers do not know the
        deployment's authority, so for them the servers do without TLS.

    Raises
    ------
    StoppedError
        A server does not start.
    """
    keys, host = folder / "keys", f"{'http' if origins else 'https'}://127.0.0.1"
    plain = ("--plain-http",) if origins else ()
    ports = [port or free_port(), free_port()]
    url, helper = (f"{host}:{found}" for found in ports)
    said(init, keys, url=url, rehearsal=True)
    processes: list[Running] = []
    with ExitStack() as stack:
        stack.callback(stop, processes)
        serve = (*COMMAND, "serve", str(keys), *plain, "--port")
        if split:
            command = (*serve, str(ports[1]), "--role", "helper")
            start(processes, folder, "helper", command)
        options = ["--helper", helper] if split else []
        options += [part for origin in origins for part in ("--origin", origin)]
        start(processes, folder, "coordinator", (*serve, str(ports[0]), *options))
        ca = keys / parties.CA
        _wait_for_server(url, ca, processes)
        # Only a server makes the database in which keys are.
        key = said(access_key, keys, "rehearsal", role=RoleName.OPERATOR).strip()
        operator = stack.enter_context(connect(url, key, str(ca)))
        yield Rehearsal(folder, url, operator, processes)


def start(processes: list[Running], folder: Path, name: str, command: tuple[str, ...]) -> Running:
    """Start a process that Ctrl-C does not reach, and remember it."""
    log = folder / f"{name}.log"
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "NO_COLOR": "1"}
    with log.open("wb") as said_to:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            stdin=subprocess.DEVNULL,
            stdout=said_to,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    processes.append(Running(name, process, log))
    return processes[-1]


def stop(processes: list[Running]) -> None:
    """End all processes, and let nothing interrupt that."""
    with undisturbed():
        for running in reversed(processes):
            running.process.terminate()
        latest = time.monotonic() + STOPPING
        for running in processes:
            try:
                running.process.wait(max(0.0, latest - time.monotonic()))
            except subprocess.TimeoutExpired:
                running.process.kill()
                running.process.wait()
        processes.clear()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ignore Ctrl-C and requests to stop, which have been heard, until the end of the block."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def said(command: Callable[..., None], *arguments: Any, **options: Any) -> str:
    """Run a command in this process; return what it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        command(*arguments, **options)
    return printed.getvalue()


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _wait_for_server(url: str, ca: Path, processes: list[Running]) -> None:
    context, latest = ssl.create_default_context(cafile=str(ca)), time.monotonic() + STARTING
    with httpx.Client(base_url=url, verify=context) as http:
        while True:
            for running in processes:
                running.check()
            with contextlib.suppress(httpx.TransportError):
                if http.get("/v1/deployment").is_success:
                    return
            if time.monotonic() > latest:
                raise ConfigError(f"The coordinator does not answer at {url}; choose another port.")
            time.sleep(LOOK)
