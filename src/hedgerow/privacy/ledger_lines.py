"""Where a ledger's lines are kept: lines are only ever added, each after those its writer knew."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Protocol


class Lines(Protocol):
    """Lines that outlast the program, to which others may add as well."""

    @property
    def place(self) -> str:
        """Where they are, for people, such as ``the file ledger.jsonl``."""
        ...

    def read(self) -> list[bytes]:
        """Return all lines, each with its end."""
        ...

    def append(self, line: bytes, after: int) -> bool:
        """Add a line, lastingly before it returns.

        Parameters
        ----------
        line
            With its end.
        after
            How many lines the writer knew.

        Returns
        -------
        bool
            False, and nothing was written, where there are not that many: somebody else wrote.
        """
        ...


class MemoryLines:
    """Lines that are forgotten when the process ends."""

    place = "memory"

    def __init__(self) -> None:
        self._lines: list[bytes] = []

    def read(self) -> list[bytes]:
        """Return all lines."""
        return list(self._lines)

    def append(self, line: bytes, after: int) -> bool:
        """Add a line where there are as many as its writer knew."""
        if len(self._lines) != after:
            return False
        self._lines.append(line)
        return True


class FileLines:
    """Lines of a file.

    Parameters
    ----------
    path
        Made, with its folder, when the first line is written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def place(self) -> str:
        """The file's name."""
        return f"the file {self._path}"

    def read(self) -> list[bytes]:
        """Return all whole lines.

        Where the power failed while the last one was written, its release was never made.
        """
        if not self._path.exists():
            return []
        text = self._path.read_bytes()
        return text[: _whole(text)].splitlines(keepends=True)

    def append(self, line: bytes, after: int) -> bool:
        """Add a line, in place of one that was cut, where there are as many as its writer knew."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch(mode=0o600)
        with self._path.open("ab") as file:
            _lock(file)
            found = self._path.read_bytes()
            if found.count(b"\n") != after:
                return False
            file.truncate(_whole(found))
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        return True


def _whole(text: bytes) -> int:
    """Return how many bytes make up whole lines."""
    return text.rfind(b"\n") + 1


def _lock(file: BinaryIO) -> None:
    """Wait until no other process writes; released when the file is closed."""
    try:
        import fcntl
    except ImportError:  # Windows: two runs that share a ledger are told apart by its length.
        return
    fcntl.flock(file, fcntl.LOCK_EX)
