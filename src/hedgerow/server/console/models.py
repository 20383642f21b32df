"""The registry of models: figures, two of them side by side, and which one recommends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot

from fastapi import Response

from hedgerow.server.console.csv_files import Cell, csv_file, paged
from hedgerow.server.console.quality import Measured, measured, metrics_of, quality_chart
from hedgerow.server.console.rendering import figure, iso
from hedgerow.server.console.view import Turn, View
from hedgerow.server.routes import models, tasks
from hedgerow.server.routes.models import LiveIn, ModelOut, ModelsOut
from hedgerow.server.routes.tasks import TaskOut

MOST_TASKS = 50


@dataclass(frozen=True)
class Standing:
    """A task with its live, best and newest measured models, and their main metric."""

    task: TaskOut
    metric: str
    live: ModelOut | None
    best: ModelOut | None
    last: ModelOut | None

    def value(self, model: ModelOut | None) -> Measured | None:
        """Return the main metric of one of them."""
        return None if model is None else measured(model, self.metric)


@dataclass(frozen=True)
class Difference:
    """A metric of two models."""

    metric: str
    first: Measured
    second: Measured

    @property
    def text(self) -> str:
        """The second less the first, with an interval as if others had been judged."""
        less = self.second.value - self.first.value
        sign = "+" if less > 0 else ""
        return f"{sign}{figure(less)} ± {figure(hypot(self.first.margin, self.second.margin))}"

    @property
    def sure(self) -> str:
        """Which of the two is surely better: ``first``, ``second`` or ``neither``."""
        less = self.second.value - self.first.value
        if abs(less) <= hypot(self.first.margin, self.second.margin):
            return "neither"
        return "second" if less > 0 else "first"


def listed(view: View) -> Response:
    """Show which model recommends for each task, and which was best."""
    found = tasks.listed(view.site, view.who, limit=MOST_TASKS).tasks
    return view.page("models.html", standings=[standing(view, one) for one in found])


def standing(view: View, task: TaskOut) -> Standing:
    """Return how the models of a task stand."""
    name = task.task.name
    last = models.of_task(name, view.site, view.who, limit=1, measured=True)
    newest = last.models[0] if last.models else None
    live, best = (_one(view, name, which) for which in (last.live, last.best))
    return Standing(task, f"ndcg@{task.task.k}", live, best, newest)


def show(view: View) -> Response:
    """Show a task's models."""
    task = tasks.show(view.name, view.site, view.who)
    total = models.of_task(view.name, view.site, view.who, limit=1).total
    turn = Turn.asked(view, total)
    found = models.of_task(view.name, view.site, view.who, limit=turn.rows, offset=turn.offset)
    metrics = [f"{name}@{task.task.k}" for name in ("ndcg", "hr", "mrr")]
    first, second = _one(view, view.name, view.asked("a")), _one(view, view.name, view.asked("b"))
    return view.page(
        "task_models.html",
        task=task,
        standing=standing(view, task),
        found=found,
        rows=[(one, [measured(one, name) for name in metrics]) for one in found.models],
        metrics=metrics,
        turn=turn,
        chart=quality_chart(view, task),
        first=first,
        second=second,
        differences=_differences(first, second),
        undo=_undo(view, found),
    )


def download(view: View) -> Response:
    """Return all models of a task as CSV, newest first."""
    task = tasks.show(view.name, view.site, view.who)
    metrics = [f"{name}@{task.task.k}" for name in ("ndcg", "hr", "mrr")]
    head = ["model", "run", "step", "created", "live", "users", "noise_deviation"]
    head += [part for name in metrics for part in (name, f"{name}_margin_95")]

    def read(limit: int, offset: int) -> Sequence[Sequence[Cell]]:
        page = models.of_task(view.name, view.site, view.who, limit=limit, offset=offset)
        return [_cells(one, metrics) for one in page.models]

    return csv_file(f"hedgerow-{view.name}-models", head, paged(read))


def put_live(view: View) -> Response:
    """Let another model recommend."""
    body = LiveIn.model_validate({"model": view.form.get("model", "")})
    done = models.put(view.name, body, view.site, view.who)
    return view.go(f"/models/{view.name}", changed=done.live)


def _one(view: View, task: str, name: str | None) -> ModelOut | None:
    """Return a model of a task by its hash; None where there is none."""
    return models.find(task, name, view.site, view.who) if name else None


def _undo(view: View, found: ModelsOut) -> str | None:
    """Return which model to go back to, where another was just put in its place."""
    return found.before if found.live and view.asked("changed") == found.live else None


def _differences(first: ModelOut | None, second: ModelOut | None) -> list[Difference]:
    if first is None or second is None:
        return []
    others = {one.metric: one for one in metrics_of(second)}
    return [
        Difference(one.metric, one, others[one.metric])
        for one in metrics_of(first)
        if one.metric in others
    ]


def _cells(one: ModelOut, metrics: Sequence[str]) -> Sequence[Cell]:
    quality = one.quality
    cells: list[Cell] = [one.hash, one.run, one.step, iso(one.created), one.live]
    cells += [quality.get("users"), quality.get("deviation")]
    for name in metrics:
        found = measured(one, name)
        cells += [None, None] if found is None else [found.value, found.margin]
    return cells
