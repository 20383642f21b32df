"""Evaluation as a federated step: clients judge a public model on their own data.

What leaves a client is a sum of metric values, of how often each item was recommended and, for
intervals, of the same values under random weights (the Poisson bootstrap: Chamandy et al. 2012).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy
from numpy.typing import NDArray

from hedgerow.data.hashing import uniform
from hedgerow.data.split import Fold
from hedgerow.errors import DataError
from hedgerow.evaluation.metrics import (
    ACCURACY,
    LISTS,
    Yardstick,
    accuracy,
    coverage,
    gini,
    of_lists,
)
from hedgerow.evaluation.ranking import rank
from hedgerow.models.base import Scorer
from hedgerow.statistics import Array, Contributions, Field, Schema, Statistics, total

CHUNK = 1 << 23
"""Scores held at a time: 32 MB."""

BOOTSTRAP_STREAM = 7
"""Keeps bootstrap weights apart from other draws with the same seed."""


@dataclass(frozen=True)
class EvaluationProtocol:
    """How models are judged.

    Parameters
    ----------
    k
        Length of the lists of recommendations.
    sampled
        Items drawn for the sampled ranking beside the full one; 0 leaves it out.
    repeats
        Whether a user may be recommended what is in the history.
    replicates
        Bootstrap replicates for intervals; 0 leaves them out.
    seed
        For the draws.
    """

    k: int = 10
    sampled: int = 99
    repeats: bool = False
    replicates: int = 200
    seed: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The metrics, in the order of the sums: ``full/...``, ``sampled/...``, ``list/...``."""
        kinds = ("full", "sampled") if self.sampled else ("full",)
        ranked = [f"{kind}/{name}@{self.k}" for kind in kinds for name in ACCURACY]
        return (*ranked, *(f"list/{name}@{self.k}" for name in LISTS))


@dataclass(frozen=True)
class Evaluation:
    """What a sum over clients says of a model.

    Parameters
    ----------
    users
        How many were judged.
    values
        Metric name to mean over users.
    replicates
        The same of every bootstrap replicate, shape (replicates, metrics), in the values' order.
    """

    users: int
    values: Mapping[str, float]
    replicates: Array

    def interval(self, name: str, level: float = 0.95) -> tuple[float, float]:
        """Return the bootstrap percentile interval of a metric; the value itself if none drawn."""
        if not len(self.replicates):
            return self.values[name], self.values[name]
        column = self.replicates[:, list(self.values).index(name)]
        low, high = np.quantile(column, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)


