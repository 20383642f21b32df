"""Charts as tables: the page shows the table, and a script draws what stands in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

X, LINE, BARS, LOW, HIGH, SHOWN = "x", "line", "bars", "low", "high", "shown"
"""What a column is to the drawing; low and high bound the line before them."""


@dataclass(frozen=True)
class Column:
    """A column of a chart's table.

    Parameters
    ----------
    head
        What it is called.
    drawn
        How it is drawn.
    values
        One for each row; None leaves a gap.
    texts
        The values as people read them.
    colour
        A token's name.
    """

    head: str
    drawn: str
    values: Sequence[float | None]
    texts: Sequence[str]
    colour: str = ""


@dataclass(frozen=True)
class Level:
    """A line across a chart, such as a baseline."""

    label: str
    value: float
    colour: str


@dataclass(frozen=True)
class Chart:
    """A chart and its table.

    Parameters
    ----------
    name
        Short, of letters and hyphens.
    title, summary
        What it shows, and what can be seen in it.
    columns
        The first one is drawn from left to right.
    download
        Where all of it is, as CSV.
    unit
        Of the values from bottom to top.
    levels
        Lines across it.
    note
        What else is to be known, such as that it is thinned.
    from_zero
        Whether the lowest value shown is 0.
    """

    name: str
    title: str
    summary: str
    columns: Sequence[Column]
    download: str
    unit: str
    levels: Sequence[Level] = ()
    note: str = ""
    from_zero: bool = False

    @property
    def rows(self) -> list[list[tuple[float | None, str]]]:
        """The table's cells, each with its value and its text; the newest row comes first."""
        columns = [zip(c.values, c.texts, strict=True) for c in self.columns]
        return [list(cells) for cells in zip(*columns, strict=True)][::-1]

    @property
    def drawn_levels(self) -> str:
        """The lines across it, as the script takes them."""
        return json.dumps([vars(level) for level in self.levels])


def thinned_note(every: int, what: str) -> str:
    """Return what is to be said of a chart in which not all rows stand."""
    return "" if every == 1 else f"One of {every} {what} is drawn; the CSV file has all."
