"""Interactions that were recorded at this client, in time order."""

from __future__ import annotations

import math
import sqlite3
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass

from hedgerow.client.database import Clock, LocalDatabase
from hedgerow.data.validation import LONGEST_ID
from hedgerow.errors import DataError

OWN = ""
"""The user of a device, who needs no name there; a silo names its users."""

LATEST = 2**63 - 1


@dataclass(frozen=True)
class Seen:
    """One interaction.

    Parameters
    ----------
    item
        The item's id.
    timestamp
        Seconds since 1970, or any number that grows with time.
    weight
        How much it counts, 0 or more; None counts as 1.
    kind
        What it was, such as ``view`` or ``purchase``; may be empty.
    """

    item: str
    timestamp: int
    weight: float | None = None
    kind: str = ""


class History:
    """The interactions of the users of one client.

    Parameters
    ----------
    database
        Where they are.
    clock
        Gives the time of interactions that come without one.
    """

    def __init__(self, database: LocalDatabase, clock: Clock = time.time) -> None:
        self._database, self._clock = database, clock

    def append(
        self,
        item: str,
        timestamp: int | None = None,
        *,
        weight: float | None = None,
        kind: str = "",
        user: str = OWN,
    ) -> Seen:
        """Record an interaction; it is on disk when this returns.

        Parameters
        ----------
        item, timestamp, weight, kind
            As of `Seen`; the time is now where none is given.
        user
            Whose it is, in a silo.

        Raises
        ------
        DataError
            A value is outside its range.
        """
        seen = Seen(item, int(self._clock()) if timestamp is None else timestamp, weight, kind)
        _check(seen, user)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO interactions (user, item, timestamp, weight, kind)"
                " VALUES (?, ?, ?, ?, ?)",
                (user, seen.item, seen.timestamp, seen.weight, seen.kind),
            )
        return seen

    def at_once(self) -> AbstractContextManager[sqlite3.Connection]:
        """Return a context in which all that is recorded is on disk at its end, or not at all."""
        return self._database.transaction()

    def of(self, user: str = OWN) -> list[Seen]:
        """Return a user's interactions by time, those of one time as they were recorded."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                "SELECT item, timestamp, weight, kind FROM interactions WHERE user = ?"
                " ORDER BY timestamp, seq",
                (user,),
            ).fetchall()
        return [Seen(*row) for row in rows]


def _check(seen: Seen, user: str) -> None:
    if not seen.item.strip() or (user != OWN and not user.strip()):
        raise DataError("An id has characters that are not blank.")
    for text in (seen.item, user, seen.kind):
        if len(text) > LONGEST_ID or not _is_unicode(text):
            raise DataError(f"Ids and kinds are texts of at most {LONGEST_ID} characters.")
    if not 0 <= seen.timestamp <= LATEST:
        raise DataError("A timestamp is a whole number of seconds, 0 or more.")
    if seen.weight is not None and not 0 <= seen.weight < math.inf:
        raise DataError("A weight is a finite number of 0 or more.")


def _is_unicode(text: str) -> bool:
    """Return whether a text can be written down; halves of surrogate pairs cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
