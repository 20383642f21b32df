"""Clipping: no user's term is longer than the bound, whatever the user has done."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ROUNDING = 1e-4
"""By which share a norm's closed form may be short, as of 32-bit arithmetic, at most."""


def clipped(
    weights: NDArray[np.float64], norms: NDArray[np.float64], bound: float
) -> NDArray[np.float64]:
    """Return weights under which no term is longer than a bound.

    Clipping to an L2 ball is a weight of at most 1: a term ``x`` becomes
    ``x * min(1, bound / |x|)`` (Abadi et al. 2016), so nothing per user is materialised. Norms are
    rounded up, as sums in 32 bits may differ from their closed forms.

    Parameters
    ----------
    weights
        One per user, at most 1; 0 does not take part.
    norms
        Of the users' terms, shape (users,).
    bound
        The longest that a term may be.

    Raises
    ------
    ValueError
        A norm is not finite; such a term would spoil the sum and the promise.
    """
    if not np.isfinite(norms).all():
        raise ValueError("a term's norm is not finite")
    return weights * (bound / np.maximum(norms * (1 + ROUNDING), bound))
