"""How the tables get to another version.

The versions are Alembic's, in ``migrations/versions``; users need neither its command nor its
configuration file.
"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from hedgerow.errors import StorageError

LOCK = 0x6865646765726F77
"""The key of PostgreSQL's lock under which tables are changed: "hedgerow" in ASCII."""

BASE = "base"
"""The version that has no tables."""


def upgrade(connection: Connection) -> None:
    """Bring the tables to this program's version, as part of the connection's transaction.

    Raises
    ------
    StorageError
        Rows of SQLite would point to rows that do not exist.
    """
    _take_turn(connection)
    command.upgrade(_config(connection), "head")
    _check_keys(connection)


def downgrade(connection: Connection, version: str) -> None:
    """Bring the tables to an older version, as part of the connection's transaction.

    Parameters
    ----------
    connection
        Not checking foreign keys, where it is to SQLite.
    version
        A revision of Alembic, or `BASE`.
    """
    _take_turn(connection)
    command.downgrade(_config(connection), version)
    _check_keys(connection)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", "hedgerow.server.storage:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _take_turn(connection: Connection) -> None:
    """Wait until no other process changes tables; in SQLite a write transaction waits by itself."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})


def _check_keys(connection: Connection) -> None:
    """Check foreign keys, which SQLite does not do while its tables are made anew."""
    if (
        connection.dialect.name == "sqlite"
        and connection.execute(text("PRAGMA foreign_key_check")).first()
    ):
        raise StorageError("Rows of the database point to rows that do not exist; restore it.")
