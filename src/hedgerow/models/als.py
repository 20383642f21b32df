"""ALS for implicit feedback as a federated sum (Hu 2008; regularisation as Rendle 2022).

The server holds item vectors V. A client solves for its own user vector x in closed form and
contributes what the server needs for a preconditioned step on V; x never leaves it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import scipy
from numpy.typing import NDArray

from hedgerow.data.block import Block
from hedgerow.data.catalog import Catalog
from hedgerow.models.base import Items, Scorer, Scores, State, Step, check
from hedgerow.models.denoising import counted, steadied
from hedgerow.models.expected import Expected, counts_of, values_of
from hedgerow.models.limits import (
    DIMENSION,
    REGULARIZATION,
    ROUNDS,
    UNOBSERVED,
    at_most,
    between,
)
from hedgerow.models.sparse_sums import packed_outer_norms, recurring, weighted_gram
from hedgerow.privacy.charges import Charge, evenly
from hedgerow.statistics import Array, Contributions, Field, Schema, Statistics

TIE_BREAK = 1e-6
"""What the most popular item gets beyond the model's score, which is of the order of 1."""

OBSERVED_CURVATURE = 2.5
"""Users who met an item have larger vectors, along that item's, than users at large; measured on
MovieLens 100K and 1M, where 1.5 to 3 do equally well."""


@dataclass(frozen=True)
class ALS:
    """Matrix factorisation with a weight on everything a user has not met.

    Parameters
    ----------
    dimension
        Length of user and item vectors.
    regularization
        Strength of the L2 penalty, scaled by each user's and item's frequency.
    unobserved
        Weight of an item not met, against 1 for an item met.
    rounds
        How often the item vectors are improved.
    step_size
        1 takes the full preconditioned step; with few participants a round, take less.
    """

    dimension: int = 64
    regularization: float = 0.01
    unobserved: float = 0.2
    rounds: int = 8
    step_size: float = 1.0

    name: ClassVar[str] = "als"
    grid: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        "dimension": (32, 64, 128),
        "regularization": (0.003, 0.01, 0.03),
        "unobserved": (0.05, 0.1, 0.2, 0.4),
    }

    def __post_init__(self) -> None:
        check(self.dimension >= 1, "The dimension must be at least 1.")
        check(self.regularization > 0, "The regularization must be above 0.")
        check(self.unobserved > 0, "The weight of unobserved items must be above 0.")
        check(self.rounds >= 1, "At least one round is needed.")
        check(0 < self.step_size <= 1, "The step size must be above 0 and at most 1.")
        at_most(DIMENSION, self.dimension, "dimension")
        at_most(ROUNDS, self.rounds, "number of rounds")
        between(REGULARIZATION, self.regularization, "regularization")
        between(UNOBSERVED, self.unobserved, "weight of unobserved items")

    @property
    def charges(self) -> tuple[Charge, ...]:
        """One sum a round."""
        return evenly(self.rounds)

    def start(self, catalog: Items, seed: int) -> State:
        """Return random item vectors of about unit length."""
        shape = (len(catalog), self.dimension)
        vectors = np.random.default_rng(seed).standard_normal(shape, np.float32)
        vectors /= np.float32(np.sqrt(self.dimension))
        return State({"vectors": vectors, "counts": np.zeros(len(catalog), np.float32)})

    def expects(self, items: int, round_number: int) -> Mapping[str, Expected]:
        """Expect item vectors and counts."""
        return {"vectors": values_of(items, self.dimension), "counts": counts_of(items)}

    def step(self, state: State) -> Step[Block, State] | None:
        """Improve the item vectors, ``rounds`` times."""
        return ImproveVectors(self, state) if state.round < self.rounds else None

    def scorer(self, state: State) -> Scorer:
        """Score by the product of the solved user vector with the item vectors."""
        counts = state.arrays["counts"]
        return FoldIn(self, state.arrays["vectors"], TIE_BREAK * counts / max(counts.max(), 1))

    def pooled(self, block: Block, catalog: Catalog, seed: int) -> State:
        """Alternate exact least squares for users and items, to convergence (16 epochs)."""
        items = self.start(catalog, seed).arrays["vectors"]
        by_item = _transposed(block)
        for _ in range(16):
            users = solve_users(self, items, block).vectors
            items = solve_users(self, users, by_item).vectors
        counts = np.bincount(block.items, minlength=block.n_items).astype(np.float32)
        return State({"vectors": items, "counts": counts}, round=self.rounds)


