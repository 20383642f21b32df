"""What the synthetic shop's customers look at and buy, one interest after another.

All customers of a chunk take their next step together, so the loop runs over the steps of the
longest history and everything else is array arithmetic. A step follows one of four ways: buy what
goes with a recent purchase, stay on the shelf, wander to another favourite, or buy something
used up again. Order therefore tells much that the mere set of purchases does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from hedgerow.data.hashing import uniform
from hedgerow.data.shop.customers import (
    FAVOURITES,
    Customers,
    Stream,
    Tastes,
    group_of,
)
from hedgerow.data.shop.products import FOLLOWERS, Products, season_of
from hedgerow.data.shop.visits import Visits, make_visits
from hedgerow.data.shop.words import STYLES

# Chances of the four ways at a step that opens a visit, and at one within it; what is left is
# wandering. They are tuned so that, of the next purchase, item-to-item counts foretell six or
# seven times as much as popularity does, and a model of sets about half as much as the counts.
_REPLENISH = 0.12
_FOLLOW_BETWEEN, _FOLLOW_WITHIN = 0.32, 0.46
_STAY_BETWEEN, _STAY_WITHIN = 0.15, 0.22

# How often the last purchase is the one to follow, rather than the one before it.
_FROM_LAST = 0.6

# Cumulative shares of the favourite shelves, and how often any shelf is tried instead.
_SLOTS = np.array([0.5, 0.8])
_EXPLORE = 0.5

# How often a favourite is given up at a step.
_DRIFT = 0.04

# Log-odds of buying at a middling price and budget, and the chance of a basket left behind.
_EASE_OF_BUYING = 1.8
_BUDGET_MATTERS, _PRICE_MATTERS = 0.7, 0.9
_ABANDONED = 0.4


@dataclass(frozen=True)
class Journeys:
    """What happened at each interest, customer by customer, shape (interests,).

    Parameters
    ----------
    visits
        When.
    items
        The product; -1 where the customer found nothing.
    basket, bought
        Whether it went to the basket, and whether it was paid for.
    """

    visits: Visits
    items: NDArray[np.int64]
    basket: NDArray[np.bool_]
    bought: NDArray[np.bool_]


@dataclass(frozen=True)
class _Moment:
    """One step of the customers still going, and their random numbers for it.

    Parameters
    ----------
    clock, first
        When each customer's interest comes up, and whether it opens a visit.
    numbers
        The customers' numbers.
    step, seed
        Which interest of theirs it is, and which shop.
    """

    clock: NDArray[np.int64]
    first: NDArray[np.bool_]
    numbers: NDArray[np.int64]
    step: int
    seed: int

    def __len__(self) -> int:
        return len(self.clock)

    def draw(self, stream: Stream, rows: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Draw a uniform number for each customer, or for those of ``rows`` only."""
        numbers = self.numbers if rows is None else self.numbers[rows]
        return uniform(self.seed, stream, numbers, self.step)


class _Minds:
    """What customers have in mind as they go: changes from step to step, never leaves here."""

    def __init__(self, customers: Customers, products: int) -> None:
        n = len(customers)
        self.favourites = customers.favourites.copy()
        self.focus = customers.favourites[:, 0].copy()
        self.last = np.full(n, -1)
        self.before = np.full(n, -1)
        self.staple = np.full(n, -1)
        self.known = np.zeros((n, products), np.bool_)


def travel(customers: Customers, products: Products, tastes: Tastes, seed: int) -> Journeys:
    """Let customers go through their year.

    Parameters
    ----------
    customers
        Who; memory grows with their number times the number of products.
    products, tastes
        The shop.
    seed
        Which shop.
    """
    visits = make_visits(customers, seed)
    # Longest histories first: those still going at a step are then the first so many.
    order = np.argsort(-customers.lengths, kind="stable")
    lengths, starts = customers.lengths[order], visits.indptr[:-1][order]
    who = _taken(customers, order)
    minds = _Minds(who, len(products))
    items = np.full(len(visits.clock), -1)
    basket = np.zeros(len(items), np.bool_)
    bought = np.zeros(len(items), np.bool_)
    for step in range(int(lengths[0])):
        going = int(np.searchsorted(-lengths, -step, side="left"))
        place = starts[:going] + step
        now = _Moment(visits.clock[place], visits.first[place], who.numbers[:going], step, seed)
        chosen = _choose(minds, products, tastes, now)
        level = products.price_level[chosen]
        afford = _BUDGET_MATTERS * who.budget[:going] - _PRICE_MATTERS * level
        willing = scipy.special.expit(_EASE_OF_BUYING + afford)
        pays = (chosen >= 0) & (now.draw(Stream.BUY) < willing)
        items[place], bought[place] = chosen, pays
        basket[place] = pays | ((chosen >= 0) & (now.draw(Stream.BASKET) < _ABANDONED))
        _remember(minds, products, chosen, pays)
        _drift(minds, tastes, who, now)
    return Journeys(visits=visits, items=items, basket=basket, bought=bought)


