"""The best of many scores, in an order that does not depend on how many are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def best(scores: NDArray[np.floating[Any]], k: int) -> NDArray[np.int64]:
    """Return the items with the highest scores, best first; of equal ones the first come first.

    Parameters
    ----------
    scores
        One per item, shape (items,).
    k
        At most so many. The answer for fewer is the beginning of that for more.

    Returns
    -------
    numpy.ndarray
        Item numbers, shape (min(k, items),).
    """
    k = min(k, len(scores))
    if not k:
        return np.zeros(0, np.int64)
    least = np.partition(scores, len(scores) - k)[len(scores) - k]
    above = np.flatnonzero(scores > least)
    tied = np.flatnonzero(scores == least)[: k - len(above)]
    chosen = np.concatenate([above, tied])
    return chosen[np.argsort(-scores[chosen], kind="stable")]
