"""The catalog: the public items and what everyone may know of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hedgerow.errors import DataError

if TYPE_CHECKING:
    import polars as pl


def _no_features() -> pl.DataFrame:
    import polars as pl  # 24 MB that a server of models does without

    return pl.DataFrame()


@dataclass(frozen=True, eq=False)
class Catalog:
    """Items in a fixed order, with their public features; equal only to itself.

    Parameters
    ----------
    ids
        Item ids as strings, unique; an item's number is its position.
    features
        One row per item (title, category, price, ...), in the same order; may have no column.
    """

    ids: pl.Series
    features: pl.DataFrame = field(default_factory=_no_features)

    def __post_init__(self) -> None:
        if self.ids.n_unique() != len(self.ids):
            raise DataError("The catalog names an item twice; keep one row per item.")
        if self.features.width and self.features.height != len(self.ids):
            raise DataError("The catalog's features need exactly one row per item.")

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {item: number for number, item in enumerate(self.ids)}

    def numbers(self, items: Iterable[Any]) -> NDArray[np.int32]:
        """Return the items' numbers; -1 stands for an item that the catalog lacks."""
        return np.array([self._numbers.get(str(i), -1) for i in items], np.int32)

    def known(self, items: Iterable[Any]) -> NDArray[np.int32]:
        """Return the items' numbers.

        Raises
        ------
        DataError
            An item is not in the catalog.
        """
        names = [str(i) for i in items]
        numbers = self.numbers(names)
        missing = [name for name, number in zip(names, numbers, strict=True) if number < 0]
        if missing:
            raise DataError(
                f"The catalog does not know {len(missing)} of the items, the first is "
                f"{missing[0][:40]!r}; use item ids of the training data."
            )
        return numbers

    def title(self, number: int) -> str:
        """Return an item's title, or its id where the catalog has no title."""
        if "title" in self.features.columns:
            title = self.features["title"][number]
            if title:
                return str(title)
        return str(self.ids[number])

    def with_features(self, features: pl.DataFrame, key: str = "item_id") -> Catalog:
        """Join features by item id, and take in the items that only the features name.

        Items are then in the order of the features, whoever has met them; those that the features
        do not name come last. Features joined earlier stay; a column of the same name is replaced.

        Parameters
        ----------
        features
            Any table with one row per item and the id in column ``key``.

        Raises
        ------
        DataError
            The key column is missing or names an item twice.
        """
        import polars as pl

        from hedgerow.data.ids import as_ids

        if key not in features.columns:
            raise DataError(
                f"The catalog has no column {key!r} (it has {', '.join(features.columns)}); "
                f"call the column of item ids {key}."
            )
        table = features.with_columns(as_ids(features[key]).cast(pl.String))
        if table[key].n_unique() != table.height:
            raise DataError("The catalog names an item twice; keep one row per item.")
        unnamed = self.ids.filter(~self.ids.is_in(table[key].implode()))
        ids = pl.concat([table[key].alias(self.ids.name), unnamed])
        own = self.features.drop(table.columns, strict=False)
        joined = pl.concat([pl.DataFrame({key: self.ids}), own], how="horizontal")
        joined = pl.DataFrame({key: ids}).join(joined, on=key, how="left", maintain_order="left")
        joined = joined.join(table, on=key, how="left", maintain_order="left")
        return Catalog(ids=ids, features=joined.drop(key))
