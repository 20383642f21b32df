"""What a promise takes, worked out once more from the papers and not by the code under audit."""

from __future__ import annotations

import math

import numpy as np
import scipy
from numpy.typing import NDArray


def gaussian_epsilon(multipliers: NDArray[np.float64], delta: float) -> float:
    """Return the epsilon of Gaussian releases together.

    They are as private as one whose inverse squared multiplier is the sum of theirs (Dong, Roth
    and Su 2022), of which delta is known in closed form (Balle and Wang 2018).

    Parameters
    ----------
    multipliers
        Standard deviations of the noise over the sensitivity, shape (releases,).
    delta
        At which epsilon is told.
    """
    if not multipliers.all():
        return math.inf
    apart = math.sqrt(float((1 / multipliers**2).sum()))

    def excess(epsilon: float) -> float:
        near = scipy.special.ndtr(apart / 2 - epsilon / apart)
        far = scipy.special.log_ndtr(-apart / 2 - epsilon / apart)
        return float(near - math.exp(epsilon + float(far)) - delta)

    if excess(0.0) <= 0:
        return 0.0
    # From there on the first term alone is below delta.
    most = 1 + 2 * apart * (apart / 2 - float(scipy.special.ndtri(delta)))
    return float(scipy.optimize.brentq(excess, 0.0, most, xtol=1e-9))


def integer_sensitivity(clip: float, scale: float, size: int) -> float:
    """Return the L2 bound of a clipped vector after rounding to integers, in steps.

    By Kairouz, Liu and Steinke (2021), Proposition 22 with beta = exp(-1/2), or the bound that
    holds for certain, whichever is smaller; a squared norm of integers is an integer.
    """
    steps = clip * scale
    likely = steps**2 + size / 4 + steps + math.sqrt(size) / 2
    return math.sqrt(math.floor(min(likely, (steps + math.sqrt(size)) ** 2)))


def honest(clients: int, adversaries: float, dropouts: float) -> int:
    """Return for how few clients the noise that clients make has to be enough.

    Of adversaries there is one at least, where there may be any.
    """
    false = max(math.floor(clients * adversaries + 1e-9), int(adversaries > 0))
    return clients - false - math.floor(clients * dropouts + 1e-9)


def rounding_variance(scaled: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the variance of each value once it is rounded up or down at random, in steps."""
    part = scaled - np.floor(scaled)
    variance: NDArray[np.float64] = part * (1 - part)
    return variance
