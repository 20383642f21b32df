"""Canaries: users with random histories, whose presence an auditor tries to tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hedgerow.data.block import Block
from hedgerow.federation.audit.stacking import stacked

LONG = 0.9
"""Of real histories' lengths, the quantile that canaries have: their terms reach the clip."""

MOST_OF_CATALOG = 0.25
"""Of the items, the share that a canary meets at most: their terms differ from one another."""


@dataclass(frozen=True)
class Canaries:
    """Users made for an audit, each of which is in the data or not by a fair coin.

    Parameters
    ----------
    block
        Their histories.
    included
        The coins, shape (canaries,).
    """

    block: Block
    included: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.block)

    @classmethod
    def draw(
        cls, data: Block, count: int, rng: np.random.Generator, length: int | None = None
    ) -> Canaries:
        """Make canaries beside some data: histories as long as long ones, of uniform items.

        Parameters
        ----------
        data
            The real users, at least one.
        count
            How many.
        rng
            For histories and coins.
        length
            Of the histories, at most that of the catalog; by default that of long ones.
        """
        if length is None:
            longest = max(1, int(MOST_OF_CATALOG * data.n_items))
            length = min(longest, max(1, round(float(np.quantile(data.lengths, LONG)))))
        items = np.concatenate(
            [rng.choice(data.n_items, length, replace=False) for _ in range(count)]
        )
        first, last = int(data.timestamps.min()), int(data.timestamps.max())
        times = np.sort(rng.integers(first, last + 1, (count, length)), axis=1)
        weights = None if data.weights is None else np.ones(len(items), np.float32)
        block = Block(
            indptr=np.arange(count + 1) * length,
            items=items.astype(np.int32),
            n_items=data.n_items,
            keys=data.keys.max() + 1 + np.arange(count),
            timestamps=times.ravel(),
            weights=weights,
        )
        return cls(block, rng.random(count) < 0.5)

    def beside(self, data: Block) -> Block:
        """Return the data and, after them, the canaries that are included."""
        return stacked(data, self.block.take(np.flatnonzero(self.included)))
