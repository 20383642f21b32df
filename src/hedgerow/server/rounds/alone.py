"""One process alone with its database: after a crash it waits for nobody's lease to end."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hedgerow.server.rounds.record import release_leases
from hedgerow.server.storage.database import Database

LOCK = ".serving"
"""After the name of an SQLite file, the name of the one that its coordinator holds locked."""


@contextmanager
def served(database: Database) -> Iterator[bool]:
    """Serve a database for the length of a block.

    The file of SQLite is on this computer, and so is whoever else serves it: a lock that the system
    takes from a process that dies says whether there is anyone. Where there is not, all leases are
    a dead process's and are void. Replicas on PostgreSQL, and a second process on the same file,
    wait until leases end.

    Yields
    ------
    bool
        Whether it is known that nobody else does.
    """
    url = database.engine.url
    if url.get_backend_name() != "sqlite":
        yield False
        return
    lock = Path(f"{url.database}{LOCK}")
    lock.touch(mode=0o600)
    with lock.open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        with database.write() as connection:
            release_leases(connection)
        yield True
