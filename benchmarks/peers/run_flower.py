"""The workload in Flower: its simulation runtime on Ray, with two CPUs.

Server and client are the applications that Flower asks its users to write. `FedAvg` averages the
clients' vectors with equal weights, which is the mean of their changes added to the vectors.
"""

from __future__ import annotations

import os

# Both report usage over the network unless told not to, and read this when imported.
os.environ["FLWR_TELEMETRY_ENABLED"] = "0"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

from importlib.metadata import version
from pathlib import Path

from flower_client import app as client_app
from flwr.app import (  # type: ignore[import-not-found]
    Array,
    ArrayRecord,
    ConfigRecord,
    Context,
)
from flwr.serverapp import Grid, ServerApp  # type: ignore[import-not-found]
from flwr.serverapp.strategy import FedAvg  # type: ignore[import-not-found]
from flwr.simulation import run_simulation  # type: ignore[import-not-found]
from measure import Recorder, run_engine
from workload import Floats, Workload

CPUS = 2
# Training takes a client far less time than its messages do on their way, so that workers mostly
# wait: eight on two CPUs are twice as fast as two, for half as much memory again, and sixteen are
# no faster.
CLIENT_CPUS = 0.25


class Server:
    """The server application's state: what it trains, and what came of it.

    Parameters
    ----------
    path
        The workload's file, which clients read as well.
    rounds
        Number of rounds.
    recorder
        The stopwatch.
    """

    def __init__(self, path: Path, rounds: int, recorder: Recorder) -> None:
        job = Workload.load(path)
        self.vectors = job.vectors
        self.n_clients = job.n_clients
        self._path = path
        self._rounds = rounds
        self._recorder = recorder

    def main(self, grid: Grid, context: Context) -> None:
        """Run every round, with every client in each."""
        strategy = FedAvg(
            fraction_evaluate=0.0,
            # Nodes register while the first round is being configured: as a fraction, everyone
            # would be the few that are there by then.
            min_train_nodes=self.n_clients,
            min_available_nodes=self.n_clients,
            weighted_by_key="weight",
        )
        strategy.start(
            grid=grid,
            initial_arrays=ArrayRecord({"vectors": Array(self.vectors)}),
            num_rounds=self._rounds,
            train_config=ConfigRecord({"workload": str(self._path.resolve())}),
            evaluate_fn=self._after_round,
        )

    def _after_round(self, server_round: int, arrays: ArrayRecord) -> None:
        """Keep the vectors; Flower calls this before the first round and after each."""
        self.vectors = arrays["vectors"].numpy()
        if server_round == 0:
            self._recorder.start()
        else:
            self._recorder.round_done(self.vectors)


def train(path: Path, rounds: int, recorder: Recorder) -> Floats:
    """Train for some rounds, with every client in each, and return the final vectors."""
    server = Server(path, rounds, recorder)
    server_app = ServerApp()
    server_app.main()(server.main)
    run_simulation(
        server_app=server_app,
        client_app=client_app,
        num_supernodes=server.n_clients,
        backend_config={
            "client_resources": {"num_cpus": CLIENT_CPUS},
            "init_args": {"num_cpus": CPUS},
        },
    )
    return server.vectors


if __name__ == "__main__":
    run_engine("flower", version("flwr"), train)
