"""The goods: products as pages show them, on shelves, and found by words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from hedgerow.data.catalog import Catalog
from hedgerow.errors import DataError

COLUMNS = ("title", "category", "subcategory", "style", "price", "season", "introduced")

_STYLES = {
    "classic": "Made the way it always was, and none the worse for it.",
    "modern": "Clean lines, nothing too much, and easy to live with.",
    "rustic": "A little rough at the edges, in the way good things are.",
    "colourful": "Cheerful on the greyest day of the year.",
}
_SEASONS = {
    "spring": "At its best in spring.",
    "summer": "At its best in summer.",
    "autumn": "At its best in autumn.",
    "winter": "At its best in winter.",
    "all year": "Good all year round.",
}


@dataclass(frozen=True)
class Product:
    """One product.

    Parameters
    ----------
    id, title, category, kind, style, season
        From the catalog; ``kind`` is the subcategory.
    price
        In pounds.
    introduced
        The day of the year from which it is on sale, 0 from the start.
    """

    id: str
    title: str
    category: str
    kind: str
    style: str
    season: str
    price: float
    introduced: int

    @property
    def words(self) -> str:
        """A line about it."""
        return f"{_STYLES.get(self.style, '')} {_SEASONS.get(self.season, '')}".strip()


@dataclass(frozen=True)
class Category:
    """Products that stand together.

    Parameters
    ----------
    name, slug
        For people, and in addresses.
    kinds
        Names of its subcategories.
    products
        All of them.
    """

    name: str
    slug: str
    kinds: tuple[str, ...]
    products: tuple[Product, ...]


@dataclass(frozen=True)
class Goods:
    """All products, in the order of the catalog."""

    products: tuple[Product, ...]

    @classmethod
    def of(cls, catalog: Catalog) -> Goods:
        """Take the products from a catalog such as the synthetic shop's.

        Raises
        ------
        DataError
            The catalog lacks a feature that pages show.
        """
        missing = [name for name in COLUMNS if name not in catalog.features.columns]
        if missing:
            raise DataError(f"The storefront shows features that are missing: {missing}.")
        rows = catalog.features.select(COLUMNS).iter_rows()
        return cls(
            tuple(
                Product(item, title, category, kind, style, season, price, introduced)
                for item, (title, category, kind, style, price, season, introduced) in zip(
                    catalog.ids, rows, strict=True
                )
            )
        )

    @cached_property
    def by_id(self) -> Mapping[str, Product]:
        """Products by id."""
        return {product.id: product for product in self.products}

    @cached_property
    def categories(self) -> Mapping[str, Category]:
        """Categories by slug, in order of the alphabet."""
        together: dict[str, list[Product]] = {}
        for product in self.products:
            together.setdefault(product.category, []).append(product)
        return {
            slug_of(name): Category(name, slug_of(name), _kinds(found), tuple(found))
            for name, found in sorted(together.items())
        }

    def category_of(self, product: Product) -> Category:
        """Return where a product stands."""
        return self.categories[slug_of(product.category)]

    def newest(self, count: int) -> list[Product]:
        """Return what came last, the newest first."""
        return sorted(self.products, key=lambda product: -product.introduced)[:count]

    def known(self, ids: Iterable[str]) -> list[Product]:
        """Return the products of these ids, without ids that nothing has."""
        return [self.by_id[name] for name in ids if name in self.by_id]

    def search(self, text: str) -> list[Product]:
        """Return products that have all words of a text, those with them in the title first."""
        words = re.findall(r"\w+", text.lower())[:8]
        if not words:
            return []
        ranked = [(_rank(product, words), product) for product in self.products]
        found = [(rank, product) for rank, product in ranked if rank is not None]
        return [product for _, product in sorted(found, key=lambda one: one[0])]


def slug_of(name: str) -> str:
    """Return a name as it stands in an address."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _kinds(products: Sequence[Product]) -> tuple[str, ...]:
    return tuple(sorted({product.kind for product in products}))


def _rank(product: Product, words: Sequence[str]) -> int | None:
    """Return how well a product fits, the less the better; None where a word is missing."""
    title = product.title.lower()
    shelf = f"{product.kind} {product.category} {product.style}".lower()
    places = [0 if word in title else 1 if word in shelf else None for word in words]
    return None if None in places else sum(place or 0 for place in places)
