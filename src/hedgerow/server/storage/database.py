"""The database: SQLite in one file, or PostgreSQL, behind the same few calls.

A read sees one moment; a write is one transaction that is on disk when it returns. SQLite lets one
writer in at a time. In PostgreSQL writers run side by side, each statement seeing what had been
committed by then, so a write that decides by what it read locks those rows first (``SELECT ... FOR
UPDATE``, which SQLAlchemy leaves out for SQLite) or decides within one statement.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hedgerow.errors import ConfigError, StorageError
from hedgerow.server.storage import schema

T = TypeVar("T")

PATIENCE = 10
"""Seconds to wait for another writer of SQLite, a free connection, or PostgreSQL to answer."""

CONNECTIONS, MORE_CONNECTIONS = 5, 10
"""To PostgreSQL, per process: how many are kept open, and how many more when it is busy."""

_WRITE = "hedgerow_write"

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}

_BROKEN = {
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOTADB,
}


@dataclass(frozen=True)
class Database:
    """The tables of `hedgerow.server.storage.tables` in a database.

    Parameters
    ----------
    engine
        Set up as `open` does.
    """

    engine: Engine

    @classmethod
    def open(cls, url: str, *, upgrade: bool = True) -> Database:
        """Open a database and see to it that its tables are those of this program.

        Parameters
        ----------
        url
            ``sqlite:///file`` or ``postgresql://user:password@host/name``.
        upgrade
            Make or change the tables where they are missing or of an older version; without, a
            database that is not there is not made either.

        Raises
        ------
        ConfigError
            The address is of no database that can be used.
        StorageError
            It cannot be reached, or its tables are of another version.
        """
        parsed = parsed_address(url)
        if not upgrade:
            _check_file(parsed)
        if upgrade:
            maker = cls(_engine(parsed, foreign_keys=False))
            try:
                retried(partial(_upgrade, maker))
            finally:
                maker.close()
        database = cls(_engine(parsed, foreign_keys=True))
        try:
            retried(partial(_check, database))
        except BaseException:
            database.close()
            raise
        return database

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one moment of the database and changes nothing."""
        options = {}
        if self.engine.dialect.name == "postgresql":
            options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with _explained(self.engine), self.engine.connect() as connection:
            yield connection.execution_options(**options)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection in a transaction, committed at the end or undone by an exception."""
        with _explained(self.engine), self.engine.connect() as connection:
            connection.execution_options(**{_WRITE: True})
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def retried(
    work: Callable[[], T], *, attempts: int = 6, sleep: Callable[[float], None] = time.sleep
) -> T:
    """Do some work again where the database was busy or away, or two transactions collided.

    Parameters
    ----------
    work
        Transactions from their start on. When the connection broke it may have been done already,
        so that doing it twice must be the same as doing it once.
    attempts
        How often it is tried at most.
    sleep
        Waits for some seconds, at most 0.3 between two attempts.

    Raises
    ------
    StorageError
        It failed each time.
    """
    for attempt in range(attempts - 1):
        try:
            return work()
        except StorageError as error:
            if not error.transient:
                raise
        # Those that collided do not wait equally long, or they would collide again.
        sleep(0.01 * 2**attempt * (1 + secrets.randbelow(1000) / 1000))
    return work()


def insert_once(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]
) -> list[Row[Any]]:
    """Insert those rows whose keys are not there yet.

    Returns
    -------
    list of Row
        The primary keys of the inserted rows, in no particular order.
    """
    if not rows:
        return []
    key = table.primary_key.columns
    if connection.dialect.name == "postgresql":
        statement = postgresql.insert(table).on_conflict_do_nothing().returning(*key)
    else:
        statement = sqlite.insert(table).on_conflict_do_nothing().returning(*key)
    return list(connection.execute(statement, rows))


def parsed_address(url: str) -> URL:
    """Read an address and choose the driver.

    Raises
    ------
    ConfigError
        It is of no database that can be used.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = URL.create("unknown")
    kind = parsed.get_backend_name()
    if kind in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    if kind != "sqlite":
        raise ConfigError(
            "A database is named by sqlite:///file or postgresql://user:password@host/name."
        )
    if parsed.database in {None, "", ":memory:"} or parsed.query:
        raise ConfigError("An SQLite database is named by its file alone, sqlite:///file.")
    return parsed.set(drivername="sqlite")


