"""Parts of long lists, chosen where they are kept: nobody reads a thousand rows to show fifty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select


def thinned(query: Select[Any], order: Sequence[ColumnElement[Any]], every: int) -> Select[Any]:
    """Return a query for the first, then each so manieth row of another, in an order.

    Parameters
    ----------
    query
        What the rows are taken from, without an order of its own.
    order
        By what rows are counted.
    every
        Of so many rows, one is taken.
    """
    number = func.row_number().over(order_by=list(order)).label("row_number")
    rows = query.add_columns(number).subquery()
    own = [column for column in rows.columns if column.name != number.name]
    place = rows.c[number.name]
    return select(*own).where((place - 1) % every == 0).order_by(place)
