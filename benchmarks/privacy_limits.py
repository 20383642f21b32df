"""What a promise of privacy leaves out: how much, where it can be reckoned.

    HEDGEROW_DATA=... python benchmarks/privacy_limits.py --what league rounding [--json OUT]

``league``: the epsilon that is left where some clients are in league and take their own noise off a
sum, in pairwise mode, where clients make the noise; beside the claim.
``rounding``: what one user changes of everybody's rounding in sums in the clear, over the bound on
its term, for each kind of step of each model. It is not in the sensitivity. ``--users`` takes the
first users of a data set.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hedgerow import Interactions, load
from hedgerow.data.split import Fold
from hedgerow.federation.bounding import Clipped
from hedgerow.federation.charging import QUANTILE
from hedgerow.federation.contribute import OnHistory, contribute
from hedgerow.federation.terms import unit_terms
from hedgerow.models.private_sequence import PrivateSequence
from hedgerow.models.registry import make
from hedgerow.privacy import skellam
from hedgerow.privacy.planning import NoisePlan, plan_noise
from hedgerow.privacy.policy import Policy
from hedgerow.privacy.releases import epsilon_spent

LEAGUES = ((3, 3000, 0.0), (3, 3000, 0.3), (10, 10_000, 0.2), (100, 100_000, 0.2))
"""Clients, their users, and the share of adversaries that the policy assumes."""

EPSILON = 8.0
MODELS = ("popularity", "item_item", "transitions", "als", "sequence", "private_sequence")
TRIED = 3
"""Users, each of whom is left out once."""


def in_league(plan: NoisePlan, clients: int, adversaries: float, curious: int) -> float:
    """Return the epsilon of a run whose noise some clients know in part.

    Parameters
    ----------
    plan
        The run's noise.
    clients, adversaries
        How many make it, and for which share of adversaries it is sized.
    curious
        How many take their own part off.
    """
    honest = skellam.share(1.0, clients, adversaries, 0.0).honest
    left = np.sqrt((clients - curious) / honest)
    known = [replace(one, multiplier=one.multiplier * left) for one in plan.releases]
    return epsilon_spent(known, plan.delta)


def league() -> list[dict[str, Any]]:
    """Tell what is left of a claim where clients are in league with the coordinator."""
    found = []
    for clients, users, adversaries in LEAGUES:
        policy = Policy(
            epsilon=EPSILON, secure="pairwise", minimum=3, adversaries=adversaries, dropouts=0.0
        )
        plan = plan_noise(policy, PrivateSequence().charges, users, clients)
        most = max(2, round(clients * adversaries) + 1)
        by_curious = {
            curious: in_league(plan, clients, adversaries, curious)
            for curious in range(min(most, clients - 1) + 1)
            if curious in {0, 1, 2, most - 1, most}
        }
        each = ", ".join(f"{n} curious: {value:.1f}" for n, value in by_curious.items())
        print(f"{clients} clients, adversaries {adversaries:g}, claim {EPSILON:g}; {each}")
        found.append({"clients": clients, "adversaries": adversaries, "epsilon": by_curious})
    return found


def kinds(model: str, log: Interactions, data: Fold) -> Iterator[OnHistory[Any]]:
    """Yield a model's steps, the first of each kind of charge."""
    recipe = make(model, {}, "phone" if model == "sequence" else None)
    state, seen = recipe.start(log.catalog, 0), set()
    for charge in recipe.charges:
        inner = recipe.step(state)
        if inner is None:
            return
        step = OnHistory(inner)
        if not charge.kind or charge.kind not in seen:
            yield step
        seen.add(charge.kind)
        state = step.update(contribute(step, data, np.ones(len(data))))


def moved(step: OnHistory[Any], data: Fold) -> float:
    """Return how far a sum with a user is from that without, plus its term; over the bound."""
    norms, users = step.contributions(data).norms(), len(data)
    bound = float(np.quantile(norms, QUANTILE)) or 1.0
    whole, worst = _sum(step, data, bound), 0.0
    for user in np.argsort(norms)[np.linspace(users // 2, users - 1, TRIED).astype(np.int64)]:
        others = _sum(step, data.take(np.flatnonzero(np.arange(users) != user)), bound)
        (term,) = unit_terms(step, data.take(np.array([user])), bound, "user")
        worst = max(worst, float(np.linalg.norm(whole - others - term)) / bound)
    return worst


def _sum(step: OnHistory[Any], data: Fold, bound: float) -> NDArray[np.float64]:
    found = contribute(Clipped(step, bound), data, np.ones(len(data)))
    return step.schema.flatten(found).astype(np.float64)


def rounding(data_set: str, users: int | None, models: list[str]) -> list[dict[str, Any]]:
    """Tell how far rounding moves, of each kind of step."""
    log = load(data_set).distinct()
    if users is not None:
        log = log.where(log.block.rows < users)
    data, found = Fold(log.block, log.block.where(log.block.ages < 0)), []
    for model in models:
        for step in kinds(model, log, data):
            worst = moved(step, data)
            print(f"{data_set}, {len(data):,} users, {model}, {step.name}: {worst:.1e}", flush=True)
            told = {"data": data_set, "users": len(data), "model": model, "step": step.name}
            found.append({**told, "of_the_bound": worst})
    return found


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--what", nargs="+", choices=("league", "rounding"), required=True)
    parser.add_argument("--data", default="ml-100k")
    parser.add_argument("--users", type=int)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    found: dict[str, Any] = {}
    if "league" in chosen.what:
        found["league"] = league()
    if "rounding" in chosen.what:
        found["rounding"] = rounding(chosen.data, chosen.users, chosen.models)
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
