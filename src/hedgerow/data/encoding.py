"""From a clean table to arrays: ids as numbers, users next to each other, each in time order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray


@dataclass(frozen=True)
class Encoded:
    """A table's interactions as arrays.

    Parameters
    ----------
    users, items
        The distinct ids as texts; a number is a position in them.
    indptr
        Where each user's interactions start and end in ``rows``.
    rows
        The table's rows by user, then time, then place in the table; exact duplicates left out.
    item_numbers
        The item of each of these rows.
    duplicates
        How many rows were left out.
    """

    users: pl.Series
    items: pl.Series
    indptr: NDArray[np.int64]
    rows: NDArray[np.int64]
    item_numbers: NDArray[np.int32]
    duplicates: int


def encode(table: pl.DataFrame) -> Encoded:
    """Encode a table that has the columns user_id, item_id and timestamp.

    Where it has a ``moment``, too, that is the order: things may follow each other in a second.
    """
    users, owner = _numbered(table["user_id"])
    items, numbers = _numbered(table["item_id"])
    stamps = table["moment" if "moment" in table.columns else "timestamp"].to_numpy()
    rows = np.lexsort((stamps, owner))
    owner, numbers, stamps = owner[rows], numbers[rows], stamps[rows]
    fresh = _first_of_each(owner, numbers, stamps)
    lengths = np.bincount(owner[fresh], minlength=len(users))
    return Encoded(
        users=users,
        items=items,
        indptr=np.concatenate([[0], np.cumsum(lengths)]),
        rows=rows[fresh],
        item_numbers=numbers[fresh],
        duplicates=len(fresh) - int(np.count_nonzero(fresh)),
    )


def _numbered(ids: pl.Series) -> tuple[pl.Series, NDArray[np.int32]]:
    """Give each distinct id a number, in sorted order (numbers by size, texts by letter)."""
    distinct = ids.unique()
    if isinstance(ids.dtype, pl.Categorical):
        codes = ids.to_physical().to_numpy()
        texts = distinct.cast(pl.String)
        order = texts.arg_sort().to_numpy()
        place = np.zeros(int(codes.max()) + 1, np.int32)
        place[distinct.to_physical().to_numpy()[order]] = np.arange(len(distinct))
        return texts[order], place[codes]
    distinct = distinct.sort()
    places = pl.DataFrame({"id": distinct, "number": np.arange(len(distinct), dtype=np.int32)})
    found = pl.DataFrame({"id": ids}).join(places, on="id", how="left", maintain_order="left")
    return distinct.cast(pl.String), found["number"].to_numpy()


def _first_of_each(
    owner: NDArray[np.int32], items: NDArray[np.int32], stamps: NDArray[Any]
) -> NDArray[np.bool_]:
    """Mark the rows that do not repeat an earlier user, item and time; rows are in user-time order.

    Repeats are only looked for among rows that share user and time, most often few.
    """
    fresh = np.ones(len(owner), np.bool_)
    tied = (owner[1:] == owner[:-1]) & (stamps[1:] == stamps[:-1])
    among = np.flatnonzero(np.r_[tied, False] | np.r_[False, tied])
    if len(among):
        groups = np.cumsum(~np.r_[False, tied])
        order = among[np.lexsort((items[among], groups[among]))]
        group = groups[order]
        repeat = (items[order][1:] == items[order][:-1]) & (group[1:] == group[:-1])
        fresh[order[1:][repeat]] = False
    return fresh
