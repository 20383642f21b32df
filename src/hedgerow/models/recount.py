"""Counting again what comes next, where noise leaves no room to learn what follows what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hedgerow.data.block import Block
from hedgerow.models.base import State
from hedgerow.models.intercept import intercept, with_constant
from hedgerow.models.smoothing import basis_of, popularity_of
from hedgerow.models.unit_terms import UnitFollowers
from hedgerow.statistics import Array, Contributions, Field, Schema, Statistics


@dataclass(frozen=True)
class CountNext:
    """Read out the constant alone: each user's counts of what came next, with length 1.

    The counts so far are joined by these, each as precise as its noise lets it be; their sum is the
    best estimate of what is popular that the budget has bought.

    Parameters
    ----------
    state
        With counts, and their noise, on the server's side.
    decay
        Of states, which here are all 1.
    """

    state: State
    decay: float
    additive: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """Return the name of the readout in whose place it is."""
        return readout_name(self.state.round)

    @property
    def _vectors(self) -> Array:
        return self.state.arrays[f"vectors{self.state.round}"]

    @property
    def schema(self) -> Schema:
        """One count per item."""
        return Schema({"next": Field(self._vectors.shape)})

    def contributions(self, data: Block) -> Contributions:
        """Count what followed anything."""
        return UnitFollowers(self.schema, data, self._vectors, self.decay)

    def update(self, total: Statistics) -> State:
        """Join the counts; before the last readout, choose its vectors."""
        state, server = self.state, self.state.server
        width, arrays = int(server["second"]), dict(state.arrays)
        counts, noise = server["counts"], float(server["noise"])
        if noise:
            before, now = noise**-2, total.noise**-2
            counts = (before * counts + now * total["next"][:, 0]) / (before + now)
            noise = (before + now) ** -0.5
        popularity = popularity_of(counts, noise)
        arrays["popularity"] = popularity.astype(np.float32)
        features = arrays["vectors1"].shape[1] - 1
        usual = intercept(popularity, arrays["vectors1"], features or width, self.decay)
        weights = arrays.get("weights1", usual[:, None])
        arrays["weights1"] = np.column_stack([weights[:, :features], usual])
        if state.round > 1:
            return state.then({**arrays, "weights2": np.zeros_like(arrays["vectors2"])})
        alike, seed = server["alike"], int(arrays["seed"])
        arrays["vectors2"] = last_vectors(alike, popularity, width, seed)
        return state.then(arrays, {**server, "counts": counts, "noise": np.array(noise)})


def readout_name(number: int) -> str:
    """Say which readout this is, whatever it reads out."""
    return f"read out ({number} of 2)"


def last_vectors(alike: Array, popularity: Array, width: int, seed: int) -> Array:
    """Return the second readout's vectors: the constant alone where there is room for no other."""
    if width > 1:
        return basis_of(alike, popularity, width, seed)
    return with_constant(np.zeros((len(alike), 0), np.float32))
