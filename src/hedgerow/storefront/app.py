"""The application: the shop's routes behind strict headers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import PurePath
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hedgerow import look
from hedgerow.storefront import pages, sdk
from hedgerow.storefront.caching import revalidated
from hedgerow.storefront.goods import Goods
from hedgerow.storefront.learning import Learning
from hedgerow.storefront.pictures import picture
from hedgerow.storefront.rendering import page

HOSTS = ["127.0.0.1", "localhost"]
"""Under which the shop is reached: a demonstration, on this computer only."""

TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def create(goods: Goods, learning: Learning) -> Starlette:
    """Return the shop's application.

    Parameters
    ----------
    goods
        What it sells.
    learning
        Where its model comes from.
    """
    app = Starlette(
        routes=[
            Route("/", pages.home),
            Route("/categories/{slug}", pages.category),
            Route("/products/{id}", pages.product),
            Route("/search", pages.search),
            Route("/basket", pages.basket),
            Route("/basket", pages.change_basket, methods=["POST"]),
            Route("/checkout", pages.check_out, methods=["POST"]),
            Route("/thanks", pages.thanks),
            Route("/privacy", pages.privacy),
            Route("/catalog.json", sdk.catalog),
            Route("/pictures/{id}.svg", _picture),
            Route("/static/{name}", _static),
            Route("/hedgerow/model", sdk.model),
            Route("/hedgerow/token", sdk.token, methods=["POST"]),
            Route("/hedgerow/settings.json", sdk.settings),
            Route("/hedgerow/live.json", sdk.live),
            Route("/hedgerow/{name}", _sdk),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False),
            Middleware(Guarded, policy=_policy(str(learning.settings["coordinator"]))),
            Middleware(GZipMiddleware, minimum_size=1000),
        ],
        exception_handlers={HTTPException: _refused},
    )
    app.state.goods, app.state.learning = goods, learning
    return app


class Guarded:
    """Sends strict headers with everything, and refuses forms of other sites.

    Parameters
    ----------
    app
        What answers.
    policy
        What pages may load, and whom they may call.
    """

    def __init__(self, app: ASGIApp, policy: str) -> None:
        self._app = app
        self._headers = {
            "content-security-policy": policy,
            "x-content-type-options": "nosniff",
            "referrer-policy": "same-origin",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        answer = self._app
        if scope["type"] == "http" and _is_foreign(Request(scope)):
            answer = Response("Send forms from the shop's own pages.", 403)
        await answer(scope, receive, guarded)


def _policy(coordinator: str) -> str:
    parts = urlsplit(coordinator)
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src 'self' {parts.scheme}://{parts.netloc}; worker-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def _is_foreign(request: Request) -> bool:
    """Return whether another site's page sends something here."""
    origin = request.headers.get("origin")
    return request.method == "POST" and origin not in {None, f"http://{request.url.netloc}"}


def _picture(request: Request) -> Response:
    goods: Goods = request.app.state.goods
    found = goods.by_id.get(request.path_params["id"])
    if found is None:
        raise HTTPException(404, "There is no such picture.")
    headers = {"cache-control": "max-age=86400"}
    return Response(picture(found), media_type="image/svg+xml", headers=headers)


def _static(request: Request) -> Response:
    return _file(request, _files("static") | {"tokens.css": look.asset("tokens.css").encode()})


def _sdk(request: Request) -> Response:
    return _file(request, _files("static/hedgerow"))


def _file(request: Request, files: Mapping[str, bytes]) -> Response:
    name = request.path_params["name"]
    body = files.get(name)
    if body is None:
        raise HTTPException(404, "There is no such file.")
    return revalidated(request, body, TYPES[PurePath(name).suffix])


@cache
def _files(folder: str) -> dict[str, bytes]:
    """Return the files of a folder that are served, by name."""
    return {
        file.name: file.read_bytes()
        for file in resources.files(__package__ or "").joinpath(folder).iterdir()
        if PurePath(file.name).suffix in TYPES
    }


async def _refused(request: Request, error: Exception) -> Response:
    """Return the page of an error, which says where to go on."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    sentence = error.detail if isinstance(error, HTTPException) else "Something went wrong."
    headers = error.headers if isinstance(error, HTTPException) else None
    found = page(request, "error.html", title="Not here", status=status, sentence=sentence)
    found.headers.update(headers or {})
    return found
