"""Quality against epsilon: the same model trained again under several budgets, for several seeds.

Nothing of it is released: it is the simulator's own measurement, charged to ledgers in memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy

from hedgerow.data.catalog import Catalog
from hedgerow.errors import ConfigError
from hedgerow.evaluation.evaluate import EvaluationProtocol
from hedgerow.evaluation.metrics import Yardstick
from hedgerow.federation.clients import Clients, Participation
from hedgerow.federation.executors import Executor
from hedgerow.federation.pipeline import Pipeline
from hedgerow.federation.simulator import evaluate, train
from hedgerow.models.base import Recipe
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.policy import Policy

LEVEL = 0.95
"""Of the intervals over seeds."""

MEASURED = ("ndcg", "hr")


@dataclass(frozen=True)
class Point:
    """What one budget allows.

    Parameters
    ----------
    epsilon
        Of a whole run; None where nothing was clipped and no noise added.
    multiplier
        Noise over sensitivity of the one Gaussian release that a run amounts to; 0 without noise.
    values
        Name of a metric on the full ranking to its value for each seed.
    """

    epsilon: float | None
    multiplier: float
    values: Mapping[str, tuple[float, ...]]

    def mean(self, metric: str) -> float:
        """Return the mean over seeds."""
        return float(np.mean(self.values[metric]))

    def interval(self, metric: str) -> tuple[float, float] | None:
        """Return Student's interval of the mean over seeds, within 0 and 1; None of one seed."""
        values = self.values[metric]
        if len(values) < 2:
            return None
        reach = scipy.stats.t.ppf((1 + LEVEL) / 2, len(values) - 1)
        half = float(reach * np.std(values, ddof=1) / math.sqrt(len(values)))
        middle = self.mean(metric)
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class Curve:
    """Quality against epsilon.

    Parameters
    ----------
    points
        The largest epsilon first.
    without
        The same model without a policy.
    seeds
        For each training, its seed.
    delta
        Of every point with noise.
    """

    points: tuple[Point, ...]
    without: Point
    seeds: tuple[int, ...]
    delta: float


def plan_curve(
    recipe: Recipe, clients: Clients, policy: Policy, epsilons: Sequence[float]
) -> tuple[Pipeline, ...]:
    """Plan the noise of every epsilon, the largest first, before anything is trained.

    Whatever secures the policy's own sums, the server adds this noise: the privacy is alike, and
    dozens of trainings by protocol would take hours.

    Parameters
    ----------
    recipe
        The model.
    clients
        Who may take part.
    policy
        Whose delta, unit, clip and minimum hold for every point.
    epsilons
        Of a whole run each.

    Raises
    ------
    ConfigError
        The policy lacks what noise needs, or an epsilon is out of range.
    """
    return tuple(
        Pipeline.of(
            replace(policy, epsilon=epsilon, secure="none"),
            recipe.charges,
            clients,
            ledger=Ledger(),
            run=f"curve/{epsilon:g}",
            account="curve",
            seed=0,
        )
        for epsilon in sorted(epsilons, reverse=True)
    )


def trace_curve(
    recipe: Recipe,
    workers: Executor,
    catalog: Catalog,
    clients: Clients,
    *,
    pipelines: Sequence[Pipeline],
    participation: Participation,
    protocol: EvaluationProtocol,
    yardstick: Yardstick,
    seeds: Sequence[int],
    on_model: Callable[[], None] = lambda: None,
) -> Curve | None:
    """Train a model under every budget and without one, for every seed, and judge each.

    Parameters
    ----------
    recipe
        The model.
    workers
        Where the folds are: training sees their histories, and judging takes their targets.
    catalog
        The public items.
    clients
        Who holds what.
    pipelines
        From :func:`plan_curve`.
    participation
        Who takes part in a round; drawn anew for each seed.
    protocol, yardstick
        How models are judged.
    seeds
        For initial vectors, participation and noise.
    on_model
        Called after each model.

    Returns
    -------
    Curve or None
        None where no epsilon was asked for.
    """
    if not pipelines:
        return None
    quick = replace(protocol, sampled=0, replicates=0)
    names = [f"{metric}@{protocol.k}" for metric in MEASURED]

    def measured(pipeline: Pipeline | None) -> dict[str, tuple[float, ...]]:
        found: dict[str, list[float]] = {name: [] for name in names}
        for seed in seeds:
            # Every model has a ledger of its own: none of them is released beside another.
            own = pipeline and replace(pipeline, seed=seed, ledger=Ledger())
            drawn = replace(participation, seed=participation.seed + seed - seeds[0])
            run = train(
                recipe, workers, catalog, clients, participation=drawn, pipeline=own, seed=seed
            )
            judged = evaluate(run.scorer, workers, len(clients.owner), quick, yardstick)
            for name in names:
                found[name].append(judged.values[f"full/{name}"])
            on_model()
        return {name: tuple(values) for name, values in found.items()}

    without = Point(None, 0.0, measured(None))
    points = tuple(Point(p.policy.epsilon, p.plan.combined, measured(p)) for p in pipelines)
    return Curve(points, without, tuple(seeds), pipelines[0].plan.delta)


def check_curve(epsilons: Sequence[float], seeds: int) -> None:
    """Refuse a curve that cannot be drawn.

    Raises
    ------
    ConfigError
        An epsilon is not a number above 0 or there twice, or there is no seed.
    """
    if not all(math.isfinite(epsilon) and epsilon > 0 for epsilon in epsilons):
        raise ConfigError("Every epsilon of the curve must be above 0 and finite.")
    if len(set(epsilons)) < len(epsilons):
        raise ConfigError("An epsilon of the curve is named twice.")
    if seeds < 1:
        raise ConfigError("A curve needs at least one seed.")