@dataclass(frozen=True)
class Solved:
    """User vectors, shape (users, dimension), and ``x'v`` per interaction."""

    vectors: Array
    products: Array


def solve_users(recipe: ALS, items: Array, block: Block, gram: Array | None = None) -> Solved:
    """Solve each user's least-squares problem, given item vectors.

    ``x = (a0 V'V + V_u' W V_u + lam (n_u + a0 m) I)^-1 V_u' w``, by Cholesky, user by user: a
    user's problem fits the processor's cache, a batch of them does not. Who solves again and again
    passes ``V'V`` as ``gram``.

    Where vectors are so long that the matrix is not positive definite in 32 bits, there is no
    solution: the user's vector is then zero.
    """
    a0, lam = recipe.unobserved, recipe.regularization
    m, d = items.shape
    common = np.asfortranarray(a0 * (items.T @ items if gram is None else gram))
    vectors = np.empty((len(block), d), np.float32)
    products = np.empty(len(block.items), np.float32)
    numbers = block.items.astype(np.int64)
    weights = block.weights
    bounds = block.indptr.tolist()
    diagonal = slice(None, None, d + 1)
    blas, lapack = scipy.linalg.blas, scipy.linalg.lapack
    for user, (start, stop) in enumerate(itertools.pairwise(bounds)):
        met = items.take(numbers[start:stop], axis=0)
        if weights is None:
            gathered = scaled = met
        else:
            w = weights[start:stop, None]
            gathered, scaled = met * np.sqrt(w), met * w
        matrix = blas.ssyrk(1.0, gathered.T, 1.0, common, lower=1)
        matrix.ravel("K")[diagonal] += lam * (stop - start + a0 * m)
        _, solution, failed = lapack.sposv(
            matrix, scaled.sum(0), lower=1, overwrite_a=1, overwrite_b=1
        )
        if failed:
            solution[:] = 0
        vectors[user] = solution
        np.dot(met, solution, out=products[start:stop])
    return Solved(vectors, products)


@dataclass(frozen=True)
class ImproveVectors:
    """One preconditioned step on the item vectors."""

    recipe: ALS
    state: State
    additive: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """Say which round this is."""
        return f"improve item vectors ({self.state.round + 1} of {self.recipe.rounds})"

    @property
    def schema(self) -> Schema:
        """The sums H = x x', g_i = (1 - x'v_i) x and c_i = 1 over a user's items, and 1."""
        m, d = self.state.arrays["vectors"].shape
        return Schema(
            {
                "gram": Field((d, d), symmetric=True),
                "residual": Field((m, d)),
                "counts": Field((m,)),
                "users": Field(),
            }
        )

    def contributions(self, data: Block) -> Contributions:
        """Solve each user's vector; the sums follow from it."""
        solved = solve_users(self.recipe, self.state.arrays["vectors"], data)
        return UserTerms(self.schema, data, solved)

    def update(self, total: Statistics) -> State:
        """Take a quasi-Newton step: L-BFGS with one pair (Nocedal 1980) on a preconditioner.

        The preconditioner takes ``sum of x x'`` over an item's users for their share of the sum
        over all users; one eigendecomposition then serves every item. The pair of the last
        round corrects it. With a step size below 1 the last round's gradient is of other
        participants, and the pair is left out.
        """
        recipe, vectors = self.recipe, self.state.arrays["vectors"].astype(np.float64)
        users = max(float(total["users"]), 1.0)
        gram = steadied(total["gram"].astype(np.float64), total.noise) / users
        counts = counted(total["counts"].astype(np.float64), total.noise) / users
        a0 = recipe.unobserved
        penalty = recipe.regularization * (counts + a0)
        gradient = -total["residual"] / users + a0 * vectors @ gram + penalty[:, None] * vectors
        spectrum, basis = np.linalg.eigh(gram)
        share = a0 + OBSERVED_CURVATURE * counts
        curvature = np.outer(share, spectrum.clip(0)) + penalty[:, None]

        def precondition(g: Array) -> Array:
            return np.asarray(((g @ basis) / curvature) @ basis.T)

        direction = precondition(gradient)
        server: dict[str, Array] = {}
        if recipe.step_size == 1:
            server = {"vectors": vectors, "gradient": gradient}
            if self.state.server:
                moved = vectors - self.state.server["vectors"]
                turned = gradient - self.state.server["gradient"]
                bend = np.vdot(moved, turned)
                if bend > 0:
                    a = np.vdot(moved, gradient) / bend
                    direction = precondition(gradient - a * turned)
                    direction += moved * (a - np.vdot(turned, direction) / bend)
        stepped = vectors - recipe.step_size * direction
        arrays = {
            "vectors": stepped.astype(np.float32),
            "counts": (counts * users).astype(np.float32),
        }
        return self.state.then(arrays, server)


