"""The yardstick: the workload as a plain NumPy loop, in one process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from measure import Recorder, run_engine
from workload import Floats, Workload, client_update


def train(path: Path, rounds: int, recorder: Recorder) -> Floats:
    """Train for some rounds, with every client in each, and return the final vectors."""
    job = Workload.load(path)
    vectors = job.vectors
    recorder.start()
    for _ in range(rounds):
        total = np.zeros_like(vectors)
        for index in range(job.n_clients):
            total += client_update(vectors, *job.client(index), job.learning_rate, job.epochs)
        vectors = vectors + total / np.float32(job.n_clients)
        recorder.round_done(vectors)
    return vectors


if __name__ == "__main__":
    run_engine("numpy", np.__version__, train)
