"""Tables as CSV files, written as they are read, a page of rows at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence

from fastapi import Response
from starlette.responses import StreamingResponse

ROWS = 1000
"""Rows that are in memory at a time."""

Cell = str | float | int | bool | None

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_file(name: str, head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """Return rows as a CSV file (RFC 4180).

    Parameters
    ----------
    name
        Of the file, without its ending.
    head
        Names of the columns.
    rows
        May read on while the file is being sent.
    """
    headers = {"content-disposition": f'attachment; filename="{name}.csv"'}
    return StreamingResponse(csv_text(head, rows), media_type="text/csv", headers=headers)


def paged(read: Callable[[int, int], Sequence[Sequence[Cell]]]) -> Iterator[Sequence[Cell]]:
    """Go through a long list.

    Parameters
    ----------
    read
        Takes how many rows to return at most, and how many to leave out.
    """
    offset = 0
    while rows := read(ROWS, offset):
        yield from rows
        offset += len(rows)


def csv_text(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """Return the file's text in pieces."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(head)
    for row in rows:
        writer.writerow([_harmless(cell) for cell in row])
        if buffer.tell() > 1 << 15:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _harmless(cell: Cell) -> Cell:
    """Keep spreadsheets from taking a name for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
