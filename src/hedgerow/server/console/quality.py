"""Quality by round: with intervals, and beside what other models reach on the same items."""

from __future__ import annotations

from dataclasses import dataclass

from hedgerow.evaluation.quality import margin
from hedgerow.server.console import charts
from hedgerow.server.console.charts import Chart, Column, Level, thinned_note
from hedgerow.server.console.pages import PREFIX
from hedgerow.server.console.rendering import figure
from hedgerow.server.console.view import CHART_POINTS, View, every
from hedgerow.server.routes import models
from hedgerow.server.routes.models import ModelOut
from hedgerow.server.routes.tasks import TaskOut
from hedgerow.server.tasks.registry import tasks_over

MOST_BASELINES = 4

COLOURS = ("popularity", "pooled", "local", "without")


@dataclass(frozen=True)
class Measured:
    """A metric of a model.

    Parameters
    ----------
    metric
        Such as ``ndcg@10``.
    value
        Its mean over those who were judged.
    margin
        Half the width of its 95 % interval.
    """

    metric: str
    value: float
    margin: float

    @property
    def low(self) -> float:
        """The interval's lower end."""
        return max(0.0, self.value - self.margin)

    @property
    def high(self) -> float:
        """The interval's upper end."""
        return min(1.0, self.value + self.margin)

    @property
    def text(self) -> str:
        """The value with its interval."""
        return f"{figure(self.value)} ± {figure(self.margin)}"


def measured(model: ModelOut, metric: str) -> Measured | None:
    """Return what was measured of a model; None where nothing was."""
    quality = model.quality
    if metric not in quality:
        return None
    value = quality[metric]
    return Measured(metric, value, margin(value, quality["users"], quality["deviation"]))


def metrics_of(model: ModelOut) -> list[Measured]:
    """Return all metrics of a model."""
    found = [measured(model, name) for name in model.quality if "@" in name]
    return [one for one in found if one is not None]


def quality_chart(view: View, task: TaskOut) -> Chart | None:
    """Return a task's quality by model; None before any was measured."""
    name, metric = task.task.name, f"ndcg@{task.task.k}"
    total = models.of_task(name, view.site, view.who, limit=1, measured=True).total
    if not total:
        return None
    step = every(total)
    found = models.of_task(name, view.site, view.who, limit=CHART_POINTS, every=step, measured=True)
    rows = [(one, own) for one in found.models[::-1] if (own := measured(one, metric)) is not None]
    numbers = [total - number * step for number in range(len(rows))][::-1]
    values = [own for _, own in rows]
    best = max(values, key=lambda own: own.value)
    return Chart(
        "quality",
        f"{metric.upper()} by evaluation",
        f"{metric.upper()} of {name} is {values[-1].text} at last and {best.text} at best.",
        [
            Column("Evaluation", charts.X, numbers, [str(number) for number in numbers]),
            Column(metric.upper(), charts.LINE, [own.value for own in values],
                   [figure(own.value) for own in values], "federated"),
            Column("from", charts.LOW, [own.low for own in values],
                   [figure(own.low) for own in values]),
            Column("to", charts.HIGH, [own.high for own in values],
                   [figure(own.high) for own in values]),
            Column("Model", charts.SHOWN, [None] * len(rows), [one.hash[:8] for one, _ in rows]),
        ],
        f"{PREFIX}/models/{name}/models.csv",
        metric.upper(),
        baselines(view, task, metric),
        thinned_note(step, "evaluations"),
    )  # fmt: skip


def baselines(view: View, task: TaskOut, metric: str) -> list[Level]:
    """Return what the newest models of other tasks over the same items measure."""
    own, found = task.task, list[Level]()
    with view.site.service.database.read() as connection:
        others = tasks_over(connection, own.catalog)
    for other in others:
        if other.name == own.name or (other.k, other.repeats) != (own.k, own.repeats):
            continue
        listed = models.of_task(other.name, view.site, view.who, limit=1, measured=True).models
        quality = measured(listed[0], metric) if listed else None
        if quality is not None and len(found) < MOST_BASELINES:
            label = other.model if other.model == other.name else f"{other.name} ({other.model})"
            found.append(Level(label, quality.value, COLOURS[len(found)]))
    return found
