"""Steps whose terms are bounded: clipping, and the histogram by which a clip is found.

Both wrap a step and are steps themselves, so that executors, secured sums and noise treat them as
any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from hedgerow.data.split import Fold
from hedgerow.models.base import Step
from hedgerow.privacy.adaptive_clipping import BINS, clip_from, histogram
from hedgerow.privacy.clipping import clipped
from hedgerow.statistics import Contributions, Field, Schema, Statistics

Result = TypeVar("Result")


@dataclass(frozen=True)
class Clipped(Generic[Result]):
    """A step whose users' terms are clipped to an L2 bound."""

    step: Step[Fold, Result]
    bound: float

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
        """Bound the step's own contributions."""
        return Bounded(self.step.contributions(data), self.bound)

    def update(self, total: Statistics) -> Result:
        """Pass on the sum."""
        return self.step.update(total)


@dataclass(frozen=True)
class Bounded:
    """Contributions none of which is longer than a bound."""

    inner: Contributions
    bound: float

    @property
    def schema(self) -> Schema:
        """The public shape of one user's statistics."""
        return self.inner.schema

    def __len__(self) -> int:
        return len(self.inner)

    def norms(self) -> NDArray[np.float64]:
        """Return the norms after clipping."""
        return np.minimum(self.inner.norms(), self.bound)

    def sum(self, weights: NDArray[np.float64]) -> Statistics:
        """Return the weighted sum of the clipped terms."""
        return self.inner.sum(clipped(weights, self.inner.norms(), self.bound))


@dataclass(frozen=True)
class MeasureNorms:
    """Sum, over users, in which bin the norm of their term of another step lies.

    Parameters
    ----------
    step
        The step whose clip is wanted.
    quantile
        Of the norms, where the clip shall lie.
    """

    step: Step[Fold, object]
    quantile: float

    @property
    def name(self) -> str:
        """Say for what."""
        return f"find the clip: {self.step.name}"

    @property
    def additive(self) -> bool:
        """Everybody is measured once."""
        return self.step.additive

    @property
    def schema(self) -> Schema:
        """One count per bin; each user is in one of them."""
        return Schema({"bins": Field((BINS,))})

    def contributions(self, data: Fold) -> Contributions:
        """Find every user's bin."""
        return Binned(self.schema, self.step.contributions(data).norms())

    def update(self, total: Statistics) -> float:
        """Return the clip."""
        return clip_from(total["bins"], total.noise, self.quantile)


@dataclass(frozen=True)
class Binned:
    """One bin per user."""

    schema: Schema
    lengths: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.lengths)

    def norms(self) -> NDArray[np.float64]:
        """Return 1 for everyone: each user is in exactly one bin."""
        return np.ones(len(self.lengths))

    def sum(self, weights: NDArray[np.float64]) -> Statistics:
        """Count."""
        return Statistics({"bins": histogram(self.lengths, weights)})
