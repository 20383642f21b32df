"""From a history to features: decayed states of item vectors, and Fourier features of these."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hedgerow.data.block import Block
from hedgerow.models.base import Scores
from hedgerow.models.decay import TimeMajor
from hedgerow.statistics import Array


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
