"""A PostgreSQL of one's own, that can be killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from network_support import kill, spawn, wait_for

NOBODY = 65534
"""The user that it runs as where this program runs as root, which it refuses to."""

READY = 60.0
"""Seconds within which it answers after its start, recovery included, or is gone when killed."""


@dataclass
class Postgres:
    """A server that listens on a socket in its own folder.

    Parameters
    ----------
    folder
        Its own.
    """

    folder: Path
    _process: subprocess.Popen[bytes] = field(init=False)

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Postgres]:
        """Give a new server, until the end of the block."""
        # A socket's path has to be short.
        folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        server = cls(folder)
        try:
            initialise = ["initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8"]
            command = [*_command(*initialise), "-D", str(server.data)]
            subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)
            try:
                server.start()
                yield server
            finally:
                server.crash()
        finally:
            shutil.rmtree(folder)

    @property
    def data(self) -> Path:
        """Where its files are."""
        return self.folder / "data"

    @property
    def url(self) -> str:
        """The address of its database."""
        return f"postgresql://postgres@/postgres?host={self.folder}"

    def start(self) -> None:
        """Start it, and wait until it has recovered."""
        options = ["-c", "listen_addresses=", "-k", str(self.folder), "-c", "max_connections=200"]
        command = [*_command("postgres"), "-D", str(self.data), *options]
        # A child of this process, which takes note of its death: `pg_ctl` would leave it to
        # others, and while a dead server's number is taken no other starts in its place.
        self._process = spawn(command, self.folder / "log")
        wait_for(self._answers, READY)

    def crash(self) -> None:
        """Kill it and all that work for it (SIGKILL): when it starts it has to recover."""
        pid = self._process.pid
        # So that it starts no other worker meanwhile.
        self._process.send_signal(signal.SIGSTOP)
        workers = [int(child) for child in _read(f"{pid}/task/{pid}/children").split()]
        kill(self._process)
        for worker in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        # As long as one of them holds the shared memory, no server starts.
        wait_for(lambda: not any(map(_lives, workers)), READY, 0.01)

    def _answers(self) -> bool:
        ask = [_program("pg_isready"), "--quiet", "--host", str(self.folder)]
        return subprocess.run(ask, check=False).returncode == 0


def _command(name: str, *arguments: str) -> list[str]:
    become = []
    if os.geteuid() == 0:
        become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return [*become, _program(name), *arguments]


def _lives(pid: int) -> bool:
    """Return whether a process still has memory; one that nobody has buried yet has none."""
    state = _read(f"{pid}/stat").rpartition(")")[2].split()
    return bool(state) and state[0] not in {"Z", "X"}


def _read(name: str) -> str:
    try:
        return Path("/proc", name).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _program(name: str) -> str:
    """Find a program of PostgreSQL, which Debian keeps out of the search path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    program = str(found[-1]) if found else shutil.which(name)
    if program is None:
        raise FileNotFoundError(f"PostgreSQL's {name} is not installed.")
    return program
