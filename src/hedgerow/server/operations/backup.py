"""Backups: one file with all that a deployment cannot do without, made while it runs.

All rows are read in one transaction that sees one moment. Then the models and catalogs that they
name are added, which are written before their rows and are never deleted.

What clients sent in rounds is left out, and so are the large blobs that hold it: a restored
coordinator does not go on with rounds (see `restore`), and whoever holds a backup should not hold
masked vectors and shares of their masks. What was sent, by its digest, stays on record.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import Connection, Table, exists, null, select

from hedgerow.errors import DataError
from hedgerow.server.operations.archive import (
    BLOBS,
    KEYS,
    TABLES,
    Manifest,
    Writer,
    writing,
)
from hedgerow.server.operations.rows import encoder
from hedgerow.server.security import files, parties
from hedgerow.server.settings import COORDINATOR
from hedgerow.server.storage import schema, tables
from hedgerow.server.storage.blobs import Blobs
from hedgerow.server.storage.database import Database

PAGE = 1000
"""Rows that are in memory at a time."""

LEFT_OUT = {
    tables.messages: frozenset({tables.messages.c.body, tables.messages.c.blob}),
}
"""Columns that are NULL in a backup."""


def back_up(
    path: Path,
    database: Database,
    blobs: Blobs | None,
    *,
    role: str = COORDINATOR,
    secrets_of: Path | None = None,
    clock: Callable[[], float] = time.time,
) -> Manifest:
    """Write a backup.

    Parameters
    ----------
    path
        A file that is not there yet; only its owner may read it.
    database
        Of a coordinator or a helper, which may be running.
    blobs
        The coordinator's; None at the helper.
    role
        Whose backup it is.
    secrets_of
        The deployment's folder, to add the role's keys from; None leaves them out, and whoever
        restores needs them from elsewhere.
    clock
        Gives the time.

    Returns
    -------
    Manifest
        What was written.

    Raises
    ------
    DataError
        There is such a file.
    StorageError
        The database or a blob cannot be read.
    """
    created = clock()
    with writing(path) as writer:
        with database.read() as connection:
            version = schema.version(connection)
            for table in tables.metadata.sorted_tables:
                writer.add(f"{TABLES}{table.name}.jsonl", _rows(connection, table))
            names = [] if blobs is None else _blobs_named(connection)
        for name in names:
            # Momenta are there for some models only.
            if blobs is not None and (not name.startswith("momenta/") or blobs.exists(name)):
                writer.add(f"{BLOBS}{name}", [blobs.get(name)])
        if secrets_of is not None:
            _add_keys(writer, secrets_of, role)
        return writer.finish(role, version, created)


def key_files(role: str) -> list[str]:
    """Return which files of a party's folder a role needs, in the order of their names.

    A helper's are never among another party's. The authority's are among the coordinator's, which
    may hold them.
    """
    roles = {role, parties.AUTHORITY} if role == COORDINATOR else {role}
    own = {name for part in roles for name in parties.FILES[part]}
    halves = {parties.HELPER_HALF, parties.AUTHORITY_HALF} if role == COORDINATOR else set[str]()
    pinned = {parties.DEPLOYMENT} if role == parties.HELPER else set[str]()
    return sorted(own | halves | pinned)


def check_used(connection: Connection) -> None:
    """Refuse a database without a row: it is a fresh one, and not the one that is meant.

    Raises
    ------
    DataError
        There is nothing to back up.
    """
    # A server notes settings of its own at its first start.
    lasting = [table for table in tables.metadata.sorted_tables if table is not tables.settings]
    if not any(connection.scalar(select(exists().select_from(table))) for table in lasting):
        raise DataError(
            f"The database {connection.engine.url} holds nothing yet, so there is nothing to back "
            "up; check which one 'hedgerow serve' was given."
        )


def _rows(connection: Connection, table: Table) -> Iterator[bytes]:
    left_out = LEFT_OUT.get(table, frozenset())
    columns = [null().label(c.name) if c in left_out else c for c in table.columns]
    query = select(*columns).order_by(*table.primary_key.columns)
    encode = encoder(table)
    for row in connection.execution_options(yield_per=PAGE).execute(query):
        yield encode(row)


def _blobs_named(connection: Connection) -> list[str]:
    """Return the names of all blobs that rows name for good."""
    models, runs, live, catalogs = tables.models, tables.runs, tables.live, tables.catalogs
    states = {
        name
        for column in (models.c.hash, runs.c.state, live.c.model)
        for name in connection.scalars(select(column).distinct())
    }
    public = connection.scalars(select(catalogs.c.hash)).all()
    return sorted(
        f"{kind}/{name}"
        for kinds, found in ((("catalog", "items"), public), (("model", "momenta"), states))
        for kind, name in itertools.product(kinds, found)
    )


def _add_keys(writer: Writer, folder: Path, role: str) -> None:
    for name in key_files(role):
        # The enrolment authority may be elsewhere, and there may be no helper.
        if (folder / name).is_file():
            writer.add(f"{KEYS}{name}", [files.read(folder / name)])
