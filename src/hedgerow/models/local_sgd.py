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
import scipy
from numpy.typing import NDArray

from hedgerow.data.block import Block
from hedgerow.data.hashing import bits
from hedgerow.statistics import Array

Loss = Literal["bce", "bpr"]

CHUNK = 8192
"""Examples, padded, that are worked on together: few enough to stay in the processor's cache."""


MARKS = 1 << 24
"""Marks of who has met what, held at a time: 16 MB."""


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
    fresh = ~_met(block, drawn)
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


def _met(block: Block, drawn: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell for each interaction whether its user has met the item drawn for it."""
    met = np.zeros(len(drawn), np.bool_)
    users = max(1, MARKS // block.n_items)
    for start in range(0, len(block), users):
        stop = min(start + users, len(block))
        span = slice(int(block.indptr[start]), int(block.indptr[stop]))
        base = (block.rows[span] - start) * block.n_items
        marks = np.zeros((stop - start) * block.n_items, np.bool_)
        marks[base + block.items[span]] = True
        met[span] = marks[base + drawn[span]]
    return met


@dataclass(frozen=True)
class Epochs:
    """How clients train.

    Parameters
    ----------
    count
        Number of full-batch gradient steps.
    rate
        Their size.
    proximal
        FedProx's pull of the copies to the broadcast vectors.
    """

    count: int
    rate: float
    proximal: float = 0.0


@dataclass(frozen=True)
class Trained:
    """What local epochs led to for some users with like numbers of examples.

    Parameters
    ----------
    users
        Their rows.
    vectors
        Their vectors, shape (users, dimension); these stay on the clients.
    numbers
        The numbers of their examples, shape (users, most examples); where a user has fewer, its
        first example again.
    weights
        What these weigh, same shape; 0 for such padding.
    changes
        The change of each example's copy of its item vector, shape (users, most examples,
        dimension), 0 for padding; the item it is compared with, if any, changes by the opposite.
        Empty if items were held still.
    """

    users: NDArray[np.int64]
    vectors: Array
    numbers: NDArray[np.int64]
    weights: Array
    changes: Array


def train_locally(
    vectors: Array, examples: Examples, epochs: Epochs, *, move_items: bool = True
) -> Iterator[Trained]:
    """Run the local epochs of every user that has examples, chunk after chunk of users.

    Parameters
    ----------
    vectors
        Item vectors, shape (items, dimension), float32.
    examples
        What each user trains on.
    epochs
        How.
    move_items
        Whether the copies move, or the user vectors alone.
    """
    for users in _chunks(examples.indptr):
        batch = _Batch.of(vectors, examples, users)
        moves, trail = batch.descend(epochs, move_items=move_items)
        changes = np.matmul(moves, trail[:, :-1]) if move_items else np.zeros((0, 0, 0), np.float32)
        yield Trained(users, trail[:, -1], batch.numbers, batch.weights, changes)


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
    pairwise
        Whether rows are differences.
    """

    rows: Array
    labels: Array
    weights: Array
    numbers: NDArray[np.int64]
    pairwise: bool

    @classmethod
    def of(cls, vectors: Array, examples: Examples, users: NDArray[np.int64]) -> _Batch:
        starts = examples.indptr[users]
        lengths = examples.indptr[users + 1] - starts
        places = np.arange(lengths.max())
        real = places < lengths[:, None]
        numbers = np.where(real, starts[:, None] + places, starts[:, None])
        rows = vectors.take(examples.items[numbers], axis=0)
        if examples.against is not None:
            rows -= vectors.take(examples.against[numbers], axis=0)
        weights = examples.weights[numbers] * real
        pairwise = examples.against is not None
        return cls(rows, examples.labels[numbers], weights, numbers, pairwise)

    def descend(self, epochs: Epochs, *, move_items: bool) -> tuple[Array, Array]:
        """Take the gradient steps.

        Returns
        -------
        tuple
            How far each copy has moved along the user vector of each epoch, shape (users,
            length, epochs); and the user vectors before each epoch and after the last, shape
            (users, epochs + 1, dimension).
        """
        n, length, d = self.rows.shape
        trail = np.zeros((n, epochs.count + 1, d), np.float32)
        moves = np.zeros((n, length, epochs.count if move_items else 0), np.float32)
        # A difference of two copies moves twice as far as either.
        rate = np.float32(epochs.rate)
        gain = np.float32(2 if self.pairwise else 1)
        for epoch in range(epochs.count):
            user = trail[:, epoch]
            logits = np.matmul(self.rows, user[:, :, None])[..., 0]
            if move_items and epoch:
                past = trail[:, :epoch]
                overlap = np.matmul(past, user[:, :, None])
                logits += gain * np.matmul(moves[:, :, :epoch], overlap)[..., 0]
            errors = (scipy.special.expit(logits) - self.labels) * self.weights
            slope = np.matmul(errors[:, None], self.rows)[:, 0]
            if move_items and epoch:
                mixed = np.matmul(errors[:, None], moves[:, :, :epoch])
                slope += gain * np.matmul(mixed, past)[:, 0]
            trail[:, epoch + 1] = user - rate * slope
            if move_items:
                moves[:, :, :epoch] *= np.float32(1 - epochs.rate * epochs.proximal)
                moves[:, :, epoch] = -rate * errors
        return moves, trail
