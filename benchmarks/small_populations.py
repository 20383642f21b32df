"""Small populations under a promise: what is left of quality, and what the planner foretells.

    HEDGEROW_DATA=... python benchmarks/small_populations.py [--what fallback others plan]

``fallback``: NDCG@10 of `private_sequence` for a few hundred people, beside popularity with noise
of the whole budget, without noise, and beside chance; ``bare`` data have no catalog, ``shuffled``
data one that is nobody's.
``others``: every other model that can be trained under a promise, on the same people.
``plan``: what `hedgerow plan` expects from 1,000 people of MovieLens 1M, and what so many people as
it expects that of really reach.
Each user's last interaction is the test, ranked among all items; means over seeds, which draw the
people, too.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hedgerow import Catalog, Clients, Interactions, LastOut, Shop, load
from hedgerow.comparison.planner import forecast
from hedgerow.comparison.warnings import chance
from hedgerow.comparison.yardstick import make_yardstick
from hedgerow.data.split import Fold
from hedgerow.evaluation.evaluate import EvaluationProtocol
from hedgerow.federation.executors import Serial
from hedgerow.federation.pipeline import Pipeline
from hedgerow.federation.simulator import evaluate, train
from hedgerow.models import (
    ALS,
    ItemItem,
    Popularity,
    PrivateSequence,
    Sequence,
    Transitions,
)
from hedgerow.models.base import Recipe, Scorer
from hedgerow.models.footing import SENTENCES, footing
from hedgerow.models.popularity import SameForAll
from hedgerow.privacy.accounting import multiplier_for
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.policy import Policy

CASES = (
    ("ml-100k", 671, ""),
    ("ml-100k", 150, ""),
    ("ml-1m", 671, ""),
    ("ml-1m", 150, ""),
    ("shop", 671, ""),
    ("online-retail-ii", 671, ""),
    ("ml-100k", 671, "bare"),
    ("ml-100k", 671, "shuffled"),
)
"""Data, people, and what was done to the catalog."""

EPSILONS = (8.0, 2.0, 0.5)
OTHERS: tuple[Recipe, ...] = (
    Popularity(),
    ItemItem(),
    Transitions(),
    ALS(dimension=32),
    Sequence.phone(),
)
PROTOCOL = EvaluationProtocol(sampled=0, replicates=0)
DELTA = 1e-5
AT_HAND = 1_000
FORETOLD = (500, 1_000, 3_000, 6_000)


@cache
def everybody(name: str) -> Interactions:
    """Return a data set, each item once a person; a shop of 4,000 customers and 2,000 products."""
    log = Shop(customers=4_000, products=2_000).interactions() if name == "shop" else load(name)
    return log.distinct()


def drawn(log: Interactions, people: int, seed: int) -> Interactions:
    """Return some people, with the catalog as it is."""
    rows = np.sort(np.random.default_rng(seed).permutation(len(log.users))[:people])
    attributes = log.attributes[rows] if log.attributes.width else log.attributes
    return replace(
        log, users=log.users[rows], block=log.block.take(rows), values=None, attributes=attributes
    )


def with_catalog(log: Interactions, how: str, seed: int) -> Interactions:
    """Return a log without features of items, or with those of others."""
    features, ids = log.catalog.features, log.catalog.ids
    if how == "bare":
        return replace(log, catalog=Catalog(ids))
    if how == "shuffled":
        order = np.random.default_rng(seed).permutation(len(ids))
        return replace(log, catalog=Catalog(ids, features[order]))
    return log


def ndcg(scorer: Scorer, fold: Fold, log: Interactions) -> float:
    """Return NDCG@10 over everybody."""
    yardstick = make_yardstick(Catalog(log.catalog.ids, pl.DataFrame()), fold.history)
    judged = evaluate(scorer, Serial(fold), len(fold), PROTOCOL, yardstick)
    return judged.values["full/ndcg@10"]


def trained(
    recipe: Recipe, log: Interactions, fold: Fold, epsilon: float | None, seed: int
) -> tuple[float, str]:
    """Return NDCG@10 of a model, and on what it stands."""
    clients, pipeline = Clients.devices(log.users), None
    if epsilon is not None:
        pipeline = Pipeline.of(
            Policy(epsilon=epsilon, delta=DELTA),
            recipe.charges,
            clients,
            ledger=Ledger(),
            run="bench",
            account="bench",
            seed=seed,
        )
    run = train(recipe, Serial(fold), log.catalog, clients, pipeline=pipeline, seed=seed)
    said = footing(recipe, run.state)
    return ndcg(run.scorer, fold, log), next((k for k, v in SENTENCES.items() if v == said), "")


def noisy_counts(log: Interactions, fold: Fold, epsilon: float, seed: int) -> float:
    """Return NDCG@10 of popularity as noise of the whole budget leaves it, terms of length 1."""
    recipe = PrivateSequence()
    step = recipe.step(recipe.start(log.catalog, seed))
    counts = step.contributions(fold.history).sum(np.ones(len(fold)))["counts"]
    noise = multiplier_for(epsilon, DELTA)
    rng = np.random.default_rng([seed, 1])
    return ndcg(SameForAll(counts + noise * rng.standard_normal(counts.shape)), fold, log)


def fallback(seeds: int) -> list[dict[str, Any]]:
    """Train the private model on a few people."""
    print(
        "\n| data | people | items | chance | popularity | epsilon | noisy popularity "
        "| private_sequence | stands on |\n"
        "| --- | --: | --: | --: | --: | --: | --: | --: | --- |"
    )
    found = []
    for name, people, how in CASES:
        logs = [
            with_catalog(drawn(everybody(name), people, seed), how, seed) for seed in range(seeds)
        ]
        folds = [LastOut().test(log.block) for log in logs]
        random = np.mean([chance(fold, 10, repeats=False) for fold in folds])
        popular = np.mean([
            trained(Popularity(), *pair, None, 0)[0] for pair in zip(logs, folds, strict=True)
        ])  # fmt: skip
        for epsilon in EPSILONS:
            counted, private, standing = [], [], []
            for seed, (log, fold) in enumerate(zip(logs, folds, strict=True)):
                counted.append(noisy_counts(log, fold, epsilon, seed))
                value, on = trained(PrivateSequence(), log, fold, epsilon, seed)
                private.append(value)
                standing.append(on or "what follows what")
            row = {
                "data": f"{name} {how}".strip(),
                "people": people,
                "items": len(logs[0].catalog),
                "chance": random,
                "popularity": popular,
                "epsilon": epsilon,
                "noisy_popularity": counted,
                "private_sequence": private,
                "standing": standing,
            }
            found.append(row)
            print(
                f"| {row['data']} | {people} | {row['items']:,} | {random:.4f} | {popular:.4f} "
                f"| {epsilon:g} | {np.mean(counted):.4f} | {np.mean(private):.4f} "
                f"| {', '.join(sorted(set(standing)))} |",
                flush=True,
            )
    return found


def others(seeds: int) -> list[dict[str, Any]]:
    """Train the other models on as few people."""
    print(
        "\n| data | people | model | chance | popularity | "
        + " | ".join(f"epsilon {epsilon:g}" for epsilon in EPSILONS)
        + " |\n| --- | --: | --- | --: | --: |"
        + " --: |" * len(EPSILONS)
    )
    found = []
    name, people, _ = CASES[0]
    logs = [drawn(everybody(name), people, seed) for seed in range(seeds)]
    pairs = [(log, LastOut().test(log.block)) for log in logs]
    random = np.mean([chance(fold, 10, repeats=False) for _, fold in pairs])
    popular = np.mean([trained(Popularity(), *pair, None, 0)[0] for pair in pairs])
    for recipe in OTHERS:
        values = [
            [trained(recipe, *pair, epsilon, seed)[0] for seed, pair in enumerate(pairs)]
            for epsilon in EPSILONS
        ]
        found.append({"data": name, "people": people, "model": recipe.name, "values": values})
        cells = " | ".join(f"{np.mean(each):.4f}" for each in values)
        print(
            f"| {name} | {people} | {recipe.name} | {random:.4f} | {popular:.4f} | {cells} |",
            flush=True,
        )
    return found


def plan(seeds: int) -> list[dict[str, Any]]:
    """Foretell from some people what others reach, and train those others."""
    print(
        "\n| people | epsilon | expected of them from 1,000 | reached by them |\n"
        "| --: | --: | --: | --: |"
    )
    log, epsilons = everybody("ml-1m"), (8.0, 2.0)
    policy = Policy(epsilon=epsilons[0], delta=DELTA)
    common: dict[str, Any] = {
        "split": LastOut(),
        "protocol": PROTOCOL,
        "policy": policy,
        "epsilons": epsilons,
    }
    foretold = [
        forecast(
            drawn(log, AT_HAND, seed), PrivateSequence(), people=FORETOLD, seeds=(seed,), **common
        )
        for seed in range(seeds)
    ]
    found = []
    for place, people in enumerate(FORETOLD):
        for number, epsilon in enumerate(epsilons):
            expected = [each.populations[place].points[number].mean("ndcg@10") for each in foretold]
            reached = []
            for seed in range(seeds):
                # Others than those at hand as far as there are, drawn by another seed.
                own = drawn(log, people, seed + 100)
                fold = LastOut().test(own.block)
                reached.append(trained(PrivateSequence(), own, fold, epsilon, seed)[0])
            found.append({
                "people": people, "epsilon": epsilon, "expected": expected, "reached": reached,
            })  # fmt: skip
            print(
                f"| {people:,} | {epsilon:g} | {np.mean(expected):.4f} | {np.mean(reached):.4f} |",
                flush=True,
            )
    return found


def main() -> None:
    """Measure what the command line names."""
    jobs = {"fallback": fallback, "others": others, "plan": plan}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--what", nargs="+", default=list(jobs), choices=jobs)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    found = {what: jobs[what](chosen.seeds) for what in chosen.what}
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
