"""What Skellam noise costs: its Rényi divergences, and how much of it a budget asks for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hedgerow.errors import ConfigError
from hedgerow.privacy.accounting import TOLERANCE, Orders, composed, multiplier_for
from hedgerow.privacy.skellam import DRAW_ERROR


@dataclass(frozen=True)
class SkellamEvent:
    """A release of an integer vector with Skellam noise.

    Parameters
    ----------
    variance
        Of the noise in each coordinate, over the honest survivors, in steps squared.
    sensitivity
        The L2 bound on one unit's integer vector, in steps.
    size
        The number of coordinates.
    clients
        How many clients draw noise at most.
    """

    variance: float
    sensitivity: float
    size: int
    clients: int

    def __post_init__(self) -> None:
        if not 0 < self.variance < math.inf:
            raise ConfigError(f"A variance is a number above 0, not {self.variance}.")
        if not 0 < self.sensitivity < math.inf or self.size < 1 or self.clients < 1:
            raise ConfigError("A release has a sensitivity, a size and clients, all above 0.")

    @property
    def error(self) -> float:
        """A bound on the total variation between the noise drawn and the noise accounted."""
        return self.size * self.clients * DRAW_ERROR

    def rdp(self, orders: Orders) -> NDArray[np.float64]:
        """Return the bounds on the Rényi divergences of Agarwal, Kairouz and Liu (2021).

        Theirs are for one coordinate, an integer shift and an integer order; divergences of
        independent coordinates add up. An integer vector has ``L1 <= L2**2``. Their parameter
        of the distribution is its variance, with Poisson numbers of half of it each.
        """
        squared = self.sensitivity**2
        absolute = min(math.sqrt(self.size) * self.sensitivity, squared)
        first = orders * squared / (2 * self.variance)
        second = ((2 * orders - 1) * squared + 6 * absolute) / (4 * self.variance**2)
        bounds: NDArray[np.float64] = first + np.minimum(second, 3 * absolute / (2 * self.variance))
        return bounds


@dataclass(frozen=True)
class Part:
    """What one of several releases has, and what part of the budget.

    Parameters
    ----------
    sensitivity
        The L2 bound on one unit's integer vector, in steps.
    size
        The number of coordinates.
    share
        The part of the budget, above 0; only proportions matter.
    """

    sensitivity: float
    size: int
    share: float = 1.0


def variances_for(
    epsilon: float, delta: float, parts: Sequence[Part], clients: int
) -> tuple[float, ...]:
    """Return the noise variances, in steps squared, that keep Skellam releases in a budget.

    Each release's multiplier is the common one over the root of its part of the budget. The
    epsilon of all together is at most ``epsilon``, and within 0.1 % of it unless the samplers'
    error asks for more noise (an epsilon of 20 and more).

    Parameters
    ----------
    epsilon, delta
        The budget of all releases together.
    parts
        The releases.
    clients
        How many clients draw noise at most.

    Raises
    ------
    ConfigError
        The budget or a part is outside its range.
    """
    whole = sum(part.share for part in parts)
    if not parts or not all(part.share > 0 for part in parts) or not math.isfinite(whole):
        raise ConfigError("A budget is shared among releases by numbers above 0.")

    def events(multiplier: float) -> list[SkellamEvent]:
        return [
            SkellamEvent(
                (multiplier * part.sensitivity) ** 2 * whole / part.share,
                part.sensitivity,
                part.size,
                clients,
            )
            for part in parts
        ]

    # Skellam noise is never accounted better than Gaussian noise of its variance.
    low = high = multiplier_for(epsilon, delta)
    while composed(events(high), delta) > epsilon:
        low, high = high, high * 1.25
        if high > 1e12:
            raise ConfigError(
                f"No Skellam noise keeps epsilon {epsilon:g} at delta {delta:g}; take a larger "
                "delta or a smaller epsilon."
            )
    while high > low * (1 + TOLERANCE / 100):
        middle = math.sqrt(low * high)
        if composed(events(middle), delta) > epsilon:
            low = middle
        else:
            high = middle
    return tuple(event.variance for event in events(high))