def _choose(minds: _Minds, products: Products, tastes: Tastes, now: _Moment) -> NDArray[np.int64]:
    """Choose the product of this step for each customer; -1 where nothing new was found."""
    going, first = len(now), now.first
    mode = now.draw(Stream.MODE)
    follow_until = np.where(first, _REPLENISH + _FOLLOW_BETWEEN, _FOLLOW_WITHIN)
    stay_until = follow_until + np.where(first, _STAY_BETWEEN, _STAY_WITHIN)
    favourite = _favourite(minds, tastes, now, len(products.shelves.starts) - 1)
    focus = np.where(mode < stay_until, minds.focus[:going], favourite)
    chosen = products.shelves.draw(focus, now.clock, now.draw(Stream.PICK))
    recent = (now.draw(Stream.SOURCE) < _FROM_LAST) | (minds.before[:going] < 0)
    source = np.where(recent, minds.last[:going], minds.before[:going])
    follows = (mode < follow_until) & (source >= 0)
    nth = (now.draw(Stream.FOLLOWER)[:, None] >= products.follower_cdf[source]).sum(axis=1)
    follower = products.followers[source, np.minimum(nth, FOLLOWERS - 1)]
    chosen = np.where(follows, follower, chosen)
    for stream, shelf in ((Stream.SECOND_PICK, focus), (Stream.THIRD_PICK, favourite)):
        again = np.flatnonzero(_unfit(minds, products, chosen, now))
        chosen[again] = products.shelves.draw(
            shelf[again], now.clock[again], now.draw(stream, again)
        )
    chosen[_unfit(minds, products, chosen, now)] = -1
    replenishes = first & (mode < _REPLENISH) & (minds.staple[:going] >= 0)
    return np.where(replenishes, minds.staple[:going], chosen)


def _favourite(minds: _Minds, tastes: Tastes, now: _Moment, shelves: int) -> NDArray[np.int64]:
    """Choose the shelf that each customer would wander to."""
    everyone = np.arange(len(now))
    explores = now.draw(Stream.ANYWHERE) < _EXPLORE
    first_thought, second_thought = (
        np.where(
            explores,
            (now.draw(stream) * shelves).astype(np.int64),
            minds.favourites[everyone, np.searchsorted(_SLOTS, now.draw(stream))],
        )
        for stream in (Stream.SLOT, Stream.OTHER_SLOT)
    )
    # Out of season the first thought often gives way to another one.
    demand = tastes.demand[first_thought // len(STYLES), season_of(now.clock)]
    return np.where(now.draw(Stream.DEMAND) > demand, second_thought, first_thought)


def _unfit(
    minds: _Minds, products: Products, chosen: NDArray[np.int64], now: _Moment
) -> NDArray[np.bool_]:
    """Whether a product is known to the customer already, or not on sale yet."""
    known = minds.known[np.arange(len(chosen)), chosen]
    return known | (products.introduced[chosen] > now.clock)


def _remember(
    minds: _Minds, products: Products, chosen: NDArray[np.int64], pays: NDArray[np.bool_]
) -> None:
    rows = np.flatnonzero(chosen >= 0)
    minds.known[rows, chosen[rows]] = True
    minds.focus[rows] = products.shelf[chosen[rows]]
    buyers = np.flatnonzero(pays)
    minds.before[buyers] = minds.last[buyers]
    minds.last[buyers] = chosen[buyers]
    staples = buyers[products.consumable[chosen[buyers]]]
    minds.staple[staples] = chosen[staples]


def _drift(minds: _Minds, tastes: Tastes, who: Customers, now: _Moment) -> None:
    """Now and then a customer takes to another shelf and forgets a favourite."""
    rows = np.flatnonzero(now.draw(Stream.DRIFT) < _DRIFT)
    slot = (now.draw(Stream.DRIFT_SLOT, rows) * FAVOURITES).astype(np.int64)
    minds.favourites[rows, slot] = tastes.shelf(
        group_of(who.age[rows], who.household[rows]),
        who.region[rows],
        (now.draw(Stream.DRIFT_DEPARTMENT, rows), now.draw(Stream.DRIFT_STYLE, rows)),
    )


def _taken(customers: Customers, rows: NDArray[np.int64]) -> Customers:
    return Customers(**{name: column[rows] for name, column in vars(customers).items()})
