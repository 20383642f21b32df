"""How far lying clients push an item that hardly anybody met.

    HEDGEROW_DATA=... python benchmarks/lying_clients.py [--models ...] [--json OUT]

Everybody of MovieLens 100K takes part honestly; liars come on top, and push the least popular item.
Printed is ER@10: the share of those who have not met it in whose ten recommendations it then is,
among all items. *norm* liars keep to the clip, as clients are asked to; a *ring* liar sends whatever
the secured sum's ring takes without wrapping around. The liars know everybody else's terms (models
of earlier runs tell nearly as much) but not the noise. Sums are as ``split`` opens them: clipped, and
with the noise of both servers.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from lies import Audience, Situation, best_lie
from threadpoolctl import threadpool_limits

from hedgerow import Clients, Interactions, load
from hedgerow.data.split import Fold
from hedgerow.federation.bounding import Clipped, MeasureNorms
from hedgerow.federation.contribute import OnHistory
from hedgerow.federation.executors import Executor, Serial
from hedgerow.federation.group import Group
from hedgerow.federation.pipeline import Passed, Pipeline
from hedgerow.federation.setting import SERVERS, Noise, Setting
from hedgerow.federation.simulator import train
from hedgerow.models import ALS, ItemItem, Popularity, PrivateSequence, Sequence, Transitions
from hedgerow.models.base import Recipe, State, Step
from hedgerow.privacy import gaussian
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.planning import NoisePlan
from hedgerow.privacy.policy import Policy
from hedgerow.statistics import Array, Statistics, total

MODELS: Mapping[str, Recipe] = {
    "popularity": Popularity(),
    "transitions": Transitions(),
    "sequence, phone": Sequence.phone(),
    "private_sequence": PrivateSequence(),
    "als, d 32": ALS(dimension=32),
    "item_item": ItemItem(),
}

EPSILON = 2.0


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
        policy = Policy(secure="split", epsilon=EPSILON if multiplier else None)
        units, noise = clients + self.number, Noise("", bound, multiplier)
        setting = Setting.of(policy, noise, len(honest), [(units, units)], b"")
        # Where everybody else's terms and the servers' noise need room, it would wrap around.
        noise_at_most = len(SERVERS) * gaussian.bound(setting.deviation)
        free = (setting.ring.bound - noise_at_most) / setting.quantizer.scale
        return max(free - float(np.abs(honest).max()), 0.0)


KINDS: Mapping[str, Liars] = {
    "1 norm": Liars(1),
    "9 norm": Liars(9),
    "1 ring": Liars(1, ring=True),
}


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
        state: State = asked.state
        situation = Situation(self.recipe, state, asked, guessed, self.audience, reach)
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

    def sum(
        self, group: Group, step: Step[Fold, Any], number: int, model: bytes = b""
    ) -> Passed:
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


def least_popular(log: Interactions) -> int:
    """Return the item that fewest have met, the first of them."""
    return int(np.argmin(log.block.incidence().sum(axis=0)))


def pushed(recipe: Recipe, log: Interactions, liars: Liars, epsilon: float | None, seed: int) -> float:
    """Return the ER@10 of the least popular item after a run with liars in it."""
    clients = Clients.devices(log.users)
    audience = Audience(log.block, least_popular(log))
    pipeline = Pipeline.unprotected(len(clients))
    if epsilon is not None:
        pipeline = Pipeline.of(
            Policy(epsilon=epsilon),
            recipe.charges,
            clients,
            ledger=Ledger(),
            run="liars",
            account="liars",
            seed=seed,
        )
    everybody = Serial(Fold(log.block, log.block.where(log.block.ages < 0)))
    sums = Poisoned(pipeline, liars, recipe, audience)
    run = train(recipe, everybody, log.catalog, clients, pipeline=sums, seed=seed)
    return audience.exposure(run.scorer.scores(log.block))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="ml-100k")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    chosen = parser.parse_args()
    log = load(chosen.data).distinct()
    heads = [f"{what}, {kind}" for what in ("no epsilon", f"epsilon {EPSILON:g}") for kind in KINDS]
    print(f"| ER@10 | {' | '.join(heads)} |\n| --- |{' --: |' * len(heads)}", flush=True)
    found: dict[str, dict[str, list[float]]] = {}
    started = time.perf_counter()
    with threadpool_limits(2):
        for title in chosen.models:
            row = found[title] = {}
            for epsilon in (None, EPSILON):
                what = "no epsilon" if epsilon is None else f"epsilon {epsilon:g}"
                for kind, liars in KINDS.items():
                    row[f"{what}, {kind}"] = [
                        pushed(MODELS[title], log, liars, epsilon, seed)
                        for seed in range(chosen.seeds)
                    ]
            cells = " | ".join(f"{np.mean(values):.3f}" for values in row.values())
            print(f"| {title} | {cells} |", flush=True)
            if chosen.json:
                chosen.json.write_text(json.dumps(found, indent=2) + "\n")
    print(f"\n{time.perf_counter() - started:.0f} s, seeds: {chosen.seeds}")


if __name__ == "__main__":
    main()
