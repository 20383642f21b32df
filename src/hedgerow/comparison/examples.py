"""Some users with their histories and recommendations, for people to look at."""

from __future__ import annotations

import numpy as np

from hedgerow.comparison.result import Example
from hedgerow.data.block import Block
from hedgerow.data.interactions import Interactions
from hedgerow.data.split import Fold
from hedgerow.recommender import Recommender


def pick_examples(
    recommender: Recommender,
    log: Interactions,
    fold: Fold,
    *,
    examples: int,
    repeats: bool,
    k: int = 5,
) -> tuple[Example, ...]:
    """Pick users over the range of history lengths and recommend to them.

    Parameters
    ----------
    recommender, log, fold
        What recommends, to whom, and what was held out.
    examples
        How many; of none nothing is looked at.
    repeats, k
        As of `Recommender.recommend_many`.
    """
    if not examples:
        return ()
    judged = np.flatnonzero((fold.history.lengths >= 3) & (fold.targets.lengths > 0))
    if not len(judged):
        judged = np.flatnonzero(fold.targets.lengths > 0)
    order = judged[np.argsort(fold.history.lengths[judged], kind="stable")]
    chosen = order[np.linspace(0, len(order) - 1, min(examples, len(order))).astype(np.int64)]
    part = fold.take(chosen)
    histories, targets = _items(part.history), _items(part.targets)
    ids, title = log.catalog.ids, log.catalog.title
    lists = recommender.recommend_many(
        [[ids[item] for item in history] for history in histories], k, repeats=repeats
    )
    return tuple(
        Example(
            user=str(log.users[int(user)]),
            history=tuple(title(i) for i in history[-8:]),
            held_out=tuple(title(i) for i in target[:3]),
            recommended=tuple(recommended),
            hits=tuple(r.item_id in {str(log.catalog.ids[i]) for i in target} for r in recommended),
        )
        for user, history, target, recommended in zip(
            chosen, histories, targets, lists, strict=True
        )
    )


def _items(block: Block) -> list[list[int]]:
    return [part.tolist() for part in np.split(block.items, block.indptr[1:-1])]