@dataclass(frozen=True)
class Evaluate:
    """Judge a scorer on each client's held-out items."""

    scorer: Scorer
    protocol: EvaluationProtocol
    yardstick: Yardstick
    name: ClassVar[str] = "evaluate"
    additive: ClassVar[bool] = True

    @property
    def schema(self) -> Schema:
        """Sums of metrics, users, bootstrap sums and the items recommended."""
        m, p = len(self.yardstick.popularity), len(self.protocol.names)
        return Schema(
            {
                "metrics": Field((p,)),
                "users": Field(),
                "replicates": Field((self.protocol.replicates, p + 1)),
                "exposure": Field((m,)),
            }
        )

    def contributions(self, data: Fold) -> Contributions:
        """Score and rank, some users at a time."""
        judged = data.judged()
        m = max(data.history.n_items, 1)
        step = max(1, CHUNK // m)
        chunks = [self._judge(judged[i : i + step]) for i in range(0, len(judged), step)]
        rows = np.flatnonzero((data.history.lengths > 0) & (data.targets.lengths > 0))
        return Verdicts(self.schema, len(data), rows, chunks)

    def _judge(self, fold: Fold) -> Verdict:
        protocol = self.protocol
        ranked = rank(
            self.scorer.scores(fold.history),
            fold,
            k=protocol.k,
            sampled=protocol.sampled,
            repeats=protocol.repeats,
            seed=protocol.seed,
        )
        columns = list(accuracy(ranked.full, ranked.targets, protocol.k).values())
        if protocol.sampled:
            columns += accuracy(ranked.sampled, ranked.targets, protocol.k).values()
        columns += of_lists(ranked, self.yardstick, protocol.k).values()
        judged = ranked.targets.lengths > 0
        values = np.stack([*columns, np.ones(len(fold))], axis=1) * judged[:, None]
        lots = uniform(
            protocol.seed,
            BOOTSTRAP_STREAM,
            fold.history.keys[:, None],
            np.arange(protocol.replicates),
        )
        draws = poisson_quantiles(lots)
        return Verdict(values, draws, np.where(judged[:, None], ranked.top, -1))

    def update(self, total: Statistics) -> Evaluation:
        """Turn sums into means.

        Raises
        ------
        DataError
            Nobody had anything held out.
        """
        users = float(total["users"])
        if users <= 0:
            raise DataError(
                "Nobody has both a history and a held-out interaction to judge by; give data in "
                "which some users have at least two interactions, or allow repeats if they are "
                "always with the same item."
            )
        values = dict(zip(self.protocol.names, (total["metrics"] / users).tolist(), strict=True))
        k = self.protocol.k
        values[f"list/coverage@{k}"] = coverage(total["exposure"])
        values[f"list/gini@{k}"] = gini(total["exposure"])
        drawn = total["replicates"]
        means = drawn[:, :-1] / np.maximum(drawn[:, -1:], 1)
        # Coverage and Gini have no replicates: exposure under weights would cost items x draws.
        fixed = np.tile([values[f"list/coverage@{k}"], values[f"list/gini@{k}"]], (len(drawn), 1))
        return Evaluation(round(users), values, np.hstack([means, fixed]))


def poisson_quantiles(lots: NDArray[np.float64]) -> NDArray[np.float32]:
    """Turn uniform numbers into Poisson(1) ones by inverting the distribution function."""
    steps = scipy.special.pdtr(np.arange(12), 1.0)
    return np.searchsorted(steps, lots, side="right").astype(np.float32)


@dataclass(frozen=True)
class Verdict:
    """What some users' clients found.

    Parameters
    ----------
    values
        Each user's metrics and, last, 1 if judged; shape (users, metrics + 1).
    draws
        Each user's bootstrap weights, shape (users, replicates).
    top
        Each user's recommended items, -1 for none, shape (users, k).
    """

    values: Array
    draws: Array
    top: NDArray[np.int64]


@dataclass(frozen=True)
class Verdicts:
    """The contributions of an evaluation; users without anything held out contribute zeros."""

    schema: Schema
    users: int
    rows: NDArray[np.int64]
    chunks: list[Verdict]

    def __len__(self) -> int:
        return self.users

    def norms(self) -> NDArray[np.float64]:
        """Return the norms; the bootstrap sums are an outer product of draws and values."""
        squares = np.zeros(self.users)
        parts = [
            (v.values.astype(np.float64) ** 2).sum(1)
            * (1 + (v.draws.astype(np.float64) ** 2).sum(1))
            + (v.top >= 0).sum(1)
            for v in self.chunks
        ]
        if parts:
            squares[self.rows] = np.concatenate(parts)
        return np.sqrt(squares)

    def sum(self, weights: NDArray[np.float64]) -> Statistics:
        """Return the weighted sums."""
        zeros = self.schema.zeros()
        return total([zeros, *self._sums(weights[self.rows])])

    def _sums(self, weights: NDArray[np.float64]) -> list[Statistics]:
        sums, start = [], 0
        m = self.schema.fields["exposure"].shape[0]
        for verdict in self.chunks:
            w = weights[start : start + len(verdict.values)]
            start += len(w)
            means = w @ verdict.values
            shown = verdict.top >= 0
            each = np.broadcast_to(w[:, None], shown.shape)[shown]
            sums.append(
                Statistics(
                    {
                        "metrics": means[:-1],
                        "users": means[-1],
                        "replicates": (verdict.draws * w[:, None]).T @ verdict.values,
                        "exposure": np.bincount(verdict.top[shown], each, m),
                    }
                )
            )
        return sums