@dataclass(frozen=True)
class UserTerms:
    """The contributions of solved users."""

    schema: Schema
    block: Block
    solved: Solved

    def __len__(self) -> int:
        return len(self.block)

    @property
    def _weights(self) -> NDArray[np.float32] | np.float32:
        return np.float32(1) if self.block.weights is None else self.block.weights

    def norms(self) -> NDArray[np.float64]:
        """Return the norms in closed form: all terms are multiples of x or of x x'."""
        powers = self.solved.vectors.astype(np.float64) ** 2
        squares, fourths = powers.sum(1), (powers**2).sum(1)
        rows, users = self.block.rows, len(self.block)
        entries = (self._weights * (1 - self.solved.products)).astype(np.float64)
        residuals = np.bincount(rows, entries**2, users)
        counted = self.block.lengths.astype(np.float64)
        # An item that recurs in a history adds up before it is squared.
        for one, other in recurring(rows * self.block.n_items + self.block.items):
            residuals += 2 * np.bincount(rows[one], entries[one] * entries[other], users)
            counted += 2 * np.bincount(rows[one], minlength=users)
        outer = packed_outer_norms(squares, fourths)
        norms: NDArray[np.float64] = np.sqrt(outer + residuals * squares + counted + 1)
        return norms

    def sum(self, weights: NDArray[np.float64]) -> Statistics:
        """Return the weighted sum; the residuals as one sparse product."""
        x, block = self.solved.vectors, self.block
        residuals = self._weights * (1 - self.solved.products)
        scaled = x * weights.astype(np.float32)[:, None]
        shape = (len(block), block.n_items)
        entries = scipy.sparse.csr_array((residuals, block.items, block.indptr), shape=shape)
        return Statistics(
            {
                "gram": weighted_gram(x, weights),
                "residual": np.asarray(entries.T @ scaled),
                "counts": np.bincount(block.items, weights[block.rows], block.n_items),
                "users": np.asarray(weights.sum()),
            }
        )


@dataclass(frozen=True)
class FoldIn:
    """Scores of a user vector solved from the history at hand.

    Parameters
    ----------
    recipe
        The model.
    vectors
        Item vectors.
    prior
        A little for popular items, shape (items,), which decides where all else is equal, as for
        a newcomer.
    """

    recipe: ALS
    vectors: Array
    prior: Array

    @cached_property
    def _gram(self) -> Array:
        return self.vectors.T @ self.vectors

    def scores(self, histories: Block) -> Scores:
        """Solve each history and multiply."""
        users = solve_users(self.recipe, self.vectors, histories, self._gram).vectors
        return np.asarray(users @ self.vectors.T + self.prior)


def _transposed(block: Block) -> Block:
    """Return the block with users and items exchanged."""
    order = np.argsort(block.items, kind="stable")
    counts = np.bincount(block.items, minlength=block.n_items)
    return Block(
        indptr=np.concatenate([[0], np.cumsum(counts)]),
        items=block.rows[order].astype(np.int32),
        n_items=len(block),
        keys=np.arange(block.n_items),
        timestamps=block.timestamps[order],
        weights=None if block.weights is None else block.weights[order],
    )
