"""The console's routes.

Pages are imported when the first of them is asked for: a coordinator that nobody looks at does not
hold their templates.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response

from hedgerow.server.console.pages import PAGES, PREFIX, Page


def mount(app: FastAPI) -> None:
    """Add the console to the coordinator's application."""
    for page in PAGES:
        app.add_route(PREFIX + page.path, _endpoint(page), methods=[page.method])


def _endpoint(page: Page) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        from hedgerow.server.console.answering import answer

        return await answer(page, request)

    endpoint.permission = page.permission  # type: ignore[attr-defined]
    return endpoint
