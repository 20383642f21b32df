"""Which version the tables are of; `migrating` brings them to another one."""

from __future__ import annotations

from enum import Enum

from sqlalchemy import Connection, inspect, text

VERSIONS = ("0001", "0002")
"""Of the tables, oldest first; the last is this program's."""


class Age(Enum):
    """How the tables compare with those of this program."""

    OLDER = "older"
    SAME = "same"
    NEWER = "newer"


def age(connection: Connection) -> Age:
    """Compare the tables of a database with those of this program; none at all are older."""
    found = version(connection)
    if found == VERSIONS[-1]:
        return Age.SAME
    return Age.OLDER if not found or found in VERSIONS else Age.NEWER


def version(connection: Connection) -> str:
    """Return the version of a database's tables; empty where there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return connection.scalar(text("SELECT version_num FROM alembic_version")) or ""
