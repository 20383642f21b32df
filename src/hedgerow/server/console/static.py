"""Styles, scripts and pictures, under names that change with what they hold."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from pathlib import PurePath

from fastapi import Response
from starlette.exceptions import HTTPException

from hedgerow import look
from hedgerow.server.console.routes import PREFIX
from hedgerow.server.console.view import View

OWN = (
    *("style.css", "charts.js", "console.js", "hedge.svg"),
    *("htmx.min.js", "hx-sse.min.js", "htmx.LICENSE"),
)
SHARED = ("tokens.css", "uPlot.iife.min.js", "uPlot.min.css", "uPlot.LICENSE")

TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".LICENSE": "text/plain",
}

FOREVER = "public, max-age=31536000, immutable"


def serve(view: View) -> Response:
    """Return a file; it never changes under its name, so that browsers ask for it once."""
    name = _names().get(view.name)
    if name is None:
        raise HTTPException(404, "There is no such file")
    headers = {"cache-control": FOREVER}
    return Response(_content(name), media_type=TYPES[PurePath(name).suffix], headers=headers)


def address(name: str) -> str:
    """Return where a file is served."""
    return f"{PREFIX}/static/{_hashed(name)}"


@cache
def _names() -> dict[str, str]:
    return {_hashed(name): name for name in (*OWN, *SHARED)}


@cache
def _hashed(name: str) -> str:
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(_content(name)).hexdigest()[:12]}.{suffix}"


def _content(name: str) -> bytes:
    if name in SHARED:
        return look.asset(name).encode()
    return resources.files(__package__ or "").joinpath("static", name).read_bytes()
