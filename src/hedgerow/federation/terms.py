"""Single terms: what one unit of privacy puts into a sum, where sums have to be made one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from hedgerow.data.split import Fold
from hedgerow.federation.bounding import Clipped
from hedgerow.federation.contribute import contribute
from hedgerow.federation.setting import Setting
from hedgerow.models.base import Step
from hedgerow.privacy import skellam
from hedgerow.privacy.clipping import clipped
from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.ring import Words

Result = TypeVar("Result")


def own_stream(random: Callable[[str], Stream], client: str, purpose: str) -> Stream:
    """Return a client's own part of a run's simulated randomness."""
    return random(f"{purpose} of {client}")


def client_words(
    step: Step[Fold, Result], data: Fold, setting: Setting, random: Callable[[str], Stream]
) -> Words:
    """Return all that a client puts into a secured sum: its terms and its share of the noise.

    Parameters
    ----------
    step
        What is computed.
    data
        The client's own.
    setting
        How terms become integers.
    random
        Gives the client's stream of randomness for ``noise`` and for ``rounding``.

    Returns
    -------
    Words
        In the setting's ring, shape (step.schema.size,).
    """
    return with_terms(noise_share(setting, random), step, data, setting, random)


def noise_share(setting: Setting, random: Callable[[str], Stream]) -> NDArray[np.int64]:
    """Return a client's share of the noise: all that it adds to a sum from empty histories.

    Parameters
    ----------
    setting, random
        As of `client_words`.

    Returns
    -------
    array
        Integers, shape (step.schema.size,).
    """
    return skellam.sample(random("noise"), setting.quantizer.size, setting.share.variance)


def with_terms(
    noise: NDArray[np.int64],
    step: Step[Fold, Result],
    data: Fold,
    setting: Setting,
    random: Callable[[str], Stream],
) -> Words:
    """Return `client_words` where the noise was drawn before."""
    rounding, total = random("rounding"), noise.copy()
    for term in unit_terms(step, data, setting.noise.bound, setting.policy.unit):
        total += setting.quantizer.quantize(term, rounding)
    return setting.ring.encode(total)


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
