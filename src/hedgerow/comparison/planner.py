"""Planning: what quality to expect of so many people at such an epsilon, before a budget is spent.

A sum over f times as many people of the same kind is f times the sum over those at hand, and its
noise is the same: so training on multiplied sums tells what more people would allow, and training
on some of the people what fewer would. Either scatters as quality on so few people does.

Nothing of it is released, and no ledger is charged: it looks at the data in the clear.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from hedgerow.comparison.curve import MEASURED, Point, check_curve
from hedgerow.comparison.judge import ExecutorFactory, Listener, Silent, check_data
from hedgerow.comparison.yardstick import make_yardstick
from hedgerow.data.interactions import Interactions
from hedgerow.data.split import Fold, Split
from hedgerow.errors import ConfigError
from hedgerow.evaluation.evaluate import EvaluationProtocol
from hedgerow.federation.clients import Clients
from hedgerow.federation.executors import Executor, Serial
from hedgerow.federation.pipeline import Pipeline
from hedgerow.federation.simulator import evaluate, train
from hedgerow.models.base import Recipe, Step
from hedgerow.models.popularity import Popularity
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.planning import plan_noise
from hedgerow.privacy.policy import Policy
from hedgerow.statistics import Statistics

Result = TypeVar("Result")

FACTORS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 100.0)
"""Populations that are planned for, over the one at hand."""

ENOUGH = 0.8
"""Of the quality without noise, what is worth while."""

MOST_PEOPLE = 10**10
"""More than there are."""


@dataclass(frozen=True)
class Expected:
    """What so many people allow.

    Parameters
    ----------
    people
        How many.
    delta
        Of the promise.
    points
        Quality for each epsilon, the largest first.
    """

    people: int
    delta: float
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Forecast:
    """What quality to expect.

    Parameters
    ----------
    recipe
        The model.
    people
        How many are at hand.
    k
        Length of the lists that are judged.
    populations
        The smallest first.
    without
        The model without noise, on all the people at hand.
    popularity
        NDCG of the most popular items, counted in the clear.
    seeds
        For each training, its seed.
    """

    recipe: Recipe
    people: int
    k: int
    populations: tuple[Expected, ...]
    without: Point
    popularity: float
    seeds: tuple[int, ...]

    @property
    def epsilons(self) -> tuple[float, ...]:
        """What is planned for, the largest first."""
        return tuple(point.epsilon or 0.0 for point in self.populations[0].points)

    def needed(self, epsilon: float, quality: float) -> float | None:
        """Return about how many people reach an NDCG, by interpolation between populations.

        The smallest population if that suffices; None where the largest does not.
        """
        metric = f"ndcg@{self.k}"
        before: tuple[float, float] | None = None
        for population in self.populations:
            point = next(p for p in population.points if p.epsilon == epsilon)
            size, found = math.log(population.people), point.mean(metric)
            if found >= quality:
                if before is None:
                    return float(population.people)
                share = (quality - before[1]) / (found - before[1])
                return math.exp(before[0] + share * (size - before[0]))
            before = size, found
        return None


@dataclass(frozen=True)
class Multiplied:
    """An executor that counts every user so many times, or not at all.

    Parameters
    ----------
    inner
        Where the data are.
    times
        Shape (users,).
    """

    inner: Executor
    times: NDArray[np.float64]

    @property
    def data(self) -> Fold:
        """What the clients hold."""
        return self.inner.data

    def sum(self, step: Step[Fold, Result], weights: NDArray[np.float64]) -> Statistics:
        """Return the sum of the users' terms, each so many times."""
        return self.inner.sum(step, weights * self.times)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Leave the inner one as it is."""


def times_of(users: int, people: int, seed: int) -> NDArray[np.float64]:
    """Return how often each user counts, so that all together are so many people.

    Fewer people are drawn at random; more are everybody, alike.
    """
    if people >= users:
        return np.full(users, people / users)
    times = np.zeros(users)
    times[np.random.default_rng([seed, people]).permutation(users)[:people]] = 1
    return times


def forecast(
    log: Interactions,
    recipe: Recipe,
    *,
    split: Split,
    protocol: EvaluationProtocol,
    policy: Policy,
    epsilons: Sequence[float],
    people: Sequence[int] = (),
    seeds: Sequence[int] = (0, 1, 2),
    executor: ExecutorFactory = Serial,
    listener: Listener | None = None,
) -> Forecast:
    """Say what quality to expect of populations and epsilons, from people at hand.

    Each user is a device, and the server adds the noise.

    Parameters
    ----------
    log
        Interactions of such people.
    recipe
        The model.
    split, protocol
        How it is judged, on all the people at hand.
    policy
        Whose delta, clip and clients per person hold throughout.
    epsilons
        Of a whole run each.
    people
        How many there might be; by default `FACTORS` times those at hand.
    seeds
        For initial vectors, who is drawn, and noise.
    executor
        Where sums are computed.
    listener
        Hears of progress.

    Raises
    ------
    ConfigError
        An epsilon or a number of people is out of range.
    DataError
        There are too few users or items to judge anything.
    PolicyError
        An epsilon is so small that clients refuse the noise.
    """
    users, fold = len(log.users), split.test(log.block)
    listener = listener or Silent()
    check_data(log, fold, min(seeds, default=0))
    check_curve(epsilons, len(seeds))
    if not epsilons:
        raise ConfigError("Name at least one epsilon to plan for.")
    sizes = _sizes(people, users, policy.minimum)
    plan = {size: _pipelines(recipe, policy, epsilons, size) for size in sizes}
    clients, yardstick = Clients.devices(log.users), make_yardstick(log.catalog, fold.history)
    quick = replace(protocol, sampled=0, replicates=0)
    names = [f"{metric}@{protocol.k}" for metric in MEASURED]
    with executor(fold) as workers:

        def measured(model: Recipe, size: int, pipeline: Pipeline | None = None) -> Point:
            found: dict[str, tuple[float, ...]] = dict.fromkeys(names, ())
            for seed in seeds:
                counted = Multiplied(workers, times_of(users, size, seed))
                # Every model has a ledger of its own: none of them is released.
                own = pipeline and replace(pipeline, seed=seed, ledger=Ledger())
                run = train(model, counted, log.catalog, clients, pipeline=own, seed=seed)
                judged = evaluate(run.scorer, workers, users, quick, yardstick)
                found = {name: (*found[name], judged.values[f"full/{name}"]) for name in names}
                listener.step()
            if pipeline is None:
                return Point(None, 0.0, found)
            return Point(pipeline.policy.epsilon, pipeline.plan.combined, found)

        listener.stage("planning", (len(sizes) * len(epsilons) + 2) * len(seeds))
        without, popular = measured(recipe, users), measured(Popularity(), users)
        populations = tuple(
            Expected(
                size,
                pipelines[0].plan.delta,
                tuple(measured(recipe, size, pipeline) for pipeline in pipelines),
            )
            for size, pipelines in plan.items()
        )
    popularity = popular.mean(names[0])
    return Forecast(recipe, users, protocol.k, populations, without, popularity, tuple(seeds))


def _sizes(people: Sequence[int], users: int, minimum: int) -> list[int]:
    """Return the populations to plan for, the smallest first."""
    if any(size < minimum or size > MOST_PEOPLE for size in people):
        raise ConfigError(
            f"Plan for {minimum} to {MOST_PEOPLE:,} people; no sum of fewer is opened."
        )
    usual = (max(minimum, round(factor * users)) for factor in FACTORS)
    return sorted(set(people or usual))


def _pipelines(
    recipe: Recipe, policy: Policy, epsilons: Sequence[float], people: int
) -> tuple[Pipeline, ...]:
    """Plan a population's noise, the largest epsilon first, before anything is trained."""
    found = []
    for epsilon in sorted(epsilons, reverse=True):
        own = replace(policy, epsilon=epsilon, secure="none")
        noise = plan_noise(own, recipe.charges, people, people)
        found.append(Pipeline(own, noise, Ledger(), "plan", "plan", 0))
    return tuple(found)
