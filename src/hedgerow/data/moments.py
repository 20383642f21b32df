"""Moments as sources write them, kept as finely as the source has them."""

from __future__ import annotations

import polars as pl

from hedgerow.errors import DataError

ISO = (
    "%+",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d",
)
"""The ISO ways to write a date, the fullest first."""

SLASHED = r"^\s*(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})\b"
"""Day and month before the year, in an order that differs from country to country."""

TIMES = ("", " %H:%M", " %H:%M:%S%.f", " %I:%M %p", " %I:%M:%S %p")


def as_moments(stamps: pl.Series) -> pl.Series:
    """Turn a column of times into numbers that keep the source's order.

    Parameters
    ----------
    stamps
        Dates, texts of dates, or numbers: of seconds, or of milli-, micro- or nanoseconds.

    Returns
    -------
    polars.Series
        Seconds since 1970, or any number that rises: whole ones, or fractions where the source has
        them; null where nothing can be read.

    Raises
    ------
    DataError
        Times are of another type, or it cannot be known which number is the month.
    """
    if stamps.dtype == pl.String:
        numbers = stamps.cast(pl.Float64, strict=False)
        stamps = numbers if numbers.null_count() < len(stamps) else _dates(stamps)
    if stamps.dtype == pl.Date:
        stamps = stamps.cast(pl.Datetime("us"))
    if isinstance(stamps.dtype, pl.Datetime):
        return _scaled(stamps.cast(pl.Datetime("us")).dt.epoch("us").cast(pl.Int64), 10**6)
    if not stamps.dtype.is_numeric():
        raise DataError(
            f"Column 'timestamp' holds {stamps.dtype}; give seconds since 1970 or ISO dates."
        )
    if stamps.dtype.is_float():
        stamps = stamps.fill_nan(None)
        whole = stamps.drop_nulls()
        if (whole == whole.floor()).all():
            stamps = stamps.cast(pl.Int64, strict=False)
    typical = stamps.median()
    # Seconds reach 1e11 in the year 5138: what is larger counts milli-, micro- or nanoseconds.
    if isinstance(typical, float):
        for limit, unit in ((1e17, 10**9), (1e14, 10**6), (1e11, 10**3)):
            if typical > limit:
                return _scaled(stamps, unit)
    return stamps.cast(pl.Int64, strict=False) if stamps.dtype.is_integer() else stamps


def _scaled(stamps: pl.Series, unit: int) -> pl.Series:
    """Return seconds: whole ones where all are."""
    if stamps.dtype.is_integer() and (stamps.drop_nulls() % unit == 0).all():
        return stamps // unit
    # 64 bits hold today's seconds to a quarter of a microsecond.
    return stamps.cast(pl.Float64) / unit


def _dates(stamps: pl.Series) -> pl.Series:
    for pattern in ISO:
        dates = _parsed(stamps, pattern)
        if dates.null_count() < len(dates):
            return dates.dt.replace_time_zone(None)
    parts = stamps.str.extract_groups(SLASHED).struct.unnest()
    first, second = (parts[name].cast(pl.Int64, strict=False) for name in ("1", "2"))
    if first.null_count() == len(first):
        return pl.Series(stamps.name, [None] * len(stamps), pl.Int64)
    day_first, month_first = bool((first > 12).any()), bool((second > 12).any())
    if not day_first and not month_first and stamps.str.contains(r"^\s*\d{1,2}\.").any():
        day_first = True  # with points between them, the day is first everywhere
    if day_first == month_first:
        raise DataError(
            "Some dates have the day first and some the month; write them as 2026-01-31."
            if day_first
            else f"It cannot be known whether {stamps.drop_nulls()[0]!r} has the day or the month "
            "first; write dates as 2026-01-31."
        )
    order = "%d/%m/%Y" if day_first else "%m/%d/%Y"
    plain = stamps.str.strip_chars().str.replace(
        r"^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", "${1}/${2}/${3}"
    )
    best = min(
        (_parsed(plain, order + time) for time in TIMES), key=lambda dates: dates.null_count()
    )
    return best.dt.replace_time_zone(None)


def _parsed(stamps: pl.Series, pattern: str) -> pl.Series:
    return stamps.str.to_datetime(pattern, strict=False, time_unit="us", time_zone="UTC")
