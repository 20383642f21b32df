"""Interactions: who met which item when, validated and encoded."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hedgerow.data.block import Block
from hedgerow.data.catalog import Catalog
from hedgerow.data.columns import Columns
from hedgerow.data.encoding import encode
from hedgerow.data.hashing import keys_of
from hedgerow.data.ids import as_ids
from hedgerow.data.readers import read_table
from hedgerow.data.validation import clean
from hedgerow.errors import DataError


@dataclass(frozen=True)
class Interactions:
    """A log of interactions, grouped by user and ordered by time.

    Parameters
    ----------
    users
        User ids as strings; a user's row is the position.
    catalog
        The items.
    block
        The histories, one per user, in the order of ``users``.
    values
        The worth of each interaction, in the order of ``block.items``; None where none was given.
    attributes
        One row per user with further public-to-its-owner columns, such as a country.
    notes
        What reading mended, a short sentence each.
    """

    users: pl.Series
    catalog: Catalog
    block: Block
    values: NDArray[np.float64] | None = None
    attributes: pl.DataFrame = field(default_factory=pl.DataFrame)
    notes: tuple[str, ...] = ()

    @classmethod
    def read(
        cls,
        source: Any,
        *,
        columns: Columns | None = None,
        query: str | None = None,
        drop_invalid: bool = False,
    ) -> Interactions:
        """Read a log from a CSV or Parquet file, a database or any dataframe.

        Parameters
        ----------
        source
            A path, a SQLAlchemy URL or a dataframe.
        columns
            Which column holds what; by default the usual names are looked for.
        query
            The SQL query, where the source is a database.
        drop_invalid
            Leave invalid rows out instead of refusing the source.

        Raises
        ------
        DataError
            The source cannot be used; the message says how to mend it.
        """
        table, notes = clean(
            read_table(source, columns or Columns(), query), drop_invalid=drop_invalid
        )
        return cls._encode(table, notes)

    @classmethod
    def _encode(cls, table: pl.DataFrame, notes: tuple[str, ...]) -> Interactions:
        found = encode(table)
        rows = found.rows
        block = Block(
            indptr=found.indptr,
            items=found.item_numbers,
            n_items=len(found.items),
            keys=keys_of(found.users),
            timestamps=table["timestamp"].to_numpy()[rows],
            weights=_column(table, "weight", rows, np.float32),
        )
        extra = [c for c in table.columns if c not in cls._roles()]
        if found.duplicates:
            notes = (*notes, f"{found.duplicates} duplicate rows left out")
        return cls(
            users=found.users,
            catalog=Catalog(found.items),
            block=block,
            values=_column(table, "value", rows, np.float64),
            attributes=table.select(extra)[rows[block.indptr[:-1]]] if extra else pl.DataFrame(),
            notes=notes,
        )

    @staticmethod
    def _roles() -> set[str]:
        return {"user_id", "item_id", "timestamp", "moment", "weight", "value"}

    def __len__(self) -> int:
        return len(self.block.items)

    def with_catalog(self, features: pl.DataFrame, key: str = "item_id") -> Interactions:
        """Join public item features, and take in the items that nobody has met yet."""
        catalog = self.catalog.with_features(features, key)
        items = catalog.numbers(self.catalog.ids)[self.block.items]
        return replace(
            self, catalog=catalog, block=replace(self.block, items=items, n_items=len(catalog))
        )

    def with_attributes(self, attributes: pl.DataFrame, key: str = "user_id") -> Interactions:
        """Join what each user's own client knows of the user, by user id.

        Raises
        ------
        DataError
            There is no column ``key``.
        """
        if key not in attributes.columns:
            have = ", ".join(attributes.columns)
            raise DataError(f"The user table has no column {key!r} (it has {have}); name it.")
        ids = as_ids(attributes[key]).cast(pl.String)
        table = attributes.with_columns(ids).unique(key, keep="first")
        users = pl.DataFrame({key: self.users})
        joined = users.join(table, on=key, how="left", maintain_order="left").drop(key)
        known = joined.select(c for c in joined.columns if c not in self.attributes.columns)
        return replace(self, attributes=pl.concat([self.attributes, known], how="horizontal"))

    def distinct(self) -> Interactions:
        """Keep each user's last interaction with an item, and drop the repeats before it."""
        block = self.block
        pair = block.rows * np.int64(block.n_items) + block.items
        _, last = np.unique(pair[::-1], return_index=True)
        keep = np.zeros(len(pair), np.bool_)
        keep[len(pair) - 1 - last] = True
        return self.where(keep)

    def where(self, keep: NDArray[np.bool_]) -> Interactions:
        """Keep some interactions; users and items stay in their places."""
        values = None if self.values is None else self.values[keep]
        return replace(self, block=self.block.where(keep), values=values)

    def with_at_least(self, count: int) -> Interactions:
        """Keep the users with at least ``count`` interactions."""
        rows = np.flatnonzero(self.block.lengths >= count)
        block = self.block.take(rows)
        keep = np.isin(self.block.rows, rows)
        return replace(
            self,
            users=self.users[rows],
            block=block,
            values=None if self.values is None else self.values[keep],
            attributes=self.attributes[rows] if self.attributes.width else self.attributes,
        )

    def frame(self) -> pl.DataFrame:
        """Return the log as a table again: user_id, item_id, timestamp[, weight, value]."""
        columns: dict[str, Any] = {
            "user_id": self.users[self.block.rows],
            "item_id": self.catalog.ids[self.block.items.astype(np.int64)],
            "timestamp": self.block.timestamps,
        }
        if self.block.weights is not None:
            columns["weight"] = self.block.weights
        if self.values is not None:
            columns["value"] = self.values
        return pl.DataFrame(columns)

    def histories(self) -> list[list[str]]:
        """Return each user's item ids in time order."""
        ids = self.catalog.ids.to_list()
        return [
            [ids[i] for i in self.block.items[a:b]]
            for a, b in zip(self.block.indptr[:-1], self.block.indptr[1:], strict=True)
        ]


def _column(
    table: pl.DataFrame, name: str, order: NDArray[np.int64], dtype: type[np.floating[Any]]
) -> NDArray[Any] | None:
    return table[name].to_numpy()[order].astype(dtype) if name in table.columns else None
