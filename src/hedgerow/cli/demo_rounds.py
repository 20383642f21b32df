"""Rounds of a network in the terminal: which phase, who came and who vanished, bytes and time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from hedgerow.cli.progress import megabytes

DONE, FAILED = "done", "failed"


@dataclass
class RoundsShown:
    """A line for every round, the last of which moves.

    Parameters
    ----------
    console
        Where to draw.
    steps
        What the sums of training are called, in order.
    asked
        How many clients each is asked of; None where that is as many as come.
    """

    console: Console
    steps: Sequence[str]
    asked: int | None
    _live: Live = field(init=False)

    def __post_init__(self) -> None:
        self._live = Live(console=self.console, refresh_per_second=8, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, rounds: Sequence[Mapping[str, Any]]) -> None:
        """Draw the rounds, oldest first."""
        now = Text(f" {_now(rounds, self.asked)}", style="dim")
        spinner = Spinner("dots", now)
        self._live.update(Group(self.table(rounds), spinner))

    def table(self, rounds: Sequence[Mapping[str, Any]]) -> Table:
        """Return the rounds as a table, oldest first."""
        table = Table(header_style="bold", box=None, padding=(0, 2, 0, 0))
        heads = ("secured sum", "phase", "in sum", "quorum", "dropped", "sent", "seconds")
        for number, head in enumerate(heads):
            table.add_column(head, justify="left" if number < 2 else "right", no_wrap=True)
        for one in rounds:
            table.add_row(*self._cells(one), style=_STYLES.get(one["phase"]))
        return table

    def _cells(self, one: Mapping[str, Any]) -> tuple[str, ...]:
        over = one["phase"] in {DONE, FAILED}
        came = one["came"] - one["refused"]
        counted = came if one["counted"] is None else one["counted"]
        asked = came if self.asked is None else self.asked
        until = one["changed"] if over else time.time()
        attempt = f" #{one['attempt'] + 1}" if one["attempt"] else ""
        return (
            f"{name_of(one, self.steps)}{attempt}",
            one["phase"],
            f"{counted:,}",
            "-" if one["minimum"] is None else str(one["minimum"]),
            f"{asked - counted:,}" if over else "",
            megabytes(one["bytes"]),
            f"{max(0.0, until - one['created']):.1f}",
        )


_STYLES = {DONE: "green", FAILED: "red"}


def name_of(one: Mapping[str, Any], steps: Sequence[str]) -> str:
    """Return what a round's sum is called."""
    if one["purpose"] == "evaluation":
        return "measure quality"
    name = steps[one["step"]] if one["step"] < len(steps) else f"step {one['step'] + 1}"
    return f"norms of {name}" if one["purpose"] == "norms" else name


def _now(rounds: Sequence[Mapping[str, Any]], asked: int | None) -> str:
    """Say what is going on."""
    if not rounds or rounds[-1]["phase"] in {DONE, FAILED}:
        return "between two sums"
    last = rounds[-1]
    of = "" if asked is None else f" of {asked:,}"
    return f"{last['phase']}: {last['came']:,}{of} clients have answered"
