"""Secured sums over simulated clients: the real protocols, with every message in its bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from hedgerow.data.split import Fold
from hedgerow.federation.clients import Cohort
from hedgerow.federation.group import Group
from hedgerow.federation.setting import SERVERS, Setting
from hedgerow.federation.terms import client_words, own_stream
from hedgerow.models.base import Step
from hedgerow.privacy import gaussian
from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.ring import Words
from hedgerow.privacy.secure.pairwise import drive as pairwise
from hedgerow.privacy.secure.session import PAIRWISE, Terms
from hedgerow.privacy.secure.split import drive as split

Result = TypeVar("Result")


@dataclass(frozen=True)
class Opened:
    """A cohort's sum.

    Parameters
    ----------
    values
        In the terms' own unit, flat.
    sigma
        Standard deviation of all that was added to them, rounding included.
    bytes_up
        What all clients together sent.
    """

    values: NDArray[np.float64]
    sigma: float
    bytes_up: int


def secured_sum(
    group: Group,
    cohort: Cohort,
    step: Step[Fold, Result],
    setting: Setting,
    random: Callable[[str], Stream],
) -> Opened:
    """Return the sum over a cohort, as the protocol opens it.

    One client's term is in memory at a time, beside the sum. The clients that the cohort asks and
    that do not answer vanish in the middle of the protocol.

    Parameters
    ----------
    group, cohort
        Who takes part.
    step
        What is computed.
    setting
        How terms become integers.
    random
        Gives the stream of randomness for a purpose. Keys and masks are fresh whatever it gives,
        as they cancel.

    Raises
    ------
    ProtocolError
        Too many vanished.
    """
    setting = setting.among(*group.counts(cohort, setting.policy.unit))
    asked = np.flatnonzero(cohort.asked)
    absent = [int(place) for place in np.flatnonzero(~cohort.present[asked])]
    terms = setting.terms(task_of(setting, cohort))

    def words(place: int) -> Words:
        client = int(asked[place])
        own = partial(own_stream, random, str(group.clients.names[client]))
        return client_words(step, group.data_of(client), setting, own)

    if setting.policy.secure == PAIRWISE:
        sums, sent = _pairwise(terms, setting, words, absent)
    else:
        noise = [partial(gaussian.integers, random(s), sigma=setting.deviation) for s in SERVERS]
        sums, sent = _split(terms, setting, words, absent, noise)
    values, sigma = setting.opened(sums, len(asked) - len(absent))
    return Opened(values, sigma, sent)


def task_of(setting: Setting, cohort: Cohort) -> str:
    """Return what a cohort's sum is for: a release, and whom it asks."""
    return f"{setting.noise.name}/{hashlib.sha256(cohort.asked.tobytes()).hexdigest()[:16]}"


def _pairwise(
    terms: Terms,
    setting: Setting,
    words: Callable[[int], Words],
    absent: Sequence[int],
) -> tuple[NDArray[np.int64], int]:
    """Return the sum by masks between clients, and what all sent."""
    costs = pairwise.Costs()
    outcome = pairwise.run(
        terms,
        setting.floor,
        _population(terms.clients),
        words,
        # Some vanish before they have shared their secrets, the others after.
        vanish={
            place: pairwise.Step.VECTOR if turn % 2 else pairwise.Step.SHARES
            for turn, place in enumerate(absent)
        },
        costs=costs,
    )
    return outcome.sums, sum(costs.up.values())


def _split(
    terms: Terms,
    setting: Setting,
    words: Callable[[int], Words],
    absent: Sequence[int],
    noise: Sequence[Callable[[int], NDArray[np.int64]]],
) -> tuple[NDArray[np.int64], int]:
    """Return the sum by two servers, and what all clients sent."""
    costs = split.Costs()
    outcome = split.run(
        terms,
        setting.floor,
        _deployment(terms.clients),
        words,
        vanish=absent,
        coordinator_noise=noise[0],
        helper_noise=noise[1],
        costs=costs,
    )
    return outcome.sums, sum(costs.up.values())


@lru_cache(maxsize=2)
def _population(clients: int) -> pairwise.Population:
    """Enrol simulated clients once for all rounds."""
    return pairwise.Population.enrol(clients)


@lru_cache(maxsize=2)
def _deployment(clients: int) -> split.Deployment:
    """Enrol simulated clients and set up two servers once for all rounds."""
    return split.Deployment.enrol(clients)
