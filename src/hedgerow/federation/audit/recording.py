"""Recording what a run releases, step by step, for an auditor to look at afterwards."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hedgerow.data.split import Fold
from hedgerow.federation.bounding import Clipped
from hedgerow.federation.group import Group
from hedgerow.federation.pipeline import Passed, Pipeline
from hedgerow.models.base import Step
from hedgerow.privacy.policy import Policy

Result = TypeVar("Result")

UNCLIPPED = sys.float_info.max
"""The bound of terms that were not clipped."""


@dataclass(frozen=True)
class Recorded:
    """One sum that was used.

    Parameters
    ----------
    step
        What was computed, from the public state of that moment.
    number
        Of the step in the plan, from 0.
    group
        Who took part.
    model
        Hash of the public state, to which secured sums are bound.
    bound
        The L2 norm to which terms were clipped; `UNCLIPPED` where they were not.
    values
        What came out, flat, shape (step.schema.size,).
    sigma
        Standard deviation of the noise in it; 0 for an exact sum.
    """

    step: Step[Fold, Any]
    number: int
    group: Group
    model: bytes
    bound: float
    values: NDArray[np.float64]
    sigma: float

    @property
    def clipped(self) -> Clipped[Any]:
        """The step with its terms as they went into the sum."""
        return Clipped(self.step, self.bound)

    def exact(self, users: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the sum over some of those who took part, without noise, flat.

        Parameters
        ----------
        users
            Shape (users of the run,).
        """
        group = self.group
        present = sum(group.clients.users_of(cohort.present) for cohort in group.cohorts)
        summed = group.executor.sum(self.clipped, np.asarray(present * users, np.float64))
        return self.step.schema.flatten(summed).astype(np.float64)


@dataclass(frozen=True)
class Recorder:
    """A pipeline that keeps what it gave out.

    Parameters
    ----------
    pipeline
        What makes the sums.
    releases
        Filled as the run goes on.
    """

    pipeline: Pipeline
    releases: list[Recorded] = field(default_factory=list)

    @property
    def policy(self) -> Policy:
        """What is promised."""
        return self.pipeline.policy

    @property
    def spent(self) -> float | None:
        """The epsilon that was spent so far; None where nothing is promised."""
        return self.pipeline.spent

    def sum(
        self, group: Group, step: Step[Fold, Result], number: int, model: bytes = b""
    ) -> Passed:
        """Return the pipeline's sum, and keep it."""
        passed = self.pipeline.sum(group, step, number, model)
        values = step.schema.flatten(passed.total).astype(np.float64)
        bound, sigma = self._bound(number), passed.total.noise
        self.releases.append(Recorded(step, number, group, model, bound, values, sigma))
        return passed

    def _bound(self, number: int) -> float:
        """Return to which norm the terms of a step were clipped."""
        pipeline = self.pipeline
        if pipeline.policy.private:
            name = f"{pipeline.run}/{number}"
            return next(e.clip for e in pipeline.ledger.of(pipeline.account) if e.name == name)
        if pipeline.policy.secure == "none":
            return UNCLIPPED
        # Without noise a bound that has to be found is that of the longest term: nothing is cut.
        return pipeline.plan.steps[number].bound or UNCLIPPED
