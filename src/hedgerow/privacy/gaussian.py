"""Gaussian noise that a server adds, on a grid, or rounded to the integers of a ring."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hedgerow.errors import ConfigError
from hedgerow.privacy.normal import quantiles
from hedgerow.privacy.randomness import Stream

GRID_BITS = 32
"""The grid is between 2**-33 and 2**-32 of the standard deviation."""
REACH = 13.2
"""No noise goes further, in standard deviations; a Gaussian does with probability 2**-129."""
WIDEST = 2.0**40
"""The largest standard deviation of integer noise: floats tell all its integers apart."""

_ROOM = 2.0**62
_CHUNK = 1 << 16


def grid(sigma: float) -> float:
    """Return the step on which noise of a standard deviation lives, a power of two.

    Raises
    ------
    ConfigError
        The standard deviation is not a number above 0.
    """
    if not 0 < sigma < math.inf:
        raise ConfigError(f"A standard deviation is a number above 0, not {sigma}.")
    return math.ldexp(1.0, math.frexp(sigma)[1] - 1 - GRID_BITS)


def add(values: NDArray[np.float64], sigma: float, stream: Stream) -> NDArray[np.float64]:
    """Add Gaussian noise to a sum, with both rounded to multiples of ``grid(sigma)``.

    Mironov (2012) told from the low bits of a floating-point result what had gone in, because
    only some results can be reached from each input. Here the addition is one of integers, so
    from every input the noise reaches the same grid points, up to ``REACH``.

    That the support leaks nothing is proven; rounding the values first makes the L2 sensitivity
    grow by at most ``grid(sigma) * sqrt(size)``, 2.4e-7 standard deviations for a million values.
    Not proven is that each grid point has exactly the Gaussian's probability: the inverse of the
    normal distribution function is a floating-point one, right to about 1e-15, and its time may
    depend on the noise. Skellam noise is exact.

    Parameters
    ----------
    values
        The sum, any shape.
    sigma
        The noise's standard deviation; 0 returns the values as they are.
    stream
        Where the randomness comes from.

    Raises
    ------
    ConfigError
        The standard deviation is negative or not a number.
    ValueError
        A value is not finite, or more than ``2**36`` standard deviations large.
    """
    if sigma == 0:
        return values
    step = grid(sigma)
    scaled = np.asarray(values, np.float64) / step
    if not (np.abs(scaled) < _ROOM).all():
        raise ValueError("values to which noise is added are finite and not vastly larger than it")
    noise = _rounded(stream, scaled.size, sigma / step).reshape(scaled.shape)
    return (np.rint(scaled).astype(np.int64) + noise).astype(np.float64) * step


def integers(stream: Stream, count: int, sigma: float) -> NDArray[np.int64]:
    """Draw Gaussian noise rounded to integers, at most ``bound(sigma)`` from 0.

    Rounding commutes with adding integers, so an integer sum with this noise is a function of
    the sum with unrounded noise, and as private as that.

    Parameters
    ----------
    stream
        Where the randomness comes from.
    count
        How many numbers.
    sigma
        The standard deviation before rounding, in steps.

    Raises
    ------
    ConfigError
        The standard deviation is negative or above ``WIDEST``.
    """
    _check_integer_sigma(sigma)
    return _rounded(stream, count, sigma)


def bound(sigma: float) -> int:
    """Return the largest absolute value that ``integers`` draws.

    Raises
    ------
    ConfigError
        The standard deviation is negative or above ``WIDEST``.
    """
    _check_integer_sigma(sigma)
    return math.ceil(REACH * sigma)


def _rounded(stream: Stream, count: int, sigma: float) -> NDArray[np.int64]:
    out = np.empty(count, np.int64)
    for start in range(0, count, _CHUNK):
        part = out[start : start + _CHUNK]
        part[:] = np.rint(_normal(stream.words(len(part), np.uint64), stream) * sigma)
    return out


def _normal(words: NDArray[np.uint64], stream: Stream) -> NDArray[np.float64]:
    """Return standard normal numbers by inversion of 128 random bits, the sign among them.

    With the 53 bits of a float some grid points far out could never be reached. Given are the
    high 64 bits; the low ones are drawn only where they are large enough a part to matter.
    """
    negative = (words & np.uint64(1)).astype(bool)
    tail = (words >> np.uint64(1)).astype(np.float64) + 0.5
    small = np.flatnonzero(tail < 2.0**42)
    low = stream.words(len(small), np.uint64)
    tail[small] += (low + 0.5) * 2.0**-64 - 0.5
    drawn = quantiles(tail * 2.0**-64)
    return np.where(negative, drawn, -drawn)


def _check_integer_sigma(sigma: float) -> None:
    if not 0 <= sigma <= WIDEST:
        raise ConfigError(
            f"Integer noise has a standard deviation from 0 to {WIDEST:.3g} steps, not {sigma:g}; "
            "take coarser steps."
        )
