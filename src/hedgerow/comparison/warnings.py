"""What a reader of a private model's figures must know, where noise has taken the better of it."""

from __future__ import annotations

import numpy as np

from hedgerow.data.split import Fold


def chance(fold: Fold, k: int, *, repeats: bool) -> float:
    """Return the NDCG at ``k`` that is expected of a random order of the items.

    Parameters
    ----------
    fold
        On which is judged.
    k
        Length of the lists.
    repeats
        Whether items of the history may be recommended again.
    """
    judged = fold.judged()
    if not len(judged):
        return 0.0
    gains = 1 / np.log2(np.arange(2, k + 2))
    wanted = np.diff(judged.targets.incidence().indptr)
    met = 0 if repeats else np.diff(judged.history.incidence().indptr)
    left = np.maximum(judged.history.n_items - met, 1)
    best = np.cumsum(gains)[np.minimum(wanted, k) - 1]
    shown = np.cumsum(gains)[np.minimum(left, k) - 1]
    return float(np.mean(np.minimum(wanted * shown / left / best, 1.0)))


def shortfall(value: float, highest: float, random: float, popularity: float | None) -> str:
    """Return in a sentence whether a private model fell short of what costs less; else nothing.

    Parameters
    ----------
    value, highest
        Its NDCG, and the upper end of its interval.
    random, popularity
        That of a random order, and of popularity without noise where it is known.
    """
    if value <= random:
        return "it ranks no better than chance: ask more people, or allow a larger epsilon"
    if popularity is not None and highest < popularity:
        return (
            "it ranks below popularity without noise; hedgerow plan says how many people an "
            "epsilon needs"
        )
    return ""
