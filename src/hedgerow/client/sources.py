"""Where a client's interactions come from, and how they become the blocks of a client step."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import polars as pl

from hedgerow.client.history import OWN, History
from hedgerow.data.block import Block
from hedgerow.data.catalog import Catalog
from hedgerow.data.columns import Columns
from hedgerow.data.hashing import keys_of
from hedgerow.data.interactions import Interactions
from hedgerow.data.split import Fold, Split
from hedgerow.errors import ProtocolError


class Source(Protocol):
    """What gives a client's interactions, as they are now."""

    def read(self) -> Interactions:
        """Return them, with the items that were met as the catalog.

        Raises
        ------
        DataError
            They cannot be read or used.
        """
        ...


@dataclass(frozen=True)
class Table:
    """A silo's own data: a file, or a query to its database.

    Parameters
    ----------
    where
        A path to a CSV or Parquet file, a SQLAlchemy URL or a dataframe; never printed, as a URL
        may hold a password.
    query
        The SQL query, where the source is a database.
    columns
        Which column holds what; by default the usual names are looked for.
    drop_invalid
        Leave invalid rows out instead of refusing the source.
    """

    where: Any = field(repr=False)
    query: str | None = None
    columns: Columns = field(default_factory=Columns)
    drop_invalid: bool = False

    def read(self) -> Interactions:
        """Return all interactions of the table."""
        return Interactions.read(
            self.where, columns=self.columns, query=self.query, drop_invalid=self.drop_invalid
        )


@dataclass(frozen=True)
class Device:
    """What a device recorded of its one user.

    Parameters
    ----------
    history
        The device's.
    user
        An id that no other device has, such as the client's public key: the user's own random
        draws follow from it.
    """

    history: History
    user: str

    def read(self) -> Interactions:
        """Return the user's interactions, of which there may be none."""
        seen = self.history.of(OWN)
        if not seen:
            return _nothing(self.user)
        columns: dict[str, Any] = {
            "user_id": [self.user] * len(seen),
            "item_id": [s.item for s in seen],
            "timestamp": [s.timestamp for s in seen],
        }
        if any(s.weight is not None for s in seen):
            columns["weight"] = [1.0 if s.weight is None else s.weight for s in seen]
        return Interactions.read(pl.DataFrame(columns))


@dataclass(frozen=True)
class Held:
    """What a client has to contribute from.

    Parameters
    ----------
    fold
        Its users' histories and what is held out, in the numbers of a catalog.
    users
        Their ids, row by row.
    notes
        What was mended or left out, a short sentence each.
    """

    fold: Fold
    users: pl.Series
    notes: tuple[str, ...]


def fold_of(
    source: Source, catalog: Catalog, split: Split | None = None, most: int | None = None
) -> Held:
    """Return a client's interactions as a simulator of all clients would hold them.

    Parameters
    ----------
    source
        Where they are.
    catalog
        The public items; interactions with others are left out, and counted in a note.
    split
        What is held out; nothing by default.
    most
        The most users that the client promised.

    Raises
    ------
    DataError
        The source cannot be used.
    ProtocolError
        ``too-many-users``: there are more than promised.
    """
    log = source.read()
    if most is not None and len(log.users) > most:
        raise ProtocolError(
            "too-many-users",
            f"There are {len(log.users)} users where {most} were promised; enrol for more.",
        )
    block, notes = _numbered(log, catalog)
    fold = split.test(block) if split else Fold(block, block.where(block.ages < 0))
    return Held(fold, log.users, (*log.notes, *notes))


def _numbered(log: Interactions, catalog: Catalog) -> tuple[Block, tuple[str, ...]]:
    """Return the block in the numbers of a catalog, and a note on what it lacks."""
    numbers = catalog.numbers(log.catalog.ids)
    items = numbers[log.block.items]
    block, known = replace(log.block, items=items, n_items=len(catalog)), items >= 0
    if known.all():
        return block, ()
    lost, kinds = np.count_nonzero(~known), np.count_nonzero(numbers < 0)
    note = f"{lost} interactions with {kinds} items that the catalog lacks left out"
    return block.where(known), (note,)


def _nothing(user: str) -> Interactions:
    """Return the log of one user who has met nothing."""
    users = pl.Series("user_id", [user])
    block = Block(
        indptr=np.zeros(2, np.int64),
        items=np.zeros(0, np.int32),
        n_items=0,
        keys=keys_of(users),
        timestamps=np.zeros(0, np.int64),
    )
    return Interactions(users, Catalog(pl.Series("item_id", [], pl.String)), block)
