"""Sums: the only thing that leaves a client.

A client computes named arrays of a public, fixed shape from its own data; the server learns their
total over many clients. Everything that Hedgerow trains or measures is written as such a sum.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

BYTES_PER_VALUE = 4
"""A value travels as a 32-bit number."""


@dataclass(frozen=True)
class Field:
    """The public shape of one array.

    Parameters
    ----------
    shape
        Its dimensions; ``()`` is a scalar.
    symmetric
        Whether it is a symmetric matrix, of which only the upper triangle travels.
    """

    shape: tuple[int, ...] = ()
    symmetric: bool = False

    def __post_init__(self) -> None:
        if self.symmetric and (len(self.shape) != 2 or self.shape[0] != self.shape[1]):
            raise ValueError(f"a symmetric field is square, not {self.shape}")

    @property
    def size(self) -> int:
        """How many values travel."""
        if self.symmetric:
            return self.shape[0] * (self.shape[0] + 1) // 2
        return math.prod(self.shape)


@dataclass(frozen=True)
class Schema:
    """The names and shapes of a step's statistics, known to everyone before any data is seen."""

    fields: Mapping[str, Field]

    @property
    def size(self) -> int:
        """The length of the flat vector."""
        return sum(f.size for f in self.fields.values())

    @property
    def nbytes(self) -> int:
        """What one contribution weighs on the wire, uncompressed and unmasked, in bytes."""
        return self.size * BYTES_PER_VALUE

    def zeros(self, dtype: type[np.floating[Any]] = np.float64) -> Statistics:
        """Return the sum over nobody."""
        return Statistics({name: np.zeros(f.shape, dtype) for name, f in self.fields.items()})

    def unflatten(self, vector: Array) -> Statistics:
        """Turn a flat vector of length ``size`` back into named arrays.

        Raises
        ------
        ValueError
            The vector has another length.
        """
        if vector.shape != (self.size,):
            raise ValueError(f"expected a vector of {self.size} values, got shape {vector.shape}")
        arrays, start = {}, 0
        for name, f in self.fields.items():
            part = vector[start : start + f.size]
            start += f.size
            if f.symmetric:
                matrix = np.zeros(f.shape, vector.dtype)
                rows, columns = np.triu_indices(f.shape[0])
                matrix[rows, columns] = part
                matrix[columns, rows] = part
                arrays[name] = matrix
            else:
                arrays[name] = part.reshape(f.shape)
        return Statistics(arrays)

    def flatten(self, statistics: Statistics) -> Array:
        """Lay the arrays out as one flat vector, symmetric ones as their upper triangle."""
        parts = []
        for name, f in self.fields.items():
            array = statistics[name]
            if array.shape != f.shape:
                raise ValueError(f"{name} has shape {array.shape}, the schema says {f.shape}")
            parts.append(array[np.triu_indices(f.shape[0])] if f.symmetric else array.ravel())
        return np.concatenate(parts) if parts else np.zeros(0)


@dataclass(frozen=True)
class Statistics(Mapping[str, Array]):
    """Named arrays that can be added and scaled: a vector with names on its parts.

    Parameters
    ----------
    arrays
        By name.
    noise
        Standard deviation of the noise that privacy put on every value; 0 where sums are exact.
    """

    arrays: Mapping[str, Array] = field(default_factory=dict)
    noise: float = 0.0

    def __getitem__(self, name: str) -> Array:
        return self.arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    def __add__(self, other: Self) -> Statistics:
        noise = math.hypot(self.noise, other.noise)
        return Statistics({name: array + other[name] for name, array in self.items()}, noise)

    def scaled(self, factor: float) -> Statistics:
        """Return every array times ``factor``."""
        arrays = {name: array * factor for name, array in self.items()}
        return Statistics(arrays, self.noise * abs(factor))


def total(parts: Iterable[Statistics]) -> Statistics:
    """Add up statistics as they arrive; memory is that of two, whatever their number.

    Raises
    ------
    ValueError
        There is nothing to add.
    """
    result: dict[str, Array] | None = None
    noise = 0.0
    for part in parts:
        noise = math.hypot(noise, part.noise)
        if result is None:
            result = {name: np.array(array) for name, array in part.items()}
        else:
            for name, array in part.items():
                result[name] += array
    if result is None:
        raise ValueError("a total needs at least one part")
    return Statistics(result, noise)


class Contributions(Protocol):
    """A block's per-user statistics, not materialised.

    Per-user clipping needs only the norms and a weighted sum, so a model never has to hold one
    vector per user: where the statistics are outer products, both have closed forms.
    """

    @property
    def schema(self) -> Schema:
        """The public shape of one user's statistics."""
        ...

    def __len__(self) -> int:
        """Return the number of users."""
        ...

    def norms(self) -> NDArray[np.float64]:
        """Return the L2 norm of each user's flat vector, shape (users,)."""
        ...

    def sum(self, weights: NDArray[np.float64]) -> Statistics:
        """Return the sum of the users' statistics, each times its weight, shape (users,)."""
        ...


@dataclass(frozen=True)
class Rows:
    """Contributions held as one row per user, for statistics that are short.

    Parameters
    ----------
    schema
        The public shape.
    matrix
        One flat vector per user, shape (users, schema.size).
    """

    schema: Schema
    matrix: Array

    def __len__(self) -> int:
        return len(self.matrix)

    def norms(self) -> NDArray[np.float64]:
        """Return the L2 norm of each row."""
        norms: NDArray[np.float64] = np.linalg.norm(self.matrix.astype(np.float64), axis=1)
        return norms

    def sum(self, weights: NDArray[np.float64]) -> Statistics:
        """Return the weighted sum of the rows."""
        return self.schema.unflatten(weights @ self.matrix)
