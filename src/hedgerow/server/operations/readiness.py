"""Readiness: whether a replica can do its work now, asked of each part that it needs."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import httpx

from hedgerow.errors import HedgerowError, StorageError
from hedgerow.server.storage import schema
from hedgerow.server.storage.blobs import Blobs
from hedgerow.server.storage.database import Database

Check = Callable[[], None]
"""Returns where a part can be used, and raises an error otherwise."""

REMEMBERED = 2.0
"""Seconds for which an answer counts: anybody may ask, and each check writes to the disk."""

HELPER_SECONDS = 2.0
"""How long the helper may take to answer."""


@dataclass
class Readiness:
    """Checks the parts, at most once in `REMEMBERED` seconds.

    Parameters
    ----------
    checks
        By the name of the part.
    clock
        Seconds from any start on.
    """

    checks: Mapping[str, Check]
    clock: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _last: tuple[float, dict[str, bool]] | None = field(default=None, repr=False)

    def parts(self) -> dict[str, bool]:
        """Return which part can be used."""
        with self._lock:
            now = self.clock()
            if self._last is None or now >= self._last[0] + REMEMBERED:
                self._last = now, {name: _holds(check) for name, check in self.checks.items()}
            return dict(self._last[1])


def checks_of(
    replica: str, database: Database, blobs: Blobs | None, helper: httpx.Client | None = None
) -> dict[str, Check]:
    """Return the checks of a replica.

    Parameters
    ----------
    replica
        Its name.
    database
        What it keeps its rows in.
    blobs
        Where large bytes are; None at the helper, which has none.
    helper
        Knows the helper's address; None where there is none.
    """
    found: dict[str, Check] = {"database": partial(_check_database, database)}
    if blobs is not None:
        own = hashlib.sha256(replica.encode()).hexdigest()[:16]
        found["blobs"] = partial(_check_blobs, blobs, f"probe/{own}")
    if helper is not None:
        found["helper"] = partial(_check_helper, helper)
    return found


def _holds(check: Check) -> bool:
    try:
        check()
    except (HedgerowError, OSError, httpx.HTTPError):
        return False
    return True


def _check_database(database: Database) -> None:
    with database.read() as connection:
        if schema.age(connection) is not schema.Age.SAME:
            raise StorageError("The tables are of another version.")


def _check_blobs(blobs: Blobs, name: str) -> None:
    blobs.put(name, b"ready")
    if blobs.get(name) != b"ready":
        raise StorageError("Blobs are not read as they were written.")
    blobs.delete(name)


def _check_helper(http: httpx.Client) -> None:
    http.get("/healthz", timeout=HELPER_SECONDS).raise_for_status()
