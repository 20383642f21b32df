"""Single terms: what one unit of privacy puts into a sum, where sums have to be made one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from hedgerow.data.split import Fold
from hedgerow.federation.bounding import Clipped
from hedgerow.federation.contribute import contribute
from hedgerow.models.base import Step
from hedgerow.privacy.clipping import clipped

Result = TypeVar("Result")


def unit_terms(
    step: Step[Fold, Result], data: Fold, bound: float, unit: str
) -> Iterator[NDArray[np.float64]]:
    """Yield a client's terms as flat vectors none of which is longer than a bound.

    Parameters
    ----------
    step
        What is computed.
    data
        The client's own.
    bound
        L2 norm.
    unit
        ``user`` yields one vector per user, ``silo`` a single one.
    """
    if unit == "silo":
        whole = contribute(step, data, np.ones(len(data)))
        vector = step.schema.flatten(whole).astype(np.float64)
        length = np.array([np.linalg.norm(vector)], np.float64)
        yield vector * clipped(np.ones(1), length, bound)
        return
    bounded = Clipped(step, bound)
    for user in range(len(data)):
        term = contribute(bounded, data[user : user + 1], np.ones(1))
        yield step.schema.flatten(term).astype(np.float64)
