"""A group: the clients that take part in one step, wherever their data are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from hedgerow.data.split import Fold
from hedgerow.errors import PolicyError
from hedgerow.federation.clients import Clients, Cohort
from hedgerow.federation.executors import Executor
from hedgerow.models.base import Step
from hedgerow.statistics import Statistics

Result = TypeVar("Result")


@dataclass(frozen=True)
class Group:
    """Who takes part in a step.

    Parameters
    ----------
    executor
        Where the clients' data are.
    clients
        Who holds which users.
    cohorts
        Who is asked and who answers, cohort by cohort; nobody answers in two of them.
    """

    executor: Executor
    clients: Clients
    cohorts: Sequence[Cohort]

    @property
    def answered(self) -> int:
        """How many clients answered in all."""
        return sum(int(cohort.present.sum()) for cohort in self.cohorts)

    def of_at_least(self, minimum: int) -> Group:
        """Return the group without cohorts of which so few answered that no sum may be opened.

        Raises
        ------
        PolicyError
            That leaves none.
        """
        large = [c for c in self.cohorts if c.present.sum() >= minimum]
        if not large:
            most = max(int(c.present.sum()) for c in self.cohorts)
            raise PolicyError(
                f"Only {most} clients answered where the policy opens no sum of fewer than "
                f"{minimum}; ask more of them, or lower the minimum."
            )
        return replace(self, cohorts=large)

    def counts(self, cohort: Cohort, unit: str) -> tuple[int, int]:
        """Return how many units of privacy and how many clients a cohort may put into a sum."""
        clients = int(cohort.asked.sum())
        users = int(self.clients.users_of(cohort.asked).sum())
        return (users if unit == "user" else clients), clients

    def sums(self, step: Step[Fold, Result]) -> Iterator[Statistics]:
        """Yield one sum per cohort, made by the executor."""
        for cohort in self.cohorts:
            yield self.executor.sum(step, self.clients.users_of(cohort.present))

    def data_of(self, client: int) -> Fold:
        """Return what a client holds."""
        return self.executor.data.take(np.flatnonzero(self.clients.owner == client))
