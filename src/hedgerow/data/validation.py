"""What a table of interactions must fulfil, and the sentence that says how to mend it."""

from __future__ import annotations

import time

import polars as pl

from hedgerow.data.ids import as_ids
from hedgerow.data.moments import as_moments
from hedgerow.data.numbers import as_numbers
from hedgerow.errors import DataError

LONGEST_ID = 256
"""Characters of an id; longer ones are taken for a mistaken column."""

DAY = 86_400

MOMENT = "moment"
"""The column of times as fine as the source has them, where seconds do not tell their order."""


def clean(table: pl.DataFrame, *, drop_invalid: bool) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Check and normalise a table with the columns user_id, item_id, timestamp[, weight, value].

    Parameters
    ----------
    table
        Rows in the source's order.
    drop_invalid
        Leave invalid rows out, and note how many, instead of refusing the table.

    Returns
    -------
    tuple
        The table with timestamps as 64-bit numbers (seconds, where they were dates), in a column
        ``moment`` as fine as they were where they have fractions, and a note on each thing that was
        mended.

    Raises
    ------
    DataError
        The table is empty or, without ``drop_invalid``, has invalid rows.
    """
    if not table.height:
        raise DataError("The source holds no interaction; give at least one row.")
    notes = []
    texts = [as_ids(table[name]) for name in ("user_id", "item_id")]
    moments = as_moments(table["timestamp"])
    table = table.with_columns(*texts, moments.floor().cast(pl.Int64, strict=False))
    if moments.dtype.is_float():
        table = table.with_columns(moments.alias(MOMENT))
    for name in (name for name in ("weight", "value") if name in table.columns):
        table = table.with_columns(_as_number(table[name]))
    for wrong, what, cure in _faults(table):
        count = table.select(wrong.sum()).item()
        if not count:
            continue
        if not drop_invalid:
            raise DataError(
                f"{count} of {table.height} rows have {what}; {cure}, or leave these rows out "
                "with --drop-invalid."
            )
        table = table.filter(~wrong)
        notes.append(f"{count} rows with {what} left out")
        if not table.height:
            raise DataError(f"Every row has {what}; {cure}.")
    return table, tuple(notes)


def _faults(table: pl.DataFrame) -> list[tuple[pl.Expr, str, str]]:
    faults = []
    for name in ("user_id", "item_id"):
        column, kind = pl.col(name), table[name].dtype
        if isinstance(kind, pl.Categorical):
            # Each distinct text is looked at once, however many rows have it.
            distinct = table[name].unique()
            texts = distinct.cast(pl.String)
            blank = column.is_in(distinct.filter(texts.str.strip_chars() == "").implode())
            long = column.is_in(distinct.filter(texts.str.len_chars() > LONGEST_ID).implode())
        elif kind == pl.String:
            blank = column.str.strip_chars() == ""
            long = column.str.len_chars() > LONGEST_ID
        else:
            blank = long = pl.lit(value=False)
        missing = (column.is_null() | blank).fill_null(value=True)
        faults += [
            (missing, f"no {name}", f"fill column {name!r}"),
            (long, f"a {name} of over {LONGEST_ID} characters", f"check column {name!r}"),
        ]
    stamp = pl.col("timestamp")
    limit = int(time.time()) + DAY
    faults += [
        (stamp.is_null(), "no readable timestamp", "give seconds or ISO dates"),
        (stamp < 0, "a negative timestamp", "give seconds since 1970 or a rising number"),
        (stamp > limit, "a timestamp in the future", "correct the clock or the unit"),
    ]
    for name in (name for name in ("weight", "value") if name in table.columns):
        column = pl.col(name)
        bad = (column.is_null() | ~column.is_finite()).fill_null(value=True)
        faults.append((bad, f"no finite {name}", f"fill column {name!r}"))
        if name == "weight":
            faults.append((column < 0, "a negative weight", "use weights of 0 or more"))
    return faults


def _as_number(column: pl.Series) -> pl.Series:
    if column.dtype == pl.String:
        return as_numbers(column)
    if column.dtype.is_numeric():
        return column.cast(pl.Float64, strict=False)
    raise DataError(f"Column {column.name!r} holds {column.dtype}; it must be a number.")