def _engine(url: URL, *, foreign_keys: bool) -> Engine:
    """Set up connections of the kind that the address asks for; errors do not show what is sent."""
    if url.get_backend_name() == "postgresql":
        # Statements prepared by name would get lost behind a pooler that shares connections.
        options = {"prepare_threshold": None, "connect_timeout": PATIENCE}
        return create_engine(
            url,
            pool_size=CONNECTIONS,
            max_overflow=MORE_CONNECTIONS,
            pool_timeout=PATIENCE,
            pool_pre_ping=True,
            connect_args=options,
            hide_parameters=True,
        )
    _make_private(Path(str(url.database)))
    engine = create_engine(
        url, pool_timeout=PATIENCE, connect_args={"timeout": PATIENCE}, hide_parameters=True
    )
    event.listen(engine, "connect", partial(_set_up_sqlite, foreign_keys=foreign_keys))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _check_file(url: URL) -> None:
    """Refuse an SQLite file that is not there; a slip in its name would else make an empty one."""
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        raise StorageError(
            f"There is no database {url.database}; check its name, or start 'hedgerow serve', "
            "which makes one."
        )


def _make_private(file: Path) -> None:
    """Make a database's file where it is missing, for its owner alone; SQLite's others follow it.

    Raises
    ------
    StorageError
        It cannot be made.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
    except OSError as error:
        raise StorageError(
            f"The database {file} cannot be used ({error.strerror}); see to its folder."
        ) from error


def _set_up_sqlite(connection: DBAPIConnection, _record: object, *, foreign_keys: bool) -> None:
    """Make a fresh connection durable and strict, and leave transactions to SQLAlchemy."""
    # The driver's own way of starting transactions leaves out reads and changes of tables.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """Start a transaction; a write takes its turn now, since it could not wait for it later."""
    write = connection.get_execution_options().get(_WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _upgrade(database: Database) -> None:
    """Bring the tables to this program's version, one starting process at a time."""
    with database.read() as connection:
        if schema.age(connection) is not schema.Age.OLDER:
            return
    from hedgerow.server.storage import migrating  # 8 MB that only a change of tables needs

    with database.write() as connection:
        migrating.upgrade(connection)


def _check(database: Database) -> None:
    """Refuse tables of another version."""
    with database.read() as connection:
        age = schema.age(connection)
    if age is schema.Age.NEWER:
        raise StorageError(
            f"The database {database.engine.url} was made by a newer version of Hedgerow; "
            "install that version, or restore a backup of this one's."
        )
    if age is schema.Age.OLDER:
        raise StorageError(
            f"The database {database.engine.url} has no tables or older ones; start "
            "'hedgerow serve' with it, which brings them up to date."
        )


@contextmanager
def _explained(engine: Engine) -> Iterator[None]:
    """Say in one sentence that the database cannot be used; let other errors pass."""
    try:
        yield
    except PoolTimeout as error:
        raise StorageError(
            "All connections to the database are in use; try again later.", transient=True
        ) from error
    except DBAPIError as error:
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        away = engine.dialect.name == "postgresql" and isinstance(error, OperationalError)
        transient = away or error.connection_invalidated or code in _BUSY
        if not transient and code not in _BROKEN:
            raise
        said = str(error.orig).strip().partition("\n")[0]
        raise StorageError(
            f"The database {engine.url} cannot be used ({said}); see that it runs and has room.",
            transient=transient,
        ) from error
