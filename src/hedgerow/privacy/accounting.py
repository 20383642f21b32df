"""How much privacy releases of noisy sums spend, and how much noise a budget asks for.

The unit is one user (or one silo), added or removed; the group that takes part is everyone, so
nothing is claimed for sampling. Gaussian releases are accounted by their closed form, which is
exact, and a ledger that also holds other noise by Rényi divergences.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hedgerow.errors import ConfigError
from hedgerow.privacy.normal import log_ndtr

Orders = NDArray[np.float64]

ACCOUNTANT = "closed form of the Gaussian mechanism (Balle and Wang 2018)"
"""What states the epsilon of Gaussian releases alone."""

RENYI_ACCOUNTANT = "Rényi divergences (Canonne, Kamath and Steinke 2020)"
"""What states the epsilon where other noise is among the releases."""

WIDEST_DELTA = 1e-5
TOLERANCE = 1e-3
"""How far below the budget a calibrated epsilon may stay, as a fraction."""
RESOLUTION = 1e-4
"""How far below the budget noise is aimed, as a fraction, so that accountants that round up, such
as those by privacy loss distributions, also find the budget kept."""
RESERVE = 2.0**-7
"""The part of delta that is kept for samplers that are not exactly the noise they stand for."""


class Event(Protocol):
    """A release of a noisy sum, as an accountant sees it."""

    @property
    def error(self) -> float:
        """A bound on the total variation between the noise drawn and the noise accounted."""
        ...

    def rdp(self, orders: Orders) -> NDArray[np.float64]:
        """Return upper bounds on the Rényi divergences of these integer orders above 1."""
        ...


@dataclass(frozen=True)
class GaussianEvent:
    """A release with Gaussian noise.

    Parameters
    ----------
    multiplier
        The noise's standard deviation over the L2 sensitivity.
    """

    multiplier: float

    def __post_init__(self) -> None:
        _check_multiplier(self.multiplier)

    @property
    def error(self) -> float:
        """Nothing: the Gaussian is taken as it is."""
        return 0.0

    def rdp(self, orders: Orders) -> NDArray[np.float64]:
        """Return the Rényi divergences (Mironov 2017, Proposition 7)."""
        divergences: NDArray[np.float64] = orders / (2 * self.multiplier**2)
        return divergences


def default_delta(units: int) -> float:
    """Return the delta for a population: ``1 / n**1.1``, and at most 1e-5.

    For n the units are rounded up to two digits, so that delta, which everyone may see, tells only
    about how many there are. One unit more changes it by a tenth at most.

    Raises
    ------
    ConfigError
        There is not even one unit.
    """
    if units < 1:
        raise ConfigError(f"A population has at least one unit, not {units}.")
    step = 10 ** max(0, len(str(units)) - 2)
    rounded = -(-units // step) * step
    return min(WIDEST_DELTA, math.pow(rounded, -1.1))


def combined(multipliers: Sequence[float]) -> float:
    """Return the noise multiplier of the one Gaussian release that is worth several.

    Adaptive Gaussian releases compose exactly, as one with ``sum(1 / z**2) ** -0.5``
    (Dong, Roth and Su 2022, Gaussian Differential Privacy). No release at all has an infinite
    multiplier.

    Raises
    ------
    ConfigError
        A multiplier is not a number above 0.
    """
    for multiplier in multipliers:
        _check_multiplier(multiplier)
    # hypot neither overflows nor loses the small ones.
    precision = math.hypot(*(1 / multiplier for multiplier in multipliers))
    return 1 / precision if precision else math.inf


@cache
def multiplier_for(epsilon: float, delta: float) -> float:
    """Return the combined noise multiplier that keeps Gaussian releases in a budget.

    Their epsilon stays below ``epsilon`` by a part of `RESOLUTION`.

    Raises
    ------
    ConfigError
        Epsilon is not above 0, or delta is outside its range.
    """
    _check_epsilon(epsilon)
    _check_delta(delta)
    return analytic_multiplier(epsilon * (1 - RESOLUTION), delta)


def composed(events: Sequence[Event], delta: float) -> float:
    """Return the epsilon that releases of any noise spend together.

    Gaussian releases alone go to their exact accountant. Otherwise the Rényi divergences are
    added up and turned into epsilon (`renyi_epsilon`). If a sampler stays within total variation
    ``t`` of its noise, delta grows by ``(1 + exp(epsilon)) * t``; a part of delta is reserved for
    that.

    Parameters
    ----------
    events
        All that one unit took part in.
    delta
        Above 0 and below 1.

    Returns
    -------
    float
        Infinite if the samplers are not exact enough for so large an epsilon.

    Raises
    ------
    ConfigError
        Delta is outside its range.
    """
    _check_delta(delta)
    gaussians = [event.multiplier for event in events if isinstance(event, GaussianEvent)]
    if len(gaussians) == len(events):
        together = combined(gaussians)
        return analytic_epsilon(together, delta) if math.isfinite(together) else 0.0
    orders = _orders()
    divergences = np.sum([event.rdp(orders) for event in events], axis=0)
    epsilon = renyi_epsilon(orders, divergences, delta * (1 - RESERVE))
    error = sum(event.error for event in events)
    # In logarithms, because exp(epsilon) overflows.
    spent = np.logaddexp(0, epsilon) + math.log(error) if error else -math.inf
    return epsilon if spent <= math.log(delta * RESERVE) else math.inf


def renyi_epsilon(orders: Orders, divergences: NDArray[np.float64], delta: float) -> float:
    """Return the epsilon that bounds on Rényi divergences imply.

    The least over the orders by Canonne, Kamath and Steinke (2020), Proposition 12; 0 where the
    divergences are so small that the total variation stays within delta (Bretagnolle and Huber).

    Parameters
    ----------
    orders
        Above 1.
    divergences
        One per order, of at least 0.
    delta
        Above 0 and below 1.
    """
    if (-np.expm1(-divergences) < delta**2).any():
        return 0.0
    bounds = divergences + np.log1p(-1 / orders) - np.log(delta * orders) / (orders - 1)
    return max(0.0, float(bounds.min()))


def analytic_delta(epsilon: float, multiplier: float) -> float:
    """Return the exact delta of one Gaussian release (Balle and Wang 2018, Theorem 8)."""
    return math.exp(_log_delta(epsilon, multiplier))


def analytic_epsilon(multiplier: float, delta: float) -> float:
    """Return the exact epsilon of one Gaussian release, by inverting the closed form."""
    goal = math.log(delta)
    if _log_delta(0.0, multiplier) <= goal:
        return 0.0
    # Concentrated differential privacy bounds it from above (Bun and Steinke 2016).
    highest = 1 / (2 * multiplier**2) + math.sqrt(-2 * goal) / multiplier
    return _least(lambda epsilon: _log_delta(epsilon, multiplier) <= goal, 0.0, highest)


def analytic_multiplier(epsilon: float, delta: float) -> float:
    """Return the smallest noise multiplier of one Gaussian release, by the closed form."""
    goal = math.log(delta)
    # The inverse of the bound from concentrated differential privacy.
    highest = (math.sqrt(-2 * goal + 2 * epsilon) + math.sqrt(-2 * goal)) / (2 * epsilon)
    return _least(lambda multiplier: _log_delta(epsilon, multiplier) <= goal, 0.0, highest)


def _least(enough: Callable[[float], bool], low: float, high: float) -> float:
    """Return the least float at which a condition holds that holds from there to the higher one."""
    while low < (middle := (low + high) / 2) < high:
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _log_delta(epsilon: float, multiplier: float) -> float:
    centre, half = -epsilon * multiplier, 1 / (2 * multiplier)
    more = log_ndtr(centre + half)
    less = epsilon + log_ndtr(centre - half)
    return more + math.log(-math.expm1(less - more)) if less < more else -math.inf


@cache
def _orders() -> Orders:
    # Integers, because bounds for discrete noise are proven for these; up to those that matter
    # for an epsilon of a thousandth.
    return np.unique(np.concatenate([np.arange(2, 129), np.geomspace(129, 1e6, 200).round()]))


def _check_multiplier(multiplier: float) -> None:
    if not 0 < multiplier < math.inf:
        raise ConfigError(f"A noise multiplier is a number above 0, not {multiplier}.")


def _check_epsilon(epsilon: float) -> None:
    if not 0 < epsilon < math.inf:
        raise ConfigError(f"Epsilon is a number above 0, not {epsilon}.")


def _check_delta(delta: float) -> None:
    if not 0 < delta < 1:
        raise ConfigError(f"Delta is a number above 0 and below 1, not {delta}.")
