"""The sequence model: what comes next, as a ridge regression on decayed states of the history.

Kin of linear item models for sessions (SLIST: Choi et al., WWW 2021) and of echo state networks:
item vectors, a few decaying memories of them as state, random Fourier features of the state
(Rahimi and Recht 2007), and one linear readout. All of it is reached by a handful of sums, with no
gradient descent. A new interaction changes the state, and so the next recommendation, at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import scipy

from hedgerow.data.block import Block
from hedgerow.data.catalog import Catalog
from hedgerow.models.base import Items, Scorer, State, Step, check, run_steps
from hedgerow.models.denoising import counted, steadied
from hedgerow.models.expected import Expected, counts_of, seed_expected, values_of
from hedgerow.models.features import Features, LinearReadout, NearestVectors
from hedgerow.models.item_vectors import Neighbourhoods, advance, degree_roots, random_basis
from hedgerow.models.limits import (
    DIMENSION,
    FEATURES,
    GAIN,
    MEMORIES,
    REGULARIZATION,
    VECTOR_ROUNDS,
    at_most,
    between,
)
from hedgerow.models.own_history import DECAYS, Recalls, WithOwnHistory
from hedgerow.models.readings import Readings
from hedgerow.models.sparse_sums import SparseRows
from hedgerow.privacy.charges import Charge
from hedgerow.statistics import Contributions, Field, Schema, Statistics

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
    repeat_gain
        How strongly a user's own counts weigh where items may be recommended again; above 0 it
        takes one more, tiny round.
    """

    dimensions: tuple[int, ...] = (256, 256)
    decays: tuple[float, ...] = (0.5, 0.8)
    fourier: int = 2800
    regularization: float = 50.0
    nearness: float = 0.9
    vector_rounds: int = 5
    popularity_discount: float = 0.1
    repeat_gain: float = 0.0

    name: ClassVar[str] = "sequence"
    grid: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        "regularization": (20.0, 50.0, 100.0, 300.0),
        "popularity_discount": (0.0, 0.1, 0.2),
        "nearness": (0.8, 0.9, 0.95),
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
        check(self.repeat_gain >= 0, "The repeat gain must be 0 or more.")
        at_most(MEMORIES, len(self.dimensions), "number of memories")
        at_most(DIMENSION, max(self.dimensions), "dimension of a memory")
        at_most(FEATURES, sum(self.dimensions) + 1 + self.fourier, "number of features")
        at_most(VECTOR_ROUNDS, self.vector_rounds, "number of rounds for the item vectors")
        at_most(GAIN, self.repeat_gain, "repeat gain")
        between(REGULARIZATION, self.regularization, "regularization")

    @classmethod
    def phone(cls) -> Sequence:
        """Return a setting of 256 features in all, for clients with little memory."""
        return cls(dimensions=(191, 64), decays=(0.8, 0.4), fourier=0)

    @classmethod
    def shop(cls) -> Sequence:
        """Return a setting for baskets of many products: high rank, short memory, repeats."""
        return cls(
            dimensions=(1500, 768, 256, 128),
            decays=(0.0, 0.4, 0.8, 0.97),
            fourier=0,
            regularization=300.0,
            popularity_discount=0.0,
            repeat_gain=3.0,
        )

    @property
    def charges(self) -> tuple[Charge, ...]:
        """Count, vectors, readout and perhaps own history."""
        vectors = (Charge(kind="vectors"),) * self.vector_rounds
        own = (Charge(),) if self.repeat_gain > 0 else ()
        return (Charge(), *vectors, Charge(), *own)

    def start(self, catalog: Items, seed: int) -> State:
        """Return a random basis for the item vectors."""
        return State(
            {
                "counts": np.zeros(len(catalog), np.float32),
                "vectors": random_basis(len(catalog), max(self.dimensions), seed),
                "seed": np.array(seed),
            }
        )

    def expects(self, items: int, round_number: int) -> Mapping[str, Expected]:
        """Expect counts and item vectors, then the readout's weights and those of own history."""
        arrays = {
            "counts": counts_of(items),
            "vectors": values_of(items, min(max(self.dimensions), items)),
            "seed": seed_expected(),
        }
        if round_number > self.vector_rounds + 1:
            arrays["weights"] = values_of(items, self.width(items))
        if round_number > self.vector_rounds + 2:
            arrays["own"] = values_of(len(DECAYS))
        return arrays

    def width(self, items: int) -> int:
        """Return how many features there are: those of all memories, a constant, Fourier ones."""
        return sum(min(d, items) for d in self.dimensions) + 1 + self.fourier

    def step(self, state: State) -> Step[Block, State] | None:
        """Count, then find item vectors, then read out."""
        if state.round == 0:
            return CountInteractions(state)
        if state.round <= self.vector_rounds:
            return FindVectors(self, state)
        if state.round == self.vector_rounds + 1:
            return ReadOut(self, state)
        return FitOwnHistory(self, state) if state.round < len(self.charges) else None

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
        readout = LinearReadout(features, state.arrays["weights"] * discount[:, None])
        if "own" not in state.arrays:
            return readout
        return WithOwnHistory(readout, self.repeat_gain * state.arrays["own"], discount)

    def pooled(self, block: Block, catalog: Catalog, seed: int) -> State:
        """Let the item vectors converge before the readout."""
        patient = replace(self, vector_rounds=POOLED_ROUNDS)
        state = run_steps(patient, patient.start(catalog, seed), block)
        return replace(state, round=len(self.charges))


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
        counts = counted(total["counts"], total.noise).astype(np.float32)
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
        """Advance the subspace iteration."""
        arrays = self.state.arrays
        product = total["product"] * degree_roots(arrays["counts"])
        found = advance(product, arrays["vectors"], self.state.server.get("previous"))
        last = self.state.round == self.recipe.vector_rounds
        server = {} if last else {"previous": found.previous}
        return self.state.then({**arrays, "vectors": found.basis}, server)


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
        items = len(self.state.arrays["counts"])
        width = self.recipe.width(items)
        return Schema(
            {"gram": Field((width, width), symmetric=True), "next": Field((items, width))}
        )

    def contributions(self, data: Block) -> Contributions:
        """Each user's states and what followed them."""
        return Readings(self.schema, data, self.recipe.features(self.state))

    def update(self, total: Statistics) -> State:
        """Solve the ridge regression."""
        gram = steadied(total["gram"].astype(np.float64), total.noise)
        gram[np.diag_indices(len(gram))] += self.recipe.regularization
        factor = scipy.linalg.cho_factor(gram, lower=True, overwrite_a=True)
        followers = total["next"]
        # Items that never came next have no weights to solve for; with one user, that is most.
        met = np.flatnonzero(followers.any(axis=1))
        weights = np.zeros(followers.shape, np.float32)
        weights[met] = scipy.linalg.cho_solve(factor, followers[met].T.astype(np.float64)).T
        return self.state.then({**self.state.arrays, "weights": weights})


@dataclass(frozen=True)
class FitOwnHistory:
    """The regression of what the readout leaves over on a user's own counts: one tiny round."""

    recipe: Sequence
    state: State
    name: ClassVar[str] = "fit own history"
    additive: ClassVar[bool] = True

    @property
    def schema(self) -> Schema:
        """The normal equations of four coefficients."""
        n = len(DECAYS)
        return Schema({"gram": Field((n, n), symmetric=True), "residual": Field((n,))})

    def contributions(self, data: Block) -> Contributions:
        """Each user's residuals on its own items."""
        readout = LinearReadout(self.recipe.features(self.state), self.state.arrays["weights"])
        return Recalls(self.schema, data, readout)

    def update(self, total: Statistics) -> State:
        """Solve for the coefficients."""
        gram = steadied(total["gram"], total.noise) + np.eye(len(DECAYS))
        own = np.linalg.solve(gram, total["residual"]).astype(np.float32)
        return self.state.then({**self.state.arrays, "own": own})
