"""Some users after others in one block."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hedgerow.data.block import Block


def stacked(first: Block, second: Block) -> Block:
    """Return the users of two blocks of one catalog, each with the key it had."""
    weights = None
    if first.weights is not None and second.weights is not None:
        weights = np.concatenate([first.weights, second.weights])
    return replace(
        first,
        indptr=np.concatenate([first.indptr, first.indptr[-1] + second.indptr[1:]]),
        items=np.concatenate([first.items, second.items]),
        keys=np.concatenate([first.keys, second.keys]),
        timestamps=np.concatenate([first.timestamps, second.timestamps]),
        weights=weights,
    )
