"""What a table of interactions must fulfil, and the sentence that says how to mend it."""

from __future__ import annotations

import time

import polars as pl

from hedgerow.errors import DataError

LONGEST_ID = 256
"""Characters of an id; longer ones are taken for a mistaken column."""

DAY = 86_400

DATES = (
    "%+",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d",
)
"""The ISO ways to write a date, the fullest first."""


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
        The table with timestamps as 64-bit numbers (seconds, where they were dates), and a note
        on each thing that was mended.

    Raises
    ------
    DataError
        The table is empty or, without ``drop_invalid``, has invalid rows.
    """
    if not table.height:
        raise DataError("The source holds no interaction; give at least one row.")
    notes = []
    texts = [_as_text(table[name]) for name in ("user_id", "item_id")]
    table = table.with_columns(*texts, _as_seconds(table["timestamp"]))
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


def _as_text(ids: pl.Series) -> pl.Series:
    """Ids are whole numbers or text; floats that are whole (a habit of pandas) become numbers."""
    if isinstance(ids.dtype, pl.String | pl.Categorical) or ids.dtype.is_integer():
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


def _as_seconds(stamps: pl.Series) -> pl.Series:
    if stamps.dtype == pl.String:
        numbers = stamps.cast(pl.Float64, strict=False)
        stamps = numbers if numbers.null_count() < len(stamps) else _as_dates(stamps)
    if stamps.dtype == pl.Date:
        stamps = stamps.cast(pl.Datetime("us"))
    if isinstance(stamps.dtype, pl.Datetime):
        return stamps.cast(pl.Datetime("us")).dt.epoch("s").cast(pl.Int64)
    if not stamps.dtype.is_numeric():
        raise DataError(
            f"Column 'timestamp' holds {stamps.dtype}; give seconds since 1970 or ISO dates."
        )
    if stamps.dtype.is_float():
        stamps = stamps.fill_nan(None)
    stamps = stamps.cast(pl.Int64, strict=False)
    typical = stamps.median()
    # Seconds reach 1e11 in the year 5138: what is larger counts milli-, micro- or nanoseconds.
    if not isinstance(typical, float):
        return stamps
    for limit, unit in ((1e17, 10**9), (1e14, 10**6), (1e11, 10**3)):
        if typical > limit:
            return stamps // unit
    return stamps


def _as_dates(stamps: pl.Series) -> pl.Series:
    for pattern in DATES:
        dates = stamps.str.to_datetime(pattern, strict=False, time_unit="us", time_zone="UTC")
        if dates.null_count() < len(dates):
            return dates.dt.replace_time_zone(None)
    return pl.Series(stamps.name, [None] * len(stamps), pl.Int64)


def _as_number(column: pl.Series) -> pl.Series:
    if column.dtype == pl.String or column.dtype.is_numeric():
        return column.cast(pl.Float64, strict=False)
    raise DataError(f"Column {column.name!r} holds {column.dtype}; it must be a number.")
