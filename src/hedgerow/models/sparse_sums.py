"""Contributions and products that several models share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from hedgerow.statistics import Array, Schema, Statistics

DENSE_CHUNK = 1 << 24
"""Values of a dense copy of some rows of a sparse matrix: 64 MB."""


def weighted_gram(matrix: Array, weights: NDArray[np.float64]) -> Array:
    """Return ``matrix.T @ diag(weights) @ matrix``, shape (columns, columns), float32.

    Uses the symmetric BLAS product, half the work of a general one. Negative weights do not occur.
    """
    scaled = matrix * np.sqrt(weights, dtype=np.float32)[:, None]
    upper = scipy.linalg.blas.ssyrk(1.0, scaled.T)
    return mirrored(upper)


def mirrored(upper: Array) -> Array:
    """Fill the lower triangle of a matrix from its upper one."""
    matrix = np.triu(upper)
    matrix += np.triu(matrix, 1).T
    return matrix


def sparse_gram(matrix: scipy.sparse.csr_array, weights: NDArray[np.float64]) -> Array:
    """Return ``matrix.T @ diag(weights) @ matrix`` as a dense float32 matrix.

    Sparse rows are multiplied as such; denser ones in dense chunks, where BLAS is faster.
    """
    n, m = matrix.shape
    if matrix.nnz < 0.005 * n * m:
        scaled = scipy.sparse.diags_array(weights.astype(np.float32)) @ matrix
        return np.asarray((matrix.T @ scaled).toarray())
    result = np.zeros((m, m), np.float32)
    step = max(1, DENSE_CHUNK // m)
    for start in range(0, n, step):
        rows = matrix[start : start + step].toarray()
        result += weighted_gram(rows, weights[start : start + step])
    return result


def packed_outer_norms(squares: NDArray[Any], fourths: NDArray[Any]) -> NDArray[np.float64]:
    """Return the squared norms of the upper triangles of ``x x'``.

    Parameters
    ----------
    squares
        ``sum(x**2)`` of each vector.
    fourths
        ``sum(x**4)`` of each vector.
    """
    result: NDArray[np.float64] = (np.asarray(squares, np.float64) ** 2 + fourths) / 2
    return result


def recurring(
    keys: NDArray[np.int64],
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the pairs of places that have the same key, each pair once.

    A sum's squared length is that of its parts and twice the product of every two of them, so what
    recurs within one user's term is all that a norm needs beside single lengths.

    Parameters
    ----------
    keys
        One per place, none negative.

    Yields
    ------
    tuple
        The first and the second places of some pairs.
    """
    # Every key is put into a slot of a table by its last bits, which few share. The place that
    # stays there meets those that it drove out, and these go on without it.
    bits = (4 * len(keys)).bit_length()
    slots = (keys ^ keys >> bits) & ((1 << bits) - 1)
    table, places = np.empty(1 << bits, np.int32), np.arange(len(keys), dtype=np.int32)
    while len(places):
        table[slots] = places
        stayed = table[slots]
        out = np.flatnonzero(stayed != places)
        slots, places, stayed = slots[out], places[out], stayed[out]
        same = np.flatnonzero(keys[places] == keys[stayed])
        if len(same):
            yield stayed[same].astype(np.int64), places[same].astype(np.int64)


@dataclass(frozen=True)
class SparseRows:
    """Contributions of one dense array whose per-user rows are sparse, and a count of users.

    Parameters
    ----------
    schema
        Has the fields ``counts`` (items,) and ``users`` ().
    matrix
        Users x items.
    """

    schema: Schema
    matrix: scipy.sparse.csr_array

    def __len__(self) -> int:
        return int(self.matrix.shape[0])

    def norms(self) -> NDArray[np.float64]:
        """Return the L2 norm of each user's row with its count of 1."""
        squares = self.matrix.multiply(self.matrix).sum(axis=1)
        return np.sqrt(np.asarray(squares, np.float64) + 1)

    def sum(self, weights: NDArray[np.float64]) -> Statistics:
        """Return the weighted sum of the rows."""
        counts = self.matrix.T @ weights
        return Statistics({"counts": np.asarray(counts), "users": np.asarray(weights.sum())})
