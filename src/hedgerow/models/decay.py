"""Decayed sums along histories, for all users of a block at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hedgerow.data.block import Block
from hedgerow.statistics import Array

PIECE = 1 << 15
"""Interactions worked on at a time, so that their features fit in memory."""


@dataclass(frozen=True)
class TimeMajor:
    """A block's interactions in the order of their positions: all first ones, all second ones, ...

    Users are taken longest first, so that those who have a next interaction come first in each
    position, and a step along time is one operation on contiguous rows.

    Parameters
    ----------
    order
        The block's interactions in this order, shape (interactions,).
    users
        The user's row of each, shape (interactions,).
    ends
        Where each position starts and ends, shape (longest history + 1,).
    """

    order: NDArray[np.int64]
    users: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, block: Block) -> TimeMajor:
        """Lay a block out."""
        longest_first = np.argsort(-block.lengths, kind="stable")
        rank = np.empty(len(block), np.int64)
        rank[longest_first] = np.arange(len(block))
        order = np.lexsort((rank[block.rows], block.positions))
        counts = np.bincount(block.positions)
        return cls(order, block.rows[order], np.concatenate([[0], np.cumsum(counts)]))

    def forward(self, values: Array, decay: float) -> Array:
        """Add to each row ``decay`` times the result of the row before it, in place.

        Parameters
        ----------
        values
            In this order, shape (interactions, ...).
        decay
            Between 0 and 1.
        """
        ends = self.ends
        for t in range(1, len(ends) - 1 if decay else 0):
            active = ends[t + 1] - ends[t]
            values[ends[t] : ends[t + 1]] += np.float32(decay) * values[ends[t - 1] :][:active]
        return values

    def backward(self, values: Array, decay: float) -> Array:
        """Add to each row ``decay`` times the result of the row after it, in place."""
        ends = self.ends
        for t in range(len(ends) - 3, -1, -1):
            active = ends[t + 2] - ends[t + 1]
            values[ends[t] :][:active] += np.float32(decay) * values[ends[t + 1] : ends[t + 2]]
        return values


def pieces(block: Block) -> Iterator[tuple[NDArray[np.int64], Block]]:
    """Cut a block into pieces of users with histories of like length and bounded size.

    Yields
    ------
    tuple
        The users' rows in the block, and their block.
    """
    order = np.argsort(block.lengths, kind="stable")
    order = order[block.lengths[order] > 0]
    sizes = np.cumsum(block.lengths[order])
    cuts = np.flatnonzero(np.diff(sizes // PIECE)) + 1
    for rows in np.split(order, cuts):
        if len(rows):
            yield rows, block.take(rows)
