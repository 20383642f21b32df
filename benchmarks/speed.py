"""Speed: client updates of ALS, and the time to recommend, with the processor's limit beside them.

    HEDGEROW_DATA=... python benchmarks/speed.py [--data ml-1m] [--json OUT]

Without ``$HEDGEROW_DATA`` the synthetic shop stands in for MovieLens 1M, and the output says so.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from hedgerow import Catalog, Clients, Interactions, LastOut, Recommender, Shop, load
from hedgerow.federation.executors import Processes, Serial
from hedgerow.federation.simulator import train
from hedgerow.models import ALS
from hedgerow.models.base import State

WORKERS = 2
DIMENSION = 64


def median_seconds(job: Callable[[], Any], repeats: int) -> float:
    """Return the median time of a job after one run to warm up."""
    job()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        job()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def als_updates(log: Interactions) -> dict[str, Any]:
    """Measure ALS client updates a second in whole rounds, server's side included."""
    fold = LastOut().test(log.block)
    clients = Clients.devices(log.users)
    recipe = ALS(dimension=DIMENSION, rounds=8)
    found: dict[str, Any] = {}
    for name, executor in (
        ("one process", Serial(fold)),
        ("2 processes", Processes(fold, WORKERS)),
    ):
        with threadpool_limits(1 if name == "one process" else None), executor as workers:
            run = train(recipe, workers, log.catalog, clients)
        found[name] = len(clients) / statistics.median(r.seconds for r in run.rounds)
    # A client's arithmetic: its Gram matrix (symmetric), Cholesky, two products, the residual.
    n, d = fold.history.lengths.mean(), DIMENSION
    flops = n * d * (d + 1) + d**3 / 3 + 2 * d * d + 2 * n * d * 3
    found["flops per update"] = float(flops)
    with threadpool_limits(1):
        found["limit of one core"] = gemm_flops() / float(flops)
    found["share of the limit"] = found["one process"] / found["limit of one core"]
    return found


def gemm_flops() -> float:
    """Return the float32 operations a second of a large matrix product: what the core can do."""
    a = np.ones((2048, 2048), np.float32)
    return 2 * 2048**3 / median_seconds(lambda: a @ a, 5)


def recommending(items: int, repeats: int = 200) -> dict[str, float]:
    """Measure one recommendation among many items, from history to titled list."""
    rng = np.random.default_rng(0)
    catalog = Catalog(pl.Series([f"item {i}" for i in range(items)]))
    vectors = rng.standard_normal((items, DIMENSION), np.float32)
    counts = np.ones(items, np.float32)
    model = Recommender(
        ALS(dimension=DIMENSION), State({"vectors": vectors, "counts": counts}, 8), catalog
    )
    history = [f"item {i}" for i in rng.integers(0, items, 50)]
    with threadpool_limits(1):
        seconds = median_seconds(lambda: model.recommend(history, 10), repeats)
    return {"items": items, "milliseconds": 1e3 * seconds}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="ml-1m")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    name = chosen.data if os.environ.get("HEDGEROW_DATA") else "synthetic shop, 6,000 x 3,700"
    log = (
        load(chosen.data) if os.environ.get("HEDGEROW_DATA") else Shop(6_000, 3_700).interactions()
    )
    updates = als_updates(log)
    print(f"ALS d={DIMENSION} on {name}, {len(log.users):,} clients, client updates/s:")
    for key in ("one process", "2 processes", "limit of one core"):
        print(f"  {key:<18} {updates[key]:>10,.0f}")
    print(
        f"  one process reaches {updates['share of the limit']:.0%} of what a large float32 matrix "
        f"product gets out of the core ({updates['flops per update'] / 1e6:.2f} Mflop an update)"
    )
    single = recommending(100_000)
    print(
        f"recommend to one user among 100,000 items, d={DIMENSION}: {single['milliseconds']:.2f} ms"
    )
    if chosen.json:
        chosen.json.write_text(json.dumps({"als": updates, "recommend": single}, indent=2) + "\n")


if __name__ == "__main__":
    main()
