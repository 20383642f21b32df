"""Google's accountants, to which ours is held."""

import math
from functools import cache

from dp_accounting import dp_event
from dp_accounting.pld import PLDAccountant
from dp_accounting.rdp import compute_epsilon


def epsilon_of(multipliers, delta):
    """The epsilon of Gaussian releases, rounded up a trifle."""
    together = math.fsum(1 / z**2 for z in multipliers) ** -0.5
    # Some digits less, so that equal sums in another order meet.
    return _pld_epsilon(float(f"{together:.12g}"), delta)


def renyi_epsilon(orders, divergences, delta):
    """The epsilon that divergences of these orders imply."""
    return float(compute_epsilon(orders, divergences, delta)[0])


@cache
def _pld_epsilon(multiplier, delta):
    # Steps that tell a small epsilon, yet no more than a few millions over all likely losses.
    likely = 1 / (2 * multiplier**2) + math.sqrt(-2 * math.log(delta)) / multiplier
    interval = max(5e-5 * likely, 1e-5 / multiplier)
    accountant = PLDAccountant(value_discretization_interval=interval)
    accountant.compose(dp_event.GaussianDpEvent(multiplier))
    return float(accountant.get_epsilon(delta))
