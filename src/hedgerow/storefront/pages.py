"""The pages of the shop; they work without JavaScript, and the server keeps nothing of a visit."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from hedgerow.storefront.basket import Basket
from hedgerow.storefront.goods import Goods, Product
from hedgerow.storefront.learning import Learning
from hedgerow.storefront.rendering import page

SHELF, HERO = 10, 6
"""Products on a shelf of the home page, and in the picture above."""

FOUND = 60
"""Products that a search shows at most."""

LONGEST_FORM = 2_000
"""Bytes."""


def home(request: Request) -> Response:
    """Show some of everything."""
    goods, learning = _goods(request), _learning(request)
    popular = goods.known(learning.live().popular[:200])
    newest = goods.newest(SHELF)
    shelves = [
        (category, [one for one in popular if one.category == category.name][:SHELF])
        for category in goods.categories.values()
    ]
    faces = {category.slug: _face(category.products) for category in goods.categories.values()}
    return page(
        request,
        "home.html",
        title="Good things, quietly found",
        hero=_unlike(popular, HERO),
        popular=popular[:SHELF],
        newest=newest,
        shelves=[(category, found) for category, found in shelves if len(found) > 3],
        faces=faces,
    )


def category(request: Request) -> Response:
    """Show a category, or one kind of things in it."""
    found = _goods(request).categories.get(request.path_params["slug"])
    if found is None:
        raise HTTPException(404, "There is no such category.")
    kind = request.query_params.get("kind", "")
    products = [one for one in found.products if not kind or one.kind == kind]
    if not products:
        raise HTTPException(404, f"There are no such things in {found.name}.")
    rank = {item: place for place, item in enumerate(_learning(request).live().popular)}
    products.sort(key=lambda one: rank.get(one.id, len(rank)))
    return page(
        request,
        "category.html",
        title=kind or found.name,
        category=found,
        kind=kind,
        products=products,
    )


def product(request: Request) -> Response:
    """Show a product."""
    goods, found = _goods(request), _product(request, request.path_params["id"])
    near = [one for one in goods.category_of(found).products if one != found]
    near.sort(key=lambda one: (one.kind != found.kind, one.style != found.style))
    return page(
        request,
        "product.html",
        title=found.title,
        product=found,
        category=goods.category_of(found),
        near=near[:SHELF],
    )


def search(request: Request) -> Response:
    """Show what has all words of the query."""
    asked = request.query_params.get("q", "").strip()[:80]
    found = _goods(request).search(asked)
    shown = found[:FOUND]
    return page(request, "search.html", title="Search", asked=asked, found=shown, count=len(found))


def basket(request: Request) -> Response:
    """Show the basket."""
    return page(request, "basket.html", title="Your basket")


async def change_basket(request: Request) -> Response:
    """Put a product into the basket, or take it out; scripts are told how many pieces there are."""
    form = await _form(request)
    chosen, held = _product(request, form.get("item", "")), Basket.of(request, _goods(request))
    change = form.get("change", "1")
    if change not in {"1", "-1", "all"}:
        raise HTTPException(400, "The change of a basket is 1, -1 or all.")
    held = held.without(chosen) if change == "all" else held.changed(chosen, int(change))
    answer: Response
    if "application/json" in request.headers.get("accept", ""):
        answer = JSONResponse({"count": held.count})
    else:
        answer = RedirectResponse("/basket", 303)
    held.keep(answer)
    return answer


def check_out(_request: Request) -> Response:
    """Pretend to sell what is in the basket."""
    answer = RedirectResponse("/thanks", 303)
    Basket().keep(answer)
    return answer


def thanks(request: Request) -> Response:
    """Say that nothing was sold."""
    return page(request, "thanks.html", title="Thank you")


def privacy(request: Request) -> Response:
    """Show the page on which the visitor's browser says what it keeps and what it sent."""
    return page(request, "privacy.html", title="What this shop knows")


def _goods(request: Request) -> Goods:
    goods: Goods = request.app.state.goods
    return goods


def _learning(request: Request) -> Learning:
    learning: Learning = request.app.state.learning
    return learning


def _product(request: Request, name: str) -> Product:
    found = _goods(request).by_id.get(name)
    if found is None:
        raise HTTPException(404, "There is no such product.")
    return found


async def _form(request: Request) -> dict[str, str]:
    """Return what a form sent."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_FORM:
            raise HTTPException(413, "The form is too long.")
    try:
        found = parse_qs(body.decode("ascii"), max_num_fields=20)
    except ValueError as error:
        raise HTTPException(400, "The form cannot be read.") from error
    return {name: values[0] for name, values in found.items()}


def _unlike(products: list[Product], count: int) -> list[Product]:
    """Return the first products of as many categories as possible."""
    first = {one.category: one for one in reversed(products)}
    return list(reversed(first.values()))[:count]


def _face(products: tuple[Product, ...]) -> Product:
    """Return the product that stands for a category: a colourful one."""
    return next((one for one in products if one.style == "colourful"), products[0])
