"""The synthetic shop: data to start with, to test with and to scale with."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hedgerow.data.block import Block
from hedgerow.data.catalog import Catalog
from hedgerow.data.hashing import keys_of
from hedgerow.data.interactions import Interactions
from hedgerow.data.shop.customers import Customers, Tastes, describe, make_customers
from hedgerow.data.shop.events import KINDS, Events, record
from hedgerow.data.shop.journeys import travel
from hedgerow.data.shop.products import SMALLEST, Products, features, make_products
from hedgerow.errors import ConfigError

YEAR_START = 1_735_689_600
"""The first second of 2025, in universal time."""

_MOST_PRODUCTS = 100_000
_MEMORY = 128_000_000
_MOST_AT_ONCE = 50_000
_BOUGHT_SHARE = 0.81


@dataclass(frozen=True)
class Shop:
    """A shop that never was: its products, its customers and what they did in the year 2025.

    Customers have tastes that drift, budgets, and a place among their age band, household and
    region. They visit in sessions, follow a purchase with what goes with it, read series in
    order, buy consumables again, keep to the season and meet new products as they arrive. What
    they buy next therefore depends on what they bought last: models of order find much in it,
    models of sets less, and the most popular products say little.

    A customer's year depends on ``products``, ``seed`` and ``mean_purchases`` only: a larger
    shop has the same first customers.

    Parameters
    ----------
    customers
        How many customers, 1 or more.
    products
        How many products, from 48 to 100,000.
    seed
        Which shop, 0 or more.
    mean_purchases
        About how many products a customer buys in the year on average, from 2 to 100; most buy
        fewer, and some several times as many.
    """

    customers: int = 5_000
    products: int = 800
    seed: int = 0
    mean_purchases: float = 18.0

    def __post_init__(self) -> None:
        if self.customers < 1:
            raise ConfigError(f"A shop needs customers: give 1 or more, not {self.customers}.")
        if not SMALLEST <= self.products <= _MOST_PRODUCTS:
            raise ConfigError(
                f"A shop has from {SMALLEST} to {_MOST_PRODUCTS:,} products, not {self.products}."
            )
        if not 0 <= self.seed < 2**63:
            raise ConfigError(f"The seed must be 0 or more and below 2**63, not {self.seed}.")
        if not 2 <= self.mean_purchases <= 100:
            raise ConfigError(
                f"The mean number of purchases must be from 2 to 100, not {self.mean_purchases}."
            )

    def catalog(self) -> Catalog:
        """Return the products: title, category, subcategory, style, price, season, introduced."""
        return Catalog(ids=self._item_ids, features=features(self._products))

    def interactions(self, kinds: Collection[str] = ("purchase",)) -> Interactions:
        """Return the customers' histories, one interaction per product and visit.

        Parameters
        ----------
        kinds
            Which of "view", "basket" and "purchase" count; where a product has several in one
            visit, the furthest is kept.

        Returns
        -------
        Interactions
            With values (the price paid, 0 for what was not bought), attributes (age_band, region,
            household) and catalog features. Customers without any such event are left out.

        Raises
        ------
        ConfigError
            ``kinds`` is empty or names another kind.
        """
        if not kinds or not set(kinds) <= set(KINDS):
            raise ConfigError(f"The kinds of event are {', '.join(KINDS)}; name one or more.")
        lengths, items, clocks, values, people, numbers = [], [], [], [], [], []
        for customers, events in self._chunks(0, self.customers, kinds):
            kept = events.furthest() if len(kinds) > 1 else events
            counts = np.bincount(kept.customer, minlength=len(customers))
            lengths.append(counts[counts > 0])
            items.append(kept.item.astype(np.int32))
            clocks.append(kept.clock + YEAR_START)
            values.append(kept.value)
            numbers.append(customers.numbers[counts > 0])
            people.append(describe(customers).filter(counts > 0))
        users = _ids("c", np.concatenate(numbers), 7, "user_id")
        block = Block(
            indptr=np.concatenate([[0], np.cumsum(np.concatenate(lengths))]),
            items=np.concatenate(items),
            n_items=self.products,
            keys=keys_of(users),
            timestamps=np.concatenate(clocks),
        )
        return Interactions(
            users=users,
            catalog=self.catalog(),
            block=block,
            values=np.concatenate(values),
            attributes=pl.concat(people),
        )

    def events(self, start: int = 0, stop: int | None = None) -> pl.DataFrame:
        """Return everything that customers did, by customer and time.

        Parameters
        ----------
        start, stop
            Only the customers of these numbers, from ``start`` up to before ``stop``: a large
            shop's events (about 80 per customer) are best taken in parts.

        Returns
        -------
        DataFrame
            user_id, item_id, timestamp (seconds since 1970), event (view, basket or purchase),
            quantity (0 for views), value (the price paid, 0 unless bought) and session (the
            number of the visit within the customer).

        Raises
        ------
        ConfigError
            There are no customers of these numbers.
        """
        stop = self.customers if stop is None else stop
        if not 0 <= start < stop <= self.customers:
            raise ConfigError(
                f"Customers have the numbers from 0 to {self.customers - 1}; {start} up to before "
                f"{stop} are not among them."
            )
        chunks = self._chunks(start, stop, KINDS)
        return pl.concat(_frame(people, events, self._item_ids) for people, events in chunks)

    @cached_property
    def _products(self) -> Products:
        return make_products(self.products, self.seed)

    @cached_property
    def _item_ids(self) -> pl.Series:
        return _ids("p", np.arange(self.products), 6, "item_id")

    def _chunks(
        self, start: int, stop: int, kinds: Collection[str]
    ) -> Iterator[tuple[Customers, Events]]:
        """Yield customers and their events, so many at a time that memory stays bounded."""
        products = self._products
        tastes = Tastes.of(int(products.department.max()) + 1, self.seed)
        size = min(_MOST_AT_ONCE, max(1, _MEMORY // self.products))
        for first in range(start, stop, size):
            numbers = np.arange(first, min(first + size, stop))
            customers = make_customers(
                numbers, self.seed, tastes, self.mean_purchases / _BOUGHT_SHARE
            )
            journeys = travel(customers, products, tastes, self.seed)
            yield customers, record(customers, journeys, products, self.seed, kinds)


def _ids(prefix: str, numbers: NDArray[np.int64], digits: int, name: str) -> pl.Series:
    texts = pl.Series(name, numbers).cast(pl.String).str.zfill(digits)
    return (prefix + texts).alias(name)


def _frame(customers: Customers, events: Events, item_ids: pl.Series) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "user_id": _ids("c", customers.numbers[events.customer], 7, "user_id"),
            "item_id": item_ids[events.item],
            "timestamp": events.clock + YEAR_START,
            "event": pl.Series(np.array(KINDS)[events.kind], dtype=pl.Enum(KINDS)),
            "quantity": events.quantity.astype(np.int32),
            "value": events.value,
            "session": events.visit.astype(np.int32),
        }
    )
