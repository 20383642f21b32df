"""EASE: a linear item-to-item model in closed form (Steck, WWW 2019), as one sum.

Its only statistic is the Gram matrix of the users x items matrix, so the federated model is the
pooled one. It takes items x items values, hence silos rather than phones.
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
from hedgerow.models.base import Items, Scorer, Scores, State, Step, check, check_pairs
from hedgerow.models.denoising import steadied
from hedgerow.models.expected import Expected, values_of
from hedgerow.models.limits import REGULARIZATION, between
from hedgerow.models.sparse_sums import sparse_gram
from hedgerow.privacy.charges import Charge, evenly
from hedgerow.statistics import Array, Contributions, Field, Schema, Statistics


@dataclass(frozen=True)
class ItemItem:
    """EASE with an optional decay of the history at scoring.

    Parameters
    ----------
    regularization
        Added to the diagonal of the Gram matrix, in users.
    decay
        The weight of an interaction at scoring is ``decay`` to the power of the number of later
        ones; 1 treats a history as a set.
    """

    regularization: float = 300.0
    decay: float = 0.8

    name: ClassVar[str] = "item_item"
    grid: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        "regularization": (30.0, 100.0, 300.0, 1000.0),
        "decay": (0.5, 0.7, 0.8, 0.9, 1.0),
    }

    def __post_init__(self) -> None:
        check(self.regularization > 0, "The regularization must be above 0.")
        between(REGULARIZATION, self.regularization, "regularization")
        check(0 < self.decay <= 1, "The decay must be above 0 and at most 1.")

    @property
    def charges(self) -> tuple[Charge, ...]:
        """One sum."""
        return evenly(1)

    def start(self, catalog: Items, seed: int) -> State:
        """Return no weights yet; nothing is random."""
        check_pairs(catalog, self.name)
        return State({"weights": np.zeros((len(catalog), len(catalog)), np.float32)})

    def expects(self, items: int, round_number: int) -> Mapping[str, Expected]:
        """Expect a weight per pair of items."""
        return {"weights": values_of(items, items)}

    def step(self, state: State) -> Step[Block, State] | None:
        """Sum once."""
        return None if state.round else SumGram(self, state)

    def scorer(self, state: State) -> Scorer:
        """Score by the decayed history times the item weights."""
        return DecayedHistory(state.arrays["weights"], self.decay)

    def pooled(self, block: Block, catalog: Catalog, seed: int) -> State:
        """Solve from the whole matrix at once, without per-user sums."""
        matrix = block.incidence().astype(np.float64)
        gram = (matrix.T @ matrix).toarray()
        return self.start(catalog, seed).then({"weights": self.solve(gram)})

    def solve(self, gram: Array) -> Array:
        """Return the item weights of a Gram matrix: equation (8) of the paper."""
        regularized = gram + self.regularization * np.eye(len(gram))
        factor = scipy.linalg.cho_factor(regularized, lower=True, overwrite_a=True)
        inverse = scipy.linalg.cho_solve(factor, np.eye(len(gram)), overwrite_b=True)
        weights = inverse / -np.diag(inverse)
        np.fill_diagonal(weights, 0)
        return weights.astype(np.float32)


@dataclass(frozen=True)
class SumGram:
    """Sum, over users, which pairs of items each has met."""

    recipe: ItemItem
    state: State
    name: ClassVar[str] = "count users per pair of items"
    additive: ClassVar[bool] = True

    @property
    def schema(self) -> Schema:
        """One count per pair of items."""
        return Schema({"gram": Field(self.state.arrays["weights"].shape, symmetric=True)})

    def contributions(self, data: Block) -> Contributions:
        """Each user's set of pairs."""
        return PairSets(self.schema, data.incidence())

    def update(self, total: Statistics) -> State:
        """Solve for the weights."""
        gram = steadied(total["gram"].astype(np.float64), total.noise)
        weights = self.recipe.solve(gram)
        return self.state.then({"weights": weights})


@dataclass(frozen=True)
class PairSets:
    """Contributions ``x x'`` of zero-one vectors x, the rows of a users x items matrix."""

    schema: Schema
    matrix: scipy.sparse.csr_array

    def __len__(self) -> int:
        return int(self.matrix.shape[0])

    def norms(self) -> NDArray[np.float64]:
        """Return the norms: the upper triangle has a 1 for each of n (n + 1) / 2 pairs."""
        n = np.diff(self.matrix.indptr).astype(np.float64)
        return np.sqrt(n * (n + 1) / 2)

    def sum(self, weights: NDArray[np.float64]) -> Statistics:
        """Return the weighted Gram matrix."""
        return Statistics({"gram": sparse_gram(self.matrix, weights)})


@dataclass(frozen=True)
class DecayedHistory:
    """Scores that are linear in the history, later interactions weighing more.

    Parameters
    ----------
    weights
        What each item of the history (row) says of each item (column).
    decay
        Weight of an interaction, to the power of the number of later ones.
    """

    weights: Array
    decay: float

    def scores(self, histories: Block) -> Scores:
        """Return ``sum of decay**age * weights[item]`` over each history."""
        aged = np.float32(self.decay) ** histories.ages.astype(np.float32)
        return np.asarray(histories.matrix(aged) @ self.weights)
