"""What a public state must look like: checked by clients before they open a history.

A state that a hostile coordinator made up could fail, overflow or crawl on some histories and not
on others, and so tell them apart. What passes here is finite, of the shapes that its recipe
declares, and so far from the ends of 32-bit numbers that products and sums stay within them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hedgerow.errors import ProtocolError
from hedgerow.models.limits import ITEMS
from hedgerow.statistics import Array

if TYPE_CHECKING:
    from hedgerow.models.base import Recipe, State

SMALLEST = 2.0**-60
"""The smallest value that is not zero. Processors take many times as long for denormal numbers;
with this, the product of two values is not one of them."""

COUNT = 1e9
"""The most that a count may be."""

VALUE = 1e6
"""The most that a value of a vector or a weight may be; sums of their products over a catalog and
a history are far below the largest 32-bit number, 3e38."""

SEED = 2**53 - 1
"""The largest seed; the browser's numbers hold it exactly."""

CHUNK = 1 << 20
"""Values that are looked at together."""


@dataclass(frozen=True)
class Width:
    """A dimension that follows from noisy sums: from 1 up, and one number in all of a state.

    Parameters
    ----------
    name
        Arrays whose widths have the same name agree.
    most
        How wide at most.
    """

    name: str
    most: int


@dataclass(frozen=True)
class Expected:
    """What one array of a public state must look like.

    Parameters
    ----------
    shape
        Its dimensions.
    low, high
        Between which all values lie, both included.
    dtype
        Of its numbers, as NumPy names it.
    """

    shape: tuple[int | Width, ...]
    low: float
    high: float
    dtype: str = "float32"


def counts_of(*shape: int) -> Expected:
    """Return what counts look like: none below zero."""
    return Expected(shape, 0, COUNT)


def values_of(*shape: int | Width) -> Expected:
    """Return what vectors and weights look like."""
    return Expected(shape, -VALUE, VALUE)


def seed_expected() -> Expected:
    """Return what a seed looks like."""
    return Expected((), 0, SEED, "int64")


def check_state(recipe: Recipe, state: State, items: int) -> None:
    """Refuse a public state that is not what its recipe declares.

    Parameters
    ----------
    recipe, state
        The model so far.
    items
        In the catalog.

    Raises
    ------
    ProtocolError
        ``bad-model``.
    """
    _check(1 <= items <= ITEMS, f"it has {items:,} items, and from 1 to {ITEMS:,} are accepted")
    _check(0 <= state.round <= len(recipe.charges), f"it has no round {state.round}")
    wanted = recipe.expects(items, state.round)
    odd = sorted(set(wanted) ^ set(state.arrays))
    _check(not odd, f"of arrays, {', '.join(odd)[:80]} is missing or not expected")
    widths: dict[str, int] = {}
    for name, expected in wanted.items():
        array = state.arrays[name]
        _check(array.dtype == expected.dtype, f"{name} is not of type {expected.dtype}")
        _check(_fits(array.shape, expected.shape, widths), f"{name} has shape {array.shape}")
        for part in _parts(array):
            # A value that is no number is on neither side of anything.
            inside = bool(part.min() >= expected.low and part.max() <= expected.high)
            _check(inside, f"{name} is not between {expected.low:g} and {expected.high:g}")
            tiny = np.count_nonzero(np.abs(part) < SMALLEST) - np.count_nonzero(part == 0)
            _check(not tiny, f"{name} has values too small to compute with")


def settled(recipe: Recipe, state: State, items: int) -> State:
    """Return a state as it is published: tiny values as zeros, and all within their bounds.

    Whoever publishes does so after each update, in the simulator as over a network, so that
    clients accept whatever noise and other clients' terms have led to.

    Parameters
    ----------
    recipe, state
        The model after an update.
    items
        In the catalog.
    """
    wanted = recipe.expects(items, state.round)
    return replace(
        state, arrays={name: _settled(array, wanted[name]) for name, array in state.arrays.items()}
    )


def _settled(array: Array, expected: Expected) -> Array:
    if not np.issubdtype(array.dtype, np.floating):
        return array
    result = np.clip(array, expected.low, expected.high)
    result[np.abs(result) < SMALLEST] = 0
    return result


def _fits(shape: tuple[int, ...], wanted: tuple[int | Width, ...], widths: dict[str, int]) -> bool:
    if len(shape) != len(wanted):
        return False
    for size, expected in zip(shape, wanted, strict=True):
        if isinstance(expected, int):
            right = size == expected
        else:
            right = 1 <= size <= expected.most and widths.setdefault(expected.name, size) == size
        if not right:
            return False
    return True


def _parts(array: Array) -> Iterator[Array]:
    """Yield all values in pieces that fit a processor's cache."""
    flat = array.reshape(-1)
    for start in range(0, len(flat), CHUNK):
        yield flat[start : start + CHUNK]


def _check(condition: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not condition:
        raise ProtocolError("bad-model", f"The public model cannot be used: {what}.")


def prefixed(prefix: str, expected: Mapping[str, Expected]) -> dict[str, Expected]:
    """Return arrays under names that begin with another."""
    return {f"{prefix}/{name}": each for name, each in expected.items()}
