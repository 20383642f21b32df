"""The agent's local database: one SQLite file that only its owner can read."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hedgerow.errors import ConfigError

Clock = Callable[[], float]
"""Seconds since 1970 in UTC."""

VERSION = 2
"""Of the tables; kept as SQLite's ``user_version``."""

PATIENCE = 10.0
"""Seconds for which a process waits for another that writes to the same file."""

_TABLES = """
CREATE TABLE interactions (
    seq INTEGER PRIMARY KEY,
    user TEXT NOT NULL,
    item TEXT NOT NULL,
    timestamp INTEGER NOT NULL,
    weight REAL,
    kind TEXT NOT NULL
);
CREATE INDEX interactions_in_time ON interactions (user, timestamp, seq);
CREATE TABLE consents (
    seq INTEGER PRIMARY KEY,
    purpose TEXT NOT NULL,
    given INTEGER NOT NULL,
    who TEXT NOT NULL,
    at REAL NOT NULL,
    version TEXT NOT NULL
);
CREATE TABLE releases (
    release TEXT PRIMARY KEY,
    task TEXT NOT NULL,
    purpose TEXT NOT NULL,
    at REAL NOT NULL,
    mechanism TEXT,
    multiplier REAL,
    sensitivity REAL,
    size INTEGER,
    clients INTEGER
);
CREATE TABLE answers (
    release TEXT NOT NULL REFERENCES releases,
    session TEXT NOT NULL,
    stage TEXT NOT NULL,
    at REAL NOT NULL,
    record BLOB,
    PRIMARY KEY (release, session)
);
CREATE UNIQUE INDEX answered_once ON answers (release) WHERE stage <> 'started';
CREATE TABLE account (
    number INTEGER PRIMARY KEY,
    chain TEXT NOT NULL
);
CREATE TABLE outgoing (
    session TEXT NOT NULL,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (session, kind)
);
"""
"""Each release is charged once; of the sessions in which it was begun, one may be answered."""

_OPTED_OUT = "CREATE TABLE opted_out (user TEXT PRIMARY KEY, at REAL NOT NULL)"
"""Came with version 2: people of a silo who are left out of everything."""

_ERASED = ("DELETE FROM interactions", "DELETE FROM consents", "DELETE FROM outgoing",
           "UPDATE answers SET record = NULL")  # fmt: skip
"""What is about people. The account stays: what was contributed cannot be taken back; and so do
opt-outs, as whoever is not remembered would be taken in again."""


class LocalDatabase:
    """A SQLite file, for several threads of this process and for other processes.

    What a transaction has written is on disk when it ends.

    Parameters
    ----------
    path
        The file; made with mode 0600 where it is missing.

    Raises
    ------
    ConfigError
        The file is damaged, of a later version, or cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.RLock()
        self._after: list[Callable[[], None]] = []
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(
                path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(f"The local store {path} cannot be opened: {error}.") from error
        try:
            self._prepare()
        except sqlite3.Error as error:
            self.close()
            raise ConfigError(
                f"The local store {path} cannot be used ({error}); restore it or remove it."
            ) from error
        except ConfigError:
            self.close()
            raise

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA secure_delete = ON")
        with self.transaction() as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise ConfigError(
                    f"The local store {self._path} is of a later version of Hedgerow; update it."
                )
            if version == VERSION:
                return
            tables = (_TABLES, _OPTED_OUT) if version == 0 else (_OPTED_OUT,)
            for statement in ";\n".join(tables).split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Do several things at once or not at all; a transaction within one is part of it."""
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._after.clear()
                self._connection.execute("ROLLBACK")
                raise
            after, self._after = dict.fromkeys(self._after), []
            for work in after:
                work()

    def afterwards(self, work: Callable[[], None]) -> None:
        """Do something once, when what the present transaction has written is on disk."""
        self._after.append(work)

    def erase(self) -> None:
        """Delete all rows that are about people, and overwrite where they were.

        Raises
        ------
        ConfigError
            Another process reads the file, so that the old bytes are still in it.
        """
        with self._lock:
            with self.transaction() as connection:
                for statement in _ERASED:
                    connection.execute(statement)
            self._overwrite()

    def erase_user(self, user: str) -> int:
        """Delete one user's interactions, and overwrite where they were; return how many.

        Raises
        ------
        ConfigError
            As of :meth:`erase`.
        """
        with self._lock:
            with self.transaction() as connection:
                gone = connection.execute("DELETE FROM interactions WHERE user = ?", (user,))
            self._overwrite()
        return gone.rowcount

    def _overwrite(self) -> None:
        """Leave no byte of what was deleted in the file."""
        with self._lock:
            try:
                self._connection.execute("VACUUM")
                busy, *_ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.OperationalError:
                busy = 1
        if busy:
            raise ConfigError(
                "All of it is deleted, but another process keeps the old file open; stop it and "
                "forget again."
            )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
