"""Numbers as people write them: 1234.5, 1,234.5, 1234,5 and 1.234,5."""

from __future__ import annotations

import polars as pl

from hedgerow.errors import DataError

DECIMAL = r"^[+-]?\d+,\d+$"
GROUPED = r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$"
GROUPED_BY_POINTS = r"^[+-]?\d{1,3}(\.\d{3})+,\d+$"


def as_numbers(column: pl.Series) -> pl.Series:
    """Turn texts into numbers; what is none is null.

    Parameters
    ----------
    column
        Texts, with a point or a comma before decimals and the other between thousands.

    Raises
    ------
    DataError
        Commas may be either.
    """
    found = column.cast(pl.Float64, strict=False)
    left = column.filter(found.is_null() & column.is_not_null()).str.strip_chars()
    commas = left.filter(left.str.contains(","))
    if not len(commas):
        return found
    thousands = commas.str.contains(GROUPED)
    decimals = commas.str.contains(DECIMAL) | commas.str.contains(GROUPED_BY_POINTS)
    if not (thousands | decimals).all():
        return found
    texts = column.str.strip_chars()
    if (thousands & ~decimals).any() and (decimals & ~thousands).any():
        raise DataError(
            f"Column {column.name!r} has commas before decimals and between thousands; write "
            "1234.5 throughout."
        )
    if (decimals & ~thousands).any():
        texts = texts.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    elif (thousands & ~decimals).any():
        texts = texts.str.replace_all(",", "", literal=True)
    else:
        raise DataError(
            f"Column {column.name!r} has numbers such as {commas[0]!r}, whose comma may stand "
            "before decimals or between thousands; write 1234 or 1.234."
        )
    return texts.cast(pl.Float64, strict=False)
