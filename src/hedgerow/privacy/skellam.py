"""Noise that clients make together: the Skellam mechanism (Agarwal, Kairouz and Liu 2021).

A Skellam number is the difference of two Poisson numbers. The sum of independent ones is Skellam
again, with the sum of the variances, so each client adds a small share and the total over the
honest survivors has exactly the law that is accounted for (`skellam_accounting`). All are integers,
so they go into a secured sum as they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hedgerow.errors import ConfigError
from hedgerow.privacy.randomness import Stream

TAIL = 2.0**-120
"""The probability that is cut off from one draw."""
DRAW_ERROR = 2.0**-102
"""A bound on the total variation of one number: 64 draws, their tails and thresholds rounded."""
WIDEST_DRAW = 2.0**28
"""The largest variance of one draw: a standard deviation of 16,384, a table of 3 MB."""
MOST_DRAWS = 64
"""How many draws are added up at most, for a standard deviation of up to 131,072."""

_GUIDE_BITS = 16
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Share:
    """What each client adds, and when there are too few of them.

    Parameters
    ----------
    variance
        Of each client's noise.
    honest
        The number of honest survivors that it is sized for.
    minimum
        The number of survivors, adversaries among them, below which the round must abort.
    """

    variance: float
    honest: int
    minimum: int


def share(total_variance: float, clients: int, adversaries: float, dropouts: float) -> Share:
    """Return the noise each client adds, so that the honest survivors' sum has the variance.

    Parameters
    ----------
    total_variance
        What the honest survivors must reach together.
    clients
        The number in the round.
    adversaries, dropouts
        The largest part of the clients that may add no noise, or may vanish. Where there may be
        adversaries at all, one is reckoned with also among so few that a part of them is none.

    Raises
    ------
    ConfigError
        A number is outside its range, or nobody is left to make noise.
    """
    if not 0 <= total_variance < math.inf or clients < 1:
        raise ConfigError("Noise needs a finite variance of at least 0 and at least one client.")
    if not (0 <= adversaries < 1 and 0 <= dropouts < 1):
        raise ConfigError("The parts of adversaries and dropouts are numbers from 0 to below 1.")
    # The slack keeps a product such as 100 * 0.29 from falling just below its integer.
    false = math.floor(clients * adversaries + 1e-9)
    if adversaries > 0:
        false = min(max(false, 1), clients - 1)
    gone = math.floor(clients * dropouts + 1e-9)
    honest = clients - false - gone
    if honest < 1:
        raise ConfigError(f"Of {clients} clients none would be left to make honest noise.")
    variance = total_variance / honest
    if variance * honest < total_variance:
        variance = math.nextafter(variance, math.inf)
    return Share(variance, honest, clients - gone)


def bound(variance: float) -> int:
    """Return the largest absolute value that ``sample`` draws for a variance.

    A single draw is cut where the Chernoff bound on both tails falls to 2**-120. A sum of many
    clients' draws stays within ``bound`` of the sum of their variances but for that probability,
    and within the sum of their bounds for certain.

    Raises
    ------
    ConfigError
        The variance is negative or too large.
    """
    draws, each = _draws(variance)
    return draws * _reach(each) if draws else 0


def sample(stream: Stream, count: int, variance: float) -> NDArray[np.int64]:
    """Draw Skellam numbers of mean 0 and the given variance, exactly but for 2**-102.

    By inversion of the distribution function from a table of 127-bit thresholds; a variance
    above ``WIDEST_DRAW`` is split into several draws, which are added up.

    Raises
    ------
    ConfigError
        The variance is negative or too large.
    """
    draws, each = _draws(variance)
    out = np.zeros(count, np.int64)
    if draws == 0:
        return out
    table = _table(each)
    for _ in range(draws):
        for start in range(0, count, _CHUNK):
            part = out[start : start + _CHUNK]
            words = stream.words(len(part), np.uint64)
            negative = -(words & np.uint64(1)).view(np.int64)
            magnitude = table.magnitudes(words >> np.uint64(1), stream)
            # Two's complement: flips the sign where all bits of ``negative`` are set.
            part += (magnitude ^ negative) - negative
    return out


@dataclass(frozen=True, eq=False)
class _Table:
    """Thresholds of the absolute value's distribution function, as 63 high and 64 low bits.

    The last is a sentinel above all words. ``guide`` says how many thresholds lie at or below
    each multiple of 2**47.
    """

    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    guide: NDArray[np.int64]

    def magnitudes(self, high: NDArray[np.uint64], stream: Stream) -> NDArray[np.int64]:
        """Return how many thresholds lie at or below uniform numbers, given their 63 high bits.

        The low bits matter, and are drawn, only where the high ones equal a threshold's.
        """
        found: NDArray[np.int64] = self.guide[high >> np.uint64(63 - _GUIDE_BITS)]
        above = self.high[found] <= high
        found += above
        further = np.flatnonzero(above & (self.high[found] <= high))
        found[further] = np.searchsorted(self.high, high[further], side="right")
        for tie in np.flatnonzero((self.high[found - 1] == high) & (found > 0)):
            first = int(np.searchsorted(self.high, high[tie], side="left"))
            rest = stream.words(1, np.uint64)[0]
            found[tie] = first + np.searchsorted(self.low[first : found[tie]], rest, side="right")
        return found


@lru_cache(maxsize=4)
def _table(variance: float) -> _Table:
    reach = _reach(variance)
    # Miller's algorithm: the recurrence of the modified Bessel functions, downwards, from far
    # beyond the last one needed (Olver et al., NIST Handbook, section 3.6), in integers.
    numerator, denominator = variance.as_integer_ratio()
    last = reach + reach // 2 + 16
    weights = [0] * (last + 1)
    beyond, weights[last] = 0, 1 << 160
    for k in range(last, 0, -1):
        weights[k - 1] = beyond + 2 * k * denominator * weights[k] // numerator
        beyond = weights[k]
    totals, total = [], weights[0]
    for weight in weights[1 : reach + 1]:
        totals.append(total)
        total += 2 * weight
    thresholds = [(partial << 127) // total for partial in totals]
    thresholds.append((1 << 128) - 1)
    high = np.array([threshold >> 64 for threshold in thresholds], np.uint64)
    low = np.array([threshold & (2**64 - 1) for threshold in thresholds], np.uint64)
    cells = np.arange(1 << _GUIDE_BITS, dtype=np.uint64) << np.uint64(63 - _GUIDE_BITS)
    return _Table(high, low, np.searchsorted(high, cells, side="right"))


@lru_cache(maxsize=64)
def _reach(variance: float) -> int:
    """Return where the Chernoff bound on both tails of the distribution falls to ``TAIL``."""
    goal = -math.log(TAIL / 2)

    def exponent(value: int) -> float:
        slope = value / variance
        # sqrt(1 + x**2) - 1 without cancellation or overflow.
        rise = slope * (slope / (math.hypot(1, slope) + 1))
        return value * math.asinh(slope) - variance * rise

    low, high = 0, 1
    while exponent(high) < goal:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if exponent(middle) < goal else (low, middle)
    return high


def _draws(variance: float) -> tuple[int, float]:
    """Return how many draws are added up, and the variance of each."""
    if not 0 <= variance <= WIDEST_DRAW * MOST_DRAWS:
        raise ConfigError(
            f"A client's noise has a variance from 0 to {WIDEST_DRAW * MOST_DRAWS:.3g} steps "
            f"squared, not {variance:g}; take coarser steps or more clients."
        )
    draws = math.ceil(variance / WIDEST_DRAW)
    if draws <= 1:
        return draws, float(variance)
    # Rounded up, so that the draws never add up to less.
    return draws, math.nextafter(variance / draws, math.inf)
