"""How far lying clients push an item that hardly anybody met.

    HEDGEROW_DATA=... python benchmarks/lying_clients.py [--models ...] [--json OUT]

Everybody of MovieLens 100K takes part honestly; liars come on top, and push the least popular item.
Printed is ER@10: the share of those who have not met it in whose ten recommendations it then is,
among all items. *norm* liars keep to the clip, as clients are asked to; a *ring* liar sends
whatever the secured sum's ring takes without wrapping around. The liars know everybody else's terms
but not the noise. Sums are as ``split`` opens them: clipped, and with the noise of both servers.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from lying_aims import Audience
from lying_sums import Liars, Poisoned
from threadpoolctl import threadpool_limits

from hedgerow import Clients, Interactions, load
from hedgerow.data.split import Fold
from hedgerow.federation.executors import Serial
from hedgerow.federation.pipeline import Pipeline
from hedgerow.federation.simulator import train
from hedgerow.models import ALS, ItemItem, Popularity, PrivateSequence, Sequence, Transitions
from hedgerow.models.base import Recipe
from hedgerow.privacy.ledger import Ledger
from hedgerow.privacy.policy import Policy

MODELS: Mapping[str, Recipe] = {
    "popularity": Popularity(),
    "transitions": Transitions(),
    "sequence, phone": Sequence.phone(),
    "private_sequence": PrivateSequence(),
    "als, d 32": ALS(dimension=32),
    "item_item": ItemItem(),
}

EPSILON = 2.0

WORKERS = 2


KINDS: Mapping[str, Liars] = {
    "1 norm": Liars(1),
    "9 norm": Liars(9),
    "1 ring": Liars(1, ring=True),
}


@dataclass(frozen=True)
class Cell:
    """One run of the table: a promise, a kind of liars, and a seed."""

    epsilon: float | None
    kind: str
    seed: int

    @property
    def head(self) -> str:
        """The column."""
        what = "no epsilon" if self.epsilon is None else f"epsilon {self.epsilon:g}"
        return f"{what}: {self.kind}"


def least_popular(log: Interactions) -> int:
    """Return the item that fewest have met, the first of them."""
    return int(np.argmin(log.block.incidence().sum(axis=0)))


def pushed(
    recipe: Recipe, log: Interactions, liars: Liars, epsilon: float | None, seed: int
) -> float:
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


def cells(seeds: int) -> list[Cell]:
    """Return all that is run for one model; without noise one seed says it all."""
    return [
        Cell(epsilon, kind, seed)
        for epsilon in (None, EPSILON)
        for kind in KINDS
        for seed in range(1 if epsilon is None else seeds)
    ]


def run(title: str, data: str, cell: Cell) -> float:
    """Run one cell, in one thread."""
    with threadpool_limits(1):
        log = load(data).distinct()
        return pushed(MODELS[title], log, KINDS[cell.kind], cell.epsilon, cell.seed)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="ml-100k")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--seeds", type=int, default=3, help="of the noise")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    chosen = parser.parse_args()
    heads = list(dict.fromkeys(cell.head for cell in cells(1)))
    print(f"| ER@10 | {' | '.join(heads)} |\n| --- |{' --: |' * len(heads)}", flush=True)
    found: dict[str, dict[str, list[float]]] = {}
    started = time.perf_counter()
    with ProcessPoolExecutor(WORKERS) as pool:
        asked = {
            title: [
                (cell, pool.submit(run, title, chosen.data, cell)) for cell in cells(chosen.seeds)
            ]
            for title in chosen.models
        }
        for title, running in asked.items():
            row: dict[str, list[float]] = {head: [] for head in heads}
            for cell, answer in running:
                row[cell.head].append(answer.result())
            figures = " | ".join(f"{np.mean(values):.3f}" for values in row.values())
            print(f"| {title} | {figures} |", flush=True)
            found[title] = row
            if chosen.json:
                chosen.json.write_text(json.dumps(found, indent=2) + "\n")
    print(
        f"\n{time.perf_counter() - started:.0f} s; epsilon: mean of {chosen.seeds} draws of noise"
    )


if __name__ == "__main__":
    main()
