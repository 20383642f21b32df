"""What a ranking is worth to one user: the metrics, one number per user and metric.

All are averages of per-user numbers, so that a sum over clients gives them without moving data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hedgerow.data.block import Block
from hedgerow.evaluation.ranking import Ranked
from hedgerow.statistics import Array

ACCURACY = ("hr", "ndcg", "recall", "precision", "mrr", "map")
LISTS = ("novelty", "diversity", "serendipity")


@dataclass(frozen=True)
class Yardstick:
    """Public facts against which lists of recommendations are held, the same for all models.

    Parameters
    ----------
    popularity
        How many users met each item in training, shape (items,).
    vectors
        Public item vectors of unit length, shape (items, dimension), that say how alike two
        items are: from the catalog's features, or learned as a sum.
    """

    popularity: NDArray[np.float64]
    vectors: NDArray[np.float32]

    @property
    def information(self) -> NDArray[np.float64]:
        """Self-information of meeting an item, in bits (Vargas and Castells 2011)."""
        counts = self.popularity + 1
        return np.asarray(-np.log2(counts / counts.sum()))


def accuracy(ranks: NDArray[np.int64], targets: Block, k: int) -> Mapping[str, Array]:
    """Return hit rate, NDCG, recall, precision, reciprocal rank and average precision at k.

    Parameters
    ----------
    ranks
        The rank of each target, 1 being best, shape (targets,).
    targets
        Whose they are.
    k
        How many recommendations are looked at.

    Returns
    -------
    mapping
        Metric name to one value per user, shape (users,); users without target have 0.
    """
    n, rows = len(targets), targets.rows
    hit = ranks <= k
    hits = np.bincount(rows, hit, n)
    order = np.lexsort((ranks, rows))
    place = np.empty(len(ranks), np.float64)
    place[order] = targets.positions + 1
    gain = np.bincount(rows, hit / np.log2(ranks + 1.0), n)
    discounts = np.concatenate([[0], np.cumsum(1 / np.log2(np.arange(2, k + 2)))])
    possible = np.minimum(targets.lengths, k)
    best = np.zeros(n)
    np.maximum.at(best, rows, hit / ranks)
    return {
        "hr": (hits > 0).astype(np.float64),
        "ndcg": gain / np.maximum(discounts[possible], 1e-12),
        "recall": hits / np.maximum(targets.lengths, 1),
        "precision": hits / k,
        "mrr": best,
        "map": np.bincount(rows, hit * place / ranks, n) / np.maximum(possible, 1),
    }


def of_lists(ranked: Ranked, yardstick: Yardstick, k: int) -> Mapping[str, Array]:
    """Return novelty, diversity and serendipity of each user's list.

    Novelty is the mean self-information of the recommended items in bits; diversity the mean of
    1 - cosine over all pairs of the list; serendipity the share of held-out items found that are
    not among the k most popular items.
    """
    top, real = ranked.top, ranked.top >= 0
    length = np.maximum(real.sum(1), 1)
    information = np.where(real, yardstick.information[top.clip(0)], 0).sum(1) / length
    vectors = yardstick.vectors[top.clip(0)] * real[:, :, None]
    # The sum of all pairs' cosines is half of |sum of vectors|^2 less the vectors' own squares.
    together = (vectors.sum(1, dtype=np.float64) ** 2).sum(1)
    own = (vectors.astype(np.float64) ** 2).sum((1, 2))
    pairs = np.maximum(length * (length - 1), 1)
    similarity = (together - own) / pairs
    head = np.zeros(len(yardstick.popularity), np.bool_)
    head[np.argsort(-yardstick.popularity, kind="stable")[:k]] = True
    targets = ranked.targets
    found = (ranked.full <= k) & ~head[targets.items]
    surprising = np.bincount(targets.rows, found, len(targets)) / np.maximum(targets.lengths, 1)
    return {
        "novelty": information,
        "diversity": np.where(length > 1, 1 - similarity, 0),
        "serendipity": surprising,
    }


def coverage(exposure: Array) -> float:
    """Return the share of the catalog that was recommended to anyone."""
    return float(np.count_nonzero(exposure > 0.5) / max(len(exposure), 1))


def gini(exposure: Array) -> float:
    """Return the Gini coefficient of recommendations over items; 0 is even, 1 all on one item."""
    counts = np.sort(np.maximum(exposure, 0))
    n, mass = len(counts), counts.sum()
    if not mass:
        return 0.0
    return float((2 * np.arange(1, n + 1) - n - 1) @ counts / (n * mass))
