"""The basket: what the visitor put into it, in one cookie that holds nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from hedgerow.storefront.goods import Goods, Product

COOKIE = "basket"

MOST_LINES, MOST_PIECES = 30, 9
"""Different products in a basket, and pieces of each."""

_LINE = re.compile(r"([a-z0-9-]{1,40})\.([1-9])")


@dataclass(frozen=True)
class Line:
    """So many pieces of a product."""

    product: Product
    pieces: int

    @property
    def price(self) -> float:
        """Of all pieces."""
        return self.product.price * self.pieces


@dataclass(frozen=True)
class Basket:
    """What is in it, in the order in which it was put in."""

    lines: tuple[Line, ...] = ()

    @classmethod
    def of(cls, request: Request, goods: Goods) -> Basket:
        """Read the visitor's basket; what makes no sense in the cookie is left out."""
        pieces: dict[str, int] = {}
        for text in request.cookies.get(COOKIE, "")[:4096].split("~"):
            found = _LINE.fullmatch(text)
            if found and found[1] in goods.by_id and len(pieces) < MOST_LINES:
                pieces[found[1]] = int(found[2])
        return cls(tuple(Line(goods.by_id[item], count) for item, count in pieces.items()))

    @property
    def count(self) -> int:
        """How many pieces there are."""
        return sum(line.pieces for line in self.lines)

    @property
    def total(self) -> float:
        """What all of it costs."""
        return sum(line.price for line in self.lines)

    def changed(self, product: Product, pieces: int) -> Basket:
        """Return the basket with so many more pieces of a product, or fewer."""
        counts = {line.product: line.pieces for line in self.lines}
        counts[product] = min(MOST_PIECES, counts.get(product, 0) + pieces)
        kept = [Line(one, count) for one, count in counts.items() if count > 0]
        return Basket(tuple(kept[:MOST_LINES]))

    def without(self, product: Product) -> Basket:
        """Return the basket with no piece of a product."""
        return Basket(tuple(line for line in self.lines if line.product != product))

    def keep(self, response: Response) -> None:
        """Have the browser keep the basket until it is closed; an empty one is dropped."""
        how: dict[str, Any] = {"httponly": True, "samesite": "lax"}
        if self.lines:
            text = "~".join(f"{line.product.id}.{line.pieces}" for line in self.lines)
            response.set_cookie(COOKIE, text, **how)
        else:
            response.delete_cookie(COOKIE, **how)
