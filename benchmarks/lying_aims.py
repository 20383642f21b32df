"""To whom liars push an item, and how they aim what they may send at most of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy

from hedgerow.data.block import Block
from hedgerow.statistics import Array

LIST = 10
"""How many items are recommended to each person."""

TURNS = 150
"""Steps of the ascent that aims a vector."""

RIDGES = (1e-1, 1e-3, 1e-5, 1e-7, 1e-9)
"""Of the strongest direction, what is added to all."""


@dataclass(frozen=True)
class Audience:
    """To whom an item is pushed.

    Parameters
    ----------
    histories
        Of everybody.
    target
        The item.
    """

    histories: Block
    target: int

    @cached_property
    def met(self) -> Array:
        """Who has met which item, shape (users, items)."""
        return self.histories.incidence().toarray() > 0

    @cached_property
    def newcomers(self) -> Array:
        """Those who have not met the target, to whom it could be recommended."""
        return np.flatnonzero(~self.met[:, self.target])

    def ahead(self, scores: Array) -> Array:
        """Return by how much the target is ahead of each newcomer's last place of the list."""
        values = np.where(np.isfinite(scores), scores, -np.inf).astype(np.float64)
        own = values[self.newcomers, self.target]
        values[self.met] = -np.inf
        values[:, self.target] = -np.inf
        return own - np.partition(values[self.newcomers], -LIST, axis=1)[:, -LIST]

    def exposure(self, scores: Array) -> float:
        """Return ER@10: in which share of the newcomers' lists the target is; ties count not."""
        return float(np.mean(self.ahead(scores) > 0))


def aimed(gains: Array, lacking: Array, reach: float) -> Array:
    """Return a vector no longer than ``reach`` for which most users get what they lack.

    The best of some ridge regressions to equal gains for all, then projected ascent on ever
    steeper sigmoids, which give up on those who are out of reach.

    Parameters
    ----------
    gains
        What each value adds to the target's score, shape (users, size).
    lacking
        What the score lacks, shape (users,).
    reach
        L2 norm.
    """
    scaled = gains * reach
    squares, turn = np.linalg.eigh(scaled @ scaled.T)
    along = turn.T @ np.ones(len(scaled))
    starts = [
        _within(scaled.T @ (turn @ (along / (squares.clip(0) + ridge * squares[-1]))), least=1.0)
        for ridge in RIDGES
    ]
    best = vector = max(starts, key=lambda start: np.sum(scaled @ start > lacking))
    spread, most = float(np.std(lacking)) or 1.0, -1
    for number in range(TURNS):
        ahead = scaled @ vector - lacking
        if (won := int(np.sum(ahead > 0))) > most:
            best, most = vector, won
        logistic = scipy.special.expit(-ahead / spread / 10 ** (-2 * number / TURNS))
        slope = scaled.T @ (logistic * (1 - logistic))
        step = 0.3 * (1 - number / TURNS) / max(float(np.linalg.norm(slope)), 1e-300)
        vector = _within(vector + step * slope)
    return np.asarray(best * reach)


def _within(vector: Array, least: float = 0.0) -> Array:
    """Return a vector scaled to a length of at most 1, and at least ``least``."""
    length = float(np.linalg.norm(vector))
    return vector * (min(max(length, least), 1) / max(length, 1e-300))
