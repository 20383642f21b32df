"""Progress in the terminal: which stage, which round, how good, how many bytes, how long still."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from hedgerow.federation.simulator import Round


def megabytes(count: float) -> str:
    """Say a number of bytes in the unit that fits."""
    for limit, unit, digits in ((1e3, "B", 0), (1e6, "kB", 1), (1e9, "MB", 1)):
        if count < limit:
            return f"{count / limit * 1e3:.{digits}f} {unit}"
    return f"{count / 1e9:.2f} GB"


@dataclass
class ProgressBars:
    """A bar per stage; a listener of comparisons.

    Parameters
    ----------
    console
        Where to draw.
    metric
        Which watched metric to show.
    """

    console: Console
    metric: str
    _bars: Progress = field(init=False)
    _task: TaskID | None = field(default=None, init=False)
    _sent: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._bars = Progress(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.description:<24.24}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:>3.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[facts]}"),
            TimeRemainingColumn(compact=True),
            console=self.console,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._finish()
        self._bars.stop()

    def stage(self, name: str, steps: int) -> None:
        """Begin a bar."""
        self._finish()
        self._sent = 0
        self._task = self._bars.add_task(name, total=steps, facts="")

    def round(self, happened: Round) -> None:
        """Advance the bar."""
        if self._task is None:
            return
        self._sent += happened.bytes_up
        facts = f"{megabytes(self._sent)} up/client"
        if self.metric in happened.quality:
            name = self.metric.split("/")[1].upper()
            facts += f"  {name} {happened.quality[self.metric]:.4f}"
        task = self._bars.tasks[self._bars.task_ids.index(self._task)]
        total = max(task.total or 0, happened.number)
        self._bars.update(self._task, completed=happened.number, total=total, facts=facts)

    def step(self) -> None:
        """Advance the bar by one."""
        if self._task is not None:
            self._bars.advance(self._task)

    def _finish(self) -> None:
        if self._task is not None:
            task = self._bars.tasks[self._bars.task_ids.index(self._task)]
            self._bars.update(self._task, completed=task.total)
