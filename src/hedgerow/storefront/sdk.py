"""What the browser SDK is given by the shop's server: its files, the model, settings and tokens."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from hedgerow.errors import HedgerowError
from hedgerow.storefront.caching import revalidated
from hedgerow.storefront.colours import palette
from hedgerow.storefront.goods import Goods
from hedgerow.storefront.learning import Learning
from hedgerow.storefront.pictures import parts_of


def model(request: Request) -> Response:
    """Return the live model's file, or say that the browser has it already."""
    live = _learning(request).live()
    return revalidated(request, live.file, "application/octet-stream", live.hash)


async def token(request: Request) -> Response:
    """Return a single-use token with which the visitor's browser can enrol.

    A shop with accounts gives them to its customers only, and few to each: whoever gets many can
    pretend to be many clients.
    """
    try:
        made = await run_in_threadpool(_learning(request).token)
    except HedgerowError:
        return JSONResponse({"error": "The federation gives no token now; try later."}, 503)
    return JSONResponse({"token": made}, headers={"cache-control": "no-store"})


def settings(request: Request) -> Response:
    """Return what the SDK has to know: the federation, its keys, and what is promised."""
    found = {
        **_learning(request).settings,
        "model": "/hedgerow/model",
        "worker": "/hedgerow/hedgerow-worker.js",
    }
    return JSONResponse(found, headers={"cache-control": "no-store"})


def live(request: Request) -> Response:
    """Say which model recommends now."""
    learning = _learning(request)
    now = learning.live()
    found = {"model": now.hash, "run": now.run, "runs": learning.runs, "steps": now.steps}
    return JSONResponse(found, headers={"cache-control": "no-store"})


def catalog(request: Request) -> Response:
    """Return what is shown of every product.

    All of them at once: a page that asked for the recommended ones would tell what they are.
    """
    goods: Goods = request.app.state.goods
    found = {
        one.id: {
            "title": one.title,
            "category": one.category,
            "price": one.price,
            "parts": parts_of(one),
            "colours": palette(one.id, one.title, one.style),
        }
        for one in goods.products
    }
    return JSONResponse(found, headers={"cache-control": "max-age=3600"})


def _learning(request: Request) -> Learning:
    learning: Learning = request.app.state.learning
    return learning
