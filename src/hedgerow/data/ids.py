"""Ids as texts, the same wherever they come from: 100, "100" and 100.0 are one id."""

from __future__ import annotations

import polars as pl

from hedgerow.errors import DataError

WHOLE = r"^-?\d+\.0$"


def as_ids(ids: pl.Series) -> pl.Series:
    """Return ids as whole numbers or texts.

    Floats that are whole, a habit of tables with gaps, become whole numbers, also where they are
    written as texts; so do not texts such as "1.0" among others, as these may be versions.

    Parameters
    ----------
    ids
        A column of a table.

    Raises
    ------
    DataError
        The column holds nothing that can be an id.
    """
    if isinstance(ids.dtype, pl.String | pl.Categorical):
        distinct = ids.unique().drop_nulls().cast(pl.String)
        distinct = distinct.filter(distinct.str.strip_chars() != "")
        if len(distinct) and distinct.str.contains(WHOLE).all():
            return ids.cast(pl.String).str.strip_suffix(".0")
        return ids
    if ids.dtype.is_integer():
        return ids
    if ids.dtype.is_float():
        if ids.drop_nulls().is_finite().all() and (ids.drop_nulls() % 1 == 0).all():
            return ids.cast(pl.Int64)
        return ids.fill_nan(None).cast(pl.String)
    if ids.dtype == pl.Object:
        raise DataError(
            f"Column {ids.name!r} mixes types; turn every {ids.name} into text, for instance."
        )
    if ids.dtype.is_nested() or ids.dtype == pl.Binary:
        raise DataError(f"Column {ids.name!r} holds {ids.dtype}; an id is a number or a text.")
    return ids.cast(pl.String)
