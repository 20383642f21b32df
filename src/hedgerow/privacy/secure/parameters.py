"""How many neighbours hold shares of a client's secrets, and how many of them recover one.

Bell, Bonawitz, Gascon, Lepoint, Raykova: Secure Single-Server Aggregation with (Poly)Logarithmic
Overhead, CCS 2020 (eprint 2020/704). The adversaries and the dropouts are among the clients at
random with respect to the graph, so a client's neighbours are a sample without replacement.

A server that lies about dropouts can choose them. It gets no client's term by that, but in a graph
that is not complete it may get the sums of parts of the ring; what bounds its choice is the minimum
of contributors, which clients check, so a minimum near the number of clients is the safer one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hedgerow.errors import ConfigError

SECURITY_BITS = 40
"""A secret is safe but for a chance of 2**-40, over all clients."""

FAILURE_BITS = 20
"""A sum is recovered but for a chance of 2**-20."""

COMPLETE = 100
"""Up to so many clients, all are each other's neighbours."""


@dataclass(frozen=True)
class Assumptions:
    """Against what a sum is secured.

    Parameters
    ----------
    adversaries
        The largest share of clients in league with the server.
    dropouts
        The largest share of clients that vanish.
    semi_malicious
        Whether the server may deviate once keys are collected, or only look on.
    """

    adversaries: float = 1 / 3
    dropouts: float = 0.1
    semi_malicious: bool = True

    def __post_init__(self) -> None:
        if not (0 <= self.adversaries < 1 and 0 <= self.dropouts < 1):
            raise ConfigError("The shares of adversaries and of dropouts are at least 0, below 1.")


@dataclass(frozen=True)
class Parameters:
    """The size of a neighbourhood, and how many shares of it recover a secret."""

    neighbours: int
    threshold: int


def choose(clients: int, assumptions: Assumptions) -> Parameters:
    """Return all others as neighbours for up to 100 clients, else as few as suffice.

    Raises
    ------
    ConfigError
        No neighbourhood suffices: too few clients for such assumptions.
    """
    return fewest(clients, assumptions, at_least=clients - 1 if clients <= COMPLETE else 2)


@lru_cache(maxsize=256)
def fewest(clients: int, assumptions: Assumptions, at_least: int = 2) -> Parameters:
    """Return the fewest neighbours, and their lowest threshold, that are private and robust.

    Parameters
    ----------
    clients
        How many there are.
    assumptions
        Against what.
    at_least
        An even number, or that of all others, from which to look.

    Raises
    ------
    ConfigError
        No neighbourhood suffices: too few clients for such assumptions.
    """
    everyone = clients - 1
    for degree in (*range(at_least, everyone, 2), everyone):
        threshold = _lowest_private(clients, degree, assumptions)
        if threshold <= _highest_robust(clients, degree, assumptions):
            return Parameters(degree, threshold)
    raise ConfigError(
        f"No threshold among {clients} clients withstands {assumptions.adversaries:.0%} "
        f"adversaries and {assumptions.dropouts:.0%} dropouts; ask for more clients or assume less."
    )


@lru_cache(maxsize=256)
def is_private(clients: int, degree: int, threshold: int, assumptions: Assumptions) -> bool:
    """Return whether a threshold keeps secrets: the part that a client checks for itself."""
    return _lowest_private(clients, degree, assumptions) <= threshold <= degree


def _lowest_private(clients: int, degree: int, assumptions: Assumptions) -> int:
    """Return the lowest private threshold, or one that nobody reaches.

    Two events may betray somebody, and each gets half of the chance 2**-40.

    The first: adversaries among some client's neighbours reach the threshold (a curious server), or
    a server that tells half of the honest neighbours that the client lives and the other half that
    it is gone gets ``threshold`` shares of both secrets. Each honest neighbour gives one share and
    each adversary two, so that takes ``2 * threshold <= degree + adversaries``.

    The second: the graph falls apart once adversaries and dropouts are taken out, and the server
    learns the sum of each part.
    """
    allowed = 2.0 ** -(SECURITY_BITS + 1)
    corrupt = _at_most(assumptions.adversaries, clients)
    gone = min(clients, corrupt + _at_most(assumptions.dropouts, clients))
    if _cut(clients, degree, gone) > allowed:
        return degree + 1
    # exceed[x] is the chance that at least x of one client's neighbours are adversaries
    exceed = _pmf(clients - 1, min(corrupt, clients - 1), degree)[::-1].cumsum()[::-1]
    enough = int(np.flatnonzero(np.append(exceed * clients <= allowed, True))[0])
    if assumptions.semi_malicious:
        return max(1, -(-(degree + enough) // 2))
    return max(1, enough)


def _highest_robust(clients: int, degree: int, assumptions: Assumptions) -> int:
    """Return the highest threshold that the survivors of every neighbourhood reach."""
    alive = max(0, clients - 1 - _at_most(assumptions.dropouts, clients))
    below = _pmf(clients - 1, alive, degree).cumsum() * clients
    # below[x] is the chance that some client has at most x neighbours left
    return int(np.count_nonzero(below <= 2.0**-FAILURE_BITS))


def _at_most(share: float, clients: int) -> int:
    """Return how many clients a share is, at least one where there are any."""
    return max(1, math.floor(share * clients + 1e-9)) if share > 0 else 0


def _pmf(population: int, marked: int, drawn: int) -> NDArray[np.float64]:
    """Return the hypergeometric probabilities of 0 to ``drawn`` marked ones, shape (drawn + 1,)."""
    others, all_ways = population - marked, _log_choose(population, drawn)
    chances = np.zeros(drawn + 1)
    for hits in range(max(0, drawn - others), min(drawn, marked) + 1):
        ways = _log_choose(marked, hits) + _log_choose(others, drawn - hits)
        chances[hits] = math.exp(ways - all_ways)
    return chances


def _log_choose(total: int, chosen: int) -> float:
    """Return the logarithm of a binomial coefficient."""
    return math.lgamma(total + 1) - math.lgamma(chosen + 1) - math.lgamma(total - chosen + 1)


def _cut(clients: int, degree: int, gone: int) -> float:
    """Return a bound on the chance that the remaining graph is not connected.

    Everyone is tied to the next ``degree / 2`` on each side of a ring, so only two separate runs of
    ``degree / 2`` missing clients cut it: at most ``clients**2 / 2`` places for the two, and a
    chance of all those being among the missing that falls with every further one.
    """
    if degree >= clients - 1 or gone < degree:
        return 0.0
    chance = _log_choose(gone, degree) - _log_choose(clients, degree)
    return math.exp(chance) * clients**2 / 2
