"""The one door: all that ever leaves a client goes through :func:`contribute`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from hedgerow.data.block import Block
from hedgerow.data.split import Fold
from hedgerow.models.base import Step
from hedgerow.statistics import Contributions, Schema, Statistics

Result = TypeVar("Result")


def contribute(step: Step[Fold, Result], data: Fold, weights: NDArray[np.float64]) -> Statistics:
    """Return a client's term of the sum that a step asks for.

    Parameters
    ----------
    step
        What is computed.
    data
        What the client holds: one user (a device) or many (a silo).
    weights
        One per user: 1 takes part, 0 does not; clipping puts values between.
    """
    return step.contributions(data).sum(weights)


@dataclass(frozen=True)
class OnHistory(Generic[Result]):
    """A training step as clients run it: on their histories, never on what they hold out."""

    step: Step[Block, Result]

    @property
    def name(self) -> str:
        """What is being done."""
        return self.step.name

    @property
    def additive(self) -> bool:
        """Whether cohorts may be added up."""
        return self.step.additive

    @property
    def schema(self) -> Schema:
        """The public shape of a contribution."""
        return self.step.schema

    def contributions(self, data: Fold) -> Contributions:
        """Pass on the histories."""
        return self.step.contributions(data.history)

    def update(self, total: Statistics) -> Result:
        """Pass on the sum."""
        return self.step.update(total)
