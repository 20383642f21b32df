"""When the synthetic shop's customers visit: by season, weekday and hour, in a rising order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hedgerow.data.hashing import uniform
from hedgerow.data.shop.customers import Customers, Stream
from hedgerow.data.shop.products import DAY, YEAR_DAYS

LAST_VISIT_DAY = 363
"""Visits begin before this day, so that the longest ones end within the year."""

# The chance that the next interest comes up in the same visit, and the seconds before each one.
_SAME_VISIT = 0.55
_SHORTEST_PAUSE, _LONGEST_PAUSE, _MEAN_PAUSE = 45, 400, 110

CHECKOUT = 60
"""Seconds from the last interest of a visit to its checkout."""

# Relative numbers of visits by hour of the day.
_HOURS = (1, 1, 1, 1, 1, 1, 2, 4, 6, 7, 8, 8, 9, 8, 7, 7, 8, 9, 11, 13, 14, 12, 7, 3)
_DAILY_DEMAND = np.concatenate([[0.0], np.cumsum(_HOURS) / np.sum(_HOURS)])


@dataclass(frozen=True)
class Visits:
    """When each interest comes up, customer by customer, shape (interests,).

    Parameters
    ----------
    indptr
        Where each customer's interests start and end, shape (customers + 1,).
    clock
        Seconds from the year's start, rising within a customer.
    first
        Whether the interest opens a visit.
    visit
        The number of the visit within the customer, from 0.
    checkout
        When the visit's checkout begins, seconds from the year's start.
    """

    indptr: NDArray[np.int64]
    clock: NDArray[np.int64]
    first: NDArray[np.bool_]
    visit: NDArray[np.int64]
    checkout: NDArray[np.int64]


def make_visits(customers: Customers, seed: int) -> Visits:
    """Lay each customer's interests out over visits in the year."""
    lengths = customers.lengths
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    rows = np.repeat(np.arange(len(customers)), lengths)
    numbers = customers.numbers[rows]
    position = np.arange(len(rows)) - indptr[:-1][rows]
    first = (uniform(seed, Stream.VISIT, numbers, position) >= _SAME_VISIT) | (position == 0)
    starts = np.flatnonzero(first)
    of_visit = np.cumsum(first) - 1
    owner = rows[starts]
    visit = of_visit - of_visit[indptr[:-1]][rows]
    pause = -_MEAN_PAUSE * np.log1p(-uniform(seed, Stream.PAUSE, numbers, position))
    pause = np.clip(pause, _SHORTEST_PAUSE, _LONGEST_PAUSE).astype(np.int64)
    passed = np.cumsum(pause)
    within = passed - (passed - pause)[starts][of_visit]
    lasts = np.append(starts[1:], len(rows)) - 1
    # Checkout needs a second per line, and a moment to breathe before the next visit.
    duration = within[lasts] + CHECKOUT + (lasts - starts + 1) + 1
    begins = _spaced(_begins(customers, owner, visit[starts], seed), duration, owner)
    return Visits(
        indptr=indptr,
        clock=begins[of_visit] + within,
        first=first,
        visit=visit,
        checkout=(begins + within[lasts] + CHECKOUT)[of_visit],
    )


def _begins(
    customers: Customers, owner: NDArray[np.int64], visit: NDArray[np.int64], seed: int
) -> NDArray[np.int64]:
    """Spread visits over each customer's time in the shop, in rising order."""
    numbers = customers.numbers[owner]
    gap = -np.log1p(-uniform(seed, Stream.GAP, numbers, visit))
    total = np.bincount(owner, weights=gap, minlength=len(customers))
    last = -np.log1p(-uniform(seed, Stream.LAST_GAP, customers.numbers))
    counts = np.bincount(owner, minlength=len(customers))
    before = np.concatenate([[0], np.cumsum(counts)[:-1]])
    passed = np.cumsum(gap)
    passed -= (passed - gap)[before][owner]
    share = customers.joined[owner] + (customers.left - customers.joined)[owner] * (
        passed / (total + last)[owner]
    )
    day = np.interp(share, _yearly_demand(), np.arange(LAST_VISIT_DAY + 1)).astype(np.int64)
    hour = np.interp(uniform(seed, Stream.HOUR, numbers, visit), _DAILY_DEMAND, np.arange(25))
    begins = np.minimum(day, LAST_VISIT_DAY - 1) * DAY + (hour * 3600).astype(np.int64)
    # Two visits on one day come in the order of their hours.
    return begins[np.lexsort((begins, owner))]


def _spaced(
    begins: NDArray[np.int64], duration: NDArray[np.int64], owner: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Delay a visit that would begin before the customer's last one ends."""
    before = np.cumsum(duration) - duration
    # Lifting each customer above the one before lets one running maximum serve them all.
    lift = owner * np.int64(10 * YEAR_DAYS * DAY)
    own = before - before[np.searchsorted(owner, owner)]
    spaced: NDArray[np.int64] = np.maximum.accumulate(begins - own + lift) + own - lift
    return spaced


def _yearly_demand() -> NDArray[np.float64]:
    """Return the cumulative share of visits by day, shape (LAST_VISIT_DAY + 1,)."""
    days = np.arange(LAST_VISIT_DAY)
    demand = (
        1 + 0.8 * np.exp(-(((days - 340) / 20) ** 2)) - 0.2 * np.exp(-(((days - 215) / 25) ** 2))
    )
    # The year 2025 begins on a Wednesday; weekends are busier.
    demand *= np.where((days + 2) % 7 >= 5, 1.25, 1.0)
    return np.concatenate([[0.0], np.cumsum(demand) / demand.sum()])
