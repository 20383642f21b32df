"""Restoring a backup into an empty database, of either kind: all of it, checked, or nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Table, func, select, text

from hedgerow.errors import DataError, StorageError
from hedgerow.privacy.ledger import Ledger
from hedgerow.server.operations.afterwards import (
    end_rounds,
    end_sessions,
    pause_tasks,
    use_reports,
)
from hedgerow.server.operations.archive import BLOBS, KEYS, TABLES, Manifest, Reader
from hedgerow.server.operations.backup import key_files
from hedgerow.server.operations.rows import decoder
from hedgerow.server.security import audit_chain, audit_log, files
from hedgerow.server.security.audit_log import Event
from hedgerow.server.storage import schema, tables
from hedgerow.server.storage.blobs import Blobs
from hedgerow.server.storage.database import Database

PAGE = 1000
"""Rows that are inserted at a time."""


@dataclass(frozen=True)
class Restored:
    """What was done.

    Parameters
    ----------
    manifest
        What the backup held.
    rounds, reports
        How many rounds were ended, and how many of a helper's reports count as used.
    paused
        Names of the tasks that were paused.
    """

    manifest: Manifest
    rounds: int
    reports: int
    paused: tuple[str, ...]


def restore(
    reader: Reader,
    database: Database,
    blobs: Blobs | None,
    *,
    key: bytes,
    signing: Ed25519PrivateKey | None = None,
    clock: Callable[[], float] = time.time,
) -> Restored:
    """Restore a backup: all of it or, where an error is raised, no row.

    Parameters
    ----------
    reader
        Of the backup.
    database
        Empty, with tables of the backup's version.
    blobs
        Where models and catalogs go; None at the helper.
    key
        The coordinator's public key, to check the audit log.
    signing
        The coordinator's key, to log that a backup was restored; None where it is not at hand.
    clock
        Gives the time.

    Raises
    ------
    DataError
        The backup is damaged, or of another version.
    StorageError
        The database is not empty or cannot be used.
    ProtocolError
        ``bad-audit-log`` or ``bad-signature``: the audit log was changed.
    PolicyError
        The ledger was changed.
    """
    with database.write() as connection:
        _check_target(connection, reader.manifest)
        for table in tables.metadata.sorted_tables:
            _fill(connection, table, reader)
        _check_audit_log(connection, key)
        Ledger(_Kept(list(connection.scalars(select(_LINE).order_by(_NUMBER)))))
        if blobs is not None:
            _put_blobs(reader, blobs)
        end_sessions(connection)
        now = clock()
        done = Restored(
            reader.manifest,
            rounds=end_rounds(connection, now),
            reports=use_reports(connection),
            paused=pause_tasks(connection),
        )
        if signing is not None:
            on = f"backup of {int(reader.manifest.created)}"
            event = Event("the server's console", "restore-backup", on)
            audit_log.append(connection, event, key=signing, clock=clock)
    return done


def restore_keys(reader: Reader, folder: Path) -> int:
    """Write the keys that a backup has; those that are there already have to be the same.

    Raises
    ------
    ConfigError
        Another key is there.
    DataError
        The backup has other files.
    """
    names = reader.manifest.under(KEYS)
    if not set(names) <= set(key_files(reader.manifest.role)):
        raise DataError("The backup has keys that its role has not; take another one.")
    for name in names:
        path, content = folder / name, reader.whole(f"{KEYS}{name}")
        if path.is_file() and files.read(path) == content:
            continue
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        public = name.startswith("public/") or name.endswith(".pem")
        files.write_once(path, content, files.PUBLIC if public else files.SECRET)
    return len(names)


_LINE, _NUMBER = tables.ledger_lines.c.line, tables.ledger_lines.c.number


class _Kept:
    """The ledger's lines while they are checked."""

    place = "the backup"

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines

    def read(self) -> list[bytes]:
        return [bytes(line) for line in self._lines]

    def append(self, _line: bytes, _after: int) -> bool:
        return False


def _check_target(connection: Connection, manifest: Manifest) -> None:
    found = schema.version(connection)
    if manifest.schema != found:
        raise DataError(
            f"The backup's tables are of version {manifest.schema}, and those of this program of "
            f"{found}; restore it with the program that made it, and upgrade then."
        )
    for table in tables.metadata.sorted_tables:
        if connection.execute(select(table).limit(1)).first() is not None:
            raise StorageError(
                f"The database {connection.engine.url} is not empty; restore into a new one."
            )


def _fill(connection: Connection, table: Table, reader: Reader) -> None:
    decode = decoder(table)
    rows = (decode(line) for line in reader.lines(f"{TABLES}{table.name}.jsonl"))
    for page in _pages(rows):
        connection.execute(table.insert(), page)
    counted = table.autoincrement_column
    if counted is not None and connection.dialect.name == "postgresql":
        # The next number comes from a sequence, which knows nothing of these rows.
        most = connection.scalar(select(func.max(counted)))
        if most is not None:
            name = {"table": table.name, "column": counted.name, "most": most}
            query = text("SELECT setval(pg_get_serial_sequence(:table, :column), :most)")
            connection.execute(query, name)


def _pages(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while page := list(islice(rows, PAGE)):
        yield page


def _check_audit_log(connection: Connection, key: bytes) -> None:
    newest = audit_log.head(connection)
    lines = [bytes(line) for line in audit_log.lines(connection)]
    if newest is not None:
        audit_chain.verify(lines, newest, key)
    elif lines:
        raise audit_chain.damaged("The audit log has lines and no signed head")


def _put_blobs(reader: Reader, blobs: Blobs) -> None:
    for name in reader.manifest.under(BLOBS):
        content = reader.whole(f"{BLOBS}{name}")
        if not blobs.exists(name):
            blobs.put(name, content)
        elif blobs.get(name) != content:
            raise StorageError(
                f"There is another blob {name} already; restore into an empty place."
            )
