"""Transitions: which item follows which, counted in a window (sequential rules).

After Ludewig and Jannach (2018), whose evaluation of session-based algorithms found such rules
hard to beat on sparse, ordered data. One round of items x items counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy
from numpy.typing import NDArray

from hedgerow.data.block import Block
from hedgerow.data.catalog import Catalog
from hedgerow.models.base import Items, Scorer, State, Step, check, check_pairs, run_steps
from hedgerow.models.denoising import counted
from hedgerow.models.expected import Expected, counts_of
from hedgerow.models.item_item import DecayedHistory
from hedgerow.models.limits import WINDOW, at_most
from hedgerow.privacy.charges import Charge, evenly
from hedgerow.statistics import Contributions, Field, Schema, Statistics


@dataclass(frozen=True)
class Transitions:
    """Windowed item-to-item counts.

    Parameters
    ----------
    window
        How many steps ahead an item still counts as a follower.
    fade
        The follower k steps ahead counts ``fade ** (k - 1)``.
    decay
        At scoring, an interaction weighs ``decay`` to the power of the number of later ones.
    normalization
        Counts are divided by the item's total to this power: 0 leaves them, 1 makes frequencies.
    """

    window: int = 10
    fade: float = 0.8
    decay: float = 0.7
    normalization: float = 1.0

    name: ClassVar[str] = "transitions"
    grid: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        "window": (3, 10, 20),
        "fade": (0.6, 0.8, 0.9),
        "decay": (0.3, 0.5, 0.7, 0.85),
        "normalization": (0.0, 0.5, 1.0),
    }

    def __post_init__(self) -> None:
        check(self.window >= 1, "The window must be at least 1.")
        at_most(WINDOW, self.window, "window")
        check(0 < self.fade <= 1, "The fade must be above 0 and at most 1.")
        check(0 < self.decay <= 1, "The decay must be above 0 and at most 1.")
        check(0 <= self.normalization <= 1, "The normalization must lie between 0 and 1.")

    @property
    def charges(self) -> tuple[Charge, ...]:
        """One sum."""
        return evenly(1)

    def start(self, catalog: Items, seed: int) -> State:
        """Return zero counts; nothing is random."""
        check_pairs(catalog, self.name)
        return State({"counts": np.zeros((len(catalog), len(catalog)), np.float32)})

    def expects(self, items: int, round_number: int) -> Mapping[str, Expected]:
        """Expect a count per ordered pair of items."""
        return {"counts": counts_of(items, items)}

    def step(self, state: State) -> Step[Block, State] | None:
        """Count once."""
        return None if state.round else CountFollowers(self, state)

    def scorer(self, state: State) -> Scorer:
        """Score by the normalised counts of the decayed history."""
        counts = state.arrays["counts"]
        totals = np.maximum(counts.sum(1, keepdims=True), 1)
        weights = counts / totals**self.normalization
        return DecayedHistory(np.asarray(weights, np.float32), self.decay)

    def pooled(self, block: Block, catalog: Catalog, seed: int) -> State:
        """Count in one place: the same sum."""
        return run_steps(self, self.start(catalog, seed), block)


@dataclass(frozen=True)
class CountFollowers:
    """Sum, over users, how often one item followed another, by distance."""

    recipe: Transitions
    state: State
    name: ClassVar[str] = "count followers per item"
    additive: ClassVar[bool] = True

    @property
    def schema(self) -> Schema:
        """One count per ordered pair of items."""
        return Schema({"counts": Field(self.state.arrays["counts"].shape)})

    def contributions(self, data: Block) -> Contributions:
        """Each user's pairs."""
        return Followers(self.schema, data, self.recipe)

    def update(self, total: Statistics) -> State:
        """Keep the counts."""
        counts = counted(total["counts"], total.noise)
        return self.state.then({"counts": counts.astype(np.float32)})


@dataclass(frozen=True)
class Followers:
    """A block's ordered pairs within the window, one distance at a time."""

    schema: Schema
    block: Block
    recipe: Transitions

    def __len__(self) -> int:
        return len(self.block)

    def _at(self, distance: int) -> NDArray[np.int64]:
        """Return the interactions that have a follower at this distance."""
        return np.flatnonzero(self.block.ages >= distance)

    def norms(self) -> NDArray[np.float64]:
        """Return the norms; a pair that recurs in one history adds up before it is squared."""
        block, recipe = self.block, self.recipe
        parts = [(self._at(k), k) for k in range(1, recipe.window + 1)]
        first = np.concatenate([at for at, _ in parts])
        second = np.concatenate([at + k for at, k in parts])
        weight = np.concatenate([np.full(len(at), recipe.fade ** (k - 1)) for at, k in parts])
        order = np.lexsort((block.items[second], block.items[first], block.rows[first]))
        first, second, weight = first[order], second[order], weight[order]
        key = np.stack([block.rows[first], block.items[first], block.items[second]])
        fresh = np.concatenate([[True], (key[:, 1:] != key[:, :-1]).any(0)])[: len(first)]
        starts = np.flatnonzero(fresh)
        sums = np.add.reduceat(weight, starts) if len(starts) else np.zeros(0)
        return np.sqrt(np.bincount(block.rows[first[starts]], sums**2, len(block)))

    def sum(self, weights: NDArray[np.float64]) -> Statistics:
        """Return the weighted counts."""
        block, m = self.block, self.block.n_items
        each = weights[block.rows].astype(np.float32)
        counts = np.zeros((m, m), np.float32)
        for k in range(1, self.recipe.window + 1):
            at = self._at(k)
            values = each[at] * np.float32(self.recipe.fade ** (k - 1))
            pairs = scipy.sparse.csr_array(
                (values, (block.items[at], block.items[at + k])), shape=(m, m)
            )
            rows = np.repeat(np.arange(m), np.diff(pairs.indptr))
            counts[rows, pairs.indices] += pairs.data
        return Statistics({"counts": counts})
