"""Serving styles, scripts and pictures."""

from __future__ import annotations

from pathlib import PurePath

from fastapi import Response
from starlette.exceptions import HTTPException

from hedgerow.server.console.assets import content, names
from hedgerow.server.console.view import View

TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".LICENSE": "text/plain",
}

FOREVER = "public, max-age=31536000, immutable"


def serve(view: View) -> Response:
    """Return a file; it never changes under its name, so that browsers ask for it once."""
    name = names().get(view.name)
    if name is None:
        raise HTTPException(404, "There is no such file")
    headers = {"cache-control": FOREVER}
    return Response(content(name), media_type=TYPES[PurePath(name).suffix], headers=headers)
