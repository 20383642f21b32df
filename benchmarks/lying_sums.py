"""Sums as ``split`` opens them, with the terms of lying clients among the honest ones."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from lying_aims import Audience
from lying_terms import Situation, best_lie

from hedgerow.data.split import Fold
from hedgerow.federation.bounding import Clipped, MeasureNorms
from hedgerow.federation.contribute import OnHistory
from hedgerow.federation.executors import Executor
from hedgerow.federation.group import Group
from hedgerow.federation.pipeline import Passed, Pipeline
from hedgerow.federation.setting import SERVERS, Noise, Setting
from hedgerow.models.base import Recipe, Step
from hedgerow.privacy import gaussian
from hedgerow.privacy.planning import NoisePlan
from hedgerow.privacy.policy import Policy
from hedgerow.statistics import Array, Statistics, total


@dataclass(frozen=True)
class Liars:
    """How many lie, and what stops them.

    Parameters
    ----------
    number
        Of liars, who send the same.
    ring
        Whether only the ring bounds what they send; otherwise they keep to the clip.
    """

    number: int
    ring: bool = False

    def reach(self, bound: float, multiplier: float, honest: Array, clients: int) -> float:
        """Return the L2 norm of what they may send together.

        Parameters
        ----------
        bound
            The clip.
        multiplier
            Of the noise that is promised.
        honest
            The sum of everybody else's terms, flat.
        clients
            How many those are.
        """
        if not self.ring:
            return self.number * bound
        units, noise = clients + self.number, Noise("", bound, multiplier)
        setting = Setting.of(Policy(secure="split"), noise, len(honest), [(units, units)], b"")
        # So far none of the values wraps around, whatever the noise: a ball inside the ring's cube.
        noise_at_most = len(SERVERS) * gaussian.bound(setting.deviation)
        free = (setting.ring.bound - noise_at_most) / setting.quantizer.scale
        return max(free - float(np.abs(honest).max()), 0.0)


@dataclass(frozen=True)
class Infiltrated:
    """An executor among whose clients are liars.

    Parameters
    ----------
    honest
        Where everybody else is.
    liars
        Who lies.
    recipe, audience
        What is trained, and to whom they push which item.
    multiplier
        Of the noise that the step's sum promises.
    """

    honest: Executor
    liars: Liars
    recipe: Recipe
    audience: Audience
    multiplier: float

    @property
    def data(self) -> Fold:
        """What the honest clients hold."""
        return self.honest.data

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing to stop."""

    def sum(self, step: Step[Fold, Any], weights: Array) -> Statistics:
        """Add the lie to the honest sum; how long terms are is asked before, and told honestly."""
        honest = self.honest.sum(step, weights)
        match step:
            case Clipped(step=OnHistory(step=asked), bound=bound):
                pass
            case OnHistory(step=asked):
                norms = MeasureNorms(step, 1.0)
                bound = norms.update(self.honest.sum(norms, weights))
            case _:
                return honest
        flat = asked.schema.flatten(honest)
        reach = self.liars.reach(bound, self.multiplier, flat, int(weights.sum()))
        sigma = bound * self.multiplier * math.sqrt(len(SERVERS))
        drawn = np.random.default_rng(0).standard_normal(asked.schema.size) * sigma
        guessed = replace(honest + asked.schema.unflatten(drawn), noise=sigma)
        situation = Situation(self.recipe, asked.state, asked, guessed, self.audience, reach)
        return total([honest, best_lie(situation)])


@dataclass(frozen=True)
class Poisoned:
    """A pipeline into whose sums liars put their terms; before the noise, as clients do."""

    pipeline: Pipeline
    liars: Liars
    recipe: Recipe
    audience: Audience

    @property
    def policy(self) -> Policy:
        """What is promised."""
        return self.pipeline.policy

    @property
    def spent(self) -> float | None:
        """The epsilon that was spent so far."""
        return self.pipeline.spent

    def sum(self, group: Group, step: Step[Fold, Any], number: int, model: bytes = b"") -> Passed:
        """Return a step's sum over a group of clients and the liars."""
        steps = self.pipeline.plan.steps
        promised = steps[number].multiplier if steps else 0.0
        executor = Infiltrated(group.executor, self.liars, self.recipe, self.audience, promised)
        summing = replace(self.pipeline, plan=by_both_servers(self.pipeline.plan))
        return summing.sum(replace(group, executor=executor), step, number, model)


def by_both_servers(plan: NoisePlan) -> NoisePlan:
    """Return a plan with the noise that there is in ``split``, where each server makes it all."""
    factor = math.sqrt(len(SERVERS))
    return replace(
        plan,
        steps=tuple(
            replace(
                step,
                multiplier=step.multiplier * factor,
                norms_multiplier=step.norms_multiplier and step.norms_multiplier * factor,
            )
            for step in plan.steps
        ),
    )
