"""Quality on real data: every model, pooled and federated, several seeds, full ranking.

    HEDGEROW_DATA=... python benchmarks/quality.py [--data ml-100k ...] [--models ...] [--seeds 3]

Each user's last interaction is the test, the one before it was the validation on which the
settings below were picked from grids like those of ``hedgerow tune`` (ALS keeps its defaults);
models are then trained on all but the last.
Online Retail II: customers with five or more purchases; once with each product once a customer,
once with repeats. The blend has no pooled counterpart but itself. Prints Markdown; ``--json`` keeps
the figures.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hedgerow import Interactions, compare, load
from hedgerow.comparison.result import Plan
from hedgerow.evaluation.evaluate import EvaluationProtocol
from hedgerow.federation.executors import Processes
from hedgerow.models import (
    ALS,
    Blend,
    Factorization,
    ItemItem,
    Popularity,
    Sequence,
    Transitions,
)
from hedgerow.models.base import Recipe

WORKERS = 2

DETERMINISTIC = (Popularity, ItemItem, Transitions)
"""Models without anything random: one seed says it all."""


@dataclass(frozen=True)
class Job:
    """A data set and the settings tuned for it.

    Parameters
    ----------
    name
        As it is printed.
    data
        As it is loaded.
    repeats
        Whether items may be recommended again.
    models
        Title to recipe.
    """

    name: str
    data: str
    repeats: bool
    models: Mapping[str, Recipe]

    def log(self) -> Interactions:
        """Read the interactions."""
        log = load(self.data)
        if not self.repeats:
            log = log.distinct()
        return log.with_at_least(5)


JOBS = {
    "ml-100k": Job(
        "MovieLens 100K",
        "ml-100k",
        repeats=False,
        models={
            "popularity": Popularity(),
            "EASE": ItemItem(100.0, 1.0),
            "EASE, decayed": ItemItem(300.0, 0.9),
            "transitions": Transitions(20, 0.9, 0.8, 1.0),
            "ALS, d=64": ALS(),
            "factorization (FedAdam)": Factorization(),
            "sequence, phone": Sequence.phone(),
            "blend": Blend(
                (Sequence.phone(), Transitions(20, 0.9, 0.8, 1.0), ItemItem(300.0, 0.9))
            ),
        },
    ),
    "ml-1m": Job(
        "MovieLens 1M",
        "ml-1m",
        repeats=False,
        models={
            "popularity": Popularity(),
            "EASE": ItemItem(300.0, 1.0),
            "EASE, decayed": ItemItem(1000.0, 0.8),
            "transitions": Transitions(10, 0.8, 0.7, 1.0),
            "ALS, d=64": ALS(),
            "sequence, phone": Sequence.phone(),
            "sequence, silo": Sequence(),
            "blend, phone": Blend((Sequence.phone(), Transitions(), ItemItem(1000.0, 0.8))),
        },
    ),
    "online-retail-ii": Job(
        "Online Retail II, no repeats",
        "online-retail-ii",
        repeats=False,
        models={
            "popularity": Popularity(),
            "EASE": ItemItem(100.0, 1.0),
            "EASE, decayed": ItemItem(1000.0, 0.3),
            "transitions": Transitions(20, 0.9, 0.3, 1.0),
            "ALS, d=64": ALS(),
            "sequence, shop": replace(Sequence.shop(), repeat_gain=0.0),
            "blend": Blend(
                (
                    replace(Sequence.shop(), repeat_gain=0.0),
                    Transitions(20, 0.9, 0.3, 1.0),
                    ItemItem(1000.0, 0.3),
                )
            ),
        },
    ),
    "online-retail-ii-repeats": Job(
        "Online Retail II, repeats",
        "online-retail-ii",
        repeats=True,
        models={
            "popularity": Popularity(),
            "EASE": ItemItem(300.0, 1.0),
            "EASE, decayed": ItemItem(300.0, 0.3),
            "transitions": Transitions(20, 0.9, 0.3, 0.5),
            "ALS, d=64": ALS(),
            "sequence, shop": Sequence.shop(),
        },
    ),
}

MEASURED = ("full/hr@10", "full/ndcg@10", "sampled/hr@10", "sampled/ndcg@10")


def measure(job: Job, title: str, log: Interactions, seeds: int) -> dict[str, Any]:
    """Train one model federated and pooled under each seed; return the mean figures."""
    recipe = job.models[title]
    runs = []
    for seed in range(1 if isinstance(recipe, DETERMINISTIC) else seeds):
        started = time.perf_counter()
        found = compare(
            log,
            recipe,
            protocol=EvaluationProtocol(repeats=job.repeats, replicates=100, seed=seed),
            plan=Plan(contenders=() if isinstance(recipe, Blend) else ("pooled",), watch=False),
            executor=lambda data: Processes(data, WORKERS),
            seed=seed,
        )
        ours = found.contenders["federated"]
        figures = {
            kind: {m: contender.evaluation.values[m] for m in MEASURED}
            for kind, contender in found.contenders.items()
        }
        costs = {"rounds": len(ours.rounds), "bytes_up": ours.bytes_up, "seconds": ours.seconds}
        elapsed = time.perf_counter() - started
        runs.append({"seed": seed, **figures, **costs, "elapsed": elapsed})
    return {"model": title, "recipe": repr(recipe), "runs": runs}


def mean(found: dict[str, Any], kind: str, metric: str) -> float:
    """Average a metric over seeds."""
    return float(np.mean([run[kind][metric] for run in found["runs"]]))


def row(found: dict[str, Any]) -> str:
    """Return a row of the Markdown table."""
    cells = [found["model"], str(len(found["runs"]))]
    cells += [f"{mean(found, 'federated', m):.4f}" for m in MEASURED[:2]]
    spread = [run["federated"]["full/ndcg@10"] for run in found["runs"]]
    cells.append(f"{min(spread):.4f}-{max(spread):.4f}")
    if "pooled" in found["runs"][0]:
        ours, pooled = (mean(found, kind, MEASURED[1]) for kind in ("federated", "pooled"))
        cells += [f"{mean(found, 'pooled', m):.4f}" for m in MEASURED[:2]]
        cells.append(f"{ours / max(pooled, 1e-12):.1%}")
    else:
        cells += ["", "", ""]
    cells += [f"{mean(found, 'federated', m):.3f}" for m in MEASURED[2:]]
    run = found["runs"][0]
    cells += [str(run["rounds"]), f"{run['bytes_up'] / 1e6:.1f}"]
    cells.append(f"{np.mean([r['seconds'] for r in found['runs']]):.1f}")
    return "| " + " | ".join(cells) + " |"


HEAD = (
    "| model | seeds | HR@10 | NDCG@10 | NDCG over seeds | pooled HR@10 | pooled NDCG@10 "
    "| federated / pooled | 1+99 HR@10 | 1+99 NDCG@10 | rounds | MB up per user | seconds |\n"
    "| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |"
)


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=list(JOBS), choices=list(JOBS))
    parser.add_argument("--models", nargs="+", help="titles to measure; all by default")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    chosen = parser.parse_args()
    results: dict[str, Any] = {}
    for name in chosen.data:
        job = JOBS[name]
        log = job.log()
        print(
            f"\n{job.name}: {len(log.users):,} users, {len(log.catalog):,} items, "
            f"{len(log):,} interactions; {WORKERS} workers on {platform.machine()}\n\n{HEAD}",
            flush=True,
        )
        results[name] = []
        for title in job.models:
            if not chosen.models or title in chosen.models:
                results[name].append(measure(job, title, log, chosen.seeds))
                print(row(results[name][-1]), flush=True)
                if chosen.json:
                    chosen.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
