"""Hyper-parameters chosen on validation: each in turn, the others held at the best so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hedgerow.comparison.judge import ExecutorFactory
from hedgerow.comparison.yardstick import make_yardstick
from hedgerow.data.interactions import Interactions
from hedgerow.data.split import LastOut, Split
from hedgerow.errors import ConfigError
from hedgerow.evaluation.evaluate import Evaluation, EvaluationProtocol
from hedgerow.federation.clients import Clients
from hedgerow.federation.executors import Serial
from hedgerow.federation.simulator import evaluate, train
from hedgerow.models.base import Recipe


@dataclass(frozen=True)
class Trial:
    """One setting and what it reached on validation.

    Parameters
    ----------
    start
        The name of the setting that it started from.
    changed
        The hyper-parameters that differ from it.
    recipe
        All of them.
    evaluation
        On the validation fold.
    """

    start: str
    changed: dict[str, Any]
    recipe: Recipe
    evaluation: Evaluation


def tune(
    log: Interactions,
    starts: Mapping[str, Recipe],
    *,
    split: Split | None = None,
    protocol: EvaluationProtocol | None = None,
    executor: ExecutorFactory = Serial,
    seed: int = 0,
    trials: int = 30,
    on_trial: Callable[[Trial], None] | None = None,
) -> list[Trial]:
    """Try each start, then the values of the best one's grid, hyper-parameter by hyper-parameter.

    The test interactions are never looked at: models train on what precedes the validation
    interactions and are judged on those by full ranking.

    Parameters
    ----------
    log
        The interactions.
    starts
        Settings of one model by name; its ``grid`` says what else is tried.
    split, protocol
        How models are judged; the metric is NDCG.
    executor
        Where sums are computed.
    seed
        For all trials alike.
    trials
        At most so many.
    on_trial
        Called after each.

    Returns
    -------
    list
        All trials, the best first.

    Raises
    ------
    ConfigError
        There is nothing to try.
    """
    _check(starts, trials)
    protocol = protocol or EvaluationProtocol(sampled=0, replicates=0, seed=seed)
    fold = (split or LastOut()).validation(log.block)
    yardstick = make_yardstick(log.catalog, fold.history)
    clients = Clients.devices(log.users)
    done: dict[Recipe, Trial] = {}
    with executor(fold) as workers:

        def attempt(start: str, candidate: Recipe) -> Trial:
            run = train(candidate, workers, log.catalog, clients, seed=seed)
            found = evaluate(run.scorer, workers, len(fold), protocol, yardstick)
            trial = Trial(start, _difference(starts[start], candidate), candidate, found)
            if on_trial:
                on_trial(trial)
            return trial

        def value(trial: Trial) -> float:
            return trial.evaluation.values[f"full/ndcg@{protocol.k}"]

        for start, recipe in list(starts.items())[:trials]:
            if recipe not in done:
                done[recipe] = attempt(start, recipe)
        best = max(done, key=lambda recipe: value(done[recipe]))
        start = done[best].start
        for name, values in best.grid.items():
            # A value is tried beside the best of the others; what ties keeps the earlier one.
            for candidate in [replace(best, **{name: v}) for v in values]:  # type: ignore[type-var]
                if candidate in done or len(done) >= trials:
                    continue
                done[candidate] = attempt(start, candidate)
                if value(done[candidate]) > value(done[best]):
                    best = candidate
        return sorted(done.values(), key=value, reverse=True)


def _difference(start: Recipe, other: Recipe) -> dict[str, Any]:
    return {
        name: getattr(other, name)
        for name in start.grid
        if getattr(other, name) != getattr(start, name)
    }


def _check(starts: Mapping[str, Recipe], trials: int) -> None:
    if not any(recipe.grid for recipe in starts.values()) and len(starts) < 2:
        raise ConfigError("This model has no hyper-parameter to tune.")
    if trials < 1:
        raise ConfigError("At least one trial is needed.")
