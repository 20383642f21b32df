"""The data behind a plot: shown as a table, and offered as CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True)
class Table:
    """The data behind a plot.

    Parameters
    ----------
    name
        Of the file to download.
    columns
        Their headings.
    rows
        Each starts with what it is about.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | None, ...], ...]

    @property
    def link(self) -> str:
        """The table as CSV in a data address."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(self.columns)
        writer.writerows(self.rows)
        return f"data:text/csv;charset=utf-8,{quote(text.getvalue())}"
