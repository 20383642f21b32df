"""A PostgreSQL of one's own, that can be made to crash."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

NOBODY = 65534
"""The user that it runs as where this program runs as root, which it refuses to."""


@dataclass(frozen=True)
class Postgres:
    """A server that listens on a socket in its own folder.

    Parameters
    ----------
    folder
        Its own.
    """

    folder: Path

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
            server._run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8")
            server.start()
            yield server
            server.crash()
        finally:
            shutil.rmtree(folder)

    @property
    def url(self) -> str:
        """The address of its database."""
        return f"postgresql://postgres@/postgres?host={self.folder}"

    def start(self) -> None:
        """Start it, and wait until it has recovered."""
        options = f"-c listen_addresses= -k {self.folder} -c max_connections=200"
        log = f"--log={self.folder / 'log'}"
        self._run("pg_ctl", "start", "--wait", "--silent", log, f"-o {options}")

    def crash(self) -> None:
        """Stop it at once, without a checkpoint: when it starts it has to recover."""
        self._run("pg_ctl", "stop", "--mode=immediate", "--silent")

    def _run(self, name: str, *arguments: str) -> None:
        become = []
        if os.geteuid() == 0:
            become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        command = [*become, _program(name), "-D", str(self.folder / "data"), *arguments]
        subprocess.run(command, check=True, cwd=self.folder, stdout=subprocess.DEVNULL)


def _program(name: str) -> str:
    """Find a program of PostgreSQL, which Debian keeps out of the search path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    program = str(found[-1]) if found else shutil.which(name)
    if program is None:
        raise FileNotFoundError(f"PostgreSQL's {name} is not installed.")
    return program
