"""Flower's deployment engine on this machine: a SuperLink, SuperNodes, and rounds of `FedAvg`."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from measure import family

HERE = Path(__file__).resolve().parent
APP = "network_flower_app"

CHANGED = 5
"""Rows of its item vectors that a client changes: Hedgerow's have as many interactions."""

PAUSE = 0.25
"""Seconds between two looks for work where Flower lets one choose; its default is 1."""

PATIENCE = 60.0
"""Seconds a round may take, and all processes to start."""

PROJECT = """\
[project]
name = "network"
version = "1.0.0"
dependencies = []

[tool.flwr.app]
publisher = "benchmark"

[tool.flwr.app.components]
serverapp = "{app}:server"
clientapp = "{app}:client"

[tool.flwr.app.config]
clients = {clients}
rounds = {rounds}
items = {items}
width = {width}
changed = {changed}
report = "{report}"
"""

CONNECTION = """\
[superlink]
default = "here"

[superlink.here]
address = "127.0.0.1:{port}"
insecure = true
"""

IMPATIENT = f"""\
import time

_sleep = time.sleep
time.sleep = lambda seconds: _sleep(min(seconds, {PAUSE}))
"""


class FlowerFailedError(Exception):
    """The deployment engine did not do its rounds; the message says where it told why."""


@dataclass(frozen=True)
class Flower:
    """A deployment.

    Parameters
    ----------
    programs
        Folder of Flower's commands.
    clients, items, width
        How many SuperNodes, and the shape of what they send.
    impatient
        Whether every pause of Flower's own is cut to `PAUSE`, which no setting of it does.
    """

    programs: Path
    clients: int
    items: int
    width: int
    impatient: bool = False

    def run(self, folder: Path, rounds: int) -> dict[str, Any]:
        """Do some rounds after a first one, and say how they went.

        Raises
        ------
        FlowerFailedError
            They did not end in time, or came to something else than the mean of what was sent.
        """
        port, report = _free_port(), folder / "report.json"
        self._write_project(folder / "app", rounds + 1, report)
        (folder / "cli").mkdir()
        (folder / "cli" / "config.toml").write_text(CONNECTION.format(port=port))
        with ExitStack() as stack:
            link = stack.enter_context(self._process(folder, "superlink", _link(port)))
            _wait_for_port(port)
            nodes = [
                stack.enter_context(self._process(folder, f"node{each}", _node(each, port)))
                for each in range(self.clients)
            ]
            with Watch(link, nodes) as watch:
                self._submit(folder)
                _wait_for(report, (rounds + 3) * PATIENCE, folder)
        told = json.loads(report.read_text())
        self._check(told["sums"])
        seconds = [later - earlier for earlier, later in itertools.pairwise(told["ends"])]
        return {
            "seconds_per_round": seconds[1:],
            "server_peak_mb": sum(watch.peaks.values()) / 1e6,
            "server_processes": watch.servers,
            "client_processes": watch.clients,
        }

    def _write_project(self, folder: Path, rounds: int, report: Path) -> None:
        folder.mkdir()
        shutil.copy(HERE / f"{APP}.py", folder)
        values = {"clients": self.clients, "items": self.items, "width": self.width}
        text = PROJECT.format(app=APP, rounds=rounds, report=report, changed=CHANGED, **values)
        (folder / "pyproject.toml").write_text(text)
        if self.impatient:
            (folder.parent / "sitecustomize.py").write_text(IMPATIENT)

    def _environment(self, folder: Path, home: str) -> Mapping[str, str]:
        return {
            **os.environ,
            "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(folder) if self.impatient else "",
            "OPENBLAS_NUM_THREADS": "1",
            "FLWR_HOME": str(folder / home),
            "FLWR_TELEMETRY_ENABLED": "0",
            "FLWR_DISABLE_UPDATE_CHECK": "1",
            "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": str(PAUSE),
        }

    @contextmanager
    def _process(self, folder: Path, name: str, command: list[str]) -> Iterator[int]:
        """Give a process's number; end it, on which it ends its own, at the end of the block."""
        with (folder / f"{name}.log").open("wb") as log:
            environment = self._environment(folder, name)
            with subprocess.Popen(command, stdout=log, stderr=log, env=environment) as process:
                try:
                    yield process.pid
                finally:
                    process.terminate()

    def _submit(self, folder: Path) -> None:
        command, environment = ["flwr", "run", "app", "here"], self._environment(folder, "cli")
        subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)

    def _check(self, sums: list[float]) -> None:
        """Compare with what the mean of all clients' arrays is: each adds 1 to a few rows."""
        wanted = CHANGED * self.width
        if any(later - earlier != wanted for earlier, later in itertools.pairwise(sums)):
            raise FlowerFailedError("The averages are not those of what the clients sent.")


@dataclass
class Watch:
    """Looks at a deployment's processes in the background.

    Parameters
    ----------
    link, nodes
        Numbers of the SuperLink's and of the SuperNodes' processes.
    """

    link: int
    nodes: list[int]
    peaks: dict[str, int] = field(default_factory=dict)
    """The most that each of the server's programs had in memory, in bytes."""
    servers: int = 0
    clients: int = 0
    """How many processes there were at most at a time."""

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End."""
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.25):
            server = _programs(self.link)
            for name, peak in server:
                self.peaks[name] = max(peak, self.peaks.get(name, 0))
            self.servers = max(self.servers, len(server))
            self.clients = max(self.clients, sum(len(_programs(node)) for node in self.nodes))


def _programs(root: int) -> list[tuple[str, int]]:
    """Return the names of a process and of its descendants, with their peaks in bytes.

    By name, as one that has just begun still has its parent's name, and memory.
    """
    return [each for each in family(root, _program).values() if each[1]]


def _program(process: Path) -> tuple[str, int]:
    lines = (process / "status").read_text().splitlines()
    # One that has ended, and of which nobody has taken note yet, has no memory.
    peak = next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
    return "".join((process / "cmdline").read_text().split("\0")[1:2]), peak


def _link(port: int) -> list[str]:
    where = ["--insecure", "--host", "127.0.0.1", "--port", str(port)]
    return ["flower-superlink", *where, "--disable-runtime-dependency-installation"]


def _node(number: int, port: int) -> list[str]:
    where = ["--insecure", "--superlink", f"127.0.0.1:{port}", "--host", "127.0.0.1"]
    own = ["--port", str(_free_port()), "--node-config", f"partition-id={number}"]
    return ["flower-supernode", *where, *own]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with socket.socket() as asking:
            if asking.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(PAUSE)
    raise FlowerFailedError("The SuperLink does not answer.")


def _wait_for(report: Path, seconds: float, folder: Path) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if report.exists() and report.read_text().endswith("}"):
            return
        time.sleep(PAUSE)
    log = (folder / "superlink.log").read_text().splitlines()
    raise FlowerFailedError("\n".join(["The rounds did not end in time.", *log[-5:]]))
