"""Blocks: some users' histories, in time order, laid out for array arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Block:
    """Histories of some users: what a client step is given.

    A device is a block of one user, a silo a block of many, the simulator many blocks.

    Parameters
    ----------
    indptr
        Where each user's history starts and ends, shape (users + 1,), from 0.
    items
        Item numbers in time order within each user, shape (interactions,).
    n_items
        How many items the catalog has.
    keys
        One number per user, shape (users,), from which the client draws its own randomness
        (negatives, bootstrap weights), so that the draw does not depend on how users are grouped.
    timestamps
        Seconds, or any number that grows with time, shape (interactions,).
    weights
        How much each interaction counts to the models that weigh them (als, factorization), shape
        (interactions,); None counts each as 1.
    """

    indptr: NDArray[np.int64]
    items: NDArray[np.int32]
    n_items: int
    keys: NDArray[np.int64]
    timestamps: NDArray[np.int64]
    weights: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        n = len(self.items)
        if self.indptr[0] != 0 or self.indptr[-1] != n or len(self.keys) != len(self.indptr) - 1:
            raise ValueError("indptr, items and keys do not fit together")
        if len(self.timestamps) != n or (self.weights is not None and len(self.weights) != n):
            raise ValueError("one timestamp and one weight per interaction are needed")

    @classmethod
    def of(cls, histories: Sequence[Sequence[int]], n_items: int) -> Block:
        """Make a block of item-number lists, timestamps being the positions."""
        lengths = np.array([len(h) for h in histories], np.int64)
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        items = np.concatenate(
            [np.zeros(0, np.int32), *(np.asarray(h, np.int32) for h in histories)]
        )
        return cls(
            indptr=indptr,
            items=items,
            n_items=n_items,
            keys=np.arange(len(lengths)),
            timestamps=np.arange(len(items)) - np.repeat(indptr[:-1], lengths),
        )

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def __getitem__(self, users: slice) -> Block:
        """Return consecutive users; their interactions are views, not copies."""
        start, stop, stride = users.indices(len(self))
        if stride != 1:
            raise ValueError("a block is sliced without a stride; use take()")
        stop = max(start, stop)
        indptr = self.indptr[start : stop + 1]
        within = slice(int(indptr[0]), int(indptr[-1]))
        return replace(
            self,
            indptr=indptr - indptr[0],
            items=self.items[within],
            keys=self.keys[start:stop],
            timestamps=self.timestamps[within],
            weights=None if self.weights is None else self.weights[within],
        )

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """The number of interactions of each user."""
        return np.diff(self.indptr)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The user's row of each interaction."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @cached_property
    def positions(self) -> NDArray[np.int64]:
        """The position of each interaction in its history, from 0."""
        return np.arange(len(self.items)) - self.indptr[:-1][self.rows]

    @cached_property
    def ages(self) -> NDArray[np.int64]:
        """How many later interactions its history has; 0 for the last."""
        return self.indptr[1:][self.rows] - 1 - np.arange(len(self.items))

    def where(self, keep: NDArray[np.bool_]) -> Block:
        """Keep some interactions of every user; users stay, if with an empty history."""
        return replace(
            self,
            indptr=np.concatenate([[0], np.cumsum(keep)])[self.indptr],
            items=self.items[keep],
            timestamps=self.timestamps[keep],
            weights=None if self.weights is None else self.weights[keep],
        )

    def take(self, users: Ints) -> Block:
        """Return the users of the given row numbers, in that order."""
        lengths = self.lengths[users]
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        within = np.arange(indptr[-1]) + np.repeat(self.indptr[users] - indptr[:-1], lengths)
        return replace(
            self,
            indptr=indptr,
            items=self.items[within],
            keys=self.keys[users],
            timestamps=self.timestamps[within],
            weights=None if self.weights is None else self.weights[within],
        )

    def matrix(self, values: NDArray[Any] | None = None) -> scipy.sparse.csr_array:
        """Return the users x items matrix of ``values`` per interaction (1 by default).

        Repeated items are added up; :meth:`incidence` counts each item once.
        """
        data = np.ones(len(self.items), np.float32) if values is None else np.array(values)
        shape = (len(self), self.n_items)
        matrix = scipy.sparse.csr_array((data, self.items.copy(), self.indptr.copy()), shape=shape)
        matrix.sum_duplicates()
        return matrix

    def incidence(self) -> scipy.sparse.csr_array:
        """Return the users x items matrix of zeros and ones: who has met what."""
        matrix = self.matrix()
        matrix.data[:] = 1
        return matrix
