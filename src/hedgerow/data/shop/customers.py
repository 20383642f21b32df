"""The synthetic shop's customers: who they are and what they like.

Every random number is a hash of the seed, a stream, the customer's number and a position, so a
customer is the same whoever else is generated, in whatever order.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import polars as pl
import scipy
from numpy.typing import NDArray

from hedgerow.data.hashing import uniform
from hedgerow.data.shop.products import department_demand
from hedgerow.data.shop.words import AGE_BANDS, HOUSEHOLDS, REGIONS, STYLES

FAVOURITES = 3
"""Shelves, a department in a style, that a customer likes at any time."""

LONGEST = 300
"""Interests of the busiest customer."""

_LENGTH_SPREAD = 0.95


class Stream(IntEnum):
    """What a random number is for; every use has a stream of its own."""

    AGE = 1
    REGION = 2
    HOUSEHOLD = 3
    BUDGET = 4
    LENGTH = 5
    JOIN = 6
    LEAVE = 7
    VISIT = 8
    GAP = 9
    LAST_GAP = 10
    HOUR = 11
    PAUSE = 12
    TASTE_DEPARTMENT = 13
    TASTE_STYLE = 14
    MODE = 15
    SOURCE = 16
    FOLLOWER = 17
    SLOT = 18
    OTHER_SLOT = 19
    DEMAND = 20
    ANYWHERE = 21
    PICK = 22
    SECOND_PICK = 23
    THIRD_PICK = 24
    BUY = 25
    BASKET = 26
    QUANTITY = 27
    DRIFT = 28
    DRIFT_SLOT = 29
    DRIFT_DEPARTMENT = 30
    DRIFT_STYLE = 31
    BROWSED = 32
    BROWSED_PICK = 33


@dataclass(frozen=True)
class Customers:
    """Some customers as arrays of shape (customers,).

    Parameters
    ----------
    numbers
        The customers' numbers in the shop.
    age, region, household
        Numbers of the age band, region and household.
    budget
        How little the price matters to them, about standard normal.
    favourites
        The shelves they like at first, shape (customers, FAVOURITES).
    lengths
        How many interests they follow up in the year.
    joined, left
        The share of the shop's yearly demand that comes before their time, and until its end.
    """

    numbers: NDArray[np.int64]
    age: NDArray[np.int64]
    region: NDArray[np.int64]
    household: NDArray[np.int64]
    budget: NDArray[np.float64]
    favourites: NDArray[np.int64]
    lengths: NDArray[np.int64]
    joined: NDArray[np.float64]
    left: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass(frozen=True)
class Tastes:
    """What kinds of customer like: cumulative shares, one row per group.

    Parameters
    ----------
    departments
        By age band and household, shape (age bands x households, departments).
    styles
        By region, shape (regions, styles).
    demand
        How strong the season's demand for a department is, shape (departments, seasons).
    """

    departments: NDArray[np.float64]
    styles: NDArray[np.float64]
    demand: NDArray[np.float64]

    @classmethod
    def of(cls, departments: int, seed: int) -> Tastes:
        """Draw the tastes of a shop's public."""
        rng = np.random.default_rng([seed, 0x7A57E])
        groups = len(AGE_BANDS) * len(HOUSEHOLDS)
        liked = np.exp(0.7 * rng.standard_normal((groups, departments)))
        styled = np.exp(0.7 * rng.standard_normal((len(REGIONS), len(STYLES))))
        return cls(_cdf(liked), _cdf(styled), department_demand(departments))

    def shelf(
        self,
        group: NDArray[np.int64],
        region: NDArray[np.int64],
        draws: tuple[NDArray[np.float64], NDArray[np.float64]],
    ) -> NDArray[np.int64]:
        """Draw a shelf to like for each customer, from two uniform numbers each."""
        department = pick(self.departments, group, draws[0])
        return department * len(STYLES) + pick(self.styles, region, draws[1])


def pick(
    cdf: NDArray[np.float64], rows: NDArray[np.int64], draws: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Draw a column of the cumulative shares ``cdf`` (rows, columns) for each of ``rows``."""
    # All rows end to end, each lifted by its number, are one rising sequence.
    lifted = (cdf + np.arange(len(cdf))[:, None]).ravel()
    place = np.searchsorted(lifted, rows + draws, side="right")
    column: NDArray[np.int64] = np.clip(place - rows * cdf.shape[1], 0, cdf.shape[1] - 1)
    return column


def make_customers(
    numbers: NDArray[np.int64], seed: int, tastes: Tastes, mean_length: float
) -> Customers:
    """Make the customers of the given numbers.

    Parameters
    ----------
    numbers
        Which customers, shape (customers,).
    seed
        Which shop.
    tastes
        What its public likes.
    mean_length
        How many interests a customer has on average; many have few and some have many.
    """

    def draw(stream: Stream) -> NDArray[np.float64]:
        return uniform(seed, stream, numbers)

    age = np.searchsorted(np.cumsum([0.14, 0.24, 0.28, 0.2]), draw(Stream.AGE))
    region = np.searchsorted(np.cumsum([0.22, 0.3, 0.16, 0.14, 0.13]), draw(Stream.REGION))
    household = np.searchsorted([0.35, 0.65], draw(Stream.HOUSEHOLD))
    group = group_of(age, household)
    slots = np.arange(FAVOURITES)
    favourites = tastes.shelf(
        group[:, None],
        region[:, None],
        (
            uniform(seed, Stream.TASTE_DEPARTMENT, numbers[:, None], slots),
            uniform(seed, Stream.TASTE_STYLE, numbers[:, None], slots),
        ),
    )
    spread = _LENGTH_SPREAD * normal(draw(Stream.LENGTH)) - _LENGTH_SPREAD**2 / 2
    lengths = np.clip(np.rint(mean_length * np.exp(spread)), 1, LONGEST).astype(np.int64)
    # Most customers were there before the year and stay; the rest come and go within it.
    joined = np.maximum(0, draw(Stream.JOIN) * 2 - 1) * 0.9
    left = joined + (1 - joined) * np.clip(draw(Stream.LEAVE) * 3, 0.1, 1)
    return Customers(
        numbers=numbers,
        age=age,
        region=region,
        household=household,
        budget=normal(draw(Stream.BUDGET)),
        favourites=favourites,
        lengths=lengths,
        joined=joined,
        left=left,
    )


def describe(customers: Customers) -> pl.DataFrame:
    """Return what a customer's own client knows: age band, region and household."""
    return pl.DataFrame(
        {
            "age_band": np.array(AGE_BANDS)[customers.age],
            "region": np.array(REGIONS)[customers.region],
            "household": np.array(HOUSEHOLDS)[customers.household],
        }
    )


def group_of(age: NDArray[np.int64], household: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the demographic group whose tastes a customer shares."""
    return age * len(HOUSEHOLDS) + household


def normal(draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn uniform numbers from [0, 1) into standard normal ones."""
    quantiles: NDArray[np.float64] = scipy.special.ndtri(draws + 2.0**-54)
    return quantiles


def _cdf(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.cumsum(weights / weights.sum(axis=-1, keepdims=True), axis=-1)
