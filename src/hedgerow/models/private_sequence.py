"""A sequence model made for noise: what comes next, learned from two or three bounded sums.

What :mod:`~hedgerow.models.sequence` learns from many sums is expensive under differential privacy.
Here the item vectors come from the public catalog, whitened so that no Gram matrix is needed; a
user's terms have length 1 by construction, so that nothing is lost to clipping; and the readout is
denoised by what is known of the noise and of how alike items are. A second readout on vectors that
the first one taught makes up for a catalog that says little.

Where the noise leaves room for few features, the first readout counts again instead, and the model
goes over to what is popular among items like those of a history. All of this follows from released
sums, so it costs no privacy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy

from hedgerow.data.block import Block
from hedgerow.data.catalog import Catalog
from hedgerow.models.base import Items, Scorer, Scores, State, Step, check, check_pairs, run_steps
from hedgerow.models.expected import Expected, Width, counts_of, seed_expected, values_of
from hedgerow.models.intercept import intercept, with_constant
from hedgerow.models.limits import DIMENSION, at_most
from hedgerow.models.popularity import SameForAll
from hedgerow.models.recount import CountNext, last_vectors, readout_name
from hedgerow.models.similarity import similarity
from hedgerow.models.smoothing import basis_of, denoised, evidence, likens, popularity_of, relearned
from hedgerow.models.unit_terms import UnitFollowers, UnitSets
from hedgerow.privacy.charges import Charge
from hedgerow.statistics import Array, Contributions, Field, Schema, Statistics

SHARES = (0.04, 0.47, 0.49)
"""Of the budget: for the counts, the first and the second readout."""

FEWEST = 16
"""Dimensions that are worth learning whatever the noise."""

ROOM = 12.0
"""Dimensions for each time that an item's usual count exceeds the noise of one release."""

RECOUNTED = 40
"""With room for fewer features than that, the first readout counts again: what is popular is then
worth more than a second look at what follows what."""

PLAIN = 8.0
"""Standard errors by which the first readout has to exceed its noise for a second one, where the
catalog likens no item to another; else that one counts again, too."""

FIRST_WEIGHT = 0.5
"""What the first readout's scores count beside the second's."""


