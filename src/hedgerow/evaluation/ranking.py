"""Ranks of held-out items, among all items or sampled ones; ties count against the model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hedgerow.data.block import Block
from hedgerow.data.hashing import bits
from hedgerow.data.split import Fold
from hedgerow.statistics import Array

LOWEST = np.finfo(np.float32).min
"""Stands in for a score that is no number, below all others but above what is no candidate."""

SAMPLING_STREAM = 99
"""Keeps the draw of sampled candidates apart from other draws with the same seed."""


@dataclass(frozen=True)
class Ranked:
    """Where a model puts the held-out items of some users.

    Parameters
    ----------
    targets
        The held-out items that could be recommended.
    full
        Rank of each target (1 is best) among all candidates, shape (targets,).
    sampled
        Rank of each among the user's targets and sampled candidates; empty where none were
        sampled.
    top
        The k best candidates of each user, best first, shape (users, k); -1 where there are
        fewer than k.
    """

    targets: Block
    full: NDArray[np.int64]
    sampled: NDArray[np.int64]
    top: NDArray[np.int64]


def rank(scores: Array, fold: Fold, *, k: int, sampled: int, repeats: bool, seed: int) -> Ranked:
    """Rank every user's held-out items.

    Parameters
    ----------
    scores
        Shape (users, items).
    fold
        The users' histories and held-out items.
    k
        Length of the lists of recommendations.
    sampled
        How many items to draw for the sampled ranking, uniformly from those that are neither in
        the history nor held out; 0 leaves it out.
    repeats
        Whether items of the history are candidates too.
    seed
        For the draw.
    """
    values = np.where(np.isfinite(scores), scores, LOWEST).astype(np.float32, copy=False)
    if values is scores or not values.flags.owndata:
        values = values.copy()
    rows, items = fold.history.rows, fold.history.items
    targets = _reachable(fold, repeats=repeats)
    t_rows, t_items = targets.rows, targets.items
    wanted = values[t_rows, t_items]
    barred = np.zeros(values.shape, np.bool_)
    if not repeats:
        barred[rows, items] = True
        values[barred] = -np.inf
    top = _best(values, barred, k)
    # Among a user's own targets the order decides; against all others a tie is lost.
    order = np.lexsort((-wanted, t_rows))
    ahead = np.empty(len(wanted), np.int64)
    ahead[order] = targets.positions
    values[t_rows, t_items] = -np.inf
    full = 1 + ahead + _at_least(values, targets, wanted)
    if not sampled:
        return Ranked(targets, full, np.zeros(0, np.int64), top)
    barred[rows, items] = True
    drawn = _draw(barred, targets, sampled, seed, fold.history.keys)
    against = np.where(drawn >= 0, np.take_along_axis(values, drawn.clip(0), axis=1), -np.inf)
    beaten = (against[t_rows] >= wanted[:, None]).sum(1)
    return Ranked(targets, full, 1 + ahead + beaten, top)


def _reachable(fold: Fold, *, repeats: bool) -> Block:
    """Drop targets named twice and, without repeats, those that the history already holds."""
    targets, m = fold.targets, fold.targets.n_items
    pair = targets.rows * m + targets.items
    _, first = np.unique(pair, return_index=True)
    keep = np.zeros(len(pair), np.bool_)
    keep[first] = True
    if not repeats:
        keep &= ~np.isin(pair, fold.history.rows * m + fold.history.items)
    return targets.where(keep)


def _at_least(values: Array, targets: Block, wanted: Array) -> NDArray[np.int64]:
    """Count, for each target, the other candidates that score at least as high."""
    counts = np.zeros(len(wanted), np.int64)
    for position in range(int(targets.lengths.max(initial=0))):
        at = np.flatnonzero(targets.positions == position)
        users = targets.rows[at]
        block = values if len(users) == len(values) else values[users]
        counts[at] = np.count_nonzero(block >= wanted[at, None], axis=1)
    return counts


def _best(values: Array, barred: NDArray[np.bool_], k: int) -> NDArray[np.int64]:
    """Return the k best candidates of each row, best first."""
    k = min(k, values.shape[1])
    top = np.argpartition(values, -k, axis=1)[:, -k:]
    order = np.argsort(-np.take_along_axis(values, top, axis=1), axis=1, kind="stable")
    top = np.take_along_axis(top, order, axis=1)
    return np.where(np.take_along_axis(barred, top, axis=1), -1, top)


def _draw(
    barred: NDArray[np.bool_],
    targets: Block,
    count: int,
    seed: int,
    keys: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Draw items per user without replacement, from those neither met nor held out.

    Each user-item pair has a random number of its own; the smallest are drawn. Users with fewer
    candidates than asked for have -1 in the places left.
    """
    lots = bits(seed, SAMPLING_STREAM, keys[:, None], np.arange(barred.shape[1]))
    last = np.iinfo(np.uint64).max
    lots[barred] = last
    lots[targets.rows, targets.items] = last
    count = min(count, barred.shape[1])
    drawn = np.argpartition(lots, count - 1, axis=1)[:, :count]
    return np.where(np.take_along_axis(lots, drawn, axis=1) == last, -1, drawn)
