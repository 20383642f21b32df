"""Hedgerow: the workload through its own round loop, with two worker processes.

The examples are the given ones rather than drawn, so that all engines compute the same; all else
is the package's own: the executor, the round, the local epochs, the server's step.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from measure import Recorder, run_engine
from workload import Floats, Workload

from hedgerow.data.block import Block
from hedgerow.data.split import Fold
from hedgerow.federation.executors import Processes
from hedgerow.models.base import State
from hedgerow.models.factorization import Changes, Factorization, TrainLocally
from hedgerow.models.local_sgd import Examples
from hedgerow.statistics import Contributions

WORKERS = 2


@dataclass(frozen=True)
class TrainOnGiven(TrainLocally):
    """The factorization's step, on examples that the block holds: its weights are the labels."""

    def contributions(self, data: Fold) -> Contributions:
        """Take each interaction as an example."""
        block = data.history
        labels = np.ones(len(block.items), np.float32) if block.weights is None else block.weights
        items = block.items.astype(np.int64)
        examples = Examples(block.indptr, items, None, labels, np.ones_like(labels))
        return Changes(self.schema, self.state.arrays["vectors"], examples, self.recipe.epochs)


def train(path: Path, rounds: int, recorder: Recorder) -> Floats:
    """Train for some rounds, with every client in each, and return the final vectors."""
    job = Workload.load(path)
    recipe = Factorization(
        dimension=job.vectors.shape[1],
        rounds=rounds,
        local_epochs=job.epochs,
        local_rate=float(job.learning_rate),
        server="average",
        server_rate=1.0,
    )
    block = Block(
        indptr=job.indptr,
        items=job.items,
        n_items=len(job.vectors),
        keys=np.arange(job.n_clients),
        timestamps=np.arange(len(job.items)),
        weights=job.labels,
    )
    state = State({"vectors": job.vectors, "seed": np.array(0)})
    everyone = np.ones(job.n_clients)
    with Processes(Fold(block, block.where(block.ages < 0)), WORKERS) as workers:
        recorder.start()
        for _ in range(rounds):
            step = TrainOnGiven(recipe, state)
            state = step.update(workers.sum(step, everyone))
            recorder.round_done(state.arrays["vectors"])
    return state.arrays["vectors"]


if __name__ == "__main__":
    run_engine("hedgerow", version("hedgerow"), train)