@dataclass(frozen=True)
class PrivateSequence:
    """Denoised readouts of a decayed state of public item vectors.

    Parameters
    ----------
    dimension
        The most features of the second readout; the first has half as many. The more noise, the
        fewer of them are used.
    decay
        How fast the state fades with each interaction.
    trust
        How much the vectors of the second readout follow the first, and how much the catalog.
    popularity_discount
        Scores are divided by the item's count to this power.
    """

    dimension: int = 384
    decay: float = 0.6
    trust: float = 0.7
    popularity_discount: float = 0.15

    name: ClassVar[str] = "private_sequence"
    grid: ClassVar[Mapping[str, tuple[Any, ...]]] = {
        "decay": (0.35, 0.5, 0.6, 0.7),
        "trust": (0.5, 0.7, 0.9),
        "popularity_discount": (0.0, 0.1, 0.2),
    }

    def __post_init__(self) -> None:
        check(self.dimension >= 2, "The dimension must be at least 2.")
        check(0 <= self.decay < 1, "The decay must be at least 0 and below 1.")
        at_most(DIMENSION, self.dimension, "dimension")
        check(0 <= self.trust <= 1, "The trust must lie between 0 and 1.")
        check(0 <= self.popularity_discount <= 1, "The discount must lie between 0 and 1.")

    @property
    def charges(self) -> tuple[Charge, ...]:
        """Counts and two readouts, with terms of length 1."""
        return tuple(Charge(share, bound=1.0) for share in SHARES)

    def start(self, catalog: Items, seed: int) -> State:
        """Return how alike items are, which the server keeps to itself for its size alone."""
        check_pairs(catalog, self.name)
        return State(
            {"popularity": np.zeros(len(catalog), np.float32), "seed": np.array(seed)},
            server={"alike": similarity(catalog)},
        )

    def expects(self, items: int, round_number: int) -> Mapping[str, Expected]:
        """Expect counts, then the vectors of each readout and its weights; noise sets the width."""
        arrays = {"popularity": counts_of(items), "seed": seed_expected()}
        for number in range(1, len(SHARES)):
            each = values_of(items, Width(f"readout {number}", min(self.dimension, items)))
            if round_number >= number:
                arrays[f"vectors{number}"] = each
            if round_number > number:
                arrays[f"weights{number}"] = each
        return arrays

    def step(self, state: State) -> Step[Block, State] | None:
        """Count, then read out twice."""
        if state.round == 0:
            return CountSets(self, state)
        if state.round == len(SHARES):
            return None
        alone = state.arrays[f"vectors{state.round}"].shape[1] == 1
        return CountNext(state, self.decay) if alone else ReadOutUnit(self, state)

    def scorer(self, state: State) -> Scorer:
        """Score by the readouts that there are; by popularity before there is one."""
        popularity = state.arrays["popularity"]
        if state.round < 2:
            return SameForAll(popularity)
        discount = (popularity + 1) ** np.float32(-self.popularity_discount)
        readouts = [
            Readout(state.arrays[f"vectors{i}"], state.arrays[f"weights{i}"] * discount[:, None])
            for i in range(1, state.round)
        ]
        return Readouts(tuple(readouts), self.decay)

    def pooled(self, block: Block, catalog: Catalog, seed: int) -> State:
        """Take the same steps in one place, without noise."""
        return run_steps(self, self.start(catalog, seed), block)

    def dimensions(self, popularity: Array, counted: float, noise: float) -> tuple[int, int]:
        """Return how many features the readouts have, the first one's constant among them.

        Parameters
        ----------
        popularity
            Shape (items,).
        counted
            The sum of all counts: so little as a single client has teaches few features.
        noise
            Standard deviation of the noise in the counts, from which that of all follows.
        """
        items = len(popularity)
        most = min(self.dimension, items, max(FEWEST, round(counted)))
        if noise:
            whole = noise * np.sqrt(SHARES[0])
            # No more than is surely there: of few items, the mean itself is noisy.
            usual = counted / items - 2 * noise / np.sqrt(items)
            worth = ROOM * max(usual, 0.0)
            if worth < most * whole:
                most = min(most, max(FEWEST, round(worth / whole)))
            if worth < RECOUNTED * whole:
                return 1, most
        return max(most // 2, min(most, 4 * FEWEST)), most


@dataclass(frozen=True)
class CountSets:
    """Sum which items users have met, each user with length 1."""

    recipe: PrivateSequence
    state: State
    name: ClassVar[str] = "count items, each user alike"
    additive: ClassVar[bool] = True

    @property
    def schema(self) -> Schema:
        """One count per item."""
        return Schema({"counts": Field(self.state.arrays["popularity"].shape)})

    def contributions(self, data: Block) -> Contributions:
        """Each user's set of items."""
        return UnitSets(self.schema, scipy.sparse.csr_array(data.incidence()))

    def update(self, total: Statistics) -> State:
        """Keep what is expected behind the noise, and choose the first readout's vectors."""
        recipe, state = self.recipe, self.state
        popularity = popularity_of(total["counts"], total.noise)
        interactions = float(total["counts"].sum())
        first, second = recipe.dimensions(popularity, interactions, total.noise)
        seed, alike = int(state.arrays["seed"]), state.server["alike"]
        if first == 1 and not likens(alike):
            second = 1
        arrays = {
            **state.arrays,
            "popularity": popularity.astype(np.float32),
            "vectors1": with_constant(basis_of(alike, popularity, first - 1, seed)),
        }
        kept = {
            "second": np.array(second),
            "counts": total["counts"],
            "noise": np.array(total.noise),
        }
        return state.then(arrays, {**state.server, **kept})


@dataclass(frozen=True)
class ReadOutUnit:
    """Sum the states before each item, each user with length 1, and take out the noise."""

    recipe: PrivateSequence
    state: State
    additive: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """Say which readout this is."""
        return readout_name(self.state.round)

    @property
    def _vectors(self) -> Array:
        return self.state.arrays[f"vectors{self.state.round}"]

    @property
    def schema(self) -> Schema:
        """One row of features per next item."""
        return Schema({"next": Field(self._vectors.shape)})

    def contributions(self, data: Block) -> Contributions:
        """Each user's states and what followed them."""
        return UnitFollowers(self.schema, data, self._vectors, self.recipe.decay)

    def update(self, total: Statistics) -> State:
        """Denoise the rows; after the first readout, choose the second one's vectors."""
        state, popularity = self.state, self.state.arrays["popularity"].astype(np.float64)
        rows, noise, alike = total["next"], total.noise, state.server["alike"]
        if state.round == 1:
            return self._prepared(rows, noise, alike, popularity)
        found = denoised(rows, noise, self._vectors, alike, popularity)
        return state.then({**state.arrays, "weights2": _scaled(found)})

    def _prepared(self, rows: Array, noise: float, alike: Array, popularity: Array) -> State:
        """Keep the first readout, and choose the second one's vectors.

        What the constant's own row says of popularity, the counts say better.
        """
        recipe, state, vectors = self.recipe, self.state, self._vectors
        second, seed = int(state.server["second"]), int(state.arrays["seed"])
        rows, features = rows[:, :-1], vectors[:, :-1]
        if noise and not likens(alike) and evidence(rows, noise, popularity) < PLAIN:
            second = 1
        found = denoised(rows, noise, features, alike, popularity)
        alike = relearned(alike, found, popularity, recipe.trust)
        usual = intercept(popularity, vectors, rows.shape[1], recipe.decay)
        arrays = {
            **state.arrays,
            "weights1": np.column_stack([FIRST_WEIGHT * _scaled(found), usual]),
            "vectors2": last_vectors(alike, popularity, second, seed),
        }
        return state.then(arrays, {**state.server, "alike": alike})


def _scaled(rows: Array) -> Array:
    """Return weights: states have length 1 whatever their width, the root makes scores alike."""
    return np.asarray(rows * np.sqrt(rows.shape[1]), np.float32)


@dataclass(frozen=True)
class Readout:
    """Item vectors of the state, and what each feature of it says of each item."""

    vectors: Array
    weights: Array


@dataclass(frozen=True)
class Readouts:
    """Scores linear in unit states of the whole history, added up over readouts."""

    parts: tuple[Readout, ...]
    decay: float

    def scores(self, histories: Block) -> Scores:
        """Return the states times the weights."""
        ages = histories.ages.astype(np.float32)
        history = histories.matrix(np.float32(self.decay) ** ages)
        result = np.zeros((len(histories), histories.n_items), np.float32)
        for part in self.parts:
            states = np.asarray(history @ part.vectors)
            lengths = np.linalg.norm(states, axis=1, keepdims=True)
            result += (states / np.maximum(lengths, 1e-9)) @ part.weights.T
        return result
