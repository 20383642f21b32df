"""Sums over many machines with Ray: a worker owns a shard and answers once a round."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from hedgerow.data.split import Fold
from hedgerow.errors import ConfigError
from hedgerow.federation.executors import shards, sum_blocks
from hedgerow.models.base import Step
from hedgerow.statistics import Statistics, total

Result = TypeVar("Result")


@dataclass
class Ray:
    """Ray actors, each with a shard of the users; never a task per client.

    Parameters
    ----------
    data
        What the clients hold.
    workers
        How many actors.
    address
        Of a running Ray cluster; None starts one on this machine.
    """

    data: Fold
    workers: int
    address: str | None = None
    _actors: list[tuple[Any, slice]] = field(default_factory=list, init=False)
    _started: bool = field(default=False, init=False)

    def __enter__(self) -> Self:
        try:
            import ray
        except ImportError as error:
            raise ConfigError(
                "The Ray executor needs an extra: pip install 'hedgerow[ray]'."
            ) from error
        if not ray.is_initialized():
            local = None if self.address else self.workers
            ray.init(
                address=self.address,
                num_cpus=local,
                include_dashboard=False,
                log_to_driver=False,
                logging_level="ERROR",
            )
            self._started = True
        worker = ray.remote(num_cpus=1)(_Worker)
        self._actors = [
            (worker.remote(self.data[shard]), shard) for shard in shards(self.data, self.workers)
        ]
        return self

    def sum(self, step: Step[Fold, Result], weights: NDArray[np.float64]) -> Statistics:
        """Broadcast the step once, and add the workers' totals in the shards' order."""
        import ray

        shared = ray.put(step)
        answers = [actor.sum.remote(shared, weights[shard]) for actor, shard in self._actors]
        return total(Statistics(ray.get(answer)) for answer in answers)

    def __exit__(self, *exc: object) -> None:
        """Stop the actors, and the cluster where this object started it."""
        import ray

        for actor, _ in self._actors:
            ray.kill(actor)
        self._actors.clear()
        if self._started:
            ray.shutdown()
            self._started = False


class _Worker:
    """A process of a Ray cluster with its shard."""

    def __init__(self, data: Fold) -> None:
        self.data = data

    def sum(self, step: Step[Fold, Result], weights: NDArray[np.float64]) -> dict[str, Any]:
        return dict(sum_blocks(step, self.data, weights))
