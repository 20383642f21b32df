"""A device's beginning: its user's history from a file."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from hedgerow.client.history import OWN, History
from hedgerow.data.columns import Columns
from hedgerow.data.interactions import Interactions
from hedgerow.data.readers import read_table
from hedgerow.errors import DataError

USER = "user_id"


def read_own(path: Path | str, columns: Columns | None = None) -> Interactions:
    """Read one user's history; the file needs no column for the user.

    Parameters
    ----------
    path
        A CSV, TSV or Parquet file.
    columns
        Which column holds what; by default the usual names are looked for.

    Raises
    ------
    DataError
        The file cannot be used, or is of several users.
    """
    table, wanted = read_table(path, None), columns or Columns()
    if wanted.user_id is None:
        with_user = table.with_columns(pl.lit("own").alias(USER))
        try:
            wanted.resolve(table.columns)
        except DataError:
            wanted.resolve(with_user.columns)
            table = with_user
    log = Interactions.read(table, columns=wanted)
    if len(log.users) != 1:
        raise DataError(
            f"{path} is of {len(log.users):,} users; a device has one: give a file of one, or "
            "leave its column of users out."
        )
    return log


def import_own(history: History, log: Interactions) -> int:
    """Add a history to that of a device, but for what is there; return how many were added.

    An interaction is there where one of the same item and time is: a file may be imported again.
    """
    there = {(seen.item, seen.timestamp) for seen in history.of(OWN)}
    frame, added = log.frame(), 0
    weights = frame["weight"].to_list() if "weight" in frame.columns else [None] * frame.height
    rows = zip(frame["item_id"].to_list(), frame["timestamp"].to_list(), weights, strict=True)
    with history.at_once():
        for item, timestamp, weight in rows:
            if (str(item), int(timestamp)) in there:
                continue
            history.append(str(item), int(timestamp), weight=weight)
            there.add((str(item), int(timestamp)))
            added += 1
    return added
