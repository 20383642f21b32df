"""Secured sums over simulated clients: the real protocols, with every message in its bytes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from hedgerow.data.split import Fold
from hedgerow.federation.clients import Cohort
from hedgerow.federation.group import Group
from hedgerow.federation.setting import Setting
from hedgerow.federation.terms import unit_terms
from hedgerow.models.base import Step
from hedgerow.privacy import gaussian, skellam
from hedgerow.privacy.randomness import Stream
from hedgerow.privacy.secure.pairwise import drive as pairwise
from hedgerow.privacy.secure.session import PAIRWISE
from hedgerow.privacy.secure.split import drive as split

Result = TypeVar("Result")

SERVERS = ("coordinator", "helper")
"""Each of the two servers of ``split`` makes all the noise that is promised."""


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
    setting = setting.among(group, cohort)
    asked = np.flatnonzero(cohort.asked)
    absent = [int(place) for place in np.flatnonzero(~cohort.present[asked])]
    rounding, own = random("rounding"), random("clients")
    quantizer, policy = setting.quantizer, setting.policy

    def values(place: int) -> NDArray[np.int64]:
        data = group.data_of(int(asked[place]))
        total = skellam.sample(own, quantizer.size, setting.share.variance)
        for term in unit_terms(step, data, setting.noise.bound, policy.unit):
            total += quantizer.quantize(term, rounding)
        return total

    if policy.secure == PAIRWISE:
        sums, sent = _pairwise(setting, cohort, values, absent)
        makers = len(asked) - len(absent)
        variance = makers * setting.share.variance
    else:
        servers = [partial(gaussian.integers, random(s), sigma=setting.deviation) for s in SERVERS]
        sums, sent = _split(setting, cohort, values, absent, servers)
        variance = len(SERVERS) * setting.deviation**2
    # Stochastic rounding has a variance of at most 1/4 a value.
    sigma = math.sqrt(variance + setting.units / 4) / quantizer.scale
    return Opened(quantizer.dequantize(sums), sigma if policy.private else 0.0, sent)


def _pairwise(
    setting: Setting,
    cohort: Cohort,
    values: Callable[[int], NDArray[np.int64]],
    absent: Sequence[int],
) -> tuple[NDArray[np.int64], int]:
    """Return the sum by masks between clients, and what all sent."""
    terms, costs = setting.terms(cohort), pairwise.Costs()
    outcome = pairwise.run(
        terms,
        setting.floor,
        _population(terms.clients),
        lambda place: setting.ring.encode(values(place)),
        # Some vanish before they have shared their secrets, the others after.
        vanish={
            place: pairwise.Step.VECTOR if turn % 2 else pairwise.Step.SHARES
            for turn, place in enumerate(absent)
        },
        costs=costs,
    )
    return outcome.sums, sum(costs.up.values())


def _split(
    setting: Setting,
    cohort: Cohort,
    values: Callable[[int], NDArray[np.int64]],
    absent: Sequence[int],
    noise: Sequence[Callable[[int], NDArray[np.int64]]],
) -> tuple[NDArray[np.int64], int]:
    """Return the sum by two servers, and what all clients sent."""
    terms, costs = setting.terms(cohort), split.Costs()
    outcome = split.run(
        terms,
        setting.floor,
        _deployment(terms.clients),
        lambda place: setting.ring.encode(values(place)),
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
