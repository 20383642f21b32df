"""Contributions that are scaled to length 1 on the client, so that no clip has to be guessed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from hedgerow.data.block import Block
from hedgerow.models.decay import TimeMajor, pieces
from hedgerow.models.sparse_sums import recurring
from hedgerow.statistics import Array, Schema, Statistics

LEAST = 0.01
"""Of the squared length of states that do not cancel, what is taken for a term's squared length at
least. States can cancel in all rows at once; scaled up to length 1, what rounding left of them
would have any length."""


@dataclass(frozen=True)
class UnitSets:
    """Which items a user has met, each as ``1 / sqrt(items met)``.

    Parameters
    ----------
    schema
        Has the one field ``counts`` (items,).
    incidence
        Users x items, zeros and ones.
    """

    schema: Schema
    incidence: scipy.sparse.csr_array

    def __len__(self) -> int:
        return int(self.incidence.shape[0])

    @property
    def _met(self) -> NDArray[np.int64]:
        return np.diff(self.incidence.indptr).astype(np.int64)

    def norms(self) -> NDArray[np.float64]:
        """Return 1, or 0 for who has met nothing."""
        return (self._met > 0).astype(np.float64)

    def sum(self, weights: NDArray[np.float64]) -> Statistics:
        """Return the weighted sum."""
        each = weights / np.sqrt(np.maximum(self._met, 1))
        return Statistics({"counts": np.asarray(self.incidence.T @ each)})


@dataclass(frozen=True)
class UnitFollowers:
    """What follows which state of the history: sums of states per next item, of length 1.

    A state is the decayed sum of the vectors of the items so far, scaled to length 1. A user's
    term is the sum, over its interactions but the first, of the state before in the row of the
    item, divided by the length of the whole; or by more, where states cancel.

    Parameters
    ----------
    schema
        Has the one field ``next`` (items, dimension).
    block
        The histories.
    vectors
        Of the items, shape (items, dimension), float32.
    decay
        Of the state, per interaction.
    """

    schema: Schema
    block: Block
    vectors: Array
    decay: float

    def __len__(self) -> int:
        return len(self.block)

    def norms(self) -> NDArray[np.float64]:
        """Return 1, or 0 for who has fewer than two interactions, or where all vectors are zero.

        Where states cancel, a term may be shorter; none is longer.
        """
        return ((self.block.lengths > 1) & self.vectors.any()).astype(np.float64)

    def sum(self, weights: NDArray[np.float64]) -> Statistics:
        """Return the weighted sum."""
        m = self.block.n_items
        # In 64 bits: rounding of a large sum would change with who is in it.
        total = np.zeros(self.vectors.shape)
        for rows, block in pieces(self.block):
            before = block.where(block.ages > 0)
            time = TimeMajor.of(before)
            if not len(time.order):
                continue
            states = unit_states(before, time, self.vectors, self.decay)
            items = block.items[block.positions > 0][time.order]
            followed = np.bincount(time.users, minlength=len(block))
            squares = followed.astype(np.float64)
            for one, other in recurring(time.users * m + items):
                inner = np.einsum("ij,ij->i", states[one], states[other], dtype=np.float64)
                squares += 2 * np.bincount(time.users[one], inner, len(block))
            each = weights[rows] / np.sqrt(np.maximum(squares, LEAST * np.maximum(followed, 1)))
            values = each[time.users].astype(np.float32)
            scatter = scipy.sparse.csr_array(
                (values, (items, np.arange(len(items)))), shape=(m, len(items))
            )
            total += scatter @ states
        return Statistics({"next": total})


def unit_states(block: Block, time: TimeMajor, vectors: Array, decay: float) -> Array:
    """Return the state after each interaction, of length 1, in time-major order."""
    states = time.forward(vectors[block.items[time.order]], decay)
    lengths = np.sqrt(np.einsum("ij,ij->i", states, states))
    return np.asarray(states / np.maximum(lengths, np.float32(1e-9))[:, None])
