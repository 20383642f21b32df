"""The head of a client's account: kept beside the database, so that an old one is noticed.

Whoever puts an old database back would have the client forget what it has answered and what that
has cost. So each claim and each answer is an event of a chain in the database, and the newest one
is also in a file of its own. The file follows what the database has on disk, and is on disk itself
before anything is sent: after a crash between the two the database is ahead, never behind.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

from hedgerow.client import files
from hedgerow.client.database import LocalDatabase
from hedgerow.errors import ConfigError

HEAD = "account.head"
"""The file's name in the agent's folder."""

LENGTH = 128
"""Of the file, in bytes: always the same, as it is written over."""

Head = tuple[int, str]
"""How many events there were, and the hash of the last with all before it."""

NOTHING: Head = (0, "")


class Account:
    """The chain of what a client has claimed and answered.

    Parameters
    ----------
    database
        Where the events are.
    path
        Of the file with the head; made with the database.

    Raises
    ------
    ConfigError
        The database is older than the head, the head is missing, or it cannot be read.
    """

    def __init__(self, database: LocalDatabase, path: Path) -> None:
        self._database, self._path = database, path
        self._written = self._read()
        with database.transaction() as connection:
            if not self._extends(connection, self._written):
                raise ConfigError(
                    f"The local store beside {path} is older than what this client has answered, "
                    "as after a backup was put back; put the newest store back, or join anew in "
                    "another folder."
                )
        self._write()

    def note(self, *event: str | float | None) -> None:
        """Add an event, in the transaction that makes it; the head follows when that has ended."""
        with self._database.transaction() as connection:
            number, last = _newest(connection)
            text = json.dumps([last, *event], separators=(",", ":"))
            made = number + 1, hashlib.sha256(text.encode()).hexdigest()
            connection.execute("INSERT INTO account VALUES (?, ?)", made)

    def follow(self) -> None:
        """Write the head down when the present transaction has ended, if it is another by then."""
        self._database.afterwards(self._write)

    def _read(self) -> Head | None:
        if not self._path.exists():
            return None
        try:
            number, chain = json.loads(files.read(self._path))
            return int(number), str(chain)
        except (ValueError, TypeError) as error:
            raise ConfigError(
                f"{self._path} cannot be read; restore it, or join anew in another folder."
            ) from error

    def _extends(self, connection: sqlite3.Connection, head: Head | None) -> bool:
        """Return whether the database has all that the head stands for."""
        if head is None or head == NOTHING:
            # A database without events may be a new one, whose head is not written yet.
            return head is not None or _newest(connection) == NOTHING
        query = "SELECT number, chain FROM account WHERE number = ?"
        found = connection.execute(query, head[:1]).fetchone()
        return bool(found == head)

    def _write(self) -> None:
        # Under the database's lock, so that of two processes none writes an older head.
        with self._database.transaction() as connection:
            newest = _newest(connection)
            if newest != self._written:
                put = files.write if self._written is None else files.overwrite
                put(self._path, json.dumps(newest).encode().ljust(LENGTH))
                self._written = newest


def _newest(connection: sqlite3.Connection) -> Head:
    query = "SELECT number, chain FROM account ORDER BY number DESC LIMIT 1"
    found = connection.execute(query).fetchone()
    return NOTHING if found is None else (found[0], found[1])
