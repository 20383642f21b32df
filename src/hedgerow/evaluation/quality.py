"""Quality as the smallest sum that tells it: what a running federation measures of its models.

Each noised value costs privacy, so only three metrics and the number of those judged are summed,
each of them between 0 and 1 for one user. `evaluate` measures far more, where data are at hand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hedgerow.data.split import Fold
from hedgerow.evaluation.metrics import accuracy
from hedgerow.evaluation.ranking import rank
from hedgerow.models.base import Scorer
from hedgerow.statistics import Field, Rows, Schema, Statistics

METRICS = ("ndcg", "hr", "mrr")

BOUND = math.sqrt(len(METRICS) + 1)
"""The longest term of a user: every metric is 1."""


@dataclass(frozen=True)
class Quality:
    """What a sum says of a model.

    Parameters
    ----------
    users
        How many were judged; with noise an estimate.
    values
        ``ndcg@10`` and the like to its mean over them.
    deviation
        Standard deviation of the noise in each mean.
    """

    users: float
    values: dict[str, float]
    deviation: float


def margin(mean: float, users: float, deviation: float, z: float = 1.96) -> float:
    """Return half the width of an interval around a mean metric, for 95 % at the default ``z``.

    Users' own values are not known, only that each lies between 0 and 1: with a mean ``m`` their
    variance is ``m (1 - m)`` at most [1]_, so the interval is rather too wide. The noise of the sum
    comes on top.

    Parameters
    ----------
    mean
        Of the metric over the users.
    users
        How many were judged.
    deviation
        Standard deviation of the noise in the mean.
    z
        How many standard deviations.

    References
    ----------
    .. [1] R. Bhatia, C. Davis, "A better bound on the variance", Amer. Math. Monthly 107, 2000.
    """
    inside = min(max(mean, 0.0), 1.0)
    return z * math.sqrt(inside * (1 - inside) / max(users, 1.0) + deviation**2)


@dataclass(frozen=True)
class MeasureQuality:
    """Judge a scorer by the full ranking of each user's held-out items.

    Parameters
    ----------
    scorer
        What recommends.
    k
        Length of the lists.
    repeats
        Whether items of the history may be recommended.
    """

    scorer: Scorer
    k: int = 10
    repeats: bool = False
    name: ClassVar[str] = "measure quality"
    additive: ClassVar[bool] = True

    @property
    def schema(self) -> Schema:
        """Sums of metrics, and of users judged."""
        return Schema({"metrics": Field((len(METRICS),)), "users": Field()})

    def contributions(self, data: Fold) -> Rows:
        """Rank; users without history or held-out items contribute zeros."""
        rows = np.zeros((len(data), len(METRICS) + 1))
        judged = np.flatnonzero((data.history.lengths > 0) & (data.targets.lengths > 0))
        if len(judged):
            fold = data.take(judged)
            scores = self.scorer.scores(fold.history)
            ranked = rank(scores, fold, k=self.k, sampled=0, repeats=self.repeats, seed=0)
            found = accuracy(ranked.full, ranked.targets, self.k)
            some = ranked.targets.lengths > 0
            columns = [*(found[name] for name in METRICS), np.ones(len(judged))]
            rows[judged] = np.stack(columns, axis=1) * some[:, None]
        return Rows(self.schema, rows)

    def update(self, total: Statistics) -> Quality:
        """Turn sums into means; noise may leave them a little outside 0 to 1."""
        users = max(float(total["users"]), 1.0)
        means = (total["metrics"] / users).tolist()
        names = [f"{name}@{self.k}" for name in METRICS]
        return Quality(users, dict(zip(names, means, strict=True)), total.noise / users)
