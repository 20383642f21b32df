"""Templates, and what every page has."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from hedgerow.storefront.basket import Basket
from hedgerow.storefront.goods import Goods, slug_of

NAME = "Wayside"
"""What the shop is called."""


def page(
    request: Request, template: str, *, title: str, status: int = 200, **values: Any
) -> HTMLResponse:
    """Return a page.

    Parameters
    ----------
    request
        Who asks: the basket and the words searched for are shown on every page.
    template
        Its name.
    title
        Of the page.
    status
        Of HTTP.
    values
        What else the template takes.
    """
    goods: Goods = request.app.state.goods
    known = {"categories": goods.categories.values(), "path": request.url.path, "asked": ""}
    values.setdefault("basket", Basket.of(request, goods))
    body = _environment().get_template(template).render(title=title, **known | values)
    return HTMLResponse(body, status)


def pounds(amount: float) -> str:
    """Return a price."""
    return f"£{amount:,.2f}"


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader(__package__ or "", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"pounds": pounds, "slug": slug_of}
    found.globals["shop"] = NAME
    return found
