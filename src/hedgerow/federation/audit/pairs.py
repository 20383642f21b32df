"""Pairs of a user and an item, of which the user has met half, and both histories of each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hedgerow.data.block import Block
from hedgerow.federation.audit.stacking import stacked

TRIES = 100
"""How often another user is drawn for an item that the one drawn has met."""


@dataclass(frozen=True)
class Pairs:
    """Users and items whose membership an attacker guesses.

    Parameters
    ----------
    present, absent
        Each pair's history with the item and without it, one user per pair.
    member
        Which of the two is the real one: whether the user has met the item, shape (pairs,).
    users
        The users' rows in the data, shape (pairs,).
    """

    present: Block
    absent: Block
    member: NDArray[np.bool_]
    users: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.member)

    @classmethod
    def draw(cls, data: Block, count: int, rng: np.random.Generator) -> Pairs:
        """Draw interactions, and for each its item with a user who has not met it.

        So members and non-members have the same items, and users of the same activity: nothing
        but the release can tell them apart. A non-member's item is put at a random position.

        Parameters
        ----------
        data
            The histories, with at least one interaction.
        count
            How many pairs of each kind; where few users have not met an item it may be fewer.
        rng
            For all draws.
        """
        drawn = rng.integers(len(data.items), size=count)
        items, users = data.items[drawn], data.rows[drawn]
        pair = np.int64(data.n_items)
        met = np.unique(data.rows * pair + data.items)
        strangers = data.rows[rng.integers(len(data.items), size=count)]
        for _ in range(TRIES):
            again = np.flatnonzero(np.isin(strangers * pair + items, met))
            if not len(again):
                break
            strangers[again] = data.rows[rng.integers(len(data.items), size=len(again))]
        kept = ~np.isin(strangers * pair + items, met)
        items, users, strangers = items[kept], users[kept], strangers[kept]
        real, others = data.take(users), data.take(strangers)
        offsets = rng.integers(others.lengths + 1)
        member = np.arange(2 * len(items)) < len(items)
        return cls(
            present=stacked(real, _with(others, items, offsets)),
            absent=stacked(_without(real, items), others),
            member=member,
            users=np.concatenate([users, strangers]),
        )


def _without(block: Block, items: NDArray[np.int32]) -> Block:
    """Take one item out of each user's history, wherever it stands there."""
    return block.where(block.items != items[block.rows])


def _with(block: Block, items: NDArray[np.int32], offsets: NDArray[np.int64]) -> Block:
    """Put one item into each user's history, with its neighbour's time, before a position."""
    at = block.indptr[:-1] + offsets
    times = block.timestamps[np.minimum(at, block.indptr[1:] - 1)]
    weights = None if block.weights is None else np.insert(block.weights, at, np.float32(1))
    return replace(
        block,
        indptr=block.indptr + np.arange(len(block) + 1),
        items=np.insert(block.items, at, items),
        timestamps=np.insert(block.timestamps, at, times),
        weights=weights,
    )
