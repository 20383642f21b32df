"""Local epochs of matrix factorisation on many clients at once.

Every client starts from the same item vectors V and its own user vector p = 0. In each epoch it
takes one full-batch gradient step on p and on its own copy of the rows it has examples of. A copy
only ever moves along the user vectors of the epochs so far, ``x_t = x_0 + sum_s a_s p_s``, so that
the numbers a_s are kept instead of the copies: the same steps at a fraction of the memory traffic.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from hedgerow.data.block import Block
from hedgerow.data.hashing import bits
from hedgerow.statistics import Array

Loss = Literal["bce", "bpr"]

CHUNK = 8192
"""Examples, padded, that are worked on together: few enough to stay in the processor's cache."""


@dataclass(frozen=True)
class Examples:
    """What some users train on, one user's examples next to each other.

    Parameters
    ----------
    indptr
        Where each user's examples start and end, shape (users + 1,).
    items
        Item numbers, shape (examples,).
    against
        With a pairwise loss, the item that each is compared with; else None.
    labels
        1 for an interaction (or a pair), 0 for a drawn item.
    weights
        0 where the drawn item is one that the user has in fact met, else the interaction's.
    """

    indptr: NDArray[np.int64]
    items: NDArray[np.int64]
    against: NDArray[np.int64] | None
    labels: NDArray[np.float32]
    weights: NDArray[np.float32]


def draw_examples(block: Block, loss: Loss, seed: int, round_number: int) -> Examples:
    """Pair each interaction with an item drawn uniformly from the whole catalog.

    The draw depends on the user's key, the seed and the round alone. A drawn item that the
    training history holds counts nothing. Held-out items are drawn like any other: a client that
    left them out would tell which they are.
    """
    draws = bits(seed, round_number, block.keys[block.rows], block.positions)
    drawn = (draws % np.uint64(block.n_items)).astype(np.int64)
    known = np.sort(block.rows * block.n_items + block.items)
    wanted = block.rows * block.n_items + drawn
    at = np.minimum(np.searchsorted(known, wanted), max(len(known) - 1, 0))
    fresh = (known[at] != wanted) if len(known) else np.zeros(0, np.bool_)
    each = np.ones(len(drawn), np.float32) if block.weights is None else block.weights
    items = block.items.astype(np.int64)
    if loss == "bpr":
        ones = np.ones(len(drawn), np.float32)
        return Examples(block.indptr, items, drawn, ones, each * fresh)
    # Each interaction is followed by its drawn item.
    return Examples(
        indptr=block.indptr * 2,
        items=np.stack([items, drawn], axis=1).ravel(),
        against=None,
        labels=np.tile(np.array([1, 0], np.float32), len(drawn)),
        weights=np.stack([each, each * fresh], axis=1).ravel(),
    )


@dataclass(frozen=True)
class Trained:
    """What local epochs led to.

    Parameters
    ----------
    changes
        The change of each example's copy of its item vector, shape (examples, dimension); the
        item it is compared with, if any, changes by the opposite. Empty if items were held still.
    users
        The user vectors, shape (users, dimension); they stay on their clients.
    """

    changes: Array
    users: Array


def train_locally(
    vectors: Array,
    examples: Examples,
    *,
    epochs: int,
    rate: float,
    proximal: float = 0.0,
    move_items: bool = True,
) -> Trained:
    """Run every user's local epochs.

    Parameters
    ----------
    vectors
        Item vectors, shape (items, dimension), float32.
    examples
        What each user trains on.
    epochs
        Number of full-batch gradient steps.
    rate
        Their size.
    proximal
        FedProx's pull of the copies to the broadcast vectors.
    move_items
        Whether the copies move, or the user vectors alone.
    """
    n, d = len(examples.indptr) - 1, vectors.shape[1]
    users = np.zeros((n, d), np.float32)
    changes = np.zeros((len(examples.items) if move_items else 0, d), np.float32)
    for chunk in _chunks(examples.indptr):
        batch = _Batch.of(vectors, examples, chunk)
        moves, trail = batch.descend(epochs, rate, proximal, move_items=move_items)
        users[chunk] = trail[:, -1]
        if move_items:
            changes[batch.numbers[batch.real]] = np.matmul(moves, trail[:, :-1])[batch.real]
    return Trained(changes, users)


def _chunks(indptr: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield users of like history lengths together, so that little padding is needed."""
    lengths = np.diff(indptr)
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    start = 0
    while start < len(order):
        # The longest history of a chunk is its last: grow the chunk while padded rows fit.
        ahead = lengths[order[start : start + CHUNK]]
        fits = np.flatnonzero(ahead * np.arange(1, len(ahead) + 1) <= CHUNK)
        stop = start + (int(fits[-1]) + 1 if len(fits) else 1)
        yield order[start:stop]
        start = stop


@dataclass(frozen=True)
class _Batch:
    """Some users' examples, padded to one length.

    Parameters
    ----------
    rows
        Item vectors, or their differences, shape (users, length, dimension).
    labels, weights
        Shape (users, length); padding weighs 0.
    numbers
        The example's number, shape (users, length).
    real
        Which are no padding.
    pairwise
        Whether rows are differences.
    """

    rows: Array
    labels: Array
    weights: Array
    numbers: NDArray[np.int64]
    real: NDArray[np.bool_]
    pairwise: bool

    @classmethod
    def of(cls, vectors: Array, examples: Examples, users: NDArray[np.int64]) -> _Batch:
        starts = examples.indptr[users]
        lengths = examples.indptr[users + 1] - starts
        places = np.arange(lengths.max())
        real = places < lengths[:, None]
        numbers = np.where(real, starts[:, None] + places, starts[:, None])
        rows = vectors[examples.items[numbers]]
        if examples.against is not None:
            rows -= vectors[examples.against[numbers]]
        weights = examples.weights[numbers] * real
        pairwise = examples.against is not None
        return cls(rows, examples.labels[numbers], weights, numbers, real, pairwise)

    def descend(
        self, epochs: int, rate: float, proximal: float, *, move_items: bool
    ) -> tuple[Array, Array]:
        """Take the gradient steps.

        Returns
        -------
        tuple
            How far each copy has moved along the user vector of each epoch, shape (users,
            length, epochs); and the user vectors before each epoch and after the last, shape
            (users, epochs + 1, dimension).
        """
        n, length, d = self.rows.shape
        trail = np.zeros((n, epochs + 1, d), np.float32)
        moves = np.zeros((n, length, epochs if move_items else 0), np.float32)
        # A difference of two copies moves twice as far as either.
        gain = np.float32(2 if self.pairwise else 1)
        for epoch in range(epochs):
            user = trail[:, epoch]
            logits = np.matmul(self.rows, user[:, :, None])[..., 0]
            if move_items and epoch:
                past = trail[:, :epoch]
                overlap = np.matmul(past, user[:, :, None])
                logits += gain * np.matmul(moves[:, :, :epoch], overlap)[..., 0]
            errors = (expit(logits) - self.labels) * self.weights
            slope = np.matmul(errors[:, None], self.rows)[:, 0]
            if move_items and epoch:
                mixed = np.matmul(errors[:, None], moves[:, :, :epoch])
                slope += gain * np.matmul(mixed, past)[:, 0]
            trail[:, epoch + 1] = user - np.float32(rate) * slope
            if move_items:
                moves[:, :, :epoch] *= np.float32(1 - rate * proximal)
                moves[:, :, epoch] = -np.float32(rate) * errors
        return moves, trail
