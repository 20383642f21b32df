"""From what customers were interested in to the shop's record: views, baskets and purchases."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from hedgerow.data.hashing import uniform
from hedgerow.data.shop.customers import Customers, Stream
from hedgerow.data.shop.journeys import Journeys
from hedgerow.data.shop.products import DAY, Products

KINDS = ("view", "basket", "purchase")
"""Kinds of event, in the order in which they come about."""

_BROWSED = 3
"""At most so many other products are viewed before the one of interest."""

_BROWSING_PAUSE = 8
_BASKET_PAUSE = 15
_BROWSED_MEAN = 1.1
_SALES = ((0, 14), (330, 336))
_SALE_PRICE = 0.8


@dataclass(frozen=True)
class Events:
    """Some customers' events, ordered by customer and time, shape (events,).

    Parameters
    ----------
    customer
        The customer's row among those given.
    item
        The product's number.
    clock
        Seconds from the year's start.
    kind
        Position in ``KINDS``.
    visit
        The number of the visit within the customer.
    quantity
        Pieces put into the basket or bought; 0 for views.
    value
        The price paid for them; 0 unless bought.
    """

    customer: NDArray[np.int64]
    item: NDArray[np.int64]
    clock: NDArray[np.int64]
    kind: NDArray[np.int64]
    visit: NDArray[np.int64]
    quantity: NDArray[np.int64]
    value: NDArray[np.float64]

    def take(self, rows: NDArray[np.integer]) -> Events:
        """Return the events of the given rows, in that order."""
        return Events(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def furthest(self) -> Events:
        """Keep a customer's last event with each product of each visit."""
        order = np.lexsort((self.item, self.visit, self.customer))
        keys = np.stack([self.customer[order], self.visit[order], self.item[order]])
        last = np.ones(len(order), np.bool_)
        last[:-1] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
        return self.take(np.sort(order[last]))


def record(
    customers: Customers,
    journeys: Journeys,
    products: Products,
    seed: int,
    kinds: Collection[str] = KINDS,
) -> Events:
    """Write down the events of the given kinds.

    Parameters
    ----------
    customers, journeys, products
        Who did what with what.
    seed
        Which shop.
    kinds
        Those of ``KINDS`` that are wanted.
    """
    visits = journeys.visits
    rows = np.repeat(np.arange(len(customers)), customers.lengths)
    position = np.arange(len(rows)) - visits.indptr[:-1][rows]
    numbers = customers.numbers[rows]
    items = journeys.items
    # Consumables are bought by the handful, and now and then two of something else.
    many = uniform(seed, Stream.QUANTITY, numbers, position) ** 2
    quantity = 1 + (many * np.where(products.consumable[items], 4, 1.2)).astype(np.int64)

    def events(
        at: NDArray[np.int64], kind: str, clock: NDArray[np.int64], item: NDArray[np.int64]
    ) -> Events:
        pieces = np.zeros(len(at), np.int64) if kind == "view" else quantity[at]
        paid = pieces * _prices(products, item, clock) if kind == "purchase" else 0.0 * pieces
        code = np.full(len(at), KINDS.index(kind))
        return Events(rows[at], item, clock, code, visits.visit[at], pieces, np.round(paid, 2))

    parts = []
    if "view" in kinds:
        found = np.flatnonzero(items >= 0)
        parts.append(events(found, "view", visits.clock[found], items[found]))
        wish = np.log1p(-uniform(seed, Stream.BROWSED, numbers, position)) * -_BROWSED_MEAN
        for nth in range(1, _BROWSED + 1):
            at = found[wish[found] >= nth - 0.5]
            clock = visits.clock[at] - nth * _BROWSING_PAUSE
            chance = uniform(seed, Stream.BROWSED_PICK, numbers[at], position[at], nth)
            other = products.shelves.draw(products.shelf[items[at]], clock, chance)
            new = other != items[at]
            parts.append(events(at[new], "view", clock[new], other[new]))
    if "basket" in kinds:
        at = np.flatnonzero(journeys.basket)
        parts.append(events(at, "basket", visits.clock[at] + _BASKET_PAUSE, items[at]))
    if "purchase" in kinds:
        at = np.flatnonzero(journeys.bought)
        # Lines of one checkout are a second apart, in the order in which they were chosen.
        before: NDArray[np.int64] = np.cumsum(journeys.bought) - journeys.bought
        opening = np.flatnonzero(visits.first)[np.cumsum(visits.first) - 1]
        line = (before - before[opening])[at]
        parts.append(events(at, "purchase", visits.checkout[at] + line, items[at]))
    whole = Events(
        *(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Events))
    )
    return whole.take(np.lexsort((whole.clock, whole.customer)))


def _prices(
    products: Products, item: NDArray[np.int64], clock: NDArray[np.int64]
) -> NDArray[np.float64]:
    day = clock // DAY
    sale = np.zeros(len(day), np.bool_)
    for start, stop in _SALES:
        sale |= (day >= start) & (day < stop)
    prices: NDArray[np.float64] = products.price[item] * np.where(sale, _SALE_PRICE, 1.0)
    return prices
