"""From a request to a page: who asks, what a form says, and errors as pages, too."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request, Response
from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from hedgerow.errors import ConfigError, HedgerowError, ProtocolError
from hedgerow.server.console import login
from hedgerow.server.console.forms import problems
from hedgerow.server.console.pages import PREFIX, Page
from hedgerow.server.console.view import View
from hedgerow.server.routes.access import principal_of, site_of
from hedgerow.server.security.access import ANYONE, Permission

FORM = "application/x-www-form-urlencoded"

MOST_FIELDS = 100
"""Of a form."""

HEADERS: Mapping[str, str] = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
"""Sent with everything: nothing of another host is loaded, and no script that stands in a page."""


async def answer(page: Page, request: Request) -> Response:
    """Return what a route of the console answers."""
    view = View(site_of(request), ANYONE, request)
    try:
        if page.permission is not Permission.PUBLIC:
            view = replace(view, who=await run_in_threadpool(principal_of, request))
        request.state.role = view.who.role.value
        view.who.require(page.permission)
        if page.method == "POST":
            view = replace(view, form=await _form(request))
        found = await _found(page.place, view)
    except ValidationError as error:
        found = _explained(view, ConfigError(problems(error)))
    except (HedgerowError, HTTPException, IntegrityError) as error:
        found = _explained(view, error)
    for name, value in HEADERS.items():
        found.headers[name] = value
    found.headers.setdefault("cache-control", "no-store")
    return found


async def _found(place: str, view: View) -> Response:
    module, name = place.split(".")
    function = getattr(import_module(f"{__package__}.{module}"), name)
    if inspect.iscoroutinefunction(function):
        found: Response = await function(view)
        return found
    return await run_in_threadpool(function, view)


async def _form(request: Request) -> dict[str, str]:
    """Return what a form sent.

    Raises
    ------
    HTTPException
        It is no form.
    """
    body = await request.body()
    if body and not request.headers.get("content-type", "").startswith(FORM):
        raise HTTPException(415, f"Send forms as {FORM}")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError as error:
        raise HTTPException(400, "This is not a form") from error


def _explained(view: View, error: Exception) -> Response:
    """Return the page of an error, which says what the JSON interface would say."""
    handlers: Mapping[Any, Any] = view.request.app.exception_handlers
    kind = next(kind for kind in type(error).__mro__ if kind in handlers)
    told: Response = handlers[kind](view.request, error)
    sentence = json.loads(bytes(told.body))["detail"]
    if told.status_code == 401 and isinstance(error, ProtocolError):
        ended, following = error.code == "expired-token", _path(view.request)
        found = login.form(view, sentence if ended else "", status=401, following=following)
        # A login does not fit into the part of a page that was asked for.
        found.headers["hx-redirect"] = f"{PREFIX}/login"
        return found
    return view.page("error.html", status=told.status_code, sentence=sentence, title="Not done")


def _path(request: Request) -> str:
    """Return where to go after a login: the page that was asked for, where it can be shown."""
    if request.method != "GET":
        return f"{PREFIX}/"
    asked = f"?{request.url.query}" if request.url.query else ""
    return f"{request.url.path}{asked}"
