"""How well members are told from non-members by scores, and how well they may be."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

STRICT_EPSILON = 2.0
"""Up to this epsilon, single interactions must be next to impossible to tell."""

STRICT_AUC = 0.55
"""Up to that epsilon, the largest area under the curve that passes."""


def area_under_curve(members: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """Return how often a member's score is above another's, ties counting half.

    That is the area under the receiver operating characteristic (Hanley and McNeil 1982).

    Parameters
    ----------
    members, others
        Scores, shapes (members,) and (others,); neither is empty.

    Raises
    ------
    ValueError
        There is none of a kind.
    """
    if not len(members) or not len(others):
        raise ValueError("an area under the curve takes members and others")
    ranks = rankdata(np.concatenate([members, others]))[: len(members)]
    wins = float(ranks.sum()) - len(members) * (len(members) + 1) / 2
    return wins / (len(members) * len(others))


def standard_error(auc: float, members: int, others: int) -> float:
    """Return the standard error of an area under the curve (Hanley and McNeil 1982).

    Parameters
    ----------
    auc
        The area.
    members, others
        How many scores of either kind it was made of.
    """
    alike = auc / (2 - auc) - auc**2
    opposite = 2 * auc**2 / (1 + auc) - auc**2
    spread = auc * (1 - auc) + (members - 1) * alike + (others - 1) * opposite
    return math.sqrt(max(0.0, spread) / (members * others))


def largest_area(epsilon: float, delta: float) -> float:
    """Return the largest area under the curve that (epsilon, delta)-privacy allows anyone.

    Its receiver operating characteristic lies below ``delta + exp(epsilon) x`` and below
    ``1 - exp(-epsilon) (1 - delta - x)`` (Kairouz, Oh and Viswanath 2015).
    """
    corner = (1 - delta) / (1 + math.exp(epsilon))
    height = 1 - corner
    rising = (delta + height) / 2 * corner
    falling = (height + 1) / 2 * (1 - delta - corner)
    return rising + falling + delta


def area_allowed(epsilon: float, delta: float) -> float:
    """Return the area under the curve up to which an audit passes.

    Up to `STRICT_EPSILON` it is `STRICT_AUC`, which is stricter than the promise: that one speaks
    of a person's whole data, and a single interaction must be told far less well. Beyond, it is
    what the promise allows.
    """
    return STRICT_AUC if epsilon <= STRICT_EPSILON else largest_area(epsilon, delta)
