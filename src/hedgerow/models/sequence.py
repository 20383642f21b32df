"""The sequence model: what comes next, as a ridge regression on decayed states of the history.

Kin of linear item models for sessions (SLIST: Choi et al., WWW 2021) and of echo state networks:
item vectors, a few decaying memories of them as state, random Fourier features of the state
(Rahimi and Recht 2007), and one linear readout. All of it is reached by a handful of sums, with no
gradient descent. A new interaction changes the state, and so the next recommendation, at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy import linalg
from scipy.linalg import blas

from hedgerow.data.block import Block
from hedgerow.data.catalog import Catalog
from hedgerow.models.base import Scorer, Scores, State, Step, check, run_steps
from hedgerow.models.decay import TimeMajor, pieces
from hedgerow.models.item_vectors import Neighbourhoods, degree_roots, orthonormal, random_basis
from hedgerow.models.sparse_sums import SparseRows, mirrored, packed_outer_norms
from hedgerow.statistics import Array, Contributions, Field, Schema, Statistics

POOLED_ROUNDS = 12
"""Rounds of subspace iteration by which the item vectors have converged."""


@dataclass(frozen=True)
class Sequence:
    """Ridge readout of decayed item-vector states.

    The default suits silos; :meth:`phone` gives a setting whose features fit a phone.

    Parameters
    ----------
    dimensions
        How many leading item vectors each memory holds.
    decays
        How fast each memory fades: its state is ``h = decay * h + vector``.
    fourier
        Number of random Fourier features beside the states.
    regularization
        Ridge penalty, in interactions.
    nearness
        Weight of two interactions for the item vectors, to the power of their distance.
    vector_rounds
        Rounds of subspace iteration for the item vectors.
    popularity_discount
        Scores are divided by the item's count to this power.
    """

    dimensions: tuple[int, ...] = (512, 512)
    decays: tuple[float, ...] = (0.5, 0.8)
    fourier: int = 1000
    regularization: float = 50.0
    nearness: float = 0.9
    vector_rounds: int = 4
    popularity_discount: float = 0.1

    name: ClassVar[str] = "sequence"
    grid: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        "regularization": (20.0, 50.0, 100.0),
        "popularity_discount": (0.0, 0.1, 0.2),
        "decays": ((0.4, 0.8), (0.5, 0.8), (0.5, 0.9)),
    }

    def __post_init__(self) -> None:
        check(self.dimensions, "The sequence model needs at least one memory.")
        check(
            len(self.dimensions) == len(self.decays),
            "Give one decay for each of the sequence model's dimensions.",
        )
        check(all(d >= 1 for d in self.dimensions), "The dimensions must be at least 1.")
        check(all(0 <= r < 1 for r in self.decays), "The decays must be at least 0 and below 1.")
        check(self.fourier >= 0, "The number of Fourier features must be 0 or more.")
        check(self.regularization > 0, "The regularization must be above 0.")
        check(0 <= self.nearness < 1, "The nearness must be at least 0 and below 1.")
        check(self.vector_rounds >= 1, "At least one round for the item vectors is needed.")
        check(0 <= self.popularity_discount <= 1, "The discount must lie between 0 and 1.")

    @classmethod
    def phone(cls) -> Sequence:
        """Return a setting of 256 features in all, for clients with little memory."""
        return cls(dimensions=(191, 64), decays=(0.8, 0.4), fourier=0)

    @property
    def planned(self) -> int:
        """Count, vectors, readout."""
        return self.vector_rounds + 2

    def start(self, catalog: Catalog, seed: int) -> State:
        """Return a random basis for the item vectors."""
        return State(
            {
                "counts": np.zeros(len(catalog), np.float32),
                "vectors": random_basis(len(catalog), max(self.dimensions), seed),
                "seed": np.array(seed),
            }
        )

    def step(self, state: State) -> Step[Block, State] | None:
        """Count, then find item vectors, then read out."""
        if state.round == 0:
            return CountInteractions(state)
        if state.round <= self.vector_rounds:
            return FindVectors(self, state)
        return ReadOut(self, state) if state.round < self.planned else None

    def features(self, state: State) -> Features:
        """Return the map from histories to features."""
        vectors = state.arrays["vectors"]
        memories = tuple(
            (np.ascontiguousarray(vectors[:, :d]), decay)
            for d, decay in zip(self.dimensions, self.decays, strict=True)
        )
        width = sum(v.shape[1] for v, _ in memories)
        rng = np.random.default_rng([int(state.arrays["seed"]), 1])
        # Unit states of unrelated histories lie sqrt(2) apart in each memory.
        bandwidth = np.float32(np.sqrt(len(memories)))
        frequencies = rng.standard_normal((width, self.fourier), np.float32) / bandwidth
        phases = rng.uniform(0, 2 * np.pi, self.fourier).astype(np.float32)
        return Features(memories, frequencies, phases)

    def scorer(self, state: State) -> Scorer:
        """Score by the readout; before there is one, by nearness to the first memory."""
        features, counts = self.features(state), state.arrays["counts"]
        if "weights" not in state.arrays:
            return NearestVectors(features, state.arrays["vectors"])
        discount = (counts + 1) ** np.float32(-self.popularity_discount)
        return LinearReadout(features, state.arrays["weights"] * discount[:, None])

    def pooled(self, block: Block, catalog: Catalog, seed: int) -> State:
        """Let the item vectors converge before the readout."""
        state, step = self.start(catalog, seed), CountInteractions
        state = step(state).update(step(state).contributions(block).sum(np.ones(len(block))))
        for _ in range(POOLED_ROUNDS):
            find = FindVectors(self, state)
            found = find.update(find.contributions(block).sum(np.ones(len(block))))
            state = State(found.arrays, round=1)
        return run_steps(self, State(state.arrays, round=self.vector_rounds + 1), block)


@dataclass(frozen=True)
class Features:
    """From a history to a feature vector: unit states, 1, and Fourier features of the states.

    Parameters
    ----------
    memories
        Item vectors, shape (items, dimension), and decay of each memory.
    frequencies
        Shape (states' total dimension, fourier).
    phases
        Shape (fourier,).
    """

    memories: tuple[tuple[Array, float], ...]
    frequencies: Array
    phases: Array

    @property
    def width(self) -> int:
        """The number of features."""
        return sum(int(v.shape[1]) for v, _ in self.memories) + 1 + len(self.phases)

    def along(self, block: Block, time: TimeMajor) -> Array:
        """Return the features after each interaction, in time-major order."""
        items = block.items[time.order]
        return self._of([time.forward(v[items], decay) for v, decay in self.memories])

    def at_end(self, block: Block) -> Array:
        """Return the features after each user's whole history, shape (users, width)."""
        ages = block.ages.astype(np.float32)
        states = []
        for vectors, decay in self.memories:
            aged = np.float32(decay) ** ages
            states.append(np.asarray(block.matrix(aged) @ vectors))
        return self._of(states)

    def _of(self, states: list[Array]) -> Array:
        n = len(states[0])
        result = np.empty((n, self.width), np.float32)
        start = 0
        for state in states:
            stop = start + state.shape[1]
            lengths = np.sqrt(np.einsum("ij,ij->i", state, state)) + np.float32(1e-9)
            np.divide(state, lengths[:, None], out=result[:, start:stop])
            start = stop
        result[:, start] = 1
        if len(self.phases):
            waves = result[:, :start] @ self.frequencies
            waves += self.phases
            np.cos(waves, out=waves)
            waves *= np.float32(np.sqrt(2 / len(self.phases)))
            result[:, start + 1 :] = waves
        return result


@dataclass(frozen=True)
class CountInteractions:
    """Sum how often each item was met."""

    state: State
    name: ClassVar[str] = "count interactions per item"
    additive: ClassVar[bool] = True

    @property
    def schema(self) -> Schema:
        """One count per item, and the number of users."""
        return Schema({"counts": Field(self.state.arrays["counts"].shape), "users": Field()})

    def contributions(self, data: Block) -> Contributions:
        """Each user's counts."""
        return SparseRows(self.schema, data.matrix())

    def update(self, total: Statistics) -> State:
        """Keep the counts."""
        counts = total["counts"].astype(np.float32)
        return self.state.then({**self.state.arrays, "counts": counts})


@dataclass(frozen=True)
class FindVectors:
    """One round of subspace iteration for the item vectors."""

    recipe: Sequence
    state: State
    additive: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """Say which round this is."""
        return f"find item vectors ({self.state.round} of {self.recipe.vector_rounds})"

    @property
    def schema(self) -> Schema:
        """An array like the item vectors."""
        return Schema({"product": Field(self.state.arrays["vectors"].shape)})

    def contributions(self, data: Block) -> Contributions:
        """Each user's neighbourhoods times the basis."""
        public = self.state.arrays["vectors"] * degree_roots(self.state.arrays["counts"])
        return Neighbourhoods(self.schema, data, public, self.recipe.nearness)

    def update(self, total: Statistics) -> State:
        """Make the product orthonormal."""
        arrays = self.state.arrays
        product = total["product"] * degree_roots(arrays["counts"])
        return self.state.then({**arrays, "vectors": orthonormal(product)})


@dataclass(frozen=True)
class ReadOut:
    """The regression of the next item on the features: one round."""

    recipe: Sequence
    state: State
    name: ClassVar[str] = "read out"
    additive: ClassVar[bool] = True

    @property
    def schema(self) -> Schema:
        """The sums A = phi phi' and B_i = phi where i came next."""
        width = self.recipe.features(self.state).width
        items = len(self.state.arrays["counts"])
        return Schema(
            {"gram": Field((width, width), symmetric=True), "next": Field((items, width))}
        )

    def contributions(self, data: Block) -> Contributions:
        """Each user's states and what followed them."""
        return Readings(self.schema, data, self.recipe.features(self.state))

    def update(self, total: Statistics) -> State:
        """Solve the ridge regression."""
        gram = total["gram"].astype(np.float64)
        gram[np.diag_indices(len(gram))] += self.recipe.regularization
        factor = linalg.cho_factor(gram, lower=True, overwrite_a=True)
        weights = linalg.cho_solve(factor, total["next"].T.astype(np.float64)).T
        return self.state.then({**self.state.arrays, "weights": weights.astype(np.float32)})


@dataclass(frozen=True)
class Readings:
    """The contributions of the readout."""

    schema: Schema
    block: Block
    features: Features

    def __len__(self) -> int:
        return len(self.block)

    def _followed(self, block: Block) -> tuple[Array, NDArray[np.int64], NDArray[np.int32]]:
        """Return the features before each interaction but the first, the user and the item."""
        before = block.where(block.ages > 0)
        time = TimeMajor.of(before)
        follower = block.items[block.positions > 0][time.order]
        return self.features.along(before, time), time.users, follower

    def norms(self) -> NDArray[np.float64]:
        """Return the norms, from the Gram matrix of each user's own features."""
        squares = np.zeros(len(self.block))
        for rows, block in pieces(self.block):
            phi, users, items = self._followed(block)
            order = np.argsort(users, kind="stable")
            ends = np.searchsorted(users[order], np.arange(len(block) + 1))
            for user in range(len(block)):
                at = order[ends[user] : ends[user + 1]]
                own = phi[at].astype(np.float64)
                inner = own @ own.T
                same = items[at][:, None] == items[at]
                diagonal = (own**2).sum(0)
                gram = packed_outer_norms(np.sqrt((inner**2).sum()), (diagonal**2).sum())
                squares[rows[user]] = gram + inner[same].sum()
        return np.sqrt(squares)

    def sum(self, weights: NDArray[np.float64]) -> Statistics:
        """Return the weighted sums; the Gram matrix by the symmetric BLAS product."""
        width, m = self.features.width, self.block.n_items
        gram = np.zeros((width, width), np.float32, order="F")
        followers = np.zeros((m, width), np.float32)
        for rows, block in pieces(self.block):
            phi, users, items = self._followed(block)
            if not len(phi):
                continue
            each = weights[rows][users].astype(np.float32)
            scatter = sp.csr_array((each, (items, np.arange(len(each)))), shape=(m, len(each)))
            followers += scatter @ phi
            phi *= np.sqrt(each)[:, None]
            gram = blas.ssyrk(1.0, phi.T, 1.0, gram, overwrite_c=1)
        return Statistics({"gram": mirrored(gram), "next": followers})


@dataclass(frozen=True)
class LinearReadout:
    """Scores linear in the features of the whole history; weights of shape (items, width)."""

    features: Features
    weights: Array

    def scores(self, histories: Block) -> Scores:
        """Return the features times the weights."""
        return np.asarray(self.features.at_end(histories) @ self.weights.T)


@dataclass(frozen=True)
class NearestVectors:
    """Scores by the product of item vectors with the first memory."""

    features: Features
    vectors: Array

    def scores(self, histories: Block) -> Scores:
        """Return the first memory's state times the item vectors."""
        first = self.features.memories[0][0]
        states = self.features.at_end(histories)[:, : first.shape[1]]
        return np.asarray(states @ first.T)
