"""Popularity: how many users met each item. One round, and the baseline of all baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hedgerow.data.block import Block
from hedgerow.data.catalog import Catalog
from hedgerow.models.base import Items, Scorer, Scores, State, Step, run_steps
from hedgerow.models.expected import COUNT, Expected
from hedgerow.models.sparse_sums import SparseRows
from hedgerow.privacy.charges import Charge, evenly
from hedgerow.statistics import Array, Contributions, Field, Schema, Statistics


@dataclass(frozen=True)
class Popularity:
    """Recommend what most users have met."""

    name: ClassVar[str] = "popularity"
    grid: ClassVar[Mapping[str, tuple[Any, ...]]] = {}

    @property
    def charges(self) -> tuple[Charge, ...]:
        """One sum."""
        return evenly(1)

    def start(self, catalog: Items, seed: int) -> State:
        """Return zero counts; nothing is random."""
        return State({"counts": np.zeros(len(catalog))})

    def expects(self, items: int, round_number: int) -> Mapping[str, Expected]:
        """Expect counts; noise may leave them below zero."""
        return {"counts": Expected((items,), -COUNT, COUNT, "float64")}

    def step(self, state: State) -> Step[Block, State] | None:
        """Count once."""
        return None if state.round else CountUsers(state)

    def scorer(self, state: State) -> Scorer:
        """Score by count, the same for everybody."""
        return SameForAll(state.arrays["counts"].astype(np.float32))

    def pooled(self, block: Block, catalog: Catalog, seed: int) -> State:
        """Count in one place: the same sum."""
        return run_steps(self, self.start(catalog, seed), block)


@dataclass(frozen=True)
class CountUsers:
    """Sum, over users, which items each has met."""

    state: State
    name: ClassVar[str] = "count users per item"
    additive: ClassVar[bool] = True

    @property
    def schema(self) -> Schema:
        """One count per item, and the number of users."""
        return Schema({"counts": Field(self.state.arrays["counts"].shape), "users": Field()})

    def contributions(self, data: Block) -> Contributions:
        """Each user's set of items."""
        return SparseRows(self.schema, data.incidence())

    def update(self, total: Statistics) -> State:
        """Keep the counts."""
        return self.state.then({"counts": total["counts"]})


@dataclass(frozen=True)
class SameForAll:
    """One score per item, whatever the history; shape (items,)."""

    item_scores: Array

    def scores(self, histories: Block) -> Scores:
        """Repeat the scores for each user."""
        return np.broadcast_to(self.item_scores, (len(histories), len(self.item_scores)))
