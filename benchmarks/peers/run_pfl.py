"""The workload in pfl (Apple's pfl-research), on its NumPy side: one process, no ML framework.

The model, the algorithm and the federated dataset are the classes that pfl asks its users to
write; cohorts, aggregation and the loop over rounds are pfl's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from measure import Recorder, run_engine
from pfl.aggregate.simulate import SimulatedBackend  # type: ignore[import-not-found]
from pfl.algorithm.base import FederatedAlgorithm  # type: ignore[import-not-found]
from pfl.callback.base import TrainingProcessCallback  # type: ignore[import-not-found]
from pfl.common_types import Population  # type: ignore[import-not-found]
from pfl.context import CentralContext  # type: ignore[import-not-found]
from pfl.data.dataset import Dataset  # type: ignore[import-not-found]
from pfl.data.federated_dataset import FederatedDataset  # type: ignore[import-not-found]
from pfl.data.sampling import get_user_sampler  # type: ignore[import-not-found]
from pfl.hyperparam import (  # type: ignore[import-not-found]
    AlgorithmHyperParams,
    ModelHyperParams,
)
from pfl.metrics import Metrics  # type: ignore[import-not-found]
from pfl.model.base import Model  # type: ignore[import-not-found]
from pfl.stats import MappedVectorStatistics  # type: ignore[import-not-found]
from workload import Floats, Workload, client_update


@dataclass(frozen=True)
class LocalTraining(ModelHyperParams):  # type: ignore[misc]
    """How a client trains.

    Parameters
    ----------
    learning_rate
        Step size.
    epochs
        Number of full-batch epochs.
    """

    learning_rate: float
    epochs: int


@dataclass(frozen=True)
class Rounds(AlgorithmHyperParams):  # type: ignore[misc]
    """How many rounds to run, and with how many clients.

    Parameters
    ----------
    central_num_iterations
        Number of rounds.
    cohort_size
        Clients in a round.
    """

    central_num_iterations: int
    cohort_size: int


class ItemVectors(Model):  # type: ignore[misc]
    """The item vectors, which the clients' mean change updates.

    Parameters
    ----------
    vectors
        Initial item vectors; copied.
    """

    def __init__(self, vectors: Floats) -> None:
        self.vectors = vectors.copy()

    def apply_model_update(self, statistics: MappedVectorStatistics) -> tuple[ItemVectors, Metrics]:
        """Add the mean change in place."""
        self.vectors += statistics["vectors"]
        return self, Metrics()


class LocalFactorization(FederatedAlgorithm):  # type: ignore[misc]
    """Local full-batch training of the item vectors, averaged over the clients."""

    def get_next_central_contexts(
        self,
        model: ItemVectors,
        iteration: int,
        algorithm_params: Rounds,
        model_train_params: LocalTraining,
        model_eval_params: ModelHyperParams | None = None,
    ) -> tuple[tuple[CentralContext, ...] | None, ItemVectors, Metrics]:
        """Ask for one training cohort a round."""
        if iteration == algorithm_params.central_num_iterations:
            return None, model, Metrics()
        context = CentralContext(
            current_central_iteration=iteration,
            do_evaluation=False,
            cohort_size=algorithm_params.cohort_size,
            population=Population.TRAIN,
            algorithm_params=algorithm_params,
            model_train_params=model_train_params,
            model_eval_params=model_eval_params,
            seed=self._get_seed(),
        )
        return (context,), model, Metrics()

    def simulate_one_user(
        self, model: ItemVectors, user_dataset: Dataset, central_context: CentralContext
    ) -> tuple[MappedVectorStatistics, Metrics]:
        """Train one client."""
        items, labels = user_dataset.raw_data
        params = central_context.model_train_params
        change = client_update(model.vectors, items, labels, params.learning_rate, params.epochs)
        return MappedVectorStatistics({"vectors": change}, weight=1), Metrics()

    def process_aggregated_statistics(
        self,
        central_context: CentralContext,
        aggregate_metrics: Metrics,
        model: ItemVectors,
        statistics: MappedVectorStatistics,
    ) -> tuple[ItemVectors, Metrics]:
        """Turn the sum of the changes into their mean and apply it."""
        statistics.average()
        return model.apply_model_update(statistics)


class RoundClock(TrainingProcessCallback):  # type: ignore[misc]
    """Tell the recorder where a round ends.

    Parameters
    ----------
    recorder
        The stopwatch.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def on_train_begin(self, *, model: ItemVectors) -> Metrics:
        """Start the clock."""
        self._recorder.start()
        return Metrics()

    def after_central_iteration(
        self, aggregate_metrics: Metrics, model: ItemVectors, *, central_iteration: int
    ) -> tuple[bool, Metrics]:
        """Stop the round's clock."""
        self._recorder.round_done(model.vectors)
        return False, Metrics()


def train(path: Path, rounds: int, recorder: Recorder) -> Floats:
    """Train for some rounds, with every client in each, and return the final vectors."""
    job = Workload.load(path)
    clients = {index: job.client(index) for index in range(job.n_clients)}
    # This sampler walks through the clients in turn: a cohort of all of them is everyone, once.
    sampler = get_user_sampler("minimize_reuse", list(clients))
    dataset = FederatedDataset.from_slices(clients, sampler)
    model: ItemVectors = LocalFactorization().run(
        Rounds(central_num_iterations=rounds, cohort_size=job.n_clients),
        SimulatedBackend(training_data=dataset, val_data=dataset),
        ItemVectors(job.vectors),
        LocalTraining(learning_rate=job.learning_rate, epochs=job.epochs),
        callbacks=[RoundClock(recorder)],
        send_metrics_to_platform=False,
    )
    return np.asarray(model.vectors)


if __name__ == "__main__":
    run_engine("pfl", version("pfl"), train)
